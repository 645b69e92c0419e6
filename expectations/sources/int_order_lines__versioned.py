"""What a line of an order must look like before taste and stock are read from it."""

from expectations.suite import BY_LANDING, Suite, never, unique, within

SUITE = Suite(
    table="intermediate.int_order_lines__versioned",
    window=BY_LANDING,
    key=("order_key", "line_number", "landed_on"),
    columns=(
        "order_key",
        "line_number",
        "source",
        "landed_on",
        "product_key",
        "category",
        "quantity",
        "unit_price",
    ),
    expectations=(
        unique("order_key", "line_number", "landed_on"),
        within("unit_price", 0, None),
        never("line_has_a_quantity", "quantity is null or quantity = 0", severity="warning"),
    ),
)
