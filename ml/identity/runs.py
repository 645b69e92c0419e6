"""Maximal runs of days on which a profile belonged to the same customer."""

from typing import NamedTuple

import numpy as np

from ml.identity.encode import Ints
from ml.identity.solve import Day

UNKNOWN = -1


class Run(NamedTuple):
    """Profiles, their roots, and the days [valid_from, valid_to) on which that held; four arrays of one length."""

    profiles: Ints
    roots: Ints
    valid_from: Ints
    valid_to: Ints


class RunCollector:
    """Takes the days in order and gives the runs from the window's first day on."""

    def __init__(self, profile_count: int, first_day: int) -> None:
        """Start with nobody known; the state of the day before first_day may be the first that is taken."""
        self._roots = np.full(profile_count, UNKNOWN, dtype=np.int64)
        self._since = np.full(profile_count, first_day, dtype=np.int64)
        self._first_day = first_day
        self._finished: list[Run] = []

    def take(self, state: Day) -> None:
        """Close the runs that end on this day and open the new ones."""
        day = max(state.day, self._first_day)
        changed = np.flatnonzero(self._roots[: len(state.roots)] != state.roots)
        self._close(changed, day)
        self._roots[changed] = state.roots[changed]
        self._since[changed] = day

    def finish(self, end: int) -> Run:
        """Close all open runs at `end` (exclusive); ordered by profile, then valid_from."""
        self._close(np.arange(len(self._roots)), end)
        runs = Run(*(np.concatenate(parts) for parts in zip(*self._finished, strict=True)))
        order = np.lexsort((runs.valid_from, runs.profiles))
        return Run(*(part[order] for part in runs))

    def _close(self, profiles: Ints, day: int) -> None:
        ended = profiles[(self._roots[profiles] != UNKNOWN) & (self._since[profiles] < day)]
        self._finished.append(Run(ended, self._roots[ended], self._since[ended], np.full(len(ended), day)))
