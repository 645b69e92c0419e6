"""What changed from one day to the next, and which identifier caused it."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.identity.encode import Bools, Encoded, Ints
from ml.identity.solve import Day

NOBODY = -1


class Change(NamedTuple):
    """One change of a customer; customers are named by their root profile.

    Attributes:
        day: Days since 1970-01-01.
        kind: What happened.
        root: The customer that exists after the change.
        other: The customer that was absorbed (merged), left (split) or kept apart (held); NOBODY when created.
        cause: The identifier that newly joins (merged), no longer joins (split) or would join (held); NOBODY when created,
            and when a decision by hand joins or parts.
    """

    day: int
    kind: Literal["created", "merged", "split", "held"]
    root: int
    other: int
    cause: int


def list_changes(rows: Encoded, before: Day, after: Day) -> list[Change]:
    """Compare two days.

    A customer of the day before whose root now has another root was absorbed: *merged*. Profiles that left a customer
    in any other way were *split* from it. A root that was not known before is a customer *created* from new profiles,
    for a new profile is always younger than every known one. Customers that an identifier would join, had no guard refused
    it, are *held* on the day of the refusal.
    """
    known = len(before.roots)
    now = after.roots[:known]
    moved = np.flatnonzero(before.roots != now)
    pairs = np.unique(np.column_stack([before.roots[moved], now[moved]]), axis=0)
    is_merge = now[pairs[:, 0]] == pairs[:, 1]
    was_followed = np.zeros(len(after.is_followed), dtype=np.bool_)
    was_followed[: len(before.is_followed)] = before.is_followed
    joins = _lowest(rows, _find_joins(rows, before, after, was_followed)) if is_merge.any() else {}
    cuts = _lowest(rows, _find_cuts(rows, before, after, was_followed)) if not is_merge.all() else {}
    fresh = after.roots[known:]
    created = np.unique(fresh[fresh >= known])
    changes = [Change(after.day, "created", root, NOBODY, NOBODY) for root in created.tolist()]
    for (old, new), is_absorbed in zip(pairs.tolist(), is_merge.tolist(), strict=True):
        if is_absorbed:
            changes.append(Change(after.day, "merged", new, old, joins.get((old, NOBODY), NOBODY)))
        else:
            changes.append(Change(after.day, "split", new, old, cuts.get((old, new), NOBODY)))
    return changes + _list_held(rows, before, after)


def _find_joins(rows: Encoded, before: Day, after: Day, was_followed: Bools) -> NDArray[np.int64]:
    """(old customer, NOBODY, identifier) for each identifier that joins it to someone else by a link not followed before."""
    is_new = _identifiers_of(rows, after.is_followed & ~was_followed)
    profiles, identifiers = _links_of(rows, after.is_followed, is_new)
    groups = np.concatenate([before.roots, np.full(len(after.roots) - len(before.roots), NOBODY)])[profiles]
    found = _spread(identifiers, groups) & (groups != NOBODY)
    return np.column_stack([groups[found], np.full(int(found.sum()), NOBODY), identifiers[found]])


def _find_cuts(rows: Encoded, before: Day, after: Day, was_followed: Bools) -> NDArray[np.int64]:
    """(old customer, new customer, identifier) for each identifier that joined them before and no longer does."""
    is_gone = _identifiers_of(rows, was_followed & ~after.is_followed)
    profiles, identifiers = _links_of(rows, was_followed, is_gone)
    old, new = before.roots[profiles], after.roots[profiles]
    crossing = _spread(identifiers * np.int64(len(before.roots) + 1) + old, new)
    return np.column_stack([old[crossing], new[crossing], identifiers[crossing]])


def _list_held(rows: Encoded, before: Day, after: Day) -> list[Change]:
    newly = after.is_held & ~before.is_held
    if not newly.any():
        return []
    profiles, identifiers = _links_of(rows, np.ones(len(after.is_followed), dtype=np.bool_), newly)
    sides = np.unique(np.column_stack([identifiers, after.roots[profiles]]), axis=0)
    starts = np.r_[True, sides[1:, 0] != sides[:-1, 0]]
    first = sides[starts, 1][np.cumsum(starts) - 1]
    return [
        Change(after.day, "held", root, other, identifier)
        for (identifier, other), root, is_first in zip(sides.tolist(), first.tolist(), starts.tolist(), strict=True)
        if not is_first
    ]


def _identifiers_of(rows: Encoded, is_wanted: Bools) -> Bools:
    marked = np.zeros(len(rows.identifier_nos), dtype=np.bool_)
    marked[rows.link_identifiers[: len(is_wanted)][is_wanted]] = True
    return marked


def _links_of(rows: Encoded, is_wanted: Bools, identifiers: Bools) -> tuple[Ints, Ints]:
    of = rows.link_identifiers[: len(is_wanted)]
    found = np.flatnonzero(is_wanted & identifiers[of])
    return rows.link_profiles[found], of[found]


def _spread(keys: NDArray[np.integer], values: NDArray[np.integer]) -> Bools:
    """Mark the rows whose key has more than one value."""
    _, place = np.unique(keys, return_inverse=True)
    size = int(place.max(initial=-1)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, np.iinfo(np.int64).min)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    spread: Bools = (low != high)[place]
    return spread


def _lowest(rows: Encoded, found: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    """The first identifier of each (old, new): of the strongest type, then by rank."""
    types, ranks = rows.identifier_types[found[:, 2]], rows.identifier_ranks[found[:, 2]]
    ordered = found[np.lexsort((ranks, types, found[:, 1], found[:, 0]))[::-1]]
    return {(old, new): identifier for old, new, identifier in ordered.tolist()}
