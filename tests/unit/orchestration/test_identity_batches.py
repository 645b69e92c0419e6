"""Reached profiles are solved in parts that nothing joins: none is lost, and none is larger than it has to be."""

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.defs.identity.batches import Most, batches
from tests.unit.orchestration.identity_warehouse import (
    BEGINNING,
    IDENTITY,
    Fact,
    day_of,
    decisions_of,
    new_warehouse,
    put,
    solve,
)

PAIRED = [Fact(f"{source}:{number}", "email", f"value {number}") for number in range(6) for source in ("shop", "web")]
LONG = [
    Fact(f"club:{number}", kind, f"value {number + step}")
    for number in range(5)
    for step, kind in enumerate(["phone", "phone"])
]


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        put(connection, day_of(0), [*PAIRED, *LONG])
        solve(connection, decisions_of((BEGINNING, IDENTITY)), 0, 0)
        connection.execute("create or replace temp table reached as select profile_no from identity.profiles")
        connection.execute("create or replace temp table cut (identifier_no integer, known_from date, known_to date)")
        yield connection


def keys(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "select profile_key from identity.profiles semi join reached using (profile_no)"
    return {key for (key,) in connection.execute(query).fetchall()}


def parts(connection: duckdb.DuckDBPyConnection, most: Most) -> list[set[str]]:
    return [keys(connection) for _ in batches(connection, start=day_of(0), end=day_of(0), most=most)]


def test_what_fits_is_one_part(warehouse: duckdb.DuckDBPyConnection) -> None:
    everybody = keys(warehouse)
    assert parts(warehouse, Most(len(PAIRED) + len(LONG))) == [everybody]


@pytest.mark.parametrize("edges", [0, 100])
@pytest.mark.parametrize("links", [1, 4, 11])
def test_each_profile_is_in_one_part_with_all_that_it_is_linked_to(
    warehouse: duckdb.DuckDBPyConnection, links: int, edges: int
) -> None:
    everybody = keys(warehouse)
    found = parts(warehouse, Most(links, edges))
    assert sum(map(len, found)) == len(everybody) == len(set().union(*found))
    together = [{f"shop:{number}", f"web:{number}"} for number in range(6)] + [
        {f"club:{number}" for number in range(5)}
    ]
    assert all(any(group <= part for part in found) for group in together)
    assert all(len(part) < links + len(LONG) for part in found)
    assert keys(warehouse) == everybody


def test_a_value_that_links_nobody_on_any_of_the_days_joins_no_parts(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "insert into cut select identifier_no, ?, ? from identity.identifiers where identifier_type = 'phone'",
        [day_of(-1), day_of(9)],
    )
    assert {"club:0"} in parts(warehouse, Most(2))
