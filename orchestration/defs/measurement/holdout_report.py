"""Asset `measurement.holdout_report`: what each arm earned against the people who were held back."""

from datetime import date, timedelta

import dagster as dg
import duckdb
import pyarrow as pa

from ml.measurement.plan import Plan
from ml.measurement.row import LiftRow, to_table
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

# Shares that nothing told when the arms were drawn are those of today's playbook.
CELLS = """
select cells.* replace (coalesce(cells.planned_share, planned.share) as planned_share)
from measurement.experiment_cells as cells
left join planned on cells.experiment = planned.experiment and cells.arm = planned.arm
where cells.as_of = $day
order by all
"""
VALUES = "select * from measurement.experiment_values where as_of = $day order by all"
WEEKS = "select * from measurement.experiment_weeks where as_of = $day order by all"
FEEDS = """
select as_of, source, feed_landed_on, is_missing, is_catching_up from marts.feed_health
where as_of = $day and object = 'orders' order by source
"""


def build_holdout_report(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "holdout_report"],
        description="One row per experiment, arm, segment, metric and day: lift with its interval and a verdict in words.",
        group_name="measurement",
        kinds={"python", "tea-tasting"},
        owners=["team:measurement"],
        deps=[
            ["measurement", "experiment_cells"],
            ["measurement", "experiment_values"],
            ["measurement", "experiment_weeks"],
            ["marts", "feed_health"],
            ["activation", "send_decisions"],
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def holdout_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        days = [start + timedelta(days=day) for day in range((end - start).days + 1)]
        with connect_without_gap(context, warehouse, settings) as connection:
            rows = [row for day in days for row in analyse_day(connection, settings, day)]
            replace_days(connection, "measurement.holdout_report", to_table(rows), start=start, end=end)
        newest = [row for row in rows if row.as_of == end and row.segment == "all"]
        verdicts = {f"{row.experiment} {row.metric}": row.verdict for row in newest}
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rows), "verdicts": verdicts})

    return holdout_report


def analyse_day(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> list[LiftRow]:
    """The report of one day, by what the playbook of that day declares."""
    from ml.measurement.faults import Feed
    from ml.measurement.lift import analyse_cells

    cells, values, weeks = read_day(connection, settings, day)
    feeds = [Feed(*row) for row in connection.execute(FEEDS, {"day": day}).fetchall()]
    return analyse_cells(cells, values, weeks=weeks, plans=declared_plans(settings, day), feeds=feeds)


def read_day(
    connection: duckdb.DuckDBPyConnection, settings: Settings, day: date
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Cells with their planned shares, values and weeks of one day."""
    connection.register("planned", planned_shares(settings, day))
    cells, values, weeks = (
        connection.execute(query, {"day": day}).to_arrow_table() for query in (CELLS, VALUES, WEEKS)
    )
    return cells, values, weeks


def declared_plans(settings: Settings, day: date) -> dict[str, Plan]:
    """What the playbook in force on a day declares of its experiments, by name."""
    playbook = open_state(settings).playbook_in_force(day)
    return {
        one.experiment: Plan(one.primary_metric, one.planned_days, one.review_days)
        for one in (playbook.experiments if playbook else ())
    }


def planned_shares(settings: Settings, day: date) -> pa.Table:
    """Planned share (0-1) of each arm of the playbook in force on a day: experiment, arm, share."""
    playbook = open_state(settings).playbook_in_force(day)
    experiments = playbook.experiments if playbook else ()
    rows = [
        {"experiment": one.experiment, "arm": arm.arm, "share": arm.share} for one in experiments for arm in one.arms
    ]
    schema = pa.schema([("experiment", pa.string()), ("arm", pa.string()), ("share", pa.float64())])
    return pa.Table.from_pylist(rows, schema=schema)


def replace_days(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, *, start: date, end: date) -> None:
    """Replace the partitions start..end (both inclusive) of a table."""
    connection.execute("create schema if not exists measurement")
    connection.register("report", rows)
    connection.execute(f"create table if not exists {table} as from report limit 0")
    connection.execute("begin")
    connection.execute(f"delete from {table} where as_of between $start and $end", {"start": start, "end": end})
    connection.execute(f"insert into {table} by name select * from report order by all")
    connection.execute("commit")
    connection.unregister("report")
