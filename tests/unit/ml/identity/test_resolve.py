"""The identity map: rules, properties, and a union-find in plain Python as the oracle."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.resolve import HubLimits, Resolution, customer_id_of, resolve_days

FIRST = date(2025, 3, 1)
SMALL = HubLimits(profiles=3, persons=2)
Shared = dict[tuple[str, str], int]


class Link(NamedTuple):
    """One row of links; `day` counts from FIRST."""

    profile: str
    value: str
    day: int
    kind: str = "email"
    is_blocked: bool = False
    is_role: bool = False


class Profile(NamedTuple):
    """One row of profiles; `day` counts from FIRST."""

    key: str
    day: int
    person: str | None = None
    person_day: int = 0


class World(NamedTuple):
    """What landed, and which identifiers are known to be of several people from which day."""

    profiles: list[Profile]
    links: list[Link]
    shared: Shared


def on(day: int) -> date:
    return FIRST + timedelta(days=day)


def links_table(links: Iterable[Link]) -> pa.Table:
    rows = [
        {
            "profile_key": link.profile,
            "identifier_type": link.kind,
            "identifier_hash": link.value,
            "first_landed_on": on(link.day),
            "is_blocked": link.is_blocked,
            "is_role_mailbox": link.is_role,
        }
        for link in links
    ]
    names = ["profile_key", "identifier_type", "identifier_hash"]
    fields = [*((name, pa.string()) for name in names), ("first_landed_on", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema([*fields, ("is_blocked", pa.bool_()), ("is_role_mailbox", pa.bool_())]))


def profiles_table(profiles: Iterable[Profile]) -> pa.Table:
    rows = [
        {
            "profile_key": profile.key,
            "first_landed_on": on(profile.day),
            "person_hash": profile.person,
            "person_known_on": on(max(profile.day, profile.person_day)) if profile.person else None,
        }
        for profile in profiles
    ]
    days = [("first_landed_on", pa.date32()), ("person_hash", pa.string()), ("person_known_on", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema([("profile_key", pa.string()), *days]))


def shared_table(shared: Shared) -> pa.Table:
    rows = [
        {"identifier_type": kind, "identifier_hash": value, "shared_on": on(day)}
        for (kind, value), day in shared.items()
    ]
    names = [(name, pa.string()) for name in ("identifier_type", "identifier_hash")]
    return pa.Table.from_pylist(rows, pa.schema([*names, ("shared_on", pa.date32())]))


def resolve(
    profiles: Sequence[Profile],
    links: Sequence[Link],
    *,
    start: int = 0,
    end: int = 0,
    limits: HubLimits = SMALL,
    shared: Shared | None = None,
) -> Resolution:
    tables = links_table(links), profiles_table(profiles)
    return resolve_days(*tables, start=on(start), end=on(end), limits=limits, shared=shared_table(shared or {}))


def roots_on(resolution: Resolution, day: int) -> dict[str, str]:
    return {
        row["profile_key"]: row["root_profile_key"]
        for row in resolution.intervals.to_pylist()
        if row["valid_from"] <= on(day) < row["valid_to"]
    }


def log_of(resolution: Resolution) -> list[tuple[int, str, str, str | None, str | None]]:
    return [
        (
            (row["changed_on"] - FIRST).days,
            row["kind"],
            row["customer_id"],
            row["other_customer_id"],
            row["cause_value_hash"],
        )
        for row in resolution.log.to_pylist()
    ]


def hubs_by_hand(
    profiles: Sequence[Profile], links: Sequence[Link], day: int, limits: HubLimits, shared: Shared
) -> set[tuple[str, str]]:
    age = {profile.key: profile for profile in profiles if profile.day <= day}
    members, persons, limited = defaultdict(set), defaultdict(set), set()
    for link in links:
        if link.day <= day and link.profile in age and not link.is_blocked:
            profile = age[link.profile]
            identifier = (link.kind, link.value)
            members[identifier].add(link.profile)
            if profile.person and max(profile.day, profile.person_day) <= day:
                persons[identifier].add(profile.person)
            if link.is_role or link.kind == "device":
                limited.add(identifier)
    crowded = {identifier for identifier, keys in members.items() if len(keys) > limits.profiles}
    told_apart = {identifier for identifier in members if shared.get(identifier, LAST + 1) <= day}
    return crowded | told_apart | {identifier for identifier in limited if len(persons[identifier]) > limits.persons}


def roots_by_hand(
    profiles: Sequence[Profile], links: Sequence[Link], day: int, limits: HubLimits, shared: Shared
) -> dict[str, str]:
    known = sorted((profile.day, profile.key) for profile in profiles if profile.day <= day)
    rank = {key: place for place, (_, key) in enumerate(known)}
    parent = {key: key for key in rank}

    def find(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    hubs = hubs_by_hand(profiles, links, day, limits, shared)
    owners: dict[tuple[str, str], str] = {}
    for link in links:
        identifier = (link.kind, link.value)
        if link.day <= day and link.profile in rank and not link.is_blocked and identifier not in hubs:
            left, right = find(owners.setdefault(identifier, link.profile)), find(link.profile)
            young, old = sorted((left, right), key=lambda key: -rank[key])
            parent[young] = old
    return {key: find(key) for key in rank}


LAST = 5
PROFILES = st.lists(
    st.builds(
        Profile,
        st.sampled_from([f"p{number}" for number in range(10)]),
        st.integers(0, LAST),
        st.sampled_from([None, "ann", "bob", "cy", "di"]),
        st.integers(0, LAST),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda profile: profile.key,
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    profiles = draw(PROFILES)
    link = st.builds(
        Link,
        st.sampled_from([profile.key for profile in profiles]),
        st.sampled_from(["x", "y", "z"]),
        st.integers(0, LAST),
        st.sampled_from(["email", "device"]),
        st.sampled_from([False, False, False, True]),
        st.booleans(),
    )
    identifiers = st.tuples(st.sampled_from(["email", "device"]), st.sampled_from(["x", "y", "z"]))
    shared = st.dictionaries(identifiers, st.integers(0, LAST), max_size=2)
    return World(profiles, draw(st.lists(link, max_size=25)), draw(shared))


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_each_day_equals_a_union_find_by_hand(world: World) -> None:
    profiles, links, shared = world
    resolution = resolve(profiles, links, end=LAST, shared=shared)
    for day in range(LAST + 1):
        assert roots_on(resolution, day) == roots_by_hand(profiles, links, day, SMALL, shared)
    named = {(row["identifier_type"], row["identifier_hash"]) for row in resolution.hubs.to_pylist()}
    assert named == hubs_by_hand(profiles, links, LAST, SMALL, shared)


@given(worlds(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_never_shows(world: World, random: object) -> None:
    profiles, links, shared = world
    before = resolve(profiles, links, end=LAST, shared=shared)
    random.shuffle(profiles)  # type: ignore[attr-defined]
    random.shuffle(links)  # type: ignore[attr-defined]
    after = resolve(profiles, links, end=LAST, shared=shared)
    assert before.intervals.equals(after.intervals)
    assert before.log.equals(after.log)
    assert before.hubs.equals(after.hubs)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_day_by_day_equals_one_window(world: World) -> None:
    profiles, links, shared = world
    window = resolve(profiles, links, end=LAST, shared=shared)
    days = [resolve(profiles, links, start=day, end=day, shared=shared) for day in range(LAST + 1)]
    assert pa.concat_tables(day.log for day in days).equals(window.log)
    assert days[-1].hubs.equals(window.hubs)
    assert joined(row for day in days for row in day.intervals.to_pylist()) == window.intervals.to_pylist()


def joined(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Join neighbouring intervals of equal content, in the order of the window's own result."""
    runs: dict[object, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        mine = runs[row["profile_key"]]
        if mine and mine[-1]["valid_to"] == row["valid_from"] and mine[-1]["customer_id"] == row["customer_id"]:
            mine[-1]["valid_to"] = row["valid_to"]
        else:
            mine.append(dict(row))
    age = {key: (mine[0]["valid_from"], key) for key, mine in runs.items()}
    return [row for key in sorted(runs, key=lambda key: age[key]) for row in runs[key]]


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_the_log_tells_every_change_of_the_map(world: World) -> None:
    profiles, links, shared = world
    resolution = resolve(profiles, links, end=LAST, shared=shared)
    log = log_of(resolution)
    for day in range(LAST + 1):
        before, after = (
            roots_by_hand(profiles, links, day - 1, SMALL, shared),
            roots_by_hand(profiles, links, day, SMALL, shared),
        )
        told = {
            (customer, other) for when, kind, customer, other, _ in log if when == day and kind in ("merged", "split")
        }
        moved = {
            (customer_id_of(after[key]), customer_id_of(root)) for key, root in before.items() if after[key] != root
        }
        created = {customer for when, kind, customer, _, _ in log if when == day and kind == "created"}
        assert told == moved
        assert created == {customer_id_of(root) for root in after.values() if root not in before}
    assert all(row["cause_value_hash"] for row in resolution.log.to_pylist() if row["kind"] != "created")


def test_a_chain_of_links_is_one_customer() -> None:
    size = 2_000
    profiles = [Profile(f"p{number:05}", 0) for number in range(size)]
    links = [Link(f"p{number + step:05}", f"v{number}", 0) for number in range(size - 1) for step in (0, 1)]
    assert set(roots_on(resolve(profiles, links), 0).values()) == {"p00000"}


def test_the_root_is_the_oldest_profile_then_the_lowest_key() -> None:
    profiles = [Profile("a", 1), Profile("c", 0), Profile("b", 0)]
    links = [Link(key, "x", 1) for key in "abc"]
    resolution = resolve(profiles, links, start=1, end=1)
    assert set(roots_on(resolution, 1).values()) == {"b"}
    assert set(resolution.intervals["customer_id"].to_pylist()) == {"c_" + sha256(b"b").hexdigest()[:16]}


def test_on_a_merge_the_older_customer_survives() -> None:
    profiles = [Profile("z", 0), Profile("a", 1)]
    links = [Link("z", "x", 0), Link("a", "x", 2), Link("z", "y", 2), Link("a", "y", 2)]
    resolution = resolve(profiles, links, end=2)
    old, young = customer_id_of("z"), customer_id_of("a")
    assert log_of(resolution) == [
        (0, "created", old, None, None),
        (1, "created", young, None, None),
        (2, "merged", old, young, "x"),
    ]


def test_a_value_that_becomes_a_hub_splits_its_customer() -> None:
    profiles = [Profile(key, 0) for key in "abc"] + [Profile("d", 1)]
    links = [Link(key, "x", 0) for key in "abc"] + [Link("d", "x", 1)]
    resolution = resolve(profiles, links, end=1)
    assert roots_on(resolution, 0) == dict.fromkeys("abc", "a")
    assert roots_on(resolution, 1) == {key: key for key in "abcd"}
    a, b, c, d = (customer_id_of(key) for key in "abcd")
    assert sorted(entry for entry in log_of(resolution) if entry[0] == 1) == sorted(
        [(1, "created", d, None, None), (1, "split", b, a, "x"), (1, "split", c, a, "x")], key=str
    )
    assert resolution.hubs.to_pylist() == [
        {
            "day": on(1),
            "identifier_type": "email",
            "identifier_hash": "x",
            "profile_count": 4,
            "person_count": 0,
            "reason": "many_profiles",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "is_role", "is_hub"), [("email", True, True), ("device", False, True), ("email", False, False)]
)
def test_role_mailboxes_and_devices_are_limited_by_persons(kind: str, is_role: bool, is_hub: bool) -> None:
    profiles = [Profile(key, 0, person) for key, person in zip("abc", ("ann", "bob", "cy"), strict=True)]
    links = [Link(key, "x", 0, kind, is_role=is_role) for key in "abc"]
    assert len(set(roots_on(resolve(profiles, links), 0).values())) == (3 if is_hub else 1)


def test_a_person_counts_from_the_day_it_is_known() -> None:
    profiles = [Profile("a", 0, "ann"), Profile("b", 0, "bob"), Profile("c", 0, "cy", 1)]
    links = [Link(key, "x", 0, "device") for key in "abc"]
    resolution = resolve(profiles, links, end=1)
    assert [len(set(roots_on(resolution, day).values())) for day in (0, 1)] == [1, 3]


def test_blocked_values_never_link_and_are_no_hubs() -> None:
    profiles = [Profile(f"p{number}", 0) for number in range(9)]
    resolution = resolve(profiles, [Link(profile.key, "null", 0, is_blocked=True) for profile in profiles])
    assert len(set(roots_on(resolution, 0).values())) == 9
    assert resolution.hubs.num_rows == 0


def test_repeated_rows_do_not_make_a_hub() -> None:
    links = [Link(key, "x", 0) for key in "ab" for _ in range(5)]
    assert set(roots_on(resolve([Profile("a", 0), Profile("b", 0)], links), 0).values()) == {"a"}


def test_nothing_known_gives_typed_empty_tables() -> None:
    resolution = resolve([], [])
    assert (resolution.intervals.num_rows, resolution.log.num_rows, resolution.hubs.num_rows) == (0, 0, 0)
    assert resolution.log.schema.field("changed_on").type == pa.date32()


def test_what_lands_after_the_window_is_not_seen() -> None:
    resolution = resolve([Profile("a", 0), Profile("b", 3)], [Link("a", "x", 0), Link("b", "x", 3)], end=1)
    assert resolution.intervals["profile_key"].to_pylist() == ["a"]


def test_faulty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="1 rows name a profile"):
        resolve([Profile("a", 0)], [Link("b", "x", 0)])
    with pytest.raises(ValueError, match="not unique"):
        resolve([Profile("a", 0), Profile("a", 0)], [])
    with pytest.raises(ValueError, match="before start"):
        resolve([Profile("a", 0)], [], start=1, end=0)
