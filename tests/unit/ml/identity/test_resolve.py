"""The identity map: rules, properties, and a union-find in plain Python as the oracle."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.resolve import IdentifierRule, IdentityRules, Known, Resolution, resolve_days

FIRST = date(2025, 3, 1)
SMALL = IdentityRules(
    (
        IdentifierRule("email", most_profiles=3, most_people_if_role=2),
        IdentifierRule("device", most_profiles=3, most_people=2),
    )
)
Shared = dict[tuple[str, str], int]


class Link(NamedTuple):
    """One row of links; `day` counts from FIRST."""

    profile: str
    value: str
    day: int
    kind: str = "email"
    is_role: bool = False

    @property
    def identifier(self) -> tuple[str, str]:
        return self.kind, self.value

    @property
    def is_own(self) -> bool:
        return self.kind == "email" and self.profile == f"mailbox:{self.value}"


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


def table(rows: Iterable[tuple[object, ...]], **columns: pa.DataType) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table({name: pa.array(each, kind) for (name, kind), each in zip(columns.items(), values, strict=True)})


def numbered(keys: Iterable[str]) -> dict[str, int]:
    """Any numbers: what they are must not matter."""
    return {key: (place + 1) * 7_919 % 100_003 for place, key in enumerate(sorted(keys))}


def known_of(profiles: Sequence[Profile], links: Sequence[Link], shared: Shared) -> Known:
    ids = numbered(profile.key for profile in profiles)
    values = numbered({"|".join(link.identifier) for link in links})
    by_key = {profile.key: profile for profile in profiles}
    sightings: dict[tuple[int, str], int] = {}
    for link in links:
        holder = by_key.get(link.profile)
        if holder and holder.person:
            seen = (values["|".join(link.identifier)], holder.person)
            sightings[seen] = min(sightings.get(seen, 99), max(link.day, holder.day, holder.person_day))
    return Known(
        profiles=table(
            [(ids[each.key], on(each.day)) for each in sorted(profiles, key=lambda each: (each.day, each.key))],
            profile_no=pa.int32(), first_landed_on=pa.date32(),
        ),
        identifiers=table(
            [(number, value.split("|")[0], place) for place, (value, number) in enumerate(values.items())],
            identifier_no=pa.int32(), identifier_type=pa.string(), rank=pa.int64(),
        ),
        links=table(
            [
                (ids.get(link.profile, 1), values["|".join(link.identifier)], on(link.day), link.is_role, link.is_own)
                for link in links
            ],
            profile_no=pa.int32(), identifier_no=pa.int32(), first_landed_on=pa.date32(), is_role=pa.bool_(),
            is_own=pa.bool_(),
        ),
        people=table(
            [(number, on(day)) for (number, _), day in sightings.items()],
            identifier_no=pa.int32(), known_on=pa.date32(),
        ),
        shared=table(
            [(values["|".join(value)], on(day)) for value, day in shared.items() if "|".join(value) in values],
            identifier_no=pa.int32(), shared_on=pa.date32(),
        ),
        marks=table([], profile_no=pa.int32(), kind=pa.string(), value_no=pa.int32(), known_on=pa.date32()),
        pairs=table(
            [], left_no=pa.int32(), right_no=pa.int32(), is_same=pa.bool_(), known_from=pa.date32(), known_to=pa.date32()
        ),
        blocked=table([], identifier_no=pa.int32(), known_from=pa.date32(), known_to=pa.date32()),
    )  # fmt: skip


class Named(NamedTuple):
    """A resolution with keys and values in place of numbers."""

    intervals: list[dict[str, object]]
    log: list[tuple[int, str, str, str | None, str | None]]
    hubs: list[tuple[str, str, int, str]]


def resolve(
    profiles: Sequence[Profile],
    links: Sequence[Link],
    *,
    start: int = 0,
    end: int = 0,
    rules: IdentityRules = SMALL,
    shared: Shared | None = None,
    **facts: pa.Table,
) -> Named:
    known = replace(known_of(profiles, links, shared or {}), **facts)
    return named(resolve_days(known, start=on(start), end=on(end), rules=rules), profiles, links)


def named(found: Resolution, profiles: Sequence[Profile], links: Sequence[Link]) -> Named:
    keys = {number: key for key, number in numbered(profile.key for profile in profiles).items()}
    values = {number: value for value, number in numbered({"|".join(link.identifier) for link in links}).items()}
    return Named(
        intervals=[
            {
                "profile_key": keys[row["profile_no"]],
                "root_profile_key": keys[row["root_no"]],
                "valid_from": row["valid_from"],
                "valid_to": row["valid_to"],
            }
            for row in found.intervals.to_pylist()
        ],
        log=sorted(
            (
                (
                    (row["changed_on"] - FIRST).days,
                    row["kind"],
                    keys[row["root_no"]],
                    keys.get(row["other_no"]),
                    values.get(row["cause_no"]),
                )
                for row in found.log.to_pylist()
            ),
            key=str,
        ),
        hubs=sorted(
            (*values[row["identifier_no"]].split("|"), (row["hub_from"] - FIRST).days, row["reason"])
            for row in found.hubs.to_pylist()
        ),
    )


def roots_on(resolution: Named, day: int) -> dict[str, str]:
    return {
        row["profile_key"]: row["root_profile_key"]
        for row in resolution.intervals
        if row["valid_from"] <= on(day) < row["valid_to"]
    }


def hubs_by_hand(profiles: Sequence[Profile], links: Sequence[Link], day: int, shared: Shared) -> set[tuple[str, str]]:
    age = {profile.key: profile for profile in profiles if profile.day <= day}
    members, persons, limited = defaultdict(set), defaultdict(set), set()
    for link in links:
        if link.day <= day and link.profile in age:
            profile = age[link.profile]
            identifier = link.identifier
            members[identifier].add(link.profile)
            if profile.person and max(profile.day, profile.person_day) <= day:
                persons[identifier].add(profile.person)
            if link.is_role or link.kind == "device":
                limited.add(identifier)
    crowded = {identifier for identifier, keys in members.items() if len(keys) > 3}
    told_apart = {identifier for identifier in members if shared.get(identifier, LAST + 1) <= day}
    return crowded | told_apart | {identifier for identifier in limited if len(persons[identifier]) > 2}


def roots_by_hand(
    profiles: Sequence[Profile], links: Sequence[Link], day: int, hubs: set[tuple[str, str]]
) -> dict[str, str]:
    known = sorted((profile.day, profile.key) for profile in profiles if profile.day <= day)
    rank = {key: place for place, (_, key) in enumerate(known)}
    parent = {key: key for key in rank}

    def find(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    owners: dict[tuple[str, str], str] = {}
    nobody = {link.profile for link in links if link.is_own and link.day <= day and link.identifier in hubs}
    for link in links:
        identifier = link.identifier
        if link.day <= day and link.profile in rank.keys() - nobody and identifier not in hubs:
            left, right = find(owners.setdefault(identifier, link.profile)), find(link.profile)
            young, old = sorted((left, right), key=lambda key: -rank[key])
            parent[young] = old
    return {key: find(key) for key in rank}


LAST = 5
PROFILES = st.lists(
    st.builds(
        Profile,
        st.sampled_from([*(f"p{number}" for number in range(10)), "mailbox:x", "mailbox:y"]),
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
        st.booleans(),
    )
    identifiers = st.tuples(st.sampled_from(["email", "device"]), st.sampled_from(["x", "y", "z"]))
    shared = st.dictionaries(identifiers, st.integers(0, LAST), max_size=2)
    return World(
        profiles,
        draw(st.lists(link, max_size=25, unique_by=lambda each: (each.profile, each.identifier))),
        draw(shared),
    )


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_each_day_equals_a_union_find_by_hand(world: World) -> None:
    profiles, links, shared = world
    resolution = resolve(profiles, links, end=LAST, shared=shared)
    for day in range(LAST + 1):
        hubs = hubs_by_hand(profiles, links, day, shared)
        assert roots_on(resolution, day) == roots_by_hand(profiles, links, day, hubs)
    assert {(kind, value) for kind, value, *_ in resolution.hubs} == hubs_by_hand(profiles, links, LAST, shared)


@given(worlds(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_never_shows(world: World, random: object) -> None:
    profiles, links, shared = world
    before = resolve(profiles, links, end=LAST, shared=shared)
    random.shuffle(profiles)  # type: ignore[attr-defined]
    random.shuffle(links)  # type: ignore[attr-defined]
    after = resolve(profiles, links, end=LAST, shared=shared)
    assert before == after


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_day_by_day_equals_one_window(world: World) -> None:
    profiles, links, shared = world
    window = resolve(profiles, links, end=LAST, shared=shared)
    days = [resolve(profiles, links, start=day, end=day, shared=shared) for day in range(LAST + 1)]
    assert sorted((row for day in days for row in day.log), key=str) == window.log
    assert [hub[:2] for hub in days[-1].hubs] == [hub[:2] for hub in window.hubs]
    assert joined(row for day in days for row in day.intervals) == window.intervals


def joined(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Join neighbouring intervals of equal content, in the order of the window's own result."""
    runs: dict[object, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        mine = runs[row["profile_key"]]
        if (
            mine
            and mine[-1]["valid_to"] == row["valid_from"]
            and mine[-1]["root_profile_key"] == row["root_profile_key"]
        ):
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
    for day in range(LAST + 1):
        before, after = (
            roots_by_hand(profiles, links, when, hubs_by_hand(profiles, links, when, shared)) for when in (day - 1, day)
        )
        told = {
            (customer, other)
            for when, kind, customer, other, _ in resolution.log
            if when == day and kind in ("merged", "split")
        }
        moved = {(after[key], root) for key, root in before.items() if after[key] != root}
        created = {customer for when, kind, customer, _, _ in resolution.log if when == day and kind == "created"}
        assert told == moved
        assert created == {root for root in after.values() if root not in before}
    assert all(cause for _, kind, _, _, cause in resolution.log if kind != "created")


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


def test_on_a_merge_the_older_customer_survives() -> None:
    profiles = [Profile("z", 0), Profile("a", 1)]
    links = [Link("z", "x", 0), Link("a", "x", 2), Link("z", "y", 2), Link("a", "y", 2)]
    resolution = resolve(profiles, links, end=2)
    assert resolution.log == [
        (0, "created", "z", None, None),
        (1, "created", "a", None, None),
        (2, "merged", "z", "a", "email|x"),
    ]


def test_a_value_that_becomes_a_hub_splits_its_customer() -> None:
    profiles = [Profile(key, 0) for key in "abc"] + [Profile("d", 1)]
    links = [Link(key, "x", 0) for key in "abc"] + [Link("d", "x", 1)]
    resolution = resolve(profiles, links, end=1)
    assert roots_on(resolution, 0) == dict.fromkeys("abc", "a")
    assert roots_on(resolution, 1) == {key: key for key in "abcd"}
    assert [entry for entry in resolution.log if entry[0] == 1] == [
        (1, "created", "d", None, None),
        (1, "split", "b", "a", "email|x"),
        (1, "split", "c", "a", "email|x"),
    ]
    assert resolution.hubs == [("email", "x", 1, "many_profiles")]


def test_a_mailbox_that_becomes_a_hub_is_nobody_whose_phone_could_join_customers() -> None:
    profiles = [Profile(key, 0) for key in ("a", "b", "mailbox:x")] + [Profile("c", 1)]
    links = [Link("a", "one", 0, "device"), Link("mailbox:x", "one", 0, "device"), Link("mailbox:x", "x", 0)]
    crowd = [Link("b", "x", 0), Link("a", "x", 1), Link("c", "x", 1)]
    resolution = resolve(profiles, [*links, *crowd], end=1)
    assert roots_on(resolution, 0) == dict.fromkeys(("a", "b", "mailbox:x"), "a")
    assert roots_on(resolution, 1) == {key: key for key in ("a", "b", "c", "mailbox:x")}


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


def test_nothing_known_gives_typed_empty_tables() -> None:
    resolution = resolve_days(known_of([], [], {}), start=FIRST, end=FIRST, rules=SMALL)
    assert (resolution.intervals.num_rows, resolution.log.num_rows, resolution.hubs.num_rows) == (0, 0, 0)
    assert resolution.log.schema.field("changed_on").type == pa.date32()


def test_what_lands_after_the_window_is_not_seen() -> None:
    resolution = resolve([Profile("a", 0), Profile("b", 3)], [Link("a", "x", 0), Link("b", "x", 3)], end=1)
    assert [row["profile_key"] for row in resolution.intervals] == ["a"]


def test_faulty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="1 rows name a number"):
        resolve([Profile("a", 0)], [Link("b", "x", 0)])
    with pytest.raises(ValueError, match="a number is there twice"):
        resolve([Profile("a", 0), Profile("a", 0)], [])
    with pytest.raises(ValueError, match="1 are of a type without a rule"):
        resolve([Profile("a", 0)], [Link("a", "x", 0, "fax")])
    with pytest.raises(ValueError, match="before start"):
        resolve([Profile("a", 0)], [], start=1, end=0)
