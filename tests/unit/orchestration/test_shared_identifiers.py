"""An identifier of people who are known to differ: what differs, and that a later day never takes it back."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.defs.identity.identity_map import SHARED

FIRST = date(2025, 3, 1)
LAST = 3
MOST = 3


class Account(NamedTuple):
    """A profile with a user id and a name, that uses an email address; each from its own day."""

    profile: str
    account: str
    name: str | None
    day: int = 0
    name_day: int = 0
    email_day: int = 0
    email: str = "e"


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema intermediate")
        yield connection


def shared(warehouse: duckdb.DuckDBPyConnection, accounts: list[Account], *, end: int = LAST) -> dict[str, int]:
    """Shared addresses, with the day from which they are known as such."""
    warehouse.execute(
        "create or replace table intermediate.int_identifiers__linked (profile_key varchar, source varchar, identifier_type varchar, "
        "identifier_hash varchar, landed_on date, is_blocked boolean)"
    )
    warehouse.execute(
        "create or replace table intermediate.int_profiles__unioned "
        "(profile_key varchar, first_name varchar, last_name varchar, landed_on date)"
    )
    for each in accounts:
        source = each.profile.split(":")[0]
        for kind, value, day in (("user_id", each.account, each.day), ("email", each.email, each.email_day)):
            row = (each.profile, source, kind, value, FIRST + timedelta(days=day))
            warehouse.execute("insert into intermediate.int_identifiers__linked values (?, ?, ?, ?, ?, false)", row)
        if each.name:
            first, _, last = each.name.partition(" ")
            name = (each.profile, first, last or None, FIRST + timedelta(days=each.name_day))
            warehouse.execute("insert into intermediate.int_profiles__unioned values (?, ?, ?, ?)", name)
    found = warehouse.execute(SHARED, {"end": FIRST + timedelta(days=end), "most": MOST}).fetchall()
    return {value: (since - FIRST).days for _, value, since in found}


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("Anna Lind", "Ben Lind", True),
        ("Anna Lind", "Karl Berg", True),
        ("Anna Lind", "Anna Lind", False),
        ("Jonathan Lind", "Jonahtan Lind", False),
        ("André Lind", "Andre Lind", False),
        ("A. Lind", "Anna Lind", False),
        ("B. Lind", "Anna Lind", True),
        ("Anna Lind", "Lind Anna", False),
        ("Anna Lind", None, False),
    ],
)
def test_two_accounts_differ_by_name(
    warehouse: duckdb.DuckDBPyConnection, one: str, other: str | None, *, is_shared: bool
) -> None:
    accounts = [Account("shop:1", "1", one), Account("shop:2", "2", other)]

    assert bool(shared(warehouse, accounts)) == is_shared


def test_accounts_of_different_sources_may_be_one_person(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert shared(warehouse, [Account("shop:1", "1", "Anna"), Account("club:2", "2", "Ben")]) == {}


def test_a_profile_without_a_name_has_the_name_of_its_account(warehouse: duckdb.DuckDBPyConnection) -> None:
    visits = [Account("web:1", "1", None, email="device"), Account("web:2", "2", None, email="device")]
    known = [Account("shop:1", "1", "Anna", email="a", name_day=1), Account("shop:2", "2", "Ben", email="b")]

    assert shared(warehouse, [*visits, *known]) == {"device": 1}


ACCOUNTS = st.lists(
    st.builds(
        Account,
        st.sampled_from(["shop:1", "shop:2", "shop:3", "web:1", "web:2"]),
        st.sampled_from(["1", "2", "3", "4"]),
        st.sampled_from([None, "Anna", "Ana", "Ben", "Karl"]),
        *(st.integers(0, LAST) for _ in range(3)),
        st.sampled_from(["e", "f"]),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(accounts=ACCOUNTS)
def test_what_was_shared_stays_shared_from_the_same_day(
    warehouse: duckdb.DuckDBPyConnection, accounts: list[Account]
) -> None:
    whole = shared(warehouse, accounts)
    for end in range(LAST):
        assert shared(warehouse, accounts, end=end) == {value: day for value, day in whole.items() if day <= end}
