"""The identity map of each day of a window, as a pure function of what had landed by that day."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.identity.changes import NOBODY, Change, list_changes
from ml.identity.encode import Encoded, Ints, Known, encode
from ml.identity.rules import IdentifierRule, IdentityRules
from ml.identity.runs import Run, RunCollector
from ml.identity.solve import Day, solve_days

__all__ = ["IdentifierRule", "IdentityRules", "Known", "Resolution", "resolve_days"]

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Resolution:
    """Who is whom on the days of a window; profiles and identifiers are the numbers that were handed in.

    Attributes:
        intervals: profile_no, root_no, reach_no, valid_from, valid_to (exclusive), within [start, end + 1 day); one row
            per maximal run of days, ordered by profile age and valid_from. Profiles of one root are one customer; reach_no
            is the root if no guard had refused a link.
        log: changed_on, kind, root_no, other_no, cause_no. merged: the customer root_no absorbed other_no, for the cause
            newly links them. split: root_no holds profiles that were other_no's, and the cause no longer links them. held:
            the cause would make one customer of both. A null cause of a merge or split is a decision by hand.
        hubs: identifier_no, hub_from (a day of the window, or the day before it), hub_to (exclusive; the day after the window
            if it still is one), profile_count on its last day as a hub, reason on its first: as long as an identifier links nobody.
    """

    intervals: pa.Table
    log: pa.Table
    hubs: pa.Table


def resolve_days(
    known: Known, *, start: date, end: date, rules: IdentityRules, rules_before: IdentityRules | None = None
) -> Resolution:
    """Resolve each day of [start, end] from the rows of that day and before.

    Args:
        known: What landed, by the day on which it did.
        start: First day.
        end: Last day, inclusive.
        rules: Limits of identifiers and guards.
        rules_before: Those of the day before start if they were others: what the change does is in the log of start.

    Raises:
        ValueError: end is before start, or the tables contradict each other.
    """
    if end < start:
        message = f"end {end} is before start {start}"
        raise ValueError(message)
    rows = encode(known, rules)
    first, last = (start - EPOCH).days, (end - EPOCH).days
    runs, hubs, changes = RunCollector(len(rows.profile_nos), first), _Hubs(len(rows.identifier_nos)), list[Change]()
    days = solve_days(rows, start=first - 1, end=last, rules=rules, rules_before=rules_before)
    state = next(days)
    runs.take(state)
    hubs.take(rows, state, rules_before or rules)
    for following in days:
        changes += list_changes(rows, state, following)
        runs.take(following)
        hubs.take(rows, following, rules)
        state = following
    return Resolution(
        intervals=_tabulate_runs(rows, runs.finish(last + 1)),
        log=_tabulate_changes(rows, changes),
        hubs=hubs.finish(rows, last + 1),
    )


class _Hubs:
    """Takes the days in order and gives the runs of days on which an identifier linked nobody."""

    def __init__(self, size: int) -> None:
        self._since = np.full(size, NOBODY, dtype=np.int32)
        self._counts = np.zeros(size, dtype=np.int32)
        self._reasons = np.full(size, "", dtype=object)
        self._finished: list[pa.Table] = []

    def take(self, rows: Encoded, state: Day, rules: IdentityRules) -> None:
        self._close(rows, np.flatnonzero((self._since != NOBODY) & ~state.is_hub), state.day)
        fresh = np.flatnonzero(state.is_hub & (self._since == NOBODY))
        self._since[fresh] = state.day
        self._reasons[fresh] = _reasons(rows, state, fresh, rules)
        self._counts = np.where(state.is_hub, state.profile_counts, self._counts)

    def finish(self, rows: Encoded, end: int) -> pa.Table:
        self._close(rows, np.flatnonzero(self._since != NOBODY), end)
        return pa.concat_tables(self._finished)

    def _close(self, rows: Encoded, ended: NDArray[np.int64], day: int) -> None:
        columns = {
            "identifier_no": pa.array(rows.identifier_nos[ended]),
            "hub_from": _dates(self._since[ended]),
            "hub_to": _dates(np.full(len(ended), day, dtype=np.int32)),
            "profile_count": pa.array(self._counts[ended]),
            "reason": pa.array(self._reasons[ended].tolist(), pa.string()),
        }
        self._finished.append(pa.table(columns))
        self._since[ended] = NOBODY


def _reasons(rows: Encoded, state: Day, hubs: NDArray[np.int64], rules: IdentityRules) -> NDArray[np.object_]:
    most = np.array([rule.most_profiles for rule in rules.identifiers], dtype=np.int32)[rows.identifier_types[hubs]]
    few = np.where(rows.shared_days[hubs] <= state.day, "people_who_differ", "many_people")
    counted = np.where(state.profile_counts[hubs] > most, "many_profiles", few)
    return np.where(np.isin(hubs, rows.blocked.on(state.day)), "blocked", counted).astype(object)


def _tabulate_runs(rows: Encoded, runs: Run) -> pa.Table:
    return pa.table(
        {
            "profile_no": rows.profile_nos[runs.profiles],
            "root_no": rows.profile_nos[runs.roots],
            "reach_no": rows.profile_nos[runs.reaches],
            "valid_from": _dates(runs.valid_from),
            "valid_to": _dates(runs.valid_to),
        }
    )


def _tabulate_changes(rows: Encoded, changes: list[Change]) -> pa.Table:
    return pa.table(
        {
            "changed_on": _dates(_column(changes, "day")),
            "kind": pa.array([change.kind for change in changes], pa.string()),
            "root_no": _take(rows.profile_nos, _column(changes, "root")),
            "other_no": _take(rows.profile_nos, _column(changes, "other")),
            "cause_no": _take(rows.identifier_nos, _column(changes, "cause")),
        }
    )


def _column(changes: list[Change], name: Literal["day", "root", "other", "cause"]) -> Ints:
    return np.array([getattr(change, name) for change in changes], dtype=np.int32)


def _take(values: Ints, places: Ints) -> pa.Array:
    """The values at the places; null where the place is NOBODY."""
    return pa.array(values, pa.int32()).take(pa.array(places, pa.int32(), mask=places == NOBODY))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days, pa.int32()).cast(pa.date32())
