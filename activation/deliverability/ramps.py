"""Staged ramps: what is new or risky, a flow or a variant, goes to few and engaged people first, and to more once that does no harm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal, NamedTuple

import pyarrow as pa

from activation.deliverability.evidence import SendDay, Share, VariantDay, share_of
from activation.playbook.cohorts import MOST_ENGAGED_FIRST, Metric
from activation.playbook.experiments import BUCKETS
from activation.playbook.flows import Flow, Ramp, Ramped, RampStage
from activation.playbook.policies import Breakers, Policies
from activation.state.store import StateStore

HELD = 0  # the stage before the first: nobody
WATCHED: tuple[Metric, ...] = ("complaints", "bounces")


class Move(NamedTuple):
    """The stage that a ramp took on a day; from the number of its stages on it is open to everybody."""

    flow: str
    salt: str
    stage: int
    moved_on: date


@dataclass(frozen=True)
class RampState:
    """A row of `activation.ramp_states`.

    Attributes:
        as_of: The partition.
        flow: Of which flow.
        block: Where the variant of the ramp stands; null of a ramp of the whole flow.
        variant: What goes to more people; null of a ramp of the whole flow.
        salt: Of which ramp of it: another salt begins anew.
        stage: 1 for the first; 0: nobody; one more than `stage_count`: everybody.
        stage_count: Stages before everybody.
        state: `held`, `ramping` or `open`.
        move: What the day did: `began`, `stayed`, `wider` or `back`.
        moved_on: Since when.
        next_bucket: Whose hash is below is reached, of 10,000.
        engagement_rank: Whose cohort is up to here is reached: 1 for the most engaged.
        email_count: Delivered emails of the stage so far.
        complaint_count: Complaints about them.
        bounce_count: Hard bounces.
        highest_complaint_share: Above which complaints are not, but for the chance that the policies allow; null without emails.
        highest_bounce_share: The same of hard bounces.
        sentence: What happened on the day, or what it waits for.
    """

    as_of: date
    flow: str
    salt: str
    stage: int
    stage_count: int
    state: Literal["held", "ramping", "open"]
    move: Literal["began", "stayed", "wider", "back"]
    moved_on: date
    next_bucket: int
    engagement_rank: int
    email_count: int
    complaint_count: int
    bounce_count: int
    highest_complaint_share: float | None
    highest_bounce_share: float | None
    sentence: str
    block: str | None = None
    variant: str | None = None

    @property
    def subject(self) -> str:
        """What it is the ramp of, in words."""
        return self.flow if self.variant is None else f"{self.block} {self.variant} of {self.flow}"


def judge_ramps(
    flows: Iterable[Flow],
    days: Sequence[SendDay],
    policies: Policies,
    *,
    moves: Iterable[Move],
    as_of: date,
    variant_days: Sequence[VariantDay] = (),
) -> list[RampState]:
    """Where the ramp of each flow and variant that has one stands.

    A ramp widens by a stage once the stage has lasted its days and sent its emails, and complaints and bounces of these emails are under
    budget beyond chance: the upper bound is below the limit at which a cohort is held. It goes back by a stage when they are over it
    beyond chance. In between it stays. A day moves a ramp once, and what was recorded of it stands.

    Args:
        flows: Of the playbook in force.
        days: Emails, as known on the day: what the ramps of flows are judged by.
        policies: In force on the day.
        moves: Those recorded by the day.
        as_of: The partition.
        variant_days: Emails by the variants that they showed: what the ramps of variants are judged by.
    """
    before: dict[tuple[str, str], Move] = {}
    today: dict[tuple[str, str], Move] = {}
    for move in sorted(moves, key=lambda move: move.moved_on):
        (today if move.moved_on == as_of else before)[move.flow, move.salt] = move
    states = []
    for ramped in (ramped for flow in flows for ramped in flow.ramps()):
        key = (ramped.flow, ramped.ramp.salt)
        mine = _emails_of(ramped, days, variant_days)
        states.append(_judge(ramped, mine, policies, last=before.get(key), recorded=today.get(key), as_of=as_of))
    return states


def _emails_of(
    ramped: Ramped, days: Sequence[SendDay], variant_days: Sequence[VariantDay]
) -> list[SendDay] | list[VariantDay]:
    if ramped.variant is None:
        return [day for day in days if day.flow == ramped.flow]
    return [day for day in variant_days if (day.flow, day.block, day.variant) == ramped[:3]]


def _judge(
    ramped: Ramped,
    days: Sequence[SendDay | VariantDay],
    policies: Policies,
    *,
    last: Move | None,
    recorded: Move | None,
    as_of: date,
) -> RampState:
    ramp = ramped.ramp
    since = [day for day in days if last is not None and last.moved_on < day.sent_on <= as_of]
    alpha = (policies.breakers or Breakers()).ramp_alpha
    shares = {metric: share_of(metric, since, alpha=alpha) for metric in WATCHED}
    stage, sentence = _next_stage(ramp, last, shares, policies, as_of)
    if recorded is not None and recorded.stage != stage:
        stage, sentence = recorded.stage, "as it was recorded on the day"
    at = ramp.stages[min(stage, len(ramp.stages)) - 1]
    is_open, is_held = stage > len(ramp.stages), stage == HELD
    step = 0 if last is None else stage - last.stage
    return RampState(
        as_of=as_of,
        flow=ramped.flow,
        block=ramped.block,
        variant=ramped.variant,
        salt=ramp.salt,
        stage=stage,
        stage_count=len(ramp.stages),
        state="open" if is_open else "held" if is_held else "ramping",
        move="began" if last is None else "wider" if step > 0 else "back" if step < 0 else "stayed",
        moved_on=last.moved_on if last is not None and stage == last.stage else as_of,
        next_bucket=BUCKETS if is_open else 0 if is_held else round(at.share * BUCKETS),
        engagement_rank=len(MOST_ENGAGED_FIRST) if is_open else MOST_ENGAGED_FIRST.index(at.cohort) + 1,
        email_count=shares["complaints"].emails,
        complaint_count=shares["complaints"].events,
        bounce_count=shares["bounces"].events,
        highest_complaint_share=shares["complaints"].high,
        highest_bounce_share=shares["bounces"].high,
        sentence=sentence,
    )


def _next_stage(
    ramp: Ramp, last: Move | None, shares: Mapping[Metric, Share], policies: Policies, as_of: date
) -> tuple[int, str]:
    """The stage from the day on, and why."""
    if last is None:
        return 1, "stage 1 begins"
    if last.stage == HELD:
        return HELD, "held: another salt begins the ramp anew"
    if (over := _over(shares, policies)) is not None:
        return last.stage - 1, f"back by a stage: {over}"
    if last.stage > len(ramp.stages):
        return last.stage, "open to everybody"
    days = (as_of - last.moved_on).days
    if (wait := _awaited(ramp.stages[last.stage - 1], days, shares, policies)) is not None:
        return last.stage, wait
    emails = shares["complaints"].emails
    return last.stage + 1, f"wider: complaints and bounces of {emails:,} emails are under budget"


def _limits(policies: Policies) -> dict[Metric, float]:
    return {metric: limit for metric in WATCHED if (limit := policies.budget_of(metric).hold) is not None}


def _over(shares: Mapping[Metric, Share], policies: Policies) -> str | None:
    """What is over its limit beyond chance; null if nothing is."""
    least = (policies.breakers or Breakers()).minimum_events
    for metric, limit in _limits(policies).items():
        low = shares[metric].low
        if low is not None and shares[metric].events >= least and low > limit:
            return f"{metric} are at least {low:.2%}, over {limit:.2%}"
    return None


def _awaited(stage: RampStage, days: int, shares: Mapping[Metric, Share], policies: Policies) -> str | None:
    """What a stage still needs; null if it may widen."""
    emails = shares["complaints"].emails
    if days < stage.minimum_days:
        return f"day {days} of at least {stage.minimum_days}"
    if emails < stage.minimum_emails:
        return f"{emails:,} of at least {stage.minimum_emails:,} emails"
    for metric, limit in _limits(policies).items():
        high = shares[metric].high
        if high is None or high >= limit:
            return f"{metric} may be {1.0 if high is None else high:.2%}: not known to be under {limit:.2%}"
    return None


def record_moves(store: StateStore, states: Iterable[RampState]) -> int:
    """Record which ramps moved on a day; what was recorded of the day before stands.

    Returns:
        How many were new.
    """
    rows = [
        (state.flow, state.salt, state.stage, state.moved_on.isoformat(), state.sentence)
        for state in states
        if state.moved_on == state.as_of
    ]
    with store.transaction() as connection:
        before = connection.total_changes
        connection.executemany(
            "insert or ignore into ramp_moves (flow, salt, stage, moved_on, reason) values (?, ?, ?, ?, ?)", rows
        )
        return connection.total_changes - before


def moves_by(store: StateStore, day: date) -> list[Move]:
    """The moves up to a day, itself included."""
    connection = store.connect()
    try:
        rows = connection.execute(
            "select flow, salt, stage, moved_on from ramp_moves where moved_on <= ? order by moved_on, number",
            (day.isoformat(),),
        ).fetchall()
    finally:
        connection.close()
    return [Move(flow, salt, stage, date.fromisoformat(moved_on)) for flow, salt, stage, moved_on in rows]


SCHEMA = pa.schema(
    [
        ("as_of", pa.date32()),
        ("flow", pa.string()),
        ("block", pa.string()),
        ("variant", pa.string()),
        ("salt", pa.string()),
        ("stage", pa.int32()),
        ("stage_count", pa.int32()),
        ("state", pa.string()),
        ("move", pa.string()),
        ("moved_on", pa.date32()),
        ("next_bucket", pa.int32()),
        ("engagement_rank", pa.int32()),
        ("email_count", pa.int64()),
        ("complaint_count", pa.int64()),
        ("bounce_count", pa.int64()),
        ("highest_complaint_share", pa.float64()),
        ("highest_bounce_share", pa.float64()),
        ("sentence", pa.string()),
    ]
)


def to_table(states: Iterable[RampState]) -> pa.Table:
    """Rows of `activation.ramp_states`; typed also when there is none."""
    return pa.Table.from_pylist([asdict(state) for state in states], schema=SCHEMA)
