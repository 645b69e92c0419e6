"""Why one person gets an email or not: who they are, what they said, and each decision of a day with all its reasons."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import duckdb

from activation.state.tables import DecisionTables, create_tables

# A suppression is shown as long as it may meet an email: from the day on until it has ended for the send of the next one.
SUPPRESSIONS = """
with people as (
    select customer_id, mailbox_hash, household_id, account_id from {customers}
    where as_of = $as_of and mailbox_hash = $mailbox_hash
),
suppressions as (
    select * from {suppressions} where as_of = $as_of
)
select distinct suppressions.scope, suppressions.reason, suppressions.starts_at, suppressions.expires_at, suppressions.customer_id
from suppressions
inner join people
    on suppressions.customer_id = people.customer_id or suppressions.household_id = people.household_id
    or suppressions.account_id = people.account_id
union
select scope, reason, starts_at, expires_at, customer_id from suppressions where mailbox_hash = $mailbox_hash
order by all
"""

PEOPLE = """
select customer_id, consent_status, consent_evidence_id, consent_basis, lifecycle_stage, value_tier, timezone, is_identity_uncertain
from {customers}
where as_of = $as_of and mailbox_hash = $mailbox_hash order by customer_id
"""

PROFILES = """
select customer_id, profile_key, valid_from
from {identity_map}
where list_contains($customers, customer_id) and valid_from <= $as_of and $as_of < valid_to
order by customer_id, valid_from, profile_key
"""

# All that was ever said for the mailbox, the newest first: what decided is the statement that the person's consent names.
EVIDENCE = """
select evidence_id, source, statement, channel, topic, legal_basis, is_affirmative, occurred_at, landed_on
from {evidence}
where mailbox_hash = $mailbox_hash and landed_on <= $as_of
order by occurred_at desc, evidence_id
"""

TOPICS = """
select topic, consent_status from {topics} where as_of = $as_of and mailbox_hash = $mailbox_hash order by topic
"""

SEGMENTS = """
select customer_id, segment, entered_on, is_new, held_by_stability
from {membership}
where as_of = $as_of and list_contains($customers, customer_id) order by customer_id, segment
"""

SCORES = """
select customer_id, model_name, score, choice, tier, model_version, model_state
from {scores}
where as_of = $as_of and list_contains($customers, customer_id) order by customer_id, model_name
"""

# What counts against the caps of the day: the longest window that policies.yml has by default is thirty days.
SENDS = """
select send_date, kind, flow, step, status, arm
from {ledger}
where (mailbox_hash = $mailbox_hash or list_contains($customers, customer_id))
    and send_date <= $as_of and send_date > $as_of - 30
order by send_date desc, flow, step, kind
"""

DECISIONS = """
select
    flow, step, occurrence, customer_id, outcome, all_reasons, arm, is_contaminated, expected_value, block_choices, model_versions,
    data_age, send_after_utc, send_before_utc, timezone, is_zone_assumed, approval_id, playbook_version, decision_id, due_since,
    experiment, flow_experiment, flow_arm, flow_treatment, segment
from activation.send_decisions
where as_of = $as_of and (mailbox_hash = $mailbox_hash or list_contains($customers, customer_id))
order by flow, step, occurrence, decision_id
"""


@dataclass(frozen=True)
class Person:
    """A customer at the mailbox, and the consent that held."""

    customer_id: str
    consent_status: str | None
    consent_evidence_id: str | None
    consent_basis: str | None = None
    lifecycle_stage: str | None = None
    value_tier: str | None = None
    timezone: str | None = None
    is_identity_uncertain: bool | None = None


class Profile(NamedTuple):
    """A record of a source that is the customer's, and since when by the identity map."""

    customer_id: str
    profile_key: str
    since: date


class Statement(NamedTuple):
    """One piece of consent evidence; `is_affirmative`: the person's own act."""

    evidence_id: str
    source: str
    statement: str
    channel: str
    topic: str | None
    legal_basis: str | None
    is_affirmative: bool
    occurred_at: datetime
    landed_on: date


class Topic(NamedTuple):
    """What holds for one topic."""

    topic: str
    consent_status: str


class Stay(NamedTuple):
    """A segment that the customer is in."""

    customer_id: str
    segment: str
    entered_on: date | None
    is_new: bool | None
    held_by_stability: bool | None


class Score(NamedTuple):
    """What a model, or its rule, says of the customer."""

    customer_id: str
    model_name: str
    score: float
    choice: str | None
    tier: str
    model_version: str | None
    model_state: str | None


class Send(NamedTuple):
    """An email, or the ghost of one, of the last 30 days."""

    send_date: date
    kind: str
    flow: str
    step: str
    status: str
    arm: str | None


