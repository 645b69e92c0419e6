"""What the report site is made of: plain values, read elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from reporting.rooms import Rooms

Unit = Literal["share", "amount", "number"]
FreshnessStatus = Literal["fresh", "late", "missing", "short"]


@dataclass(frozen=True)
class LiftRow:
    """One row of `measurement.holdout_report`: one arm against its baseline, in one segment, on one metric.

    Attributes:
        mean_treated: Mean per person (a share of people for a conversion metric).
        lift: Difference of the means, in the unit of the metric; None as long as there is not enough data.
        lift_relative: Lift over the held-out mean, 0.1 = 10 %.
        p_adjusted: p-value after correction for the number of segments.
        verdict: What to conclude: a key of `definitions.VERDICTS`, or words.
        srm_p_value: p-value of the observed split against the planned one.
        contamination: Share (0-1) of the people of both arms in whom the arms met.
        minimum_detectable_lift: Smallest lift that this much data would have shown, in the unit of the metric.
        verdict_text: The verdict as a sentence with its numbers.
        is_primary: The metric that was declared to decide, over everyone.
        ends_on: Day of the last look; None if no end was planned.
        n_pending: People of both arms who still have time to show what they do.
        lift_capped: The lift with very large values cut off.
        lift_pooled: The segment's lift drawn towards those of its like.
        finding: What a reader of the one number would miss.
        contamination_text: In what way the arms met, and how often.
        lift_clean: The lift without those people, with its interval.
        epochs_text: Under which planned shares people were assigned, if those changed.
        data_quality: What is wrong with the data of the period.
    """

    as_of: date
    experiment: str
    segment: str
    metric: str
    arm: str
    baseline_arm: str
    n_treated: int
    n_held_out: int
    mean_treated: float | None
    mean_held_out: float | None
    lift: float | None
    lift_relative: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None
    method: str
    verdict: str
    srm_p_value: float | None
    contamination: float | None
    minimum_detectable_lift: float | None
    verdict_text: str = ""
    is_primary: bool = False
    ends_on: date | None = None
    n_pending: int = 0
    lift_capped: float | None = None
    lift_pooled: float | None = None
    finding: str | None = None
    contamination_text: str | None = None
    lift_clean: float | None = None
    ci_low_clean: float | None = None
    ci_high_clean: float | None = None
    epochs_text: str | None = None
    data_quality: str | None = None


@dataclass(frozen=True)
class RevenueClaim:
    """One row of `measurement.revenue_claims`: what an arm earned, beside what its emails are credited with (in `SiteData.currency`).

    Attributes:
        segment: `all`, or the flow by which people entered.
        earned_amount: Revenue beyond that of the people held back; None as long as there is not enough data.
        net_amount: The same less what lost subscribers are worth.
        over_credit_ratio: Last-click revenue over what was earned; None while the emails may have earned nothing.
    """

    experiment: str
    arm: str
    segment: str
    n_treated: int
    earned_per_recipient_amount: float | None
    earned_amount: float | None
    earned_low_amount: float | None
    earned_high_amount: float | None
    discount_amount: float | None
    lost_subscriber_count: float | None
    lost_subscriber_amount: float
    net_per_recipient_amount: float | None
    net_amount: float | None
    net_low_amount: float | None
    net_high_amount: float | None
    last_click_amount: float
    assisted_amount: float
    over_credit_ratio: float | None
    over_credit_low_ratio: float | None
    over_credit_high_ratio: float | None
    claim_text: str


@dataclass(frozen=True)
class Metric:
    """How a metric is named and read; `unit` share = people of 100, amount = money per person, number = things per person."""

    label: str
    unit: Unit
    definition: str


@dataclass(frozen=True)
class OutcomeCount:
    """How many candidates of one flow and step ended in one outcome of the waterfall."""

    flow: str
    step: str | int
    outcome: str
    candidates: int


@dataclass(frozen=True)
class Freshness:
    """One row of `marts.event_freshness` (times UTC, completeness 0-1)."""

    source: str
    event: str
    last_occurred_at: datetime | None
    last_landed_on: date | None
    lag_hours_p95: float | None
    volume: int
    expected_volume: float | None
    completeness: float | None
    status: str
    requirements: str | None = None


@dataclass(frozen=True)
class SourceDay:
    """How a source did on one day: the status of most of what it was expected to bring."""

    source: str
    day: date
    status: str
    volume: int


@dataclass(frozen=True)
class Champion:
    """The model that scored the day, beside the rule that it had to beat (AUC 0.5-1 on the same out-of-time cohort)."""

    model_name: str
    version: str
    run_id: str
    trained_on: date
    auc: float
    rule_auc: float
    rule: str = "recency rule"


@dataclass(frozen=True)
class ModelDay:
    """One row of `ml.model_health`: a task's champion on one day; the version is None where a rule scored for want of a model."""

    as_of: date
    model_name: str
    model_version: str | None
    state: str
    reason: str


