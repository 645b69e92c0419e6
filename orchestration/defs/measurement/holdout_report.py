"""Asset `measurement.holdout_report`: what each arm earned against the people who were held back."""

import dagster as dg
import duckdb
import pyarrow as pa

from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Warehouse

CELLS = "select * from measurement.experiment_cells where as_of between $start and $end order by all"


def build_holdout_report(warehouse: Warehouse, daily: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "holdout_report"],
        description="One row per experiment, arm, segment, metric and day: lift with its interval and a verdict in words.",
        group_name="measurement",
        kinds={"python", "tea-tasting"},
        owners=["team:measurement"],
        deps=[["measurement", "experiment_cells"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def holdout_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ml.measurement.lift import analyse_cells, to_table

        start, end = window(context)
        with warehouse.connect() as connection:
            cells = connection.execute(CELLS, {"start": start, "end": end}).to_arrow_table()
            rows = analyse_cells(cells)
            replace_days(connection, to_table(rows), start=start, end=end)
        newest = [row for row in rows if row.as_of == end and row.segment == "all"]
        verdicts = {f"{row.experiment} {row.metric}": row.verdict for row in newest}
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rows), "verdicts": verdicts})

    return holdout_report


def replace_days(connection: duckdb.DuckDBPyConnection, report: pa.Table, *, start: object, end: object) -> None:
    """Replace the partitions start..end (both inclusive) of the report."""
    connection.execute("create schema if not exists measurement")
    connection.register("report", report)
    connection.execute("create table if not exists measurement.holdout_report as from report limit 0")
    connection.execute("begin")
    window_of_report = {"start": start, "end": end}
    connection.execute("delete from measurement.holdout_report where as_of between $start and $end", window_of_report)
    connection.execute("insert into measurement.holdout_report by name select * from report order by all")
    connection.execute("commit")
    connection.unregister("report")
