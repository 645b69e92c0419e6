"""The state of one day: which links are followed, and which profile is the root of which."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.identity.components import label
from ml.identity.encode import NEVER, Bools, Encoded, Ints
from ml.identity.guards import find_bridges, refuse_links
from ml.identity.rules import IdentityRules


@dataclass(frozen=True)
class Day:
    """What is known at the end of one day.

    Attributes:
        day: Days since 1970-01-01.
        roots: For each profile known, the oldest profile of its customer; its length is the number of profiles known.
        reaches: For each profile known, the oldest profile that any live identifier reaches, guards aside: what a guard
            decides of a profile depends on all profiles of one reach, and on no other.
        is_followed: For each link known (a prefix of the encoded ones), whether it links.
        is_hub: For each identifier, whether it links nobody.
        is_held: For each identifier, whether a guard refuses some of its links.
        profile_counts: For each identifier, distinct profiles.
        people_counts: For each identifier, distinct people.
    """

    day: int
    roots: Ints
    reaches: Ints
    is_followed: Bools = field(repr=False)
    is_hub: Bools = field(repr=False)
    is_held: Bools = field(repr=False)
    profile_counts: Ints = field(repr=False)
    people_counts: Ints = field(repr=False)


def solve_days(
    rows: Encoded, *, start: int, end: int, rules: IdentityRules, rules_before: IdentityRules | None = None
) -> Iterator[Day]:
    """Solve the days start..end that differ from the day before, and always the first.

    Every day is a pure function of the rows known on it: counts are carried forward, components are not.

    Args:
        rows: What is known.
        start: Days since 1970-01-01.
        end: The same, inclusive.
        rules: Limits and guards.
        rules_before: Those of the day `start`, where they differ from the days after it; then the day after is given as well.
    """
    size = len(rows.identifier_nos)
    profile_counts, people_counts = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    is_role = np.zeros(size, dtype=np.bool_)
    links = people = 0
    for day in _days_to_solve(rows, start, end, is_changing=rules_before is not None):
        valid = rules_before if rules_before and day == start else rules
        most_profiles, most_people, most_if_role = _limits(rows, valid)
        needs_same_name = np.array([rule.needs_same_name for rule in valid.identifiers], dtype=np.bool_)[
            rows.identifier_types
        ]
        new_links = slice(links, int(np.searchsorted(rows.link_days, day, side="right")))
        new_people = slice(people, int(np.searchsorted(rows.people_days, day, side="right")))
        links, people = new_links.stop, new_people.stop
        profile_counts = profile_counts + _count(rows.link_identifiers[new_links], size)
        people_counts = people_counts + _count(rows.people_identifiers[new_people], size)
        is_role[rows.link_identifiers[new_links][rows.link_is_role[new_links]]] = True
        is_hub = (
            (profile_counts > most_profiles)
            | (people_counts > most_people)
            | (is_role & (people_counts > most_if_role))
            | (needs_same_name & (rows.shared_days <= day) & (profile_counts > 0))
        )
        blocked = rows.blocked.on(day)
        is_hub[blocked] |= profile_counts[blocked] > 0
        yield _solve(rows, valid, day=day, links=links, is_hub=is_hub, counts=(profile_counts, people_counts))


def _solve(
    rows: Encoded, rules: IdentityRules, *, day: int, links: int, is_hub: Bools, counts: tuple[Ints, Ints]
) -> Day:
    known = int(np.searchsorted(rows.profile_days, day, side="right"))
    is_live = _is_live(rows, known, is_hub[rows.link_identifiers[:links]])
    labels = _components(rows, known, is_live, day)
    reaches = _oldest(labels[:known])
    is_followed = is_live.copy()
    if is_parted := _part(rows, rules, is_followed, labels, day):
        labels = _components(rows, known, is_followed, day)
    is_bridged = _hold_bridges(rows, rules, is_followed, labels[:known])
    if is_bridged:
        labels = _components(rows, known, is_followed, day)
    is_held = np.zeros(len(is_hub), dtype=np.bool_)
    is_held[rows.link_identifiers[:links][is_live & ~is_followed]] = True
    roots = _oldest(labels[:known]) if is_parted or is_bridged else reaches
    return Day(day, roots, reaches, is_followed, is_hub, is_held, *counts)


def _is_live(rows: Encoded, known: int, is_cut: Bools) -> Bools:
    """Which links may be followed: those of no hub, unless the profile is nothing but a mailbox that is one."""
    profiles = rows.link_profiles[: len(is_cut)]
    is_shared = np.zeros(known, dtype=np.bool_)
    is_shared[profiles[is_cut & rows.link_is_own[: len(is_cut)]]] = True
    return ~is_cut & ~is_shared[profiles]


def _components(rows: Encoded, known: int, is_followed: Bools, day: int) -> Ints:
    """A component's label for each profile and, behind them, for each identifier."""
    places = np.flatnonzero(is_followed)
    same = rows.same.on(day)
    is_known = (same.left < known) & (same.right < known)
    left = np.concatenate([rows.link_profiles[places], same.left[is_known]])
    right = np.concatenate([rows.link_identifiers[places] + np.int32(known), same.right[is_known]])
    return label(left, right, size=known + len(rows.identifier_nos))


