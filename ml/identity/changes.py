"""What changed from one day to the next, and which identifier caused it."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.identity.encode import Encoded, Ints
from ml.identity.solve import Day

NOBODY = -1


class Change(NamedTuple):
    """One change of a customer; customers are named by their root profile.

    Attributes:
        day: Days since 1970-01-01.
        kind: What happened.
        root: The customer that exists after the change.
        other: The customer that was absorbed (merged) or left (split); NOBODY when created.
        cause: The identifier that newly joins (merged) or that became a hub (split); NOBODY when created.
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
    for a new profile is always younger than every known one. Hubs never dissolve, since counts only grow, so a merge always
    has a new link as its cause, and a split a new hub.
    """
    known = len(before.roots)
    now = after.roots[:known]
    moved = np.flatnonzero(before.roots != now)
    pairs = np.unique(np.column_stack([before.roots[moved], now[moved]]), axis=0)
    is_merge = now[pairs[:, 0]] == pairs[:, 1]
    joins = _lowest(_find_joins(rows, before, after)) if is_merge.any() else {}
    cuts = _lowest(_find_cuts(rows, before, after)) if not is_merge.all() else {}
    fresh = after.roots[known:]
    created = np.unique(fresh[fresh >= known])
    changes = [Change(after.day, "created", root, NOBODY, NOBODY) for root in created.tolist()]
    for (old, new), absorbed in zip(pairs.tolist(), is_merge.tolist(), strict=True):
        if absorbed:
            changes.append(Change(after.day, "merged", new, old, joins[old, NOBODY]))
        else:
            changes.append(Change(after.day, "split", new, old, cuts[old, new]))
    return changes


def _find_joins(rows: Encoded, before: Day, after: Day) -> NDArray[np.int64]:
    """(old customer, NOBODY, identifier) for each identifier with a new link that now joins it to someone else."""
    is_new = np.zeros(len(after.is_hub), dtype=np.bool_)
    is_new[rows.link_identifiers[before.link_count : after.link_count]] = True
    profiles, identifiers = _links_of(rows, after.link_count, is_new & ~after.is_hub)
    groups = np.concatenate([before.roots, np.full(len(after.roots) - len(before.roots), NOBODY)])[profiles]
    crossing = _spread(identifiers, groups)
    found = crossing & (groups != NOBODY)
    return np.column_stack([groups[found], np.full(int(found.sum()), NOBODY), identifiers[found]])


def _find_cuts(rows: Encoded, before: Day, after: Day) -> NDArray[np.int64]:
    """(old customer, new customer, identifier) for each identifier that joined them before and is a hub now."""
    profiles, identifiers = _links_of(rows, before.link_count, after.is_hub & ~before.is_hub)
    old, new = before.roots[profiles], after.roots[profiles]
    crossing = _spread(identifiers * np.int64(len(before.roots) + 1) + old, new)
    return np.column_stack([old[crossing], new[crossing], identifiers[crossing]])


def _links_of(rows: Encoded, link_count: int, wanted: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    identifiers = rows.link_identifiers[:link_count]
    found = np.flatnonzero(wanted[identifiers])
    return rows.link_profiles[found], identifiers[found]


def _spread(keys: Ints, values: Ints) -> NDArray[np.bool_]:
    """Mark the rows whose key has more than one value."""
    _, place = np.unique(keys, return_inverse=True)
    size = int(place.max(initial=-1)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, np.iinfo(np.int64).min)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    spread: NDArray[np.bool_] = (low != high)[place]
    return spread


def _lowest(found: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    """The lowest identifier of each (old, new)."""
    ordered = found[np.lexsort((found[:, 2], found[:, 1], found[:, 0]))[::-1]]
    return {(old, new): identifier for old, new, identifier in ordered.tolist()}
