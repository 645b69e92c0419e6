"""What a refund must look like before it is booked on its day."""

from expectations.suite import BY_LANDING, Suite, never, unique

SUITE = Suite(
    table="intermediate.int_order_refunds__dated",
    window=BY_LANDING,
    key=("order_key", "landed_on", "refunded_on"),
    columns=(
        "order_key",
        "landed_on",
        "refunded_on",
        "refund_amount",
    ),
    expectations=(
        unique("order_key", "landed_on", "refunded_on"),
        never("refund_does_not_come_after_it_landed", "refunded_on >= landed_on + interval 2 day"),
        never("refund_names_its_amount", "refund_amount is null"),
    ),
)