def _oldest(labels: Ints) -> Ints:
    """The smallest profile number of each profile's component."""
    oldest = np.empty(int(labels.max(initial=0)) + 1, dtype=np.int32)
    oldest[labels[::-1]] = np.arange(
        len(labels) - 1, -1, -1, dtype=np.int32
    )  # the last assignment wins: the smallest number
    return oldest[labels]


def _part(rows: Encoded, rules: IdentityRules, is_followed: Bools, labels: Ints, day: int) -> bool:
    """Refuse the links between profiles that are told apart; whether there were any."""
    known = int(np.searchsorted(rows.profile_days, day, side="right"))
    profiles, groups, values = _marks(rows, rules, known, day)
    order = np.lexsort((values, groups, labels[profiles]))
    ordered = np.column_stack([labels[profiles], groups, values])[order]
    differs = (ordered[1:, :2] == ordered[:-1, :2]).all(axis=1) & (ordered[1:, 2] != ordered[:-1, 2])
    if not differs.any():
        return False
    is_broken = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.bool_)
    is_broken[ordered[1:, 0][differs]] = True
    within = is_broken[labels[profiles]]
    marks = zip(*(column[within].tolist() for column in (profiles, groups, values)), strict=True)
    links = np.flatnonzero(is_followed & is_broken[labels[rows.link_profiles[: len(is_followed)]]])
    same = rows.same.on(day)
    edges = [
        (one, other)
        for one, other in zip(same.left.tolist(), same.right.tolist(), strict=True)
        if max(one, other) < known
    ]
    is_followed[refuse_links(rows, links, list(marks), edges)] = False
    return True


def _marks(rows: Encoded, rules: IdentityRules, known: int, day: int) -> tuple[Ints, Ints, Ints]:
    """(profile, group, value) of all who are told apart on a day; each pair by hand is a group of its own."""
    marks, differ = rows.marks, rows.differ.on(day)
    told = [at for at, kind in enumerate(marks.kinds) if kind in rules.told_apart]
    now = np.flatnonzero((marks.days <= day) & np.isin(marks.groups, told))
    by_hand = np.arange(-len(differ.left), 0, dtype=np.int32)
    sides = np.repeat(np.array([0, 1], dtype=np.int32), len(by_hand))
    profiles = np.concatenate([marks.profiles[now], differ.left, differ.right])
    groups = np.concatenate([marks.groups[now], by_hand, by_hand])
    values = np.concatenate([marks.values[now], sides])
    is_known = profiles < known
    return profiles[is_known], groups[is_known], values[is_known]


def _hold_bridges(rows: Encoded, rules: IdentityRules, is_followed: Bools, labels: Ints) -> bool:
    """Refuse the weak identifiers that alone hold a large component together; whether there were any."""
    is_large = np.bincount(labels, minlength=1) > rules.bridge_above
    if not is_large.any():
        return False
    identifiers = rows.link_identifiers[: len(is_followed)]
    label_of = labels[rows.link_profiles[: len(is_followed)]]
    links = np.flatnonzero(is_followed & is_large[label_of])
    weak_types = np.array([rule.is_weak for rule in rules.identifiers], dtype=np.bool_)
    is_weak = weak_types[rows.identifier_types[identifiers[links]]]
    if not is_weak.any():
        return False
    bridges = find_bridges(rows.link_profiles[links], identifiers[links], is_weak, label_of[links])
    is_followed[links[np.isin(identifiers[links], bridges)]] = False
    return bool(len(bridges))


def _days_to_solve(rows: Encoded, start: int, end: int, *, is_changing: bool) -> list[int]:
    turns = [part for each in (rows.same, rows.differ, rows.blocked) for part in (each.since, each.until)]
    days = [rows.profile_days, rows.link_days, rows.people_days, rows.shared_days, rows.marks.days, *turns]
    changing = np.array([start + 1] if is_changing else [], dtype=np.int32)
    later = np.unique(np.concatenate([*(np.unique(each) for each in days), changing]))
    return [start, *later[(later > start) & (later <= end)].tolist()]


def _limits(rows: Encoded, rules: IdentityRules) -> list[NDArray[np.int32]]:
    """The three limits of each identifier."""
    limits = ((rule.most_profiles, rule.most_people, rule.most_people_if_role) for rule in rules.identifiers)
    table = np.array([[NEVER if limit is None else limit for limit in each] for each in limits], dtype=np.int32)
    return list(table[rows.identifier_types].T)


def _count(values: Ints, size: int) -> Ints:
    return np.bincount(values, minlength=size).astype(np.int32)
