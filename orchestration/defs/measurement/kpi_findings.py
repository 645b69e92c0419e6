"""Asset `measurement.kpi_findings`: where the KPI chain of a day contradicts itself."""

from datetime import timedelta

import dagster as dg

from orchestration.defs.measurement.holdout_report import replace_days
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse

CHAIN = """
select flow, dimension, cohort, week_starts_on, is_settled, sent, delivered, human_opens, human_clicks, conversions, complaints
from measurement.kpi_chain where as_of = $day order by all
"""


def build_kpi_findings(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "kpi_findings"],
        description="One row per flow, cohort and contradiction of the newest settled week, and day: shares that moved as they should not.",
        group_name="measurement",
        kinds={"python"},
        owners=["team:measurement"],
        deps=[["measurement", "kpi_chain"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def kpi_findings(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ml.measurement.contradictions import find_contradictions, to_table

        start, end = window(context)
        days = [start + timedelta(days=day) for day in range((end - start).days + 1)]
        with connect_without_gap(context, warehouse, settings) as connection:
            chains = {day: connection.execute(CHAIN, {"day": day}).to_arrow_table() for day in days}
            found = [row for day in days for row in find_contradictions(chains[day], as_of=day)]
            replace_days(connection, "measurement.kpi_findings", to_table(found), start=start, end=end)
        newest = [row.sentence for row in found if row.as_of == end]
        return dg.MaterializeResult(metadata={"dagster/row_count": len(found), "findings": newest})

    return kpi_findings
