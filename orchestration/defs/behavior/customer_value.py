"""Asset `ml.customer_value`: when each customer will order again, and what a year of their orders is worth."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse

if TYPE_CHECKING:  # scipy takes half a second to import, and most runs of a graph only define this module
    from ml.behavior.value import ValueFit

CREATE = """
create schema if not exists ml;
create table if not exists ml.customer_value (
    as_of date, customer_id varchar, expected_orders_90_days double, expected_orders_365_days double,
    expected_order_amount double, predicted_clv double, expected_date_of_next_order date, average_days_between_orders double
);
"""

# In a fixed order, so that sums of floats, and with them the fit, are the same in every rebuild.
HISTORIES = """
select repeat_order_days, days_from_first_to_last_order, days_since_first_order, count(*) as customers
from intermediate.int_repeat_orders__summarised
where as_of = $day
group by repeat_order_days, days_from_first_to_last_order, days_since_first_order
order by repeat_order_days, days_from_first_to_last_order, days_since_first_order
"""

AMOUNTS = """
select repeat_order_days, average_repeat_day_amount, count(*) as customers
from intermediate.int_repeat_orders__summarised
where as_of = $day
group by repeat_order_days, average_repeat_day_amount
order by repeat_order_days, average_repeat_day_amount
"""

WRITE = """
insert into ml.customer_value
select
    repeats.as_of,
    repeats.customer_id,
    round(orders.expected_orders_90_days, 6),
    round(orders.expected_orders_365_days, 6),
    round(amounts.expected_order_amount, 6),
    round(orders.expected_orders_365_days * amounts.expected_order_amount, 6),
    repeats.as_of + cast(orders.days_until_next_order as integer),
    repeats.average_days_between_orders
from intermediate.int_repeat_orders__summarised as repeats
inner join predicted_orders as orders
    using (repeat_order_days, days_from_first_to_last_order, days_since_first_order)
inner join predicted_amounts as amounts
    on repeats.repeat_order_days = amounts.repeat_order_days
    and repeats.average_repeat_day_amount is not distinct from amounts.average_repeat_day_amount
where repeats.as_of = $day
order by repeats.customer_id
"""


def build_customer_value(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "customer_value"],
        description="One row per customer with an order day and day: expected orders, value of a year, day of the next order.",
        group_name="behavior",
        kinds={"python", "scipy"},
        owners=["team:behavior"],
        deps=[["intermediate", "int_repeat_orders__summarised"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def customer_value(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            fits = {day.isoformat(): value_day(connection, day) for day in days}
            rows = connection.execute(
                "select count(*) from ml.customer_value where as_of = $day", {"day": end}
            ).fetchone()
        refused = {day: fit.why_not for day, fit in fits.items() if fit.why_not}
        if refused:
            context.log.warning(
                "%d of %d days have no usable fit, last %s: %s", len(refused), len(days), *[*refused.items()][-1]
            )
        metadata = {**describe(fits[end.isoformat()]), "days": len(days), "refused": refused}
        return dg.MaterializeResult(metadata={**metadata, "dagster/row_count": rows[0] if rows else 0})

    return customer_value


def value_day(connection: duckdb.DuckDBPyConnection, day: date) -> "ValueFit":
    """Fit what was known when a day ended and replace the day's predictions; those of a fit that is refused are null.

    The fit sees distinct histories with their counts, never a customer.
    """
    from ml.behavior.value import fit_value, predict_amounts, predict_orders

    histories = connection.execute(HISTORIES, {"day": day}).to_arrow_table()
    amounts = connection.execute(AMOUNTS, {"day": day}).to_arrow_table()
    fit = fit_value(histories, amounts)
    connection.register("predicted_orders", predict_orders(fit.purchases.model, histories))
    connection.register("predicted_amounts", predict_amounts(fit.spend.model, amounts))
    connection.execute("begin")
    connection.execute("delete from ml.customer_value where as_of = $day", {"day": day})
    connection.execute(WRITE, {"day": day})
    connection.execute("commit")
    connection.unregister("predicted_orders")
    connection.unregister("predicted_amounts")
    return fit


def describe(fit: "ValueFit") -> dict[str, Any]:
    """Parameters, log-likelihoods and convergence of a day, as Dagster shows them; no parameters of a fit that is refused."""
    orders, spend = fit.purchases, fit.spend
    return {
        "status": fit.why_not or "fitted",
        "model_of_orders": orders.attempts[-1].name if orders.model else "none",
        "orders": dg.MetadataValue.json(
            {
                "parameters": asdict(orders.model) if orders.model else None,
                "attempts": [asdict(attempt) for attempt in orders.attempts],
            }
        ),
        "amounts": dg.MetadataValue.json(
            {
                "parameters": asdict(spend.model) if spend.model else None,
                "convergence": asdict(spend.convergence),
                "correlation_of_repeats_and_amount": spend.correlation,
            }
        ),
    }
