"""Day by day is the same as at once, row for row, ids included, whatever happens in between."""

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from activation.playbook.identity import Identity
from orchestration.defs.identity.batches import MOST, Most
from tests.unit.orchestration.identity_warehouse import (
    BEGINNING,
    IDENTITY,
    Fact,
    day_of,
    decisions_of,
    hash_of,
    new_warehouse,
    put,
    read,
    rebuilt,
    solve,
)

PEOPLE = [f"{source}:{number}" for source in ("shop", "club", "web") for number in range(5)]
MAILBOXES = {f"mailbox:{hash_of(value)}": value for value in ("a", "b", "null")}
PROFILES = [*PEOPLE, *MAILBOXES]
PLAIN = st.builds(
    Fact,
    st.sampled_from(PROFILES),
    st.sampled_from(["email", "inbox", "phone", "device", "user_id"]),
    st.sampled_from(["a", "b", "c", "d", "null"]),
    st.booleans(),
)
NAMES = st.builds(
    Fact, st.sampled_from(PROFILES), st.just("name"), st.sampled_from(["Anna Berg", "Ana Berg", "Ben Lind", "Karl"])
)


def one_role(facts: list[Fact]) -> list[Fact]:
    """A value is a role mailbox or it is none; a profile states one name a day; one that is but a mailbox comes with its address."""
    named: dict[str, Fact] = {}
    own = [Fact(fact.profile, "email", MAILBOXES[fact.profile]) for fact in facts if fact.profile in MAILBOXES]
    links = [fact for fact in [*own, *facts] if fact.kind != "name"]
    links = [fact._replace(is_role=fact.kind == "email" and fact.value == "a") for fact in links]
    for fact in facts:
        if fact.kind == "name":
            named.setdefault(fact.profile, fact)
    return [*links, *named.values()]


DAYS = st.lists(st.one_of(PLAIN, PLAIN, NAMES), max_size=7).map(one_role)


class Ticks(RuleBasedStateMachine):
    """Lands days, lands them again, lets them be late, moves limits, decides by hand, proposes and erases."""

    def __init__(self) -> None:
        super().__init__()
        self.warehouse: duckdb.DuckDBPyConnection = new_warehouse()
        self.versions: list[tuple[date, Identity]] = [(BEGINNING, IDENTITY)]
        self.last = -1
        self.is_solved = False
        self.most = MOST

    def teardown(self) -> None:
        self.warehouse.close()

    def tick(self, start: int, end: int) -> None:
        solve(self.warehouse, decisions_of(*self.versions), start, end, most=self.most)
        self.last, self.is_solved = max(self.last, end), True

    @initialize(facts=DAYS, most=st.sampled_from([Most(1, 0), Most(8), MOST]))
    def begin(self, facts: list[Fact], most: Most = MOST) -> None:
        self.most = most
        put(self.warehouse, day_of(0), facts)
        self.tick(0, 0)

    @rule(facts=DAYS)
    def land(self, facts: list[Fact]) -> None:
        put(self.warehouse, day_of(self.last + 1), facts)
        self.tick(self.last + 1, self.last + 1)

    @rule(days=st.lists(DAYS, min_size=2, max_size=3))
    def land_some_days_at_once(self, days: list[list[Fact]]) -> None:
        start = self.last + 1
        for offset, facts in enumerate(days):
            put(self.warehouse, day_of(start + offset), facts)
        self.tick(start, start + len(days) - 1)

    @rule(facts=DAYS)
    def skip_a_day(self, facts: list[Fact]) -> None:
        put(self.warehouse, day_of(self.last + 2), facts)
        self.tick(self.last + 2, self.last + 2)

    @rule(facts=DAYS, back=st.integers(0, 3))
    def land_again(self, facts: list[Fact], back: int) -> None:
        day = max(0, self.last - back)
        put(self.warehouse, day_of(day), facts)
        self.tick(day, day)

    @rule(back=st.integers(0, 3))
    def run_again(self, back: int) -> None:
        before = read(self.warehouse)
        self.tick(max(0, self.last - back), self.last)
        assert read(self.warehouse) == before

    def decide(self, change: Callable[[Identity], dict[str, Any]]) -> None:
        newest = self.versions[-1][1]
        changed = Identity.model_validate(newest.model_dump() | change(newest))
        self.versions.append((day_of(self.last + 1), changed))

    @rule(
        one=st.sampled_from(PROFILES), other=st.sampled_from(PROFILES), are=st.sampled_from(["one", "different"]),
        days=st.integers(1, 4),
    )  # fmt: skip
    def pair_by_hand(self, one: str, other: str, are: str, days: int) -> None:
        pair = {
            "profiles": (one, other), "are": are, "owner": "crm", "reason": "they said so",
            "decided_on": day_of(self.last), "expires_on": day_of(self.last + 1 + days),
        }  # fmt: skip
        if one != other:
            self.decide(lambda identity: {"pairs": [*identity.model_dump()["pairs"], pair]})

    @rule(kind=st.sampled_from(["email", "phone"]), value=st.sampled_from(["a", "b"]))
    def block(self, kind: str, value: str) -> None:
        self.decide(lambda _: {"blocked": [{"type": kind, "value_hash": hash_of(value)}]})

    @rule()
    def unblock(self) -> None:
        self.decide(lambda _: {"blocked": []})

    @rule(most=st.integers(2, 5), bridge=st.integers(2, 6))
    def change_limits(self, most: int, bridge: int) -> None:
        def change(identity: Identity) -> dict[str, Any]:
            dumped = identity.model_dump()
            limits = [
                each | ({"most_profiles": most} if each["type"] == "email" else {}) for each in dumped["identifiers"]
            ]
            return {"identifiers": limits, "guards": dumped["guards"] | {"bridge_above": bridge}}

        self.decide(change)

    @rule()
    def switch_proposals(self) -> None:
        self.decide(lambda it: {"probabilistic": it.probabilistic.model_dump() | {"is_on": not it.probabilistic.is_on}})

    @rule(one=st.sampled_from(PROFILES), other=st.sampled_from(PROFILES))
    def propose(self, one: str, other: str) -> None:
        if one < other:
            row = [day_of(self.last), one, other, hash_of(f"{one}|{other}")]
            self.warehouse.execute("insert into ml.identity_matches values ($1, $2, $3, 0.9, 5.0, $4)", row)

    @precondition(lambda self: self.is_solved)
    @rule(profile=st.sampled_from(PROFILES))
    def erase(self, profile: str) -> None:
        for table in (
            "intermediate.int_identifiers__linked",
            "intermediate.int_profiles__unioned",
            "identity.profiles",
        ):
            self.warehouse.execute(f"delete from {table} where profile_key = ?", [profile])
        self.warehouse.execute("delete from marts.identity_map where profile_key = ?", [profile])
        self.warehouse.execute(
            "delete from ml.identity_matches where ? in (left_profile_key, right_profile_key)", [profile]
        )
        self.tick(self.last, self.last)

    @invariant()
    def equals_a_rebuild(self) -> None:
        if self.is_solved:
            self.tick(self.last, self.last)
            assert read(self.warehouse) == rebuilt(self.warehouse, decisions_of(*self.versions), self.last)


