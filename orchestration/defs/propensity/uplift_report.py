"""Asset `ml.uplift_report`: whether ranking people by uplift earns more than mailing all of them, once a week."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
import duckdb

from orchestration.defs.measurement.holdout_report import planned_shares
from orchestration.defs.propensity.propensity_models import git_revision
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import DAGSTER_UI, Settings, Warehouse

if TYPE_CHECKING:  # scikit-learn takes seconds to import, and most runs of a graph only define this module
    from ml.uplift.report import UpliftReport

SEED = 20_250_101
SUNDAY = 7
OUTCOME = "conversion"
KEYS = frozenset({"as_of", "experiment", "arm", "planned_share", "entered_on", "is_contaminated"})

# Shares of recorded experiments landed with them; those of our own are the playbook's. One comparison per arm and its baseline.
COMPARISONS = """
with arms as (
    select
        examples.experiment, examples.arm, bool_or(examples.is_treated) as is_treated,
        coalesce(max(examples.planned_share), max(planned.share)) as share
    from marts.uplift_examples as examples
    left join planned on examples.experiment = planned.experiment and examples.arm = planned.arm
    where examples.as_of = $day
    group by examples.experiment, examples.arm
)
select treated.experiment, treated.arm, baseline.arm, treated.share / (treated.share + baseline.share)
from arms as treated
inner join arms as baseline on treated.experiment = baseline.experiment and treated.is_treated and not baseline.is_treated
where treated.share > 0 and baseline.share > 0
order by treated.experiment, treated.arm
"""

EXAMPLES = (
    "select * from marts.uplift_examples where as_of = $day and experiment = $experiment and arm in ($arm, $baseline)"
)

CREATE = """
create schema if not exists ml;
create table if not exists ml.uplift_report (
    as_of date, experiment varchar, arm varchar, measure varchar, learner varchar, part varchar, n_treated bigint, n_held_out bigint,
    mean_treated double, mean_held_out double, estimate double, ci_low double, ci_high double, p_value double, finding varchar
);
"""


class Comparison(NamedTuple):
    """An arm, the arm that it is held against, and the planned share of the first among the two."""

    experiment: str
    arm: str
    baseline: str
    share: float


def build_uplift_report(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "uplift_report"],
        description="One row per Sunday, experiment, arm and number: verdict, uplift by tenth, Qini, value of policies, segments.",
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[["marts", "uplift_examples"], ["activation", "send_decisions"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def uplift_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        sundays = sundays_of(start, end)
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            reports = {day: report_day(connection, settings, day) for day in sundays}
        runs = [log_day(settings, day, found, run_id=context.run_id) for day, found in reports.items()]
        newest = reports[sundays[-1]] if sundays else {}
        return dg.MaterializeResult(
            metadata={"sundays": len(sundays), **describe(newest), **(runs[-1] if runs else {})}
        )

    return uplift_report


def sundays_of(start: date, end: date) -> Sequence[date]:
    """The days, both ends inclusive, on which the report is due: once a week, when the week has ended."""
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return [day for day in days if day.isoweekday() == SUNDAY]


def report_day(
    connection: duckdb.DuckDBPyConnection, settings: Settings, day: date
) -> dict[Comparison, "UpliftReport"]:
    """Replace the reports of one Sunday, and return them."""
    from ml.uplift.examples import make_examples
    from ml.uplift.report import report_uplift

    connection.register("planned", planned_shares(settings, day))
    comparisons = [Comparison(*row) for row in connection.execute(COMPARISONS, {"day": day}).fetchall()]
    connection.unregister("planned")
    reports = {}
    for one in comparisons:
        arms = {"day": day, "experiment": one.experiment, "arm": one.arm, "baseline": one.baseline}
        table = connection.execute(EXAMPLES, arms).to_arrow_table()
        reports[one] = report_uplift(make_examples(table, outcome=OUTCOME, share=one.share, keys=KEYS), seed=SEED)
    write_day(connection, reports, day)
    return reports


def log_day(
    settings: Settings, day: date, reports: Mapping[Comparison, "UpliftReport"], *, run_id: str
) -> dict[str, dg.MetadataValue[Any]]:
    """Log each comparison of a Sunday to MLflow; gives the links to its runs."""
    if not reports:
        return {}
    from ml.tracking import log_uplift

    marks = {
        "partition": day.isoformat(),
        "git_revision": git_revision(),
        "dagster_run_id": run_id,
        "dagster_run_url": f"{DAGSTER_UI}/runs/{run_id}",
    }
    links: dict[str, dg.MetadataValue[Any]] = {}
    for one, report in reports.items():
        url = log_uplift(
            report,
            tracking_uri=settings.tracking_uri,
            artifacts=settings.artifacts,
            tags={**marks, "experiment": one.experiment, "arm": one.arm, "baseline": one.baseline},
            ui_address=settings.mlflow_ui,
        )
        links[f"{one.experiment} {one.arm}: run"] = dg.MetadataValue.url(url)
    return links


def write_day(connection: duckdb.DuckDBPyConnection, reports: Mapping[Comparison, "UpliftReport"], day: date) -> None:
    """Replace the rows of one Sunday."""
    from ml.uplift.rows import to_rows, to_table

    connection.execute("begin")
    connection.execute("delete from ml.uplift_report where as_of = $day", {"day": day})
    for one, report in reports.items():
        connection.register("report", to_table(to_rows(report), as_of=day, experiment=one.experiment, arm=one.arm))
        connection.execute("insert into ml.uplift_report by name select * from report")
        connection.unregister("report")
    connection.execute("commit")


def describe(reports: Mapping[Comparison, "UpliftReport"]) -> dict[str, Any]:
    """Verdicts, segments to leave out and a picture of each comparison, as Dagster shows them."""
    found: dict[str, Any] = {}
    for one, report in reports.items():
        name = f"{one.experiment} {one.arm}"
        found[name] = report.reason
        if out := [*report.harmed, *report.below_the_rest]:
            found[f"{name}: leave out first"] = ", ".join(out)
        if report.learners:
            found[f"{name}: picture"] = dg.MetadataValue.md(_draw(report))
    return found


def _draw(report: "UpliftReport") -> str:
    from ml.uplift.figures import draw_report

    drawn = BytesIO()
    draw_report(report).savefig(drawn, format="png", dpi=80)
    return f"![uplift](data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()})"