@dataclass(frozen=True)
class Suppression:
    """A reason not to mail, and whom it closes: one customer at the mailbox, or all of them; times are UTC."""

    scope: str
    reason: str
    starts_at: datetime | None
    expires_at: datetime | None
    customer_id: str | None

    def __str__(self) -> str:
        """The suppression in words."""
        whom = self.customer_id or f"the {self.scope}"
        since = f" since {self.starts_at:%Y-%m-%d}" if self.starts_at else ""
        until = f" until {self.expires_at:%Y-%m-%d %H:%M} UTC" if self.expires_at else ""
        return f"{whom} is suppressed: {self.reason}{since}{until}"


@dataclass(frozen=True)
class DecisionTrace:
    """One candidate decision with everything that led to it; times are UTC."""

    flow: str
    step: str
    occurrence: str
    customer_id: str
    outcome: str
    reasons: tuple[str, ...]
    arm: str | None
    is_contaminated: bool
    expected_value: float
    block_choices: Mapping[str, Any]
    model_versions: Mapping[str, str]
    data_age: Mapping[str, int]
    send_after_utc: datetime
    send_before_utc: datetime
    timezone: str
    is_zone_assumed: bool
    approval_id: str | None
    playbook_version: str
    decision_id: str
    due_since: datetime | None = None
    experiment: str | None = None
    flow_experiment: str | None = None
    flow_arm: str | None = None
    flow_treatment: str | None = None
    segment: str | None = None


@dataclass(frozen=True)
class Explanation:
    """What was decided about a mailbox on a day; no decisions means that nothing was due."""

    as_of: date
    people: tuple[Person, ...]
    decisions: tuple[DecisionTrace, ...]
    suppressions: tuple[Suppression, ...] = ()
    profiles: tuple[Profile, ...] = ()
    evidence: tuple[Statement, ...] = ()
    topics: tuple[Topic, ...] = ()
    segments: tuple[Stay, ...] = ()
    scores: tuple[Score, ...] = ()
    sends: tuple[Send, ...] = ()

    def to_json(self) -> str:
        """All of it, times in UTC; it names no address."""
        told = asdict(self)
        for name in ("profiles", "evidence", "topics", "segments", "scores", "sends"):
            told[name] = [each._asdict() for each in getattr(self, name)]
        return json.dumps(told, indent=2, default=str, ensure_ascii=False)

    def lines(self) -> list[str]:
        """The explanation as lines to print; it names no address."""
        suppressed = [str(suppression) for suppression in self.suppressions]
        if not self.people and not self.decisions:
            return [f"no customer has this mailbox on {self.as_of}", *suppressed]
        lines = [f"{person.customer_id}: consent {person.consent_status or 'unknown'}" for person in self.people]
        lines += suppressed
        if not self.decisions:
            lines.append(f"no email was due on {self.as_of}")
        for trace in self.decisions:
            because = f" because of {', '.join(trace.reasons)}" if trace.reasons else ""
            lines.append(f"{trace.flow} / {trace.step} ({trace.occurrence}): {trace.outcome}{because}")
            lines.append(
                f"  arm {trace.arm or 'not assigned'}, expected value {trace.expected_value:.2f}, playbook {trace.playbook_version}"
            )
            for block, choice in trace.block_choices.items():
                fallback = f", {choice['fallback_reason']}" if choice["fallback_used"] else ""
                lines.append(f"  block {block}: {choice['variant']} ({choice['rule']}{fallback})")
        return lines


def explain(
    connection: duckdb.DuckDBPyConnection, mailbox_hash: str, as_of: date, *, tables: DecisionTables | None = None
) -> Explanation:
    """Gather what was decided about the people at a mailbox.

    Args:
        connection: The warehouse.
        mailbox_hash: Salted hash of the normalised address.
        as_of: The partition.
        tables: Where the marts are.
    """
    create_tables(connection)
    relations = vars(tables or DecisionTables())
    asked = {"as_of": as_of, "mailbox_hash": mailbox_hash}

    def told(query: str, **more: Any) -> list[tuple[Any, ...]]:
        statement = query.format_map(relations)
        values = {name: value for name, value in {**asked, **more}.items() if f"${name}" in statement}
        return connection.execute(statement, values).fetchall()

    people = tuple(Person(*row) for row in told(PEOPLE))
    customers = [person.customer_id for person in people]
    return Explanation(
        as_of=as_of,
        people=people,
        decisions=tuple(_trace(row) for row in told(DECISIONS, customers=customers)),
        suppressions=tuple(Suppression(*row) for row in told(SUPPRESSIONS)),
        profiles=tuple(Profile(*row) for row in told(PROFILES, customers=customers)),
        evidence=tuple(Statement(*row) for row in told(EVIDENCE)),
        topics=tuple(Topic(*row) for row in told(TOPICS)),
        segments=tuple(Stay(*row) for row in told(SEGMENTS, customers=customers)),
        scores=tuple(Score(*row) for row in told(SCORES, customers=customers)),
        sends=tuple(Send(*row) for row in told(SENDS, customers=customers)),
    )


def _trace(row: tuple[Any, ...]) -> DecisionTrace:
    parsed = list(row)
    parsed[5] = tuple(json.loads(row[5]))
    for position in (9, 10, 11):
        parsed[position] = json.loads(row[position])
    return DecisionTrace(*parsed)
