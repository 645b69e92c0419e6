"""Asset `measurement.report_site`: the page that a marketer opens."""

from datetime import UTC, date, datetime
from typing import Any, TypeVar

import dagster as dg
import duckdb

from orchestration.defs.identity.pictures import read_whom
from orchestration.defs.measurement.rooms import read_rooms
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state
from reporting.data import (
    AddressFault,
    Champion,
    Finding,
    Freshness,
    LiftRow,
    ModelDay,
    OutcomeCount,
    QuarantineCount,
    RevenueClaim,
    SiteData,
    SourceDay,
)
from reporting.site import build_site

Row = TypeVar("Row")

LIFT = "select * from measurement.holdout_report where as_of = $day or (as_of < $day and segment = 'all') order by all"
CLAIMS = "select * from measurement.revenue_claims where as_of = $day order by all"
OUTCOMES = """
select flow, step, outcome, count(*) as candidates from activation.send_decisions
where as_of = $day group by flow, step, outcome order by all
"""
FRESHNESS = "select * from marts.event_freshness where as_of = $day order by source, event"
SOURCE_DAYS = """
with weighed as (
    select source, as_of as day, status, sum(volume) as volume, sum(greatest(volume, coalesce(expected_volume, 0))) as weight
    from marts.event_freshness
    where as_of between $day - 27 and $day and source <> 'required'
    group by source, as_of, status
)
select source, day, max_by(status, (weight, status)) as status, cast(sum(volume) as bigint) as volume
from weighed group by source, day order by source, day
"""
QUARANTINE = "select source, rule, count(*) as rows from quarantine.rows where landed_on <= $day group by source, rule order by all"
ADDRESS_FAULTS = "select * from marts.address_faults where as_of = $day order by row_count desc, source, object, fault"
FINDINGS = """
select table_name, expectation, column_name, severity, is_met, unexpected_count, example_keys
from ops.gate_findings where as_of = $day order by table_name, is_met, severity, expectation, column_name
"""
MODELS = "select * from ml.model_health where as_of between $day - 27 and $day order by model_name, as_of"
SENDS = "select count(*) from activation.send_list where as_of = $day"
CURRENCY = "select max_by(currency, landed_on) from intermediate.int_orders__versioned where landed_on <= $day"


def build_report_site(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "report_site"],
        description="The report site as of the newest partition: verdicts, lift chart, waterfall, freshness, model.",
        group_name="measurement",
        kinds={"python", "html"},
        owners=["team:measurement"],
        deps=[
            ["measurement", "holdout_report"],
            ["measurement", "kpi_findings"],
            ["measurement", "risk_review"],
            ["measurement", "revenue_claims"],
            ["activation", "send_list"],
            ["marts", "segment_days"],
            ["marts", "event_freshness"],
            ["ml", "model_health"],
            ["marts", "address_faults"],
            ["quarantine", "rows"],
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def report_site(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        _, day = window(context)
        with warehouse.connect() as connection:
            data = read_site_data(connection, settings, day)
        page = build_site(data, settings.publish / "site")
        return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(page), "bytes": page.stat().st_size})

    return report_site


def read_site_data(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> SiteData:
    """Everything that the report says as of one day."""

    def rows(query: str, kind: type[Row]) -> tuple[Row, ...]:
        found = connection.execute(query, {"day": day})
        names = [column[0] for column in found.description or []]
        wanted = kind.__dataclass_fields__  # type: ignore[attr-defined]
        return tuple(
            kind(**{name: value for name, value in zip(names, row, strict=True) if name in wanted})
            for row in found.fetchall()
        )

    def value(query: str) -> Any:
        row = connection.execute(query, {"day": day}).fetchone()
        return row[0] if row else None

    return SiteData(
        as_of=day,
        built_at=datetime.now(UTC),
        lift=rows(LIFT, LiftRow),
        claims=rows(CLAIMS, RevenueClaim),
        outcomes=rows(OUTCOMES, OutcomeCount),
        send_list_rows=value(SENDS),
        freshness=rows(FRESHNESS, Freshness),
        source_days=rows(SOURCE_DAYS, SourceDay),
        champion=read_champion(settings, day),
        models=rows(MODELS, ModelDay),
        quarantine=rows(QUARANTINE, QuarantineCount),
        address_faults=rows(ADDRESS_FAULTS, AddressFault),
        findings=rows(FINDINGS, Finding),
        whom=read_whom(connection, day),
        currency=value(CURRENCY) or "",
        rooms=read_rooms(rows, settings, day),
    )


def read_champion(settings: Settings, day: date) -> Champion | None:
    """The model in force on a day with its out-of-time AUC, from MLflow; None where a rule scored."""
    from ml.tracking import describe_version

    promotion = open_state(settings).promotion_in_force("churn_risk", day)
    if promotion is None:
        return None
    logged = describe_version("churn_risk", promotion.model_version, tracking_uri=settings.tracking_uri)
    return Champion(
        model_name="churn_risk",
        version=promotion.model_version,
        run_id=logged.run_id,
        trained_on=promotion.training_partition,
        auc=logged.metrics["auc"],
        rule_auc=logged.metrics["auc_rule"],
    )
