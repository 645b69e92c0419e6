"""Features must be possible values of a known person before a model reads them."""

from expectations.suite import BY_DAY, Suite, never, none_of, within

SUITE = Suite(
    table="marts.customer_features",
    window=BY_DAY,
    key=("as_of", "customer_id"),
    columns=(
        "as_of", "customer_id", "has_ordered", "days_since_last_order", "days_since_first_order", "order_days_30", "order_days_90",
        "order_days_365", "order_days_total", "product_views_7", "product_views_28", "product_views_90", "human_clicks_28",
        "human_clicks_90",
    ),
    needs=("marts.dim_customers",),
    expectations=(
        within("order_days_30", 0, 30),
        within("average_days_between_orders", 0, None),
        never("last_order_is_not_before_the_first", "days_since_last_order > days_since_first_order"),
        never("who_has_ordered_has_a_last_order", "has_ordered <> (days_since_last_order is not null)"),
        # A shorter window lies inside a longer one; if it counts more, one of them looked at other facts.
        never(
            "longer_windows_count_no_less",
            """
            order_days_30 > order_days_90 or order_days_90 > order_days_365 or order_days_365 > order_days_total
            or product_views_7 > product_views_28 or product_views_28 > product_views_90 or human_clicks_28 > human_clicks_90
            """,
        ),
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
)  # fmt: skip
