"""Asset `measurement.risk_review`: once a month, what may cost us the right or the money to send, and who answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from activation.playbook.playbook import Playbook
from activation.playbook.policies import Policies
from orchestration.defs.measurement.holdout_report import replace_days
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, UserError, Warehouse, open_state

if TYPE_CHECKING:
    from ml.measurement.risks import Approval, Budget, Finding, Risk

TABLE = "measurement.risk_review"
# What the DNS says now is not what it said in another month; up to so many days after the month it is asked.
DNS_DAYS = 7

CREATE = f"""
create schema if not exists measurement;
create table if not exists {TABLE} (
    as_of date, risk varchar, subject varchar, severity varchar, owner varchar, value double, threshold double, sentence varchar
);
"""
CHAIN = "select * from measurement.kpi_chain where as_of = $day order by all"
CONTRADICTIONS = """
select flow || ' ' || cohort, severity, second_share, second_before_share, sentence
from measurement.kpi_findings where as_of = $day order by p_adjusted, flow, cohort
"""
CONCENTRATION = """
with ranked as (
    select
        net_amount_365 as amount,
        row_number() over (order by net_amount_365 desc, customer_id) as place,
        count(*) over () as buyers
    from marts.customer_features where as_of = $day and net_amount_365 > 0
)
select
    count(*),
    sum(amount) filter (where place <= ceil(0.01 * buyers)) / sum(amount),
    sum(amount) filter (where place <= ceil(0.1 * buyers)) / sum(amount),
    2 * sum((buyers - place + 1) * amount) / (max(buyers) * sum(amount)) - (max(buyers) + 1.0) / max(buyers)
from ranked
"""
SEGMENTS = """
with members as (
    select segment, customer_id, bool_or(as_of = $day) as is_now, bool_or(as_of = $day - 7) as was_before
    from marts.segment_membership where as_of in ($day, $day - 7)
    group by segment, customer_id
),
computed as (select count(*) > 0 as has_week_before from marts.segment_membership where as_of = $day - 7)
select
    segment,
    case when max(has_week_before) then count(*) filter (where was_before) end,
    count(*) filter (where is_now),
    count(*) filter (where is_now and was_before)
from members cross join computed
group by segment order by segment
"""
# People in whom two arms met are contamination, which has a row of its own.
HOLDOUTS = """
with reports as (
    select * from measurement.holdout_report where as_of = $day and is_primary
),
leaks as (
    select reports.experiment, reports.arm, count(*) as leaked
    from reports
    inner join measurement.experiment_assignments as assignments
        on reports.experiment = assignments.experiment and reports.baseline_arm = assignments.arm
    inner join activation.send_ledger as ledger
        on assignments.customer_id = ledger.customer_id and assignments.experiment = ledger.experiment
    where assignments.as_of = $day and not assignments.is_contaminated and ledger.kind = 'send'
        and ledger.status <> 'settled' and ledger.send_date > assignments.assigned_on and ledger.send_date <= $day
    group by reports.experiment, reports.arm
)
select reports.experiment, reports.arm, reports.srm_p_value, reports.contamination, coalesce(leaks.leaked, 0)
from reports left join leaks on reports.experiment = leaks.experiment and reports.arm = leaks.arm
order by reports.experiment, reports.arm
"""
# A task without a champion goes by its rule, which cannot drift.
DRIFT = """
select
    model_name, case state when 'degraded' then 'high' when 'stale' then 'medium' else 'low' end, score_psi,
    cast(null as double), reason
from ml.model_health
where as_of = $day and state <> 'fresh' and model_version is not null
order by model_name
"""
# What keeps people from being mailed on the day; the shares of the chain say what became of all emails, those of others included.
BREAKERS = """
select
    provider || ' ' || engagement, case state when 'rolled_back' then 'high' else 'medium' end, event_share,
    cast(null as double), sentence
from activation.breaker_states where as_of = $day and state in ('hold', 'rolled_back')
union all
select
    coalesce(block || ' ' || variant || ' of ', '') || flow, 'medium', highest_complaint_share, cast(null as double),
    'the ramp of ' || coalesce(block || ' ' || variant || ' of ', '') || flow || ' is held: nobody '
        || if(variant is null, 'new begins it', 'gets the variant')
