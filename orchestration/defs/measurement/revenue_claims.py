"""Asset `measurement.revenue_claims`: what the emails earned in money, beside what they are credited with."""

from datetime import date, timedelta

import dagster as dg
import duckdb

from ml.measurement.claims import RevenueClaim, to_table
from orchestration.defs.measurement.holdout_report import declared_plans, read_day, replace_days
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

CURRENCY = "select max_by(currency, landed_on) from intermediate.int_orders__versioned where landed_on <= $day"


def build_revenue_claims(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "revenue_claims"],
        description="One row per experiment, arm, flow of entry and day: revenue that was earned, beside what emails are credited with.",
        group_name="measurement",
        kinds={"python", "tea-tasting"},
        owners=["team:measurement"],
        deps=[
            ["measurement", "experiment_cells"],
            ["measurement", "experiment_values"],
            ["measurement", "experiment_weeks"],
            ["activation", "send_decisions"],
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def revenue_claims(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        days = [start + timedelta(days=day) for day in range((end - start).days + 1)]
        with connect_without_gap(context, warehouse, settings) as connection:
            rows = [row for day in days for row in claim_day(connection, settings, day)]
            replace_days(connection, "measurement.revenue_claims", to_table(rows), start=start, end=end)
        told = {row.experiment: row.claim_text for row in rows if row.as_of == end and row.segment == "all"}
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rows), "claims": told})

    return revenue_claims


def claim_day(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> list[RevenueClaim]:
    """The claims of one day, by what the playbook of that day says a subscriber is worth."""
    from ml.measurement.claims import claim_revenue

    playbook = open_state(settings).playbook_in_force(day)
    if playbook is None:
        return []
    cells, values, _ = read_day(connection, settings, day)
    row = connection.execute(CURRENCY, {"day": day}).fetchone()
    return claim_revenue(
        cells,
        values,
        lost_subscriber_amount=playbook.policies.lost_subscriber.amount,
        currency=(row[0] if row else None) or "",
        plans=declared_plans(settings, day),
    )
