"""A warehouse whose segments are written by hand, and the moves that were recorded of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from activation.decision.membership import MembershipTables, SegmentDay, create_membership, move_members
from activation.playbook.segments import Segment
from activation.state.moves import moved_days, read_moves, write_moves

MONDAY = date(2025, 6, 2)
BEGINNING, FOREVER = date(2025, 1, 1), date(9999, 12, 31)
TABLES = MembershipTables({"browsers": "rules", "others": "other_rules"})
STATES = {"enter": (True, True), "stay": (False, True), "leave": (False, False), "out": None}


def segment(**changes: object) -> Segment:
    said: dict[str, object] = {
        "segment": "browsers", "action": "write", "owner": "team:lifecycle", "refresh": "daily", "expires_on": date(2027, 12, 31),
        "minimum_size": 1, "minimum_days": 7, "flip_budget": 1.0,
    }  # fmt: skip
    return Segment.model_validate(said | changes)


@dataclass
class House:
    """A warehouse whose rules are written by hand, and its state."""

    state: Path
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.connection.execute("""
            create schema marts;
            create table marts.dim_customers (as_of date, customer_id varchar);
            create table marts.identity_map (
                profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
            );
            create table rules (as_of date, customer_id varchar, may_enter boolean, may_stay boolean);
            create table other_rules (as_of date, customer_id varchar, may_enter boolean, may_stay boolean);
        """)
        create_membership(self.connection)

    def person(
        self, customer_id: str, root: str = "", *, since: date = BEGINNING, until: date = FOREVER, profile: str = ""
    ) -> None:
        root = root or f"p_{customer_id}"
        self.connection.execute(
            "insert into marts.identity_map values (?, ?, ?, ?, ?)", (profile or root, customer_id, root, since, until)
        )

    def day(self, day: date, states: dict[str, str]) -> None:
        """Everybody's facts on a day, in a word of `STATES`."""
        for customer_id, word in states.items():
            self.connection.execute("insert into marts.dim_customers values (?, ?)", (day, customer_id))
            met = STATES[word]
            if met is not None:
                self.connection.execute("insert into rules values (?, ?, ?, ?)", (day, customer_id, *met))

    def move(self, day: date, said: Segment | Sequence[Segment] = (), *, last: date | None = None) -> SegmentDay:
        """Move the days through `last` as one run does; the first segment's account of the last one."""
        segments = [said] if isinstance(said, Segment) else list(said) or [segment()]
        read_moves(self.connection, self.state, before=day)
        before = max((known for known in moved_days(self.state) if known < day), default=None)
        while True:
            record = partial(write_moves, self.state, day)
            counts = move_members(self.connection, segments, as_of=day, before=before, tables=TABLES, record=record)
            if last is None or day >= last:
                return next(each for each in counts if each.segment == segments[0].segment)
            before, day = day, day + timedelta(days=1)

    def members(self, day: date, name: str = "browsers") -> dict[str, tuple[date, bool]]:
        query = "select customer_id, entered_on, held_by_stability from marts.segment_membership where as_of = ? and segment = ?"
        return {row[0]: (row[1], row[2]) for row in self.connection.execute(query, (day, name)).fetchall()}

    def moves(self) -> list[tuple[date, str, str, str]]:
        """Day, root, kind and reason of everything that was recorded."""
        files = [self.state / "segment_moves" / f"{day}.parquet" for day in moved_days(self.state)]
        found = [row for file in files for row in pq.read_table(file).to_pylist()]
        return [(row["moved_on"], row["root_profile_key"], row["kind"], row["reason"]) for row in found]

    def rows(self) -> list[object]:
        tables = ("marts.segment_membership", "marts.segment_days")
        return [row for table in tables for row in self.connection.execute(f"from {table} order by all").fetchall()]


def played(
    house: House, words: Iterable[Iterable[str]], said: Segment | None = None, *, start: date = MONDAY
) -> list[date]:
    """Facts of so many people for so many days, moved day by day."""
    days = []
    for offset, states in enumerate(map(list, words)):
        day = start + timedelta(days=offset)
        if offset == 0:
            for number in range(len(states)):
                house.person(f"c{number}")
        house.day(day, {f"c{number}": word for number, word in enumerate(states)})
        days.append(day)
    house.move(days[0], said or segment(), last=days[-1])
    return days
