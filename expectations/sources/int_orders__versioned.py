"""What an order must look like before its money enters a label or a report."""

from expectations.suite import BY_LANDING, Suite, never, none_of

SUITE = Suite(
    table="intermediate.int_orders__versioned",
    window=BY_LANDING,
    key=("order_key", "landed_on"),
    columns=(
        "order_key",
        "landed_on",
        "profile_key",
        "ordered_at",
        "status",
        "currency",
        "gross_amount",
        "refund_amount",
        "net_amount",
    ),
    expectations=(
        never("net_is_never_above_gross", "gross_amount >= 0 and net_amount > gross_amount"),
        never("test_order_is_worth_nothing", "is_test and (gross_amount <> 0 or net_amount <> 0)"),
        never("cancelled_order_is_worth_nothing", "status = 'cancelled' and net_amount <> 0"),
        never("refund_is_not_negative", "gross_amount >= 0 and refund_amount < 0"),
        never(
            "net_is_gross_less_refunds",
            "status <> 'cancelled' and not is_test and net_amount <> gross_amount - coalesce(refund_amount, 0)",
        ),
        none_of(
            "all_amounts_are_in_one_currency_or_have_a_rate_into_holdfast_currency",
            "select {key} from {batch} where currency <> (select mode(currency) from intermediate.int_orders__versioned)",
        ),
        never(
            "taxes_and_shipping_are_within_the_charge",
            "gross_amount > 0 and tax_amount + shipping_amount > gross_amount",
            severity="warning",
        ),
        never("order_is_not_placed_after_it_landed", "ordered_at >= landed_on + interval 2 day", severity="warning"),
        never("currency_is_an_iso_code", "not regexp_full_match(currency, '[A-Z]{3}')", severity="warning"),
    ),
)
