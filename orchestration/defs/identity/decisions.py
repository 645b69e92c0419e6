"""What the playbooks of all days say of identity: rules by day, and what people decided by hand, with the days on which it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import pyarrow as pa

from activation.playbook.identity import Identity
from ml.identity.resolve import IdentifierRule, IdentityRules

NEVER = date(9999, 12, 31)

# Values that link nobody, by decision, and all proposals while the probabilistic pass is off.
BLOCKED = """
create or replace temp table blocked_by_decision as
select identifiers.identifier_no, handed_in.known_from, handed_in.known_to
from handed_in inner join identity.identifiers as identifiers
    on handed_in.identifier_type = identifiers.identifier_type
    and coalesce(handed_in.value_hash, identifiers.identifier_hash) = identifiers.identifier_hash
"""

PAIRS = """
create or replace temp table pairs_by_hand as
select one.profile_no as left_no, other.profile_no as right_no, is_same, known_from, known_to
from handed_in
inner join identity.profiles as one on handed_in.left_key = one.profile_key
inner join identity.profiles as other on handed_in.right_key = other.profile_key
"""

BLOCKED_COLUMNS = {
    "identifier_type": pa.string(), "value_hash": pa.string(), "known_from": pa.date32(), "known_to": pa.date32()
}  # fmt: skip
PAIR_COLUMNS = {
    "left_key": pa.string(), "right_key": pa.string(), "is_same": pa.bool_(), "known_from": pa.date32(), "known_to": pa.date32()
}  # fmt: skip


class Version(NamedTuple):
    """What a playbook says of identity, and the first partition that uses it."""

    effective_from: date
    identity: Identity


class Span(NamedTuple):
    """Days with the same rules; rules_before are those of the day before, where they were others."""

    start: date
    end: date
    rules: IdentityRules
    rules_before: IdentityRules | None


@dataclass(frozen=True)
class Decisions:
    """All versions, oldest first; the first is in force from the beginning of time."""

    versions: tuple[Version, ...]

    def spans(self, start: date, end: date) -> list[Span]:
        """The days start..end, parted where the rules change."""
        turns = sorted({start, *(each.effective_from for each in self.versions if start < each.effective_from <= end)})
        found: list[Span] = []
        for first, following in zip(turns, [*turns[1:], end + timedelta(days=1)], strict=True):
            rules, last = self._rules(first), following - timedelta(days=1)
            if found and found[-1].rules == rules:
                found[-1] = found[-1]._replace(end=last)
            else:
                before = self._rules(_day_before(first))
                found.append(Span(first, last, rules, before if before != rules else None))
        return found

    def hand_in(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the temporary tables blocked_by_decision and pairs_by_hand, in the numbers of the dictionary."""
        blocked = [
            (block.type, block.value_hash, since, until)
            for since, until, identity in self._in_force()
            for block in identity.blocked
        ]
        off = [
            ("probabilistic", None, since, until)
            for since, until, identity in self._in_force()
            if not identity.probabilistic.is_on
        ]
        pairs = [
            (*pair.profiles, pair.are == "one", max(since, pair.decided_on), min(until, pair.expires_on))
            for since, until, identity in self._in_force()
            for pair in identity.pairs
        ]
        _create(connection, BLOCKED, [*blocked, *off], BLOCKED_COLUMNS)
        _create(connection, PAIRS, [pair for pair in pairs if pair[3] < pair[4]], PAIR_COLUMNS)

    def most_changed(self, day: date) -> float:
        """Largest share of the customers of the day before that may have another id: as accepted for the day, else by its rules.

        A day can only be accepted after it ran, by a playbook that is not in force on it: so the newest one is asked.
        """
        accepted = {each.day: each.most_changed for each in self.versions[-1].identity.accepted_changes}
        return accepted.get(day, self.identity(day).guards.most_changed)

    def identity(self, day: date) -> Identity:
        """What is in force on a day."""
        return next(each.identity for each in reversed(self.versions) if each.effective_from <= day)

    def _in_force(self) -> list[tuple[date, date, Identity]]:
        """(from, to, what it says) of each version; to is exclusive."""
        ends = [each.effective_from for each in self.versions[1:]] + [NEVER]
        spans = zip(self.versions, ends, strict=True)
        return [(each.effective_from, until, each.identity) for each, until in spans if each.effective_from < until]

    def _rules(self, day: date) -> IdentityRules:
        identity = self.identity(day)
        limits = (each.model_dump() for each in identity.identifiers)
        return IdentityRules(
            identifiers=tuple(IdentifierRule(**each) for each in limits),
            bridge_above=identity.guards.bridge_above,
            told_apart=frozenset(
                [f"user_id {source}" for source in identity.guards.one_user_id_per_person]
                + [f"name {source}" for source in identity.guards.one_name_per_person]
            ),
        )


def _day_before(day: date) -> date:
    return day - timedelta(days=1) if day > date.min else day


def _create(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    rows: Sequence[tuple[object, ...]],
    columns: Mapping[str, pa.DataType],
) -> None:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    table = pa.table({name: pa.array(each, kind) for (name, kind), each in zip(columns.items(), values, strict=True)})
    connection.register("handed_in", table)
    connection.execute(statement)
    connection.unregister("handed_in")
