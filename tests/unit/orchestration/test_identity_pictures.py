"""The pictures of identity show a day as it was known on that day, and name nobody."""

import base64
from collections.abc import Iterator
from datetime import date
from xml.etree import ElementTree as ET

import duckdb
import pytest

from orchestration.defs.identity.pictures import CUT, PROFILES, VALUES, pictures_of, read_whom
from reporting.data import CustomerSize
from tests.unit.orchestration.identity_warehouse import (
    BEGINNING,
    IDENTITY,
    Fact,
    day_of,
    decisions_of,
    hash_of,
    new_warehouse,
    put,
    solve,
)

DECISIONS = decisions_of((BEGINNING, IDENTITY))
# On the first day an account, its contact and a visit are one customer; on the second three more share its phone, which is one too many.
LANDED = {
    0: [
        Fact("shop:1", "user_id", "1"),
        Fact("shop:1", "email", "a"),
        Fact("shop:1", "phone", "p"),
        Fact("crm:1", "email", "a"),
        Fact("crm:1", "phone", "q"),
        Fact("web:1", "user_id", "1"),
        Fact("web:2", "device", "d"),
    ],
    1: [Fact(f"crm:{number}", "phone", "p") for number in (2, 3, 4)],
}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        for day, facts in LANDED.items():
            put(connection, day_of(day), facts)
        solve(connection, DECISIONS, 0, 1)
        yield connection


def ties(connection: duckdb.DuckDBPyConnection, day: date) -> set[tuple[str, str | None, str | None]]:
    names = {hash_of(value): value for value in "1apqd"}
    return {
        (tie.source, names.get(tie.identifier_hash or ""), tie.hub_reason) for tie in read_whom(connection, day).ties
    }


def test_a_day_shows_what_was_known_on_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    first, second = (read_whom(warehouse, day_of(day)) for day in (0, 1))

    assert first.sizes == (CustomerSize(1, 1), CustomerSize(3, 1))
    assert second.sizes == (CustomerSize(1, 4), CustomerSize(3, 1))
    assert (first.hubs, first.hub_count) == ((), 0)
    assert [(hub.identifier_hash, hub.reason, hub.profile_count) for hub in second.hubs] == [
        (hash_of("p"), "many_profiles", 4)
    ]


def test_values_that_tie_nobody_are_not_drawn_unless_they_were_cut(warehouse: duckdb.DuckDBPyConnection) -> None:
    tied = {("shop", "1", None), ("web", "1", None), ("shop", "a", None), ("crm", "a", None)}

    assert ties(warehouse, day_of(0)) == tied
    assert ties(warehouse, day_of(1)) == tied | {("shop", "p", "many_profiles")}


def test_customer_is_the_one_of_the_map(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = {(tie.customer_id, tie.profile_count) for tie in read_whom(warehouse, day_of(1)).ties}

    customer, size = warehouse.execute(
        "select customer_id, count(*) from marts.identity_map where valid_to > ? group by 1 having count(*) > 1",
        [day_of(1)],
    ).fetchall()[0]
    assert found == {(customer, size)}


def test_a_large_customer_is_drawn_in_part() -> None:
    rules = IDENTITY.model_copy(
        update={"guards": IDENTITY.guards.model_copy(update={"most_profiles": 99, "bridge_above": 99})}
    )
    with new_warehouse() as connection:
        chain = [Fact(f"web:{at}", "device", f"{at + step}") for at in range(60) for step in (0, 1)]
        shared = [
            Fact(f"web:{at % 60}", "phone", f"p{at // 4}") for at in range(240) if at // 4 < 20 or at % 60 in range(4)
        ]
        put(connection, day_of(0), [*chain, *shared])
        solve(connection, decisions_of((BEGINNING, rules)), 0, 0)
        whom = read_whom(connection, day_of(0))

    assert {tie.profile_count for tie in whom.ties} == {60}
    assert len({tie.profile_no for tie in whom.ties}) == PROFILES
    assert 0 < len({tie.identifier_no for tie in whom.ties if tie.hub_reason}) <= CUT
    assert len({tie.identifier_no for tie in whom.ties if not tie.hub_reason}) <= VALUES + 1


def test_metadata_is_images_without_anything_personal(warehouse: duckdb.DuckDBPyConnection) -> None:
    shown = pictures_of(read_whom(warehouse, day_of(1)))

    assert set(shown) == {"customers_by_size", "largest_customers"}
    for metadata in shown.values():
        text = str(metadata.value)
        image = base64.b64decode(text.partition("base64,")[2].rstrip(")"))
        assert ET.fromstring(image).tag.endswith("svg")  # noqa: S314
        assert not any(hash_of(value) in image.decode() or hash_of(value) in text for value in "1apqd")
