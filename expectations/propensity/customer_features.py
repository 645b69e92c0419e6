"""Features must be possible values of a known person before a model reads them."""

from expectations.suite import BY_DAY, Suite, none_of, within

SUITE = Suite(
    table="marts.customer_features",
    window=BY_DAY,
    key=("as_of", "customer_id"),
    columns=("as_of", "customer_id"),
    needs=("marts.dim_customers",),
    expectations=(
        within("recency_days", 0, None),
        within("frequency", 0, None),
        within("*_days_ago", 0, None),
        within("*_rate", 0, 1),
        none_of(
            "features_belong_to_a_customer_of_the_day",
            """
            select features.as_of, features.customer_id
            from {batch} as features
            anti join marts.dim_customers as customers
                on features.as_of = customers.as_of and features.customer_id = customers.customer_id
            """,
        ),
    ),
)
