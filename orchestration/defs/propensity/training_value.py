"""Asset `ml.training_value`: the orders that BG/NBD expected of each example on its cut-off, from what was known then."""

from datetime import date

import dagster as dg
import duckdb

from orchestration.defs.propensity.propensity_tasks import sunday_of
from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import Warehouse

CREATE = """
create schema if not exists ml;
create table if not exists ml.training_value (
    trained_on date not null, cutoff date not null, customer_id varchar not null, expected_orders_90_days double
);
"""

CUTOFFS = """
select distinct cutoff from intermediate.int_training_orders__summarised where trained_on = $day order by cutoff
"""

# In a fixed order, so that sums of floats, and with them the fit, are the same in every rebuild.
HISTORIES = """
select repeat_order_days, days_from_first_to_last_order, days_since_first_order, count(*) as customers
from intermediate.int_training_orders__summarised
where trained_on = $day and cutoff = $cutoff
group by repeat_order_days, days_from_first_to_last_order, days_since_first_order
order by repeat_order_days, days_from_first_to_last_order, days_since_first_order
"""

WRITE = """
insert into ml.training_value
select
    histories.trained_on, histories.cutoff, histories.customer_id, round(predicted.expected_orders_90_days, 6)
from intermediate.int_training_orders__summarised as histories
semi join marts.training_outcomes as examples
    on histories.trained_on = examples.trained_on
    and histories.cutoff = examples.cutoff
    and histories.customer_id = examples.customer_id
inner join predicted_orders as predicted
    using (repeat_order_days, days_from_first_to_last_order, days_since_first_order)
where histories.trained_on = $day and histories.cutoff = $cutoff
order by histories.customer_id
"""


def build_training_value(warehouse: Warehouse, weekly: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "training_value"],
        description="One row per training partition, cut-off and example with an order day: order days to expect of the next 90 days.",
        group_name="propensity",
        kinds={"python", "scipy"},
        owners=["team:propensity"],
        deps=[["intermediate", "int_training_orders__summarised"], ["marts", "training_outcomes"]],
        partitions_def=weekly,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def training_value(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        refused: dict[str, str] = {}
        with warehouse.connect() as connection:
            connection.execute(CREATE)
            for key in context.partition_keys:
                refused |= value_week(connection, sunday_of(key))
        if refused:
            context.log.warning("%d cut-offs have no usable fit: %s", len(refused), refused)
        return dg.MaterializeResult(metadata={"weeks": len(context.partition_keys), "refused": refused})

    return training_value


def value_week(connection: duckdb.DuckDBPyConnection, trained_on: date) -> dict[str, str]:
    """Fit each cut-off and replace the week's expectations; gives the cut-offs without a usable fit, whose expectations are null.

    The fit sees distinct histories of all buyers with their counts; only examples are written.
    """
    from ml.behavior.value import fit_orders, predict_orders

    cutoffs = [row[0] for row in connection.execute(CUTOFFS, {"day": trained_on}).fetchall()]
    connection.execute("delete from ml.training_value where trained_on = $day", {"day": trained_on})
    refused = {}
    for cutoff in cutoffs:
        values = {"day": trained_on, "cutoff": cutoff}
        histories = connection.execute(HISTORIES, values).to_arrow_table()
        fit = fit_orders(histories)
        connection.register("predicted_orders", predict_orders(fit.model, histories))
        connection.execute(WRITE, values)
        connection.unregister("predicted_orders")
        if fit.why_not:
            refused[str(cutoff)] = fit.why_not
    return refused
