"""What a product must look like before a block may show it."""

from expectations.suite import BY_LANDING, Suite, never, unique, within

SUITE = Suite(
    table="intermediate.int_products__versioned",
    window=BY_LANDING,
    key=("product_key", "source", "landed_on"),
    columns=(
        "product_key",
        "source",
        "landed_on",
        "title",
        "category",
        "price",
        "currency",
        "stock",
        "is_active",
    ),
    expectations=(
        unique("product_key", "source", "landed_on"),
        within("price", 0, None),
        never("product_has_a_title", "coalesce(trim(title), '') = ''", severity="warning"),
        never("stock_is_not_negative", "stock < 0", severity="warning"),
    ),
)
