"""The KPI chain as funnels and courses, and who bounces, complains and leaves at which provider."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from reporting import formats
from reporting.definitions import spoken
from reporting.rooms import ChainWeek, Limit

STAGES = {
    "sent": ("Sent", "Emails handed to the email service."),
    "delivered": ("Delivered", "Accepted by the mailbox provider and not sent back."),
    "human_opens": ("Opened", "Opened by a person; machines that load images are not counted. A click needs no open."),
    "human_clicks": ("Clicked", "Clicked by a person; security scanners are not counted."),
    "landings": ("Landed", "The reader was on the site within an hour of the click, or the click has an order."),
    "conversions": ("Ordered", "Has an order within the playbook’s attribution window; an order is credited to the last click before it."),
}  # fmt: skip
HEALTH = {
    "bounces": ("Bounced", "sent", "Addresses that do not exist, of emails sent."),
    "complaints": ("Complained", "delivered", "Reported as spam, of emails delivered."),
    "unsubscribes": ("Unsubscribed", "delivered", "Left by the email, of emails delivered."),
}
RECENT = timedelta(days=35)
# Below so many, a share over its limit is one person's mood.
FEW = 5


@dataclass(frozen=True)
class Stage:
    """A bar of a funnel: `share` is of the emails sent, 0-1."""

    label: str
    definition: str
    count: int
    share: float


@dataclass(frozen=True)
class Funnel:
    """One flow in one week, and how its clicks and revenue went over the weeks.

    Attributes:
        flow: Its name, as spoken.
        week_starts_on: The newest week whose orders are all counted, else the newest.
        is_settled: Whether they are.
        stages: From sent to ordered.
        revenue: Credited to the week's emails.
        per_recipient: Revenue by delivered email.
        course: SVG points of the clicked share by week, in a box of 100 x 24; empty with fewer than two weeks.
        course_text: The same in words.
    """

    flow: str
    week_starts_on: date
    is_settled: bool
    stages: tuple[Stage, ...]
    revenue: float
    per_recipient: float | None
    course: str
    course_text: str


@dataclass(frozen=True)
class Rate:
    """A share of emails with its tone: `bad` beyond the limit that holds a cohort back, `warn` beyond the warning."""

    count: int
    share: float | None
    tone: str


@dataclass(frozen=True)
class CohortHealth:
    """What became of the last five weeks' emails to one cohort."""

    cohort: str
    sent: int
    delivered: Rate
    rates: tuple[Rate, ...]


def everyone(rows: Iterable[ChainWeek]) -> list[ChainWeek]:
    """Rows that are not split by cohort."""
    return [row for row in rows if row.dimension == "everyone"]


def funnels_of(rows: Iterable[ChainWeek]) -> list[Funnel]:
    """One funnel per flow, the one with most emails first."""
    by_flow: dict[str, list[ChainWeek]] = defaultdict(list)
    for row in sorted(everyone(rows), key=lambda row: row.week_starts_on):
        by_flow[row.flow].append(row)
    flows = sorted(by_flow, key=lambda flow: (-sum(row.sent for row in by_flow[flow]), flow))
    return [_funnel(flow, by_flow[flow]) for flow in flows]


def _funnel(flow: str, weeks: Sequence[ChainWeek]) -> Funnel:
    shown = next((week for week in reversed(weeks) if week.is_settled), weeks[-1])
    stages = tuple(
        Stage(label, definition, getattr(shown, name), getattr(shown, name) / shown.sent)
        for name, (label, definition) in STAGES.items()
    )
    shares = [week.human_clicks / week.delivered if week.delivered else 0.0 for week in weeks]
    words = ", ".join(
        f"{formats.percent(share)} in the week of {formats.day(week.week_starts_on)}"
        for week, share in zip(weeks, shares, strict=True)
    )
    return Funnel(
        flow=spoken(flow),
        week_starts_on=shown.week_starts_on,
        is_settled=shown.is_settled,
        stages=stages,
        revenue=shown.revenue,
        per_recipient=shown.revenue_per_recipient,
        course=spark_of(shares),
        course_text=f"Clicked, of delivered: {words}",
    )


def spark_of(shares: Sequence[float]) -> str:
    """SVG points of a course from left to right, in a box of 100 x 24 from zero up; empty with fewer than two."""
    if len(shares) < 2:
        return ""
    top = max(shares) or 1.0
    points = ((100 * at / (len(shares) - 1), 23 - 22 * share / top) for at, share in enumerate(shares))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def health_of(rows: Iterable[ChainWeek], dimension: str, limits: Iterable[Limit], *, as_of: date) -> list[CohortHealth]:
    """The cohorts of one dimension over all flows and the last five weeks, most emails first."""
    known = {limit.part: limit for limit in limits}
    by_cohort: dict[str, list[ChainWeek]] = defaultdict(list)
    for row in rows:
        if row.dimension == dimension and row.week_starts_on > as_of - RECENT:
            by_cohort[row.cohort].append(row)
    found = [_health(cohort, weeks, known) for cohort, weeks in by_cohort.items()]
    return sorted(found, key=lambda each: (-each.sent, each.cohort))


def _health(cohort: str, weeks: Sequence[ChainWeek], limits: dict[str, Limit]) -> CohortHealth:
    sums = {name: sum(getattr(week, name) for week in weeks) for name in ("sent", "delivered", *HEALTH)}
    rates = tuple(_rate(sums[name], sums[whole], limits.get(name)) for name, (_, whole, _definition) in HEALTH.items())
    return CohortHealth(spoken(cohort), sums["sent"], _rate(sums["delivered"], sums["sent"], None), rates)


def _rate(count: int, whole: int, limit: Limit | None) -> Rate:
    share = count / whole if whole else None
    if share is None or limit is None or count < FEW or share <= limit.warn:
        return Rate(count, share, "")
    return Rate(count, share, "bad" if limit.hold is not None and share > limit.hold else "warn")