from activation.ramp_states where as_of = $day and state = 'held'
order by all
"""
KEPT = f"select risk, subject, severity, value, threshold, sentence from {TABLE} where as_of = $day and risk = 'authentication'"


@dataclass(frozen=True)
class Review:
    """One day of a warehouse with the policies in force on it."""

    connection: duckdb.DuckDBPyConnection
    playbook: Playbook
    day: date
    today: date

    @property
    def policies(self) -> Policies:
        """What marketing decided."""
        return self.playbook.policies

    def rows(self, query: str) -> list[Any]:
        """Rows of a query about the day."""
        return self.connection.execute(query, {"day": self.day}).fetchall()


def build_risk_review(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["measurement", "risk_review"],
        description="One row per month's last day, risk and subject: severity, owner, number, limit and a sentence. Other days have none.",
        group_name="measurement",
        kinds={"python"},
        owners=["team:measurement"],
        deps=[
            ["measurement", "kpi_chain"],
            ["measurement", "kpi_findings"],
            ["measurement", "holdout_report"],
            ["marts", "customer_features"],
            ["marts", "segment_membership"],
            ["ml", "model_health"],
            ["activation", "send_decisions"],
            ["activation", "send_ledger"],
            ["activation", "breaker_states"],
            ["activation", "ramp_states"],
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def risk_review(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ml.measurement.risks import to_table

        start, end = window(context)
        today = datetime.now(UTC).date()
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            rows = [
                row
                for day in month_ends_of(start, end)
                for row in review_day(Review(connection, playbook_of_day(settings, day), day, today))
            ]
            replace_days(connection, TABLE, to_table(rows), start=start, end=end)
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rows), **counts(rows)})

    return risk_review


def month_ends_of(start: date, end: date) -> Sequence[date]:
    """The days, both ends inclusive, that end a month."""
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return [day for day in days if (day + timedelta(days=1)).day == 1]


def playbook_of_day(settings: Settings, day: date) -> Playbook:
    """The playbook in force.

    Raises:
        UserError: If none was.
    """
    playbook = open_state(settings).playbook_in_force(day)
    if playbook is None:
        message = f"no playbook was in force on {day}: run the day first"
        raise UserError(message)
    return playbook


def review_day(review: Review) -> "list[Risk]":
    """All risks of one day; drift of models joins here, as one more look."""
    from ml.measurement import risks

    limits = review.policies.risk_review
    looks: list[tuple[risks.Name, list[Finding], str]] = [
        (
            "deliverability",
            [
                *risks.review_deliverability(chain_of(review), budgets_of(review.policies), as_of=review.day),
                *(risks.Finding(*row) for row in review.rows(BREAKERS)),
            ],
            "no cohort complains, bounces or leaves beyond its limit, and no breaker is open",
        ),
        ("authentication", look_at_domains(review), "every sending domain is in order"),
        (
            "contradiction",
            [risks.Finding(*row) for row in review.rows(CONTRADICTIONS)],
            "no number of the KPI chain contradicts another",
        ),
        (
            "revenue_concentration",
            risks.review_concentration(
                risks.Concentration(*review.rows(CONCENTRATION)[0]),
                top_1_percent=limits.top_1_percent_share,
                top_10_percent=limits.top_10_percent_share,
            ),
            "revenue does not hang on few people",
        ),
        (
            "segment_instability",
            risks.review_segments([risks.Members(*row) for row in review.rows(SEGMENTS)], moved=limits.moved_share),
            "no segment changed more than its limit within a week",
        ),
        (
            "drift",
            [risks.Finding(*row) for row in review.rows(DRIFT)],
            "every champion predicts as it did when it was judged",
        ),
        (
            "approval",
            risks.review_approvals(approvals_of(review), as_of=review.day, days=limits.approval_days),
            f"everything is approved as it reads now, and no approval ends within {limits.approval_days} days",
        ),
        (
            "holdout_health",
            risks.review_holdouts(
                [risks.Holdout(*row) for row in review.rows(HOLDOUTS)], contamination=limits.contamination_share
            ),
            "every experiment is split as planned, and nobody who is held out was mailed",
        ),
    ]
    return [
        row
        for risk, found, in_order in looks
        for row in risks.rows_of(risk, found, as_of=review.day, owner=limits.owner_of(risk), in_order=in_order)
    ]


def chain_of(review: Review) -> Any:
    """The KPI chain of the day, as an Arrow table."""
    return review.connection.execute(CHAIN, {"day": review.day}).to_arrow_table()


def budgets_of(policies: Policies) -> "list[Budget]":
    """Limits of what providers and readers hold against us."""
    from ml.measurement.risks import Budget

    shares = (
        ("complaints", "delivered", policies.complaint_rate),
        ("bounces", "sent", policies.hard_bounce_rate),
        ("unsubscribes", "delivered", policies.unsubscribe_rate),
    )
    return [Budget(part, whole, limit.warn, limit.hold, limit.roll_back) for part, whole, limit in shares]


def approvals_of(review: Review) -> "list[Approval]":
    """How everything that needs an approval stands on the day."""
    from ml.measurement.risks import Approval

    found = []
    for item in review.playbook.items():
        approval, fault = review.playbook.standing(item, review.day)
        role, expires_on = (approval.role, approval.expires_on) if approval else (None, None)
        found.append(Approval(item.kind, item.name, role, expires_on, fault))
    return found


def look_at_domains(review: Review) -> "list[Finding]":
    """What the DNS says of each sending domain; of a day long past, what it said then, if somebody asked."""
    from activation.deliverability.authentication import Unanswered, check_authentication, dns_lookup
    from ml.measurement.risks import Finding

    def not_checked(why: str) -> list[Finding]:
        return [Finding("all", "not_checked", None, None, f"not checked: {why}")]

    if (review.today - review.day).days > DNS_DAYS:
        kept = [Finding(*row[1:]) for row in review.rows(KEPT)]
        return kept or not_checked(f"the DNS was not asked by {review.day + timedelta(days=DNS_DAYS)}")
    if not review.policies.sending_domains:
        return not_checked("sending_domains of playbook/policies.yml names none")
    try:
        lookup = dns_lookup()
    except Unanswered as problem:
        return not_checked(str(problem))
    return [
        Finding(domain.from_domain, one.severity, None, None, one.sentence)
        for domain in review.policies.sending_domains
        for one in check_authentication(domain, lookup)
    ]


def counts(rows: "Sequence[Risk]") -> dict[str, int]:
    """Findings by severity."""
    return {
        severity: sum(row.severity == severity for row in rows) for severity in sorted({row.severity for row in rows})
    }
