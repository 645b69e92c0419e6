"""Asset `activation.reconciliation`: what was released of a day beside what the ESP's events say by now."""

from datetime import date

import dagster as dg

from activation.release.reconcile import reconcile
from activation.state.tables import create_tables, expose_state
from orchestration.deliveries import utc_now
from orchestration.resources import Settings, Warehouse, open_state


def build_reconciliation(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset; it is in no schedule, as it reads what is known now and not what was known on its day."""

    @dg.asset(
        key=["activation", "reconciliation"],
        description="One row per flow: emails that were released, by what the ESP's events say became of them.",
        group_name="audiences",
        kinds={"duckdb", "sqlite"},
        owners=["team:audiences"],
        deps=[["activation", "release"], ["intermediate", "int_email_events__unioned"]],
        partitions_def=daily,
        pool="warehouse",
    )
    def reconciliation(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        store = open_state(settings)
        with warehouse.connect() as connection:
            create_tables(connection)
            day = date.fromisoformat(context.partition_key)
            found = reconcile(connection, store, as_of=day, now=utc_now(), run_id=context.run_id)
            store.mirror()
            expose_state(connection, settings.state)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found.flows),
                "verdict": found.verdict(),
                "settled": found.settled,
                "table": dg.MetadataValue.md("\n".join(["```", *found.lines(), "```"])),
                "troubles": list(found.troubles()),
            }
        )

    return reconciliation
