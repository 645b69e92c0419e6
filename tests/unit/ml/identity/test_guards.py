"""What is told apart stays apart, what is one by hand is one, and a weak bridge does not hold a large customer together."""

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.resolve import IdentifierRule, IdentityRules
from tests.unit.ml.identity.test_resolve import (
    LAST,
    Link,
    Named,
    Profile,
    World,
    numbered,
    on,
    resolve,
    roots_by_hand,
    roots_on,
    table,
    worlds,
)

TYPES = (IdentifierRule("email"), IdentifierRule("device", is_weak=True))
OPEN = IdentityRules(TYPES, bridge_above=99, told_apart=frozenset({"user_id shop"}))
NARROW = IdentityRules(TYPES, bridge_above=5)
Pair = tuple[str, str, bool, int, int]


def pairs_of(profiles: Sequence[Profile], pairs: Sequence[Pair]) -> pa.Table:
    ids = numbered(profile.key for profile in profiles)
    rows = [(ids[left], ids[right], is_same, on(since), on(until)) for left, right, is_same, since, until in pairs]
    return table(
        rows, left_no=pa.int32(), right_no=pa.int32(), is_same=pa.bool_(), known_from=pa.date32(), known_to=pa.date32()
    )


def marks_of(profiles: Sequence[Profile], accounts: dict[str, int]) -> pa.Table:
    ids = numbered(profile.key for profile in profiles)
    rows = [(ids[key], "user_id shop", account, on(0)) for key, account in accounts.items()]
    return table(rows, profile_no=pa.int32(), kind=pa.string(), value_no=pa.int32(), known_on=pa.date32())


def kinds_of(resolution: Named, kind: str) -> list[tuple[object, ...]]:
    return [(day, *rest) for day, what, *rest in resolution.log if what == kind]


def test_a_pair_told_apart_by_hand_is_two_customers_until_it_expires() -> None:
    profiles = [Profile(key, 0) for key in "abc"]
    links = [Link("a", "x", 0), Link("b", "x", 0), Link("b", "y", 0), Link("c", "y", 0)]
    pairs = pairs_of(profiles, [("a", "c", False, 1, 3)])

    resolution = resolve(profiles, links, end=3, rules=OPEN, pairs=pairs)

    assert [len(set(roots_on(resolution, day).values())) for day in range(4)] == [1, 2, 2, 1]
    assert kinds_of(resolution, "split") == [(1, "c", "a", "email|y")]
    assert kinds_of(resolution, "held") == [(1, "a", "c", "email|y")]
    assert kinds_of(resolution, "merged") == [(3, "a", "c", "email|y")]


def test_the_stronger_link_stays_where_two_contradict() -> None:
    profiles = [Profile(key, 0) for key in "abc"]
    links = [Link("a", "x", 0, "device"), Link("b", "x", 0, "device"), Link("b", "y", 0), Link("c", "y", 0)]

    resolution = resolve(profiles, links, rules=OPEN, marks=marks_of(profiles, {"a": 1, "c": 2}))

    assert roots_on(resolution, 0) == {"a": "a", "b": "b", "c": "b"}


def test_a_pair_made_one_by_hand_is_one_customer_until_it_expires() -> None:
    profiles = [Profile("a", 0), Profile("b", 1)]
    pairs = pairs_of(profiles, [("b", "a", True, 0, 3)])

    resolution = resolve(profiles, [], end=3, rules=OPEN, pairs=pairs)

    assert [roots_on(resolution, day).get("b") for day in range(4)] == [None, "a", "a", "b"]
    assert kinds_of(resolution, "split") == [(3, "b", "a", None)]


def family(size: int, prefix: str) -> tuple[list[Profile], list[Link]]:
    keys = [f"{prefix}{number}" for number in range(size)]
    return [Profile(key, 0) for key in keys], [Link(key, prefix, 0) for key in keys]


def test_two_halves_on_one_device_are_held_above_the_size() -> None:
    (left, left_links), (right, right_links) = family(3, "a"), family(3, "b")
    bridge = [Link("a0", "tablet", 1, "device"), Link("b0", "tablet", 1, "device")]
    alone = [Profile("c", 1)], [Link("c", "tablet", 1, "device")]

    resolution = resolve(left + right, left_links + right_links + bridge, end=1, rules=NARROW)
    smaller = resolve(left + right[:2], left_links + right_links[:2] + bridge, end=1, rules=NARROW)
    fuller = resolve(left + right + alone[0], left_links + right_links + bridge + alone[1], end=1, rules=NARROW)

    assert set(roots_on(resolution, 1).values()) == {"a0", "b0"}
    assert kinds_of(resolution, "held") == [(1, "a0", "b0", "device|tablet")]
    assert set(roots_on(smaller, 1).values()) == {"a0"}
    assert set(roots_on(fuller, 1).values()) == {"a0", "b0", "c"}


def test_a_second_link_ends_the_hold() -> None:
    (left, left_links), (right, right_links) = family(3, "a"), family(3, "b")
    bridge = [Link("a0", "tablet", 0, "device"), Link("b0", "tablet", 0, "device")]
    second = [Link("a1", "mail", 1), Link("b1", "mail", 1)]

    resolution = resolve(left + right, left_links + right_links + bridge + second, end=1, rules=NARROW)

    assert set(roots_on(resolution, 0).values()) == {"a0", "b0"}
    assert set(roots_on(resolution, 1).values()) == {"a0"}
    assert kinds_of(resolution, "merged") == [(1, "a0", "b0", "email|mail")]


def test_a_device_of_lone_profiles_is_no_bridge() -> None:
    profiles = [Profile(f"p{number}", 0) for number in range(8)]
    links = [Link(f"p{number + step}", f"d{number}", 0, "device") for number in range(7) for step in (0, 1)]

    assert set(roots_on(resolve(profiles, links, rules=NARROW), 0).values()) == {"p0"}


@given(worlds(), st.data())
@settings(max_examples=100, deadline=None)
def test_who_is_told_apart_is_never_one_and_nobody_else_is_parted(world: World, data: st.DataObject) -> None:
    profiles, links, _ = world
    keys = [profile.key for profile in profiles]
    accounts = data.draw(st.dictionaries(st.sampled_from(keys), st.integers(1, 3)))

    resolution = resolve(profiles, links, end=LAST, rules=OPEN, marks=marks_of(profiles, accounts))

    for day in range(LAST + 1):
        found, plain = roots_on(resolution, day), roots_by_hand(profiles, links, day, set())
        marks: dict[str, set[int]] = defaultdict(set)
        for key in found.keys() & accounts.keys():
            marks[plain[key]].add(accounts[key])
            marks[f"found {found[key]}"].add(accounts[key])
        for key, root in found.items():
            assert plain[key] == plain[root]
            assert len(marks[f"found {root}"]) <= 1
            assert root == plain[key] or len(marks[plain[key]]) > 1
