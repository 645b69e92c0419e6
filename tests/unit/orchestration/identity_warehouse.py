"""A warehouse in memory that holds the facts of identity and nothing else, to be solved day by day or at once."""

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

import duckdb

from activation.playbook.identity import Identity
from orchestration.defs.identity.batches import MOST, Most
from orchestration.defs.identity.decisions import Decisions, Version
from orchestration.defs.identity.identity_map import solve_days

FIRST = date(2025, 3, 1)
BEGINNING = date(1, 1, 1)

FACTS = """
create schema intermediate;
create table intermediate.int_identifiers__linked (
    profile_key varchar, source varchar, identifier_type varchar, identifier_hash varchar, landed_on date,
    is_blocked boolean, is_role_mailbox boolean
);
create table intermediate.int_profiles__unioned (
    profile_key varchar, first_name varchar, last_name varchar, postcode varchar, address varchar, landed_on date
);
"""

IDENTITY = Identity.model_validate(
    {
        "identifiers": [
            {"type": "user_id"},
            {"type": "alias"},
            {"type": "email", "most_profiles": 4, "most_people_if_role": 2, "needs_same_name": True},
            {"type": "inbox", "most_profiles": 4, "most_people_if_role": 2, "needs_same_name": True},
            {"type": "phone", "most_profiles": 3, "needs_same_name": True},
            {"type": "device", "most_profiles": 4, "most_people": 2, "needs_same_name": True, "is_weak": True},
            {"type": "probabilistic", "is_weak": True},
        ],
        "guards": {
            "bridge_above": 3,
            "most_profiles": 5,
            "most_changed": 1,
            "one_user_id_per_person": ["club"],
            "one_name_per_person": ["shop"],
        },
        "probabilistic": {"is_on": True, "probability": 0.8},
    }
)


class Fact(NamedTuple):
    """What lands of one profile on one day: an identifier, or a name where the type is `name`."""

    profile: str
    kind: str
    value: str
    is_role: bool = False


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def hash_of(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def new_warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(FACTS)
    return connection


def put(connection: duckdb.DuckDBPyConnection, day: date, facts: Iterable[Fact]) -> None:
    """Replace what a day landed."""
    for table in ("int_identifiers__linked", "int_profiles__unioned"):
        connection.execute(f"delete from intermediate.{table} where landed_on = ?", [day])
    for fact in dict.fromkeys(facts):
        if fact.kind == "name":
            first, _, last = fact.value.partition(" ")
            row = [fact.profile, first, last or None, day]
            connection.execute("insert into intermediate.int_profiles__unioned values (?, ?, ?, null, null, ?)", row)
        else:
            source = fact.profile.split(":")[0]
            values = [fact.profile, source, fact.kind, hash_of(fact.value), day, fact.value == "null", fact.is_role]
            connection.execute("insert into intermediate.int_identifiers__linked values (?, ?, ?, ?, ?, ?, ?)", values)


def decisions_of(*versions: tuple[date, Identity]) -> Decisions:
    return Decisions(tuple(Version(*each) for each in versions))


def solve(
    connection: duckdb.DuckDBPyConnection, decisions: Decisions, start: int, end: int, *, most: Most = MOST
) -> dict[str, int]:
    return solve_days(connection, decisions, start=day_of(start), end=day_of(end), most=most)


def read(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    """Every row that identity gives."""
    return {
        "map": connection.execute("from marts.identity_map order by all").fetchall(),
        "log": connection.execute("from marts.identity_log order by all").fetchall(),
        "hubs": connection.execute("select * exclude (identifier_no) from identity.hubs order by all").fetchall(),
        "reach": connection.execute(
            "select profiles.profile_key, roots.profile_key, map.valid_from, map.valid_to from identity.map"
            " inner join identity.profiles using (profile_no)"
            " inner join identity.profiles as roots on map.reach_no = roots.profile_no order by all"
        ).fetchall(),
    }


def rebuilt(
    connection: duckdb.DuckDBPyConnection, decisions: Decisions, end: int
) -> dict[str, list[tuple[object, ...]]]:
    """The same from the facts alone, in one run."""
    with new_warehouse() as other:
        for table in ("intermediate.int_identifiers__linked", "intermediate.int_profiles__unioned"):
            rows = connection.execute(f"from {table}").to_arrow_table()
            other.register("rows", rows)
            other.execute(f"insert into {table} from rows")
        solve(other, decisions, 0, 0)  # creates the schema; the run below replaces the day
        if connection.execute("select 1 from duckdb_tables() where table_name = 'identity_matches'").fetchone():
            other.register("rows", connection.execute("from ml.identity_matches").to_arrow_table())
            other.execute("insert into ml.identity_matches from rows")
        solve(other, decisions, 0, end)
        return read(other)
