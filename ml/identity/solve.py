"""The state of one day: which identifiers are hubs, and which profile is the root of which."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ml.identity.encode import Bools, Encoded, Ints


@dataclass(frozen=True)
class HubLimits:
    """Beyond which an identifier links nobody.

    Attributes:
        profiles: Most profiles that may share any identifier.
        persons: Most distinct persons (by name and address) that may share a role mailbox or a device.
    """

    profiles: int = 50
    persons: int = 5


@dataclass(frozen=True)
class Day:
    """What is known at the end of one day.

    Attributes:
        day: Days since 1970-01-01.
        roots: For each profile known, the oldest profile of its component; its length is the number of profiles known.
        link_count: How many links (a prefix of the encoded ones) are known.
        is_hub: For each identifier, whether it links nobody.
        profile_counts: For each identifier, distinct profiles.
        person_counts: For each identifier, distinct persons.
    """

    day: int
    roots: Ints
    link_count: int
    is_hub: Bools = field(repr=False)
    profile_counts: Ints = field(repr=False)
    person_counts: Ints = field(repr=False)


def solve_days(rows: Encoded, *, start: int, end: int, limits: HubLimits) -> Iterator[Day]:
    """Solve the days start..end that differ from the day before, and always the first.

    Every day is a pure function of the rows known on it: counts are carried forward, components are not.
    """
    size = len(rows.identifier_types)
    profile_counts, person_counts = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    is_role = rows.identifier_is_device.copy()
    links = sightings = 0
    for day in _days_to_solve(rows, start, end):
        new_links = slice(links, int(np.searchsorted(rows.link_days, day, side="right")))
        new_sightings = slice(sightings, int(np.searchsorted(rows.sighting_days, day, side="right")))
        links, sightings = new_links.stop, new_sightings.stop
        counted = rows.link_identifiers[new_links][rows.link_is_first[new_links]]
        profile_counts = profile_counts + np.bincount(counted, minlength=size)
        person_counts = person_counts + np.bincount(rows.sighting_identifiers[new_sightings], minlength=size)
        is_role[rows.link_identifiers[new_links][rows.link_is_role[new_links]]] = True
        is_crowded = (profile_counts > limits.profiles) | (is_role & (person_counts > limits.persons))
        is_hub = is_crowded | ((rows.identifier_shared_days <= day) & (profile_counts > 0))
        known = int(np.searchsorted(rows.profile_days, day, side="right"))
        roots = _find_roots(rows, known, links, is_hub)
        yield Day(day, roots, links, is_hub, profile_counts, person_counts)


def _days_to_solve(rows: Encoded, start: int, end: int) -> list[int]:
    landed = np.concatenate([rows.profile_days, rows.link_days, rows.sighting_days, rows.identifier_shared_days])
    later = np.unique(landed[(landed > start) & (landed <= end)])
    return [start, *later.tolist()]


def _find_roots(rows: Encoded, known: int, links: int, is_hub: Bools) -> Ints:
    """Give the smallest profile number of each profile's component in the graph of profiles and identifiers."""
    identifiers = rows.link_identifiers[:links]
    live = ~is_hub[identifiers]
    left, right = rows.link_profiles[:links][live], known + identifiers[live]
    size = known + len(is_hub)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][:known]
    oldest = np.empty(size, dtype=np.int64)
    oldest[labels[::-1]] = np.arange(known - 1, -1, -1)  # the last assignment wins: the smallest number
    return oldest[labels]
