"""The monthly risk review: numbers that somebody must answer for, held against the limits that marketing set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple, get_type_hints

import pandas as pd
import pyarrow as pa
from scipy import stats

from ml.measurement.balance import SRM_ALARM

Name = Literal[
    "deliverability", "authentication", "contradiction", "revenue_concentration", "segment_instability", "drift", "approval",
    "holdout_health",
]  # fmt: skip
Severity = Literal["high", "medium", "low", "none", "not_checked"]

# One complaint in a small cohort is no finding: the share must be above its limit by more than chance gives once in a hundred.
ALPHA = 0.01
WEEKS = timedelta(days=35)
EVERYBODY = "all"


@dataclass(frozen=True)
class Risk:
    """A row of `measurement.risk_review`.

    Attributes:
        as_of: Last day of the month.
        risk: Which.
        subject: What it is about: a cohort, a domain, a flow, a segment, an experiment; `all` where nothing was found.
        severity: high: act today; medium: act this month; low: know it; none: checked and in order; not_checked: nobody knows.
        owner: Role that answers for it.
        value: The number; null where it is none.
        threshold: The limit that it passed, or stays within.
        sentence: The finding in words.
    """

    as_of: date
    risk: Name
    subject: str
    severity: Severity
    owner: str
    value: float | None
    threshold: float | None
    sentence: str


class Finding(NamedTuple):
    """What one look at a risk found."""

    subject: str
    severity: Severity
    value: float | None
    threshold: float | None
    sentence: str


class Budget(NamedTuple):
    """Limits of a share of the KPI chain, as parts of 1; null where nothing follows."""

    part: str
    whole: str
    warn: float
    hold: float | None
    roll_back: float | None


class Concentration(NamedTuple):
    """How the net revenue of the last 365 days spreads over those who bought."""

    buyers: int
    top_1_percent: float | None
    top_10_percent: float | None
    gini: float | None


class Members(NamedTuple):
    """Members of a segment on a day and seven days before; `before` is null where that day was not computed."""

    segment: str
    before: int | None
    now: int
    stayed: int


class Approval(NamedTuple):
    """How an item that needs an approval stands: role and end of its approval, and why it may not be used (null: it may)."""

    kind: str
    name: str
    role: str | None
    expires_on: date | None
    fault: str | None


class Holdout(NamedTuple):
    """An experiment's newest row over everyone."""

    experiment: str
    arm: str
    srm_p_value: float | None
    contamination: float
    leaked: int


def rows_of(risk: Name, findings: Sequence[Finding], *, as_of: date, owner: str, in_order: str) -> list[Risk]:
    """Rows of one risk; where nothing was found, one that says so: a check that was forgotten would say nothing."""
    found = findings or [Finding(EVERYBODY, "none", None, None, in_order)]
    return [
        Risk(as_of, risk, one.subject, one.severity, owner, one.value, one.threshold, one.sentence) for one in found
    ]


def review_deliverability(chain: pa.Table, budgets: Iterable[Budget], *, as_of: date) -> list[Finding]:
    """Complaints, bounces and unsubscribes of the last five weeks over all flows, by cohort.

    Args:
        chain: Rows of `measurement.kpi_chain` of the day.
        budgets: Limits by share.
        as_of: The day.
    """
    frame = chain.to_pandas()
    recent = frame[frame["week_starts_on"] > as_of - WEEKS]
    cohorts = recent.groupby(["dimension", "cohort"]).sum(numeric_only=True).reset_index()
    found = [_over_budget(row, budget) for _, row in cohorts.iterrows() for budget in budgets]
    return [one for one in found if one is not None]


def _over_budget(row: "pd.Series[float]", budget: Budget) -> Finding | None:
    part, whole = int(row[budget.part]), int(row[budget.whole])
    limits: list[tuple[Severity, float | None]] = [
        ("high", budget.roll_back),
        ("medium", budget.hold),
        ("low", budget.warn),
    ]
    for severity, limit in limits:
        if limit is not None and whole and stats.binom.sf(part - 1, whole, limit) < ALPHA:
            share = part / whole
            return Finding(
                str(row["cohort"]), severity, share, limit,
                f"{budget.part} are {share:.2%} of {whole:,} emails {budget.whole} to {row['cohort']}, over the limit of {limit:.2%}",
            )  # fmt: skip
    return None


