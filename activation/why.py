"""Why one person gets an email or not: each decision of a day with all its reasons."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from activation.tables import DecisionTables, create_tables

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
select customer_id, consent_status, consent_evidence_id from {customers}
where as_of = $as_of and mailbox_hash = $mailbox_hash order by customer_id
"""

DECISIONS = """
select
    flow, step, occurrence, customer_id, outcome, all_reasons, arm, is_contaminated, expected_value, block_choices, model_versions,
    data_age, send_after_utc, send_before_utc, timezone, is_zone_assumed, approval_id, playbook_version, decision_id
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


@dataclass(frozen=True)
class Explanation:
    """What was decided about a mailbox on a day; no decisions means that nothing was due."""

    as_of: date
    people: tuple[Person, ...]
    decisions: tuple[DecisionTrace, ...]
    suppressions: tuple[Suppression, ...] = ()

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
    found = connection.execute(PEOPLE.format_map(relations), asked).fetchall()
    people = tuple(Person(*row) for row in found)
    suppressed = connection.execute(SUPPRESSIONS.format_map(relations), asked).fetchall()
    values = {**asked, "customers": [person.customer_id for person in people]}
    decisions = tuple(_trace(row) for row in connection.execute(DECISIONS, values).fetchall())
    return Explanation(
        as_of=as_of,
        people=people,
        decisions=decisions,
        suppressions=tuple(Suppression(*row) for row in suppressed),
    )


def _trace(row: tuple[Any, ...]) -> DecisionTrace:
    parsed = list(row)
    parsed[5] = tuple(json.loads(row[5]))
    for position in (9, 10, 11):
        parsed[position] = json.loads(row[position])
    return DecisionTrace(*parsed)
