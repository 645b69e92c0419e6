"""The identity map of each day of a window, as a pure function of what had landed by that day."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa

from ml.identity.changes import NOBODY, Change, list_changes
from ml.identity.encode import Bools, Encoded, Ints, Known, encode
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
        hubs: identifier_no, hub_from (a day of the window, or the day before it), reason: those of the last day.
    """

    intervals: pa.Table
    log: pa.Table
    hubs: pa.Table


def resolve_days(known: Known, *, start: date, end: date, rules: IdentityRules) -> Resolution:
    """Resolve each day of [start, end] from the rows of that day and before.

    Args:
        known: What landed, by the day on which it did.
        start: First day.
        end: Last day, inclusive.
        rules: Limits of identifiers and guards.

    Raises:
        ValueError: end is before start, or the tables contradict each other.
    """
    if end < start:
        message = f"end {end} is before start {start}"
        raise ValueError(message)
    rows = encode(known, rules)
    first, last = (start - EPOCH).days, (end - EPOCH).days
    runs, changes = RunCollector(len(rows.profile_nos), first), list[Change]()
    days = solve_days(rows, start=first - 1, end=last, rules=rules)
    state = next(days)
    runs.take(state)
    hub_from = np.where(state.is_hub, first - 1, NOBODY).astype(np.int32)
    for following in days:
        changes += list_changes(rows, state, following)
        runs.take(following)
        hub_from = _since(hub_from, following.is_hub, following.day)
        state = following
    return Resolution(
        intervals=_tabulate_runs(rows, runs.finish(last + 1)),
        log=_tabulate_changes(rows, changes),
        hubs=_tabulate_hubs(rows, state, hub_from, rules),
    )


def _since(days: Ints, is_true: Bools, day: int) -> Ints:
    return np.where(is_true, np.where(days == NOBODY, day, days), NOBODY).astype(np.int32)


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


def _tabulate_hubs(rows: Encoded, state: Day, hub_from: Ints, rules: IdentityRules) -> pa.Table:
    hubs = np.flatnonzero(state.is_hub)
    most = np.array([rule.most_profiles for rule in rules.identifiers], dtype=np.int32)[rows.identifier_types[hubs]]
    few = np.where(rows.shared_days[hubs] <= state.day, "people_who_differ", "many_people")
    reasons = np.where(state.profile_counts[hubs] > most, "many_profiles", few)
    return pa.table(
        {
            "identifier_no": rows.identifier_nos[hubs],
            "hub_from": _dates(hub_from[hubs]),
            "reason": pa.array(reasons.tolist(), pa.string()),
        }
    )


def _column(changes: list[Change], name: Literal["day", "root", "other", "cause"]) -> Ints:
    return np.array([getattr(change, name) for change in changes], dtype=np.int32)


def _take(values: Ints, places: Ints) -> pa.Array:
    """The values at the places; null where the place is NOBODY."""
    return pa.array(values, pa.int32()).take(pa.array(places, pa.int32(), mask=places == NOBODY))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days, pa.int32()).cast(pa.date32())