def review_concentration(spread: Concentration, *, top_1_percent: float, top_10_percent: float) -> list[Finding]:
    """How much of a year's revenue hangs on few people."""
    looks: list[tuple[str, Severity, str, float | None, float]] = [
        ("top_1_percent", "medium", "top 1 %", spread.top_1_percent, top_1_percent),
        ("top_10_percent", "low", "top 10 %", spread.top_10_percent, top_10_percent),
    ]
    return [
        Finding(
            subject,
            severity,
            share,
            limit,
            f"the {words} of {spread.buyers:,} buyers made {share:.0%} of a year's revenue, over {limit:.0%} (Gini {spread.gini:.2f})",
        )
        for subject, severity, words, share, limit in looks
        if share is not None and share > limit
    ]


def review_segments(segments: Sequence[Members], *, moved: float) -> list[Finding]:
    """Segments of whose members of a week ago and today more than a share are not in both."""
    if any(one.before is None for one in segments) or not segments:
        return [
            Finding(
                EVERYBODY,
                "not_checked",
                None,
                moved,
                "not checked: the segments of seven days before were not computed",
            )
        ]
    found = []
    for one in segments:
        union = (one.before or 0) + one.now - one.stayed
        share = 1 - one.stayed / union if union else 0.0
        # Few members move by chance: a segment of five is no plan anyway.
        if union and stats.binom.sf(union - one.stayed - 1, union, moved) < ALPHA:
            words = f"{share:.0%} of the members of {one.segment} of this week and the last are not in both, over {moved:.0%}"
            found.append(Finding(one.segment, "low", share, moved, words))
    return found


FAULTS = {
    "not_approved": "has no approval",
    "changed_since_approval": "has changed since {role} approved it",
    "approval_expired": "is no longer approved: the word of {role} ended on {expires_on}",
}

CONSEQUENCES = {"flow": "it mails nobody", "prompt": "no language model is asked by it"}


def review_approvals(approvals: Iterable[Approval], *, as_of: date, days: int) -> list[Finding]:
    """What may not be used because its approval is missing, ended or of other content, and what will soon end."""
    found = []
    for one in approvals:
        subject = f"{one.kind}/{one.name}"
        left = (one.expires_on - as_of).days if one.expires_on else None
        if one.fault is not None:
            severity: Severity = "high" if one.kind == "flow" else "medium"
            so = CONSEQUENCES.get(one.kind, "blocks that ask for it take their fallback")
            why = FAULTS[one.fault].format(role=one.role, expires_on=one.expires_on)
            found.append(Finding(subject, severity, left, days, f"{subject} {why}; {so}"))
        elif left is not None and left <= days:
            words = f"the approval of {subject} by {one.role} ends on {one.expires_on}, in {left} days"
            found.append(Finding(subject, "medium", left, days, words))
    return found


def review_holdouts(holdouts: Iterable[Holdout], *, contamination: float) -> list[Finding]:
    """Whether the experiments can still prove something: their split, shared mailboxes, and held-out people who were mailed."""
    found = []
    for one in holdouts:
        name = f"{one.experiment} {one.arm}"
        if one.leaked:
            words = f"{one.leaked:,} emails were released to people whom {one.experiment} holds out"
            found.append(Finding(name, "high", one.leaked, 0, words))
        if one.srm_p_value is not None and one.srm_p_value < SRM_ALARM:
            words = f"the arms of {one.experiment} are not split as planned (p {one.srm_p_value:.1e}): its results are invalid"
            found.append(Finding(name, "high", one.srm_p_value, SRM_ALARM, words))
        if one.contamination > contamination:
            words = f"{one.contamination:.1%} of the people of {one.experiment} share a mailbox with another arm, over {contamination:.1%}"
            found.append(Finding(name, "medium", one.contamination, contamination, words))
    return found


TYPES: Mapping[object, pa.DataType] = {date: pa.date32(), float | None: pa.float64()}
SCHEMA = pa.schema([(name, TYPES.get(hint, pa.string())) for name, hint in get_type_hints(Risk).items()])


def to_table(rows: Sequence[Risk]) -> pa.Table:
    """Rows as a table of `measurement.risk_review`; typed also when there is none."""
    columns = {name: pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in SCHEMA.names}
    return pa.table(columns, SCHEMA)