TestTicks = Ticks.TestCase
TestTicks.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_blocked_value_is_no_hub_once_the_day_of_its_only_link_landed_again_without_it() -> None:
    ticks = Ticks()
    ticks.begin([])
    ticks.block("email", "a")
    ticks.land([Fact("shop:0", "email", "a")])
    ticks.equals_a_rebuild()
    ticks.land_again([], back=0)
    ticks.equals_a_rebuild()
    ticks.teardown()


def test_proposal_ends_when_one_of_its_two_profiles_is_erased_though_it_landed_too_late_to_be_linked() -> None:
    ticks = Ticks()
    ticks.begin([Fact("web:3", "email", "a")])
    ticks.switch_proposals()
    ticks.propose("shop:3", "web:3")
    ticks.land([Fact("shop:3", "device", "a")])
    ticks.switch_proposals()
    ticks.land([])
    ticks.erase("shop:3")
    ticks.equals_a_rebuild()
    ticks.teardown()


def test_what_comes_with_a_placeholder_mailbox_joins_nobody() -> None:
    nobody = f"mailbox:{hash_of('null')}"
    with new_warehouse() as warehouse:
        typed = [Fact(nobody, "email", "null"), Fact(nobody, "phone", "a"), Fact(nobody, "phone", "b")]
        put(warehouse, day_of(0), [*typed, Fact("shop:1", "phone", "a"), Fact("shop:2", "phone", "b")])
        solve(warehouse, decisions_of((BEGINNING, IDENTITY)), 0, 0)
        assert {key for key, _, root, *_ in read(warehouse)["map"] if key != root} == set()
        assert len(read(warehouse)["map"]) == 3


def test_who_left_a_customer_that_nothing_reaches_any_more_keeps_the_days_with_it() -> None:
    ticks = Ticks()
    ticks.begin([Fact("web:3", "inbox", "a")])
    ticks.land([Fact("shop:0", "inbox", "a")])
    ticks.land([Fact(f"club:{number}", "inbox", "a") for number in range(3)])  # a hub
    ticks.land([Fact("shop:0", "email", "b")])
    ticks.equals_a_rebuild()
    ticks.teardown()


def test_accounts_of_one_name_may_be_one_customer_and_those_of_two_names_are_not() -> None:
    with new_warehouse() as warehouse:
        same = [
            Fact(f"shop:{one}", kind, value) for one in "12" for kind, value in (("phone", "a"), ("name", "Anna Berg"))
        ]
        differ = [Fact(f"shop:{one}", "device", "b") for one in "34"]
        names = [Fact("shop:3", "name", "Anna Berg"), Fact("shop:4", "name", "Ana Berg")]
        accounts = [Fact(f"shop:{one}", "user_id", one) for one in "1234"]
        put(warehouse, day_of(0), [*same, *differ, *accounts])
        put(warehouse, day_of(1), names)
        solve(warehouse, decisions_of((BEGINNING, IDENTITY)), 0, 1)
        found = read(warehouse)
    assert {(key, root, since) for key, _, root, since, _ in found["map"]} == {
        ("shop:1", "shop:1", day_of(0)), ("shop:2", "shop:1", day_of(0)),
        ("shop:3", "shop:3", day_of(0)), ("shop:4", "shop:3", day_of(0)), ("shop:4", "shop:4", day_of(1)),
    }  # fmt: skip
    assert [row[:2] for row in found["log"] if row[1] in ("split", "held")] == [
        (day_of(1), "held"),
        (day_of(1), "split"),
    ]
