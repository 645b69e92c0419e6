"""Asset `ops.landing_files`: which files landed on the partition's days, and which of them cannot be read."""

import dagster as dg

from orchestration.landing import register_files
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse


def build_landing_files(settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Define the asset at which the graph begins."""

    @dg.asset(
        key=["ops", "landing_files"],
        description="One row per file of the landing zone, with what a probe found: shape, rows, readable or refused.",
        group_name="sources",
        kinds={"python", "duckdb"},
        owners=["team:sources"],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def landing_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        with warehouse.connect() as connection:
            summary = register_files(connection, settings.landing, start=start, end=end)
        return dg.MaterializeResult(metadata=summary._asdict())

    return landing_files
