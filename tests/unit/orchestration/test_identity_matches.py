"""The probabilistic pass in the warehouse: it proposes on Sundays, links from the next day, and repeats itself."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from activation.playbook.identity import Identity
from orchestration.defs.identity import identity_map
from orchestration.defs.identity.decisions import Decisions
from orchestration.defs.identity.identity_map import solve_weeks
from tests.unit.duplicates import World, plant_duplicates
from tests.unit.orchestration.identity_warehouse import BEGINNING, IDENTITY, decisions_of

SATURDAY = date(2025, 3, 1)
SUNDAY, MONDAY, NEXT_SUNDAY = (SATURDAY + timedelta(days=days) for days in (1, 2, 8))
LAST = NEXT_SUNDAY + timedelta(days=2)

FACTS = """
create schema intermediate;
create table intermediate.int_profiles__unioned as
select * exclude (customer_id), null::varchar as email, null::varchar as phone, null::varchar as address,
    null::varchar as region, $day as landed_on
from world;
create table intermediate.int_identifiers__linked (
    profile_key varchar, source varchar, identifier_type varchar, identifier_hash varchar, landed_on date,
    is_blocked boolean, is_role_mailbox boolean
)
"""
IDENTITY_TABLES = ("ml.identity_matches", "marts.identity_map", "marts.identity_log")
CUSTOMERS = "select count(distinct customer_id) from marts.identity_map where valid_from <= $1 and $1 < valid_to"

world = pytest.fixture(scope="module")(lambda: plant_duplicates(90))


@pytest.fixture
def warehouse(world: World) -> Iterator[duckdb.DuckDBPyConnection]:
    """All profiles landed on the Saturday, but those of `shop` a week later."""
    with duckdb.connect() as connection:
        connection.register("world", world.profiles)
        for statement in FACTS.split(";\n"):
            connection.execute(statement, {"day": SATURDAY} if "$day" in statement else None)
        late = "update intermediate.int_profiles__unioned set landed_on = ? where source = 'shop'"
        connection.execute(late, [SATURDAY + timedelta(days=7)])
        yield connection


def decisions(**changes: Any) -> Decisions:
    policy = IDENTITY.probabilistic.model_copy(update=changes)
    return decisions_of((BEGINNING, IDENTITY.model_copy(update={"probabilistic": policy})))


def solve(warehouse: duckdb.DuckDBPyConnection, rules: Decisions, start: date, end: date) -> list[list[Any]]:
    solve_weeks(warehouse, rules, start=start, end=end)
    return [warehouse.execute(f"from {table} order by all").fetchall() for table in IDENTITY_TABLES]


def count(warehouse: duckdb.DuckDBPyConnection, day: date) -> int:
    return int(warehouse.execute(CUSTOMERS, [day]).fetchall()[0][0])


def test_pass_that_is_off_proposes_nothing_and_does_not_run(
    warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_map, "propose", lambda *_: pytest.fail("the pass ran"))
    matches, _, _ = solve(warehouse, decisions(is_on=False), SATURDAY, LAST)
    assert matches == []


def test_proposals_of_a_sunday_link_from_the_monday(warehouse: duckdb.DuckDBPyConnection, world: World) -> None:
    matches, _, _ = solve(warehouse, decisions(), SATURDAY, LAST)
    assert {row[0] for row in matches} == {SUNDAY, NEXT_SUNDAY}
    assert all(world.person[left] == world.person[right] for _, left, right, *_ in matches)
    first = [row for row in matches if row[0] == SUNDAY]
    assert count(warehouse, SUNDAY) - count(warehouse, MONDAY) == len(first)
    merged = warehouse.execute(
        "select count(*), count(match_weight) from marts.identity_log where kind = 'merged' and changed_on = ?",
        [MONDAY],
    ).fetchall()
    assert merged == [(len(first), len(first))]


def test_days_one_by_one_and_days_again_give_what_one_run_gives(warehouse: duckdb.DuckDBPyConnection) -> None:
    at_once = solve(warehouse, decisions(), SATURDAY, LAST)
    assert solve(warehouse, decisions(), SUNDAY, SUNDAY) == at_once
    for table in ("identity.solved", "ml.identity_matches"):
        warehouse.execute(f"delete from {table}")
    for offset in range((LAST - SATURDAY).days + 1):
        day = SATURDAY + timedelta(days=offset)
        one_by_one = solve(warehouse, decisions(), day, day)
    assert one_by_one == at_once


def test_day_that_lands_again_changes_the_proposals_of_all_weeks_after_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    solve(warehouse, decisions(), SATURDAY, LAST)
    warehouse.execute("delete from intermediate.int_profiles__unioned where profile_key in ('crm:0-0', 'crm:3-2')")
    ticked = solve(warehouse, decisions(), SATURDAY, SATURDAY)
    for schema in ("identity", "ml", "marts"):
        warehouse.execute(f"drop schema {schema} cascade")
    assert solve(warehouse, decisions(), SATURDAY, LAST) == ticked


def test_profiles_told_apart_by_hand_are_not_proposed(warehouse: duckdb.DuckDBPyConnection) -> None:
    matches, _, _ = solve(warehouse, decisions(), SATURDAY, LAST)
    pair = {
        "profiles": matches[0][1:3], "are": "different", "owner": "crm", "reason": "twins",
        "decided_on": SATURDAY, "expires_on": date(2026, 1, 1),
    }  # fmt: skip
    told = Identity.model_validate(IDENTITY.model_dump() | {"pairs": [pair]})
    again, _, _ = solve(warehouse, decisions_of((BEGINNING, told)), SATURDAY, LAST)
    assert matches[0][1:3] not in [row[1:3] for row in again]
    assert again
