"""Membership must be of a known person and of its own day before a flow is triggered by it."""

from expectations.suite import BY_DAY, Suite, never, none_of

SUITE = Suite(
    table="marts.segment_membership",
    window=BY_DAY,
    key=("as_of", "customer_id", "segment"),
    columns=("as_of", "customer_id", "segment", "entered_on", "is_new", "held_by_stability"),
    needs=("marts.dim_customers",),
    expectations=(
        never("member_has_entered_by_the_day", "entered_on > as_of"),
        never("new_member_entered_today", "is_new and entered_on < as_of", severity="warning"),
        never("new_member_is_not_held", "is_new and held_by_stability"),
        none_of(
            "member_is_a_customer_of_the_day",
            """
            select members.as_of, members.customer_id, members.segment
            from {batch} as members
            anti join marts.dim_customers as customers
                on members.as_of = customers.as_of and members.customer_id = customers.customer_id
            """,
        ),
    ),
)
