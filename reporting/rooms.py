"""What the rooms of the report beside the holdout are made of: plain values, read elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ChainWeek:
    """One row of `measurement.kpi_chain`: a flow, a cohort and a week, from the send to the revenue."""

    flow: str
    dimension: str
    cohort: str
    week_starts_on: date
    is_settled: bool
    sent: int
    delivered: int
    human_opens: int
    human_clicks: int
    landings: int
    conversions: int
    revenue: float
    revenue_per_recipient: float | None
    bounces: int
    complaints: int
    unsubscribes: int


@dataclass(frozen=True)
class ChainFinding:
    """A contradiction of the KPI chain, in words."""

    flow: str
    cohort: str
    severity: str
    sentence: str


@dataclass(frozen=True)
class ReasonCount:
    """Candidates of a flow and step that ended in an outcome for one first reason; null where they were sent."""

    flow: str
    step: str
    outcome: str
    reason: str | None
    candidates: int


@dataclass(frozen=True)
class SegmentCount:
    """A segment on the day.

    Attributes:
        segment: Its name.
        members: Members at the end of the day.
        entered: Of them, those who entered on it.
        left: Who left because the rule to stay was not met.
        ended: Who left because of a fact that rules them out.
        held: Who would have moved and was held, by minimum days, rhythm or flip budget.
        over_budget: Of them, those whom only the flip budget held.
        refresh: daily or weekly.
        minimum_size: Members below which no content is chosen by it.
        expires_on: Last day on which it has members.
        action: What is done for them.
        owner: Whom to ask.
        sizes: Members of the last 90 days, oldest first.
    """

    segment: str
    members: int
    entered: int
    left: int
    ended: int
    held: int
    over_budget: int
    refresh: str
    minimum_size: int
    expires_on: date
    action: str
    owner: str
    sizes: Sequence[int]


@dataclass(frozen=True)
class RiskRow:
    """A row of the newest `measurement.risk_review`."""

    as_of: date
    risk: str
    subject: str
    severity: str
    owner: str
    value: float | None
    threshold: float | None
    sentence: str


@dataclass(frozen=True)
class ApprovalRow:
    """How something that needs an approval stands: by whose word it is used, until when, and why it is not (null: it is)."""

    item: str
    role: str | None
    approved_on: date | None
    expires_on: date | None
    fault: str | None


@dataclass(frozen=True)
class Limit:
    """Shares (0-1) of a number of the chain at which it warns, and at which a cohort is held back."""

    part: str
    warn: float
    hold: float | None


@dataclass(frozen=True)
class BreakerRow:
    """A row of `activation.breaker_states` of the day: whether a provider and cohort is still mailed, and with what."""

    provider: str
    engagement: str
    metric: str
    email_count: int
    event_count: int
    event_share: float | None
    lowest_share: float | None
    state: str
    is_held: bool
    tripped_on: date | None


@dataclass(frozen=True)
class RampRow:
    """A row of `activation.ramp_states` of the day: how far a new flow or variant goes, and what it waits for."""

    flow: str
    stage: int
    stage_count: int
    state: str
    moved_on: date
    email_count: int
    sentence: str
    block: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class PilotTarget:
    """A stage of the KPI chain as a share (0-1) of another, and its limit: what must be reached, or must not be passed."""

    stage: str
    of: str
    limit: float
    is_least: bool


@dataclass(frozen=True)
class Pilot:
    """What the playbook tries for a time: `arm` of the experiment `control`, judged by one metric; no flows are all flows."""

    pilot: str
    question: str
    owner: str
    outcome: str
    control: str
    arm: str
    flows: tuple[str, ...]
    starts_on: date
    ends_on: date
    minimum_lift_relative: float
    targets: tuple[PilotTarget, ...]


@dataclass(frozen=True)
class Rooms:
    """All of it.

    Attributes:
        chain: The KPI chain as of the day, of everyone and by provider and engagement.
        contradictions: Where it contradicts itself.
        reasons: Why candidates of the day were sent or not.
        segments: Sizes of the day's segments.
        risks: Of the newest monthly review.
        approvals: Of flows, segments and models.
        limits: What the playbook lets readers and providers hold against us.
        breakers: Which providers and cohorts are held or rolled back.
        ramps: How far new flows and variants go.
        pilot: What is tried; None where nothing is.
        playbook_version: Version in force on the day.
        playbook_since: First day on which it was.
    """

    chain: tuple[ChainWeek, ...] = ()
    contradictions: tuple[ChainFinding, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    segments: tuple[SegmentCount, ...] = ()
    risks: tuple[RiskRow, ...] = ()
    approvals: tuple[ApprovalRow, ...] = ()
    limits: tuple[Limit, ...] = ()
    breakers: tuple[BreakerRow, ...] = ()
    ramps: tuple[RampRow, ...] = ()
    pilot: Pilot | None = None
    playbook_version: str | None = None
    playbook_since: date | None = None
