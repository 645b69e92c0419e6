"""Asset `activation.send_ledger`: the ledger as a view, read from the state store and never rebuilt."""

import dagster as dg

from activation.state.tables import expose_state
from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import Settings, Warehouse, open_state


def build_send_ledger(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["activation", "send_ledger"],
        description="One row per claim: every send that was released and every ghost of a held-out customer.",
        group_name="audiences",
        kinds={"sqlite", "parquet"},
        owners=["team:audiences"],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def send_ledger() -> dg.MaterializeResult[None]:
        open_state(settings).mirror()
        with warehouse.connect() as connection:
            expose_state(connection, settings.state)
            row = connection.execute("select count(*) from activation.send_ledger").fetchone()
        return dg.MaterializeResult(metadata={"dagster/row_count": row[0] if row else 0})

    return send_ledger