@dataclass(frozen=True)
class QuarantineCount:
    """Rows that one rule refused."""

    source: str
    rule: str
    rows: int


@dataclass(frozen=True)
class AddressFault:
    """Texts of one object that cannot be an email address, by what is wrong with them; they are counted and never sent to."""

    source: str
    object: str
    fault: str
    row_count: int
    row_share: float


@dataclass(frozen=True)
class Finding:
    """How one expectation of a table came out in the gates of the day; `example_keys` are hashed."""

    table_name: str
    expectation: str
    column_name: str | None
    severity: str
    is_met: bool
    unexpected_count: int
    example_keys: Sequence[str]


@dataclass(frozen=True)
class CustomerSize:
    """How many customers are made of that many profiles."""

    profile_count: int
    customer_count: int


@dataclass(frozen=True)
class Tie:
    """A profile of a large customer and a value that it bears; `identifier_no` is None where it bears none.

    Attributes:
        customer_id: The customer; `profile_count` are all its profiles, also those without a row.
        identifier_hash: The value is known as its hash only.
        hub_reason: Why the value is cut, a key of `definitions.HUB_REASONS`; None if it links.
        bearer_count: Profiles of any customer that bear the value, if it is cut.
    """

    customer_id: str
    profile_count: int
    profile_no: int
    source: str
    identifier_no: int | None
    identifier_type: str | None
    identifier_hash: str | None
    hub_reason: str | None
    bearer_count: int | None


@dataclass(frozen=True)
class CutHub:
    """A value that too many share, or people who differ, so that it links nobody."""

    identifier_type: str
    identifier_hash: str
    reason: str
    hub_from: date
    profile_count: int


@dataclass(frozen=True)
class Whom:
    """Who is whom on a day: customers by size, what ties the largest together, and the cut values that most profiles bear."""

    sizes: tuple[CustomerSize, ...] = ()
    ties: tuple[Tie, ...] = ()
    hubs: tuple[CutHub, ...] = ()
    hub_count: int = 0


@dataclass(frozen=True)
class SiteData:
    """Everything that the report says.

    Attributes:
        as_of: The partition that is shown.
        built_at: When the page was built, UTC.
        lift: Rows of the holdout report of `as_of` and, for the course over time, of earlier days.
        claims: What emails earned and are credited with.
        outcomes: The waterfall of the day.
        send_list_rows: Emails on the send list of `as_of` + 1; None if there is none yet.
        freshness: Newest events by source.
        source_days: Sources by day, of the last weeks.
        champion: The model that scored the day; None if a rule did.
        models: Champions by day, of the last weeks.
        quarantine: Refused rows of the day by rule.
        address_faults: What landed on the day where an email address should be and is none.
        findings: What the gates of the day found.
        whom: Which profiles are one customer.
        metrics: How to name and read metrics beyond `definitions.METRICS`.
        currency: ISO code of all amounts.
        confidence: Coverage of the intervals.
        rooms: What the rooms beside the holdout show.
    """

    as_of: date
    built_at: datetime
    lift: tuple[LiftRow, ...] = ()
    claims: tuple[RevenueClaim, ...] = ()
    outcomes: tuple[OutcomeCount, ...] = ()
    send_list_rows: int | None = None
    freshness: tuple[Freshness, ...] = ()
    source_days: tuple[SourceDay, ...] = ()
    champion: Champion | None = None
    models: tuple[ModelDay, ...] = ()
    quarantine: tuple[QuarantineCount, ...] = ()
    address_faults: tuple[AddressFault, ...] = ()
    findings: tuple[Finding, ...] = ()
    whom: Whom = Whom()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    currency: str = ""
    confidence: float = 0.95
    rooms: Rooms = field(default_factory=Rooms)
