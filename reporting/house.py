"""What the templates of the rooms are handed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from reporting.chain import CohortHealth, Funnel, everyone, funnels_of, health_of
from reporting.rooms import BreakerRow, ChainFinding, ChainWeek, RiskRow, Rooms
from reporting.segments import SegmentLine, lines_of
from reporting.waterfall import Drop, drops_of

SEVERITIES = {
    "high": "Act today.",
    "medium": "Act this month.",
    "low": "Know it.",
    "none": "Checked, and in order.",
    "not_checked": "Nobody knows.",
}
RANKS = list(SEVERITIES)
# Of a circuit breaker, the worst first: what it means, and its tone.
BREAKERS = {
    "rolled_back": ("Every block takes its fallback until somebody resumes the cell.", "bad"),
    "hold": ("Nobody is mailed while the share is over its limit beyond chance.", "bad"),
    "warn": ("Over the limit that warns, beyond chance.", "warn"),
    "closed": ("In order.", ""),
}
DIMENSIONS = {"provider": "By mailbox provider", "engagement": "By last reaction to an email"}


@dataclass(frozen=True)
class House:
    """The figures of `Rooms`, grouped, ordered and placed.

    Attributes:
        data: As they were read, risks by severity.
        funnels: One per flow.
        weeks: Rows of the chain's table, the newest week first.
        week: The newest settled week; None without.
        orders: Emails of it with an order, over all flows.
        drops: The waterfall.
        candidates: Of the day.
        health: Dimension, its heading, and its cohorts.
        breakers: Circuit breakers that are not in order, the worst first.
        to_act: Findings of severity high or medium.
        next_end: When the first approval ends.
        segments: The largest first.
    """

    data: Rooms
    funnels: Sequence[Funnel]
    weeks: Sequence[ChainWeek]
    week: date | None
    orders: int | None
    drops: Sequence[Drop]
    candidates: int
    health: Sequence[tuple[str, str, Sequence[CohortHealth]]]
    breakers: Sequence[BreakerRow]
    to_act: Sequence[RiskRow | ChainFinding]
    next_end: date | None
    segments: Sequence[SegmentLine]


def house_of(rooms: Rooms, *, as_of: date) -> House:
    """Put the figures in order."""
    weeks = sorted(everyone(rooms.chain), key=lambda row: (-row.week_starts_on.toordinal(), row.flow))
    week = max((row.week_starts_on for row in weeks if row.is_settled), default=None)
    risks = tuple(sorted(rooms.risks, key=lambda row: (RANKS.index(row.severity), row.risk, row.subject)))
    reasons = tuple(sorted(rooms.reasons, key=lambda row: (row.flow, row.step, -row.candidates, row.outcome)))
    found: list[RiskRow | ChainFinding] = [
        *(row for row in risks if row.risk != "contradiction"),
        *rooms.contradictions,
    ]
    return House(
        data=replace(rooms, risks=risks, reasons=reasons),
        funnels=funnels_of(rooms.chain),
        weeks=weeks,
        week=week,
        orders=sum(row.conversions for row in weeks if row.week_starts_on == week) if week else None,
        drops=drops_of(rooms.reasons),
        candidates=sum(row.candidates for row in rooms.reasons),
        health=[
            (name, label, health_of(rooms.chain, name, rooms.limits, as_of=as_of)) for name, label in DIMENSIONS.items()
        ],
        breakers=sorted(
            (row for row in rooms.breakers if row.state != "closed"),
            key=lambda row: (list(BREAKERS).index(row.state), row.provider, row.engagement, row.metric),
        ),
        to_act=[row for row in found if row.severity in {"high", "medium"}],
        next_end=min((row.expires_on for row in rooms.approvals if row.expires_on and not row.fault), default=None),
        segments=lines_of(rooms.segments, as_of=as_of),
    )
