"""An identifier of people who are known to differ: what differs, and that a later day never takes it back."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.defs.identity.dictionary import CREATE, execute, land
from orchestration.defs.identity.facts import SHARED, TABLES
from orchestration.defs.identity.reach import reach_everybody
from tests.unit.orchestration.identity_warehouse import Fact, day_of, hash_of, new_warehouse, put

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


def shared(accounts: list[Account], *, end: int = LAST) -> dict[str, int]:
    """Shared addresses, with the day from which they are known as such."""
    facts: dict[int, list[Fact]] = {day: [] for day in range(LAST + 1)}
    for each in accounts:
        facts[each.day].append(Fact(each.profile, "user_id", each.account))
        facts[each.email_day].append(Fact(each.profile, "email", each.email))
        if each.name:
            facts[each.name_day].append(Fact(each.profile, "name", each.name))
    with new_warehouse() as warehouse:
        for day, landed in facts.items():
            put(warehouse, day_of(day), landed)
        execute(warehouse, CREATE)
        land(warehouse, start=day_of(0), end=day_of(end))
        reach_everybody(warehouse)
        for statement in TABLES:
            warehouse.execute(statement)
        found = warehouse.execute(
            f"select identifier_hash, shared_on from ({SHARED}) inner join identity.identifiers using (identifier_no)",
            {"most": MOST},
        ).fetchall()
    values = {hash_of(value): value for value in ("e", "f", "device", "a", "b")}
    return {values[identifier_hash]: (since - day_of(0)).days for identifier_hash, since in found}


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
def test_two_accounts_differ_by_name(one: str, other: str | None, *, is_shared: bool) -> None:
    accounts = [Account("shop:1", "1", one), Account("shop:2", "2", other)]

    assert bool(shared(accounts)) == is_shared


def test_accounts_of_different_sources_may_be_one_person() -> None:
    assert shared([Account("shop:1", "1", "Anna"), Account("club:2", "2", "Ben")]) == {}


def test_a_profile_without_a_name_has_the_name_of_its_account() -> None:
    visits = [Account("web:1", "1", None, email="device"), Account("web:2", "2", None, email="device")]
    known = [Account("shop:1", "1", "Anna", email="a", name_day=1), Account("shop:2", "2", "Ben", email="b")]

    assert shared([*visits, *known]) == {"device": 1}


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


@settings(deadline=None, max_examples=30)
@given(accounts=ACCOUNTS)
def test_what_was_shared_stays_shared_from_the_same_day(accounts: list[Account]) -> None:
    whole = shared(accounts)
    for end in range(LAST):
        assert shared(accounts, end=end) == {value: day for value, day in whole.items() if day <= end}
