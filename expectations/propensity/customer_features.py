"""Features must be possible values of a known person before a model reads them."""

from itertools import pairwise

from expectations.suite import BY_DAY, Suite, never, none_of, within

SPANS = (7, 28, 90, 365)
COUNTED = (
    "order_days", "product_views", "carts", "checkouts", "emails_delivered", "human_opens", "human_clicks", "tickets_opened",
    "tickets_rated_badly",
)  # fmt: skip
LONGER_THAN = [(f"{name}_{short}", f"{name}_{long}") for name in COUNTED for short, long in pairwise(SPANS)]

SUITE = Suite(
    table="marts.customer_features",
    window=BY_DAY,
    key=("as_of", "customer_id"),
    columns=(
        "as_of", "customer_id", "has_ordered", "days_since_last_order", "days_since_first_order", "order_days_total",
        *(f"{name}_{span}" for name in COUNTED for span in SPANS),
    ),
    needs=("marts.dim_customers",),
    expectations=(
        *(within(f"order_days_{span}", 0, span) for span in SPANS),
        within("average_days_between_orders", 0, None),
        never("last_order_is_not_before_the_first", "days_since_last_order > days_since_first_order"),
        never("who_has_ordered_has_a_last_order", "has_ordered <> (days_since_last_order is not null)"),
        # A shorter window lies inside a longer one; if it counts more, one of them looked at other facts.
        never(
            "longer_windows_count_no_less",
            " or ".join(
                f"{short} > {long}" for short, long in [*LONGER_THAN, ("order_days_365", "order_days_total")]
            ),
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
