"""Maximal runs of days on which a profile belonged to the same customer, within the same reach."""

from typing import NamedTuple

import numpy as np

from ml.identity.encode import Ints
from ml.identity.solve import Day

UNKNOWN = -1


class Run(NamedTuple):
    """Profiles, their roots and reaches, and the days [valid_from, valid_to) on which that held; five arrays of one length."""

    profiles: Ints
    roots: Ints
    reaches: Ints
    valid_from: Ints
    valid_to: Ints


class RunCollector:
    """Takes the days in order and gives the runs from the window's first day on."""

    def __init__(self, profile_count: int, first_day: int) -> None:
        """Start with nobody known; the state of the day before first_day may be the first that is taken."""
        self._roots = np.full(profile_count, UNKNOWN, dtype=np.int32)
        self._reaches = np.full(profile_count, UNKNOWN, dtype=np.int32)
        self._since = np.full(profile_count, first_day, dtype=np.int32)
        self._first_day = first_day
        self._finished: list[Run] = []

    def take(self, state: Day) -> None:
        """Close the runs that end on this day and open the new ones."""
        day, known = max(state.day, self._first_day), len(state.roots)
        changed = np.flatnonzero((self._roots[:known] != state.roots) | (self._reaches[:known] != state.reaches))
        self._close(changed, day)
        self._roots[changed], self._reaches[changed] = state.roots[changed], state.reaches[changed]
        self._since[changed] = day

    def finish(self, end: int) -> Run:
        """Close all open runs at `end` (exclusive); ordered by profile, then valid_from."""
        self._close(np.arange(len(self._roots)), end)
        runs = Run(*(np.concatenate(parts) for parts in zip(*self._finished, strict=True)))
        if len(self._finished) > 1:
            order = np.lexsort((runs.valid_from, runs.profiles))
            runs = Run(*(part[order] for part in runs))
        return runs

    def _close(self, profiles: np.ndarray[tuple[int], np.dtype[np.integer]], day: int) -> None:
        ended = profiles[(self._roots[profiles] != UNKNOWN) & (self._since[profiles] < day)].astype(np.int32)
        until = np.full(len(ended), day, dtype=np.int32)
        self._finished.append(Run(ended, self._roots[ended], self._reaches[ended], self._since[ended], until))
