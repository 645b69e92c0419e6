"""The identity map of each day of a window, as a pure function of what had landed by that day."""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Literal

import numpy as np
import pyarrow as pa

from ml.identity.changes import NOBODY, Change, list_changes
from ml.identity.encode import Encoded, Ints, encode
from ml.identity.runs import Run, RunCollector
from ml.identity.solve import Day, HubLimits, solve_days

__all__ = ["HubLimits", "Resolution", "customer_id_of", "resolve_days"]

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Resolution:
    """Who is whom on the days of a window.

    Attributes:
        intervals: profile_key, customer_id, root_profile_key, valid_from, valid_to (exclusive), within
            [start, end + 1 day); one row per maximal run of days, ordered by profile age and valid_from.
        log: changed_on, kind (created, merged, split; held is reserved), customer_id, other_customer_id, cause_type,
            cause_value_hash. merged: customer_id absorbed other_customer_id, through the cause. split: customer_id
            holds profiles that were other_customer_id's, and the cause became a hub.
        hubs: day, identifier_type, identifier_hash, profile_count, person_count, reason; on the last day.
    """

    intervals: pa.Table
    log: pa.Table
    hubs: pa.Table


def resolve_days(
    links: pa.Table,
    profiles: pa.Table,
    *,
    start: date,
    end: date,
    limits: HubLimits,
    shared: pa.Table | None = None,
) -> Resolution:
    """Resolve each day of [start, end] from the rows with first_landed_on <= day.

    Args:
        links: profile_key, identifier_type, identifier_hash, first_landed_on (date), is_blocked, is_role_mailbox.
        profiles: profile_key, first_landed_on (date), person_hash (nullable; a fingerprint of name and address) and,
            optionally, person_known_on (date): from when person_hash counts.
        start: First day.
        end: Last day, inclusive.
        limits: When an identifier is a hub.
        shared: identifier_type, identifier_hash, shared_on (date): identifiers that are known to be of several people, and so
            link nobody from that day on.

    Raises:
        ValueError: end is before start, profile_key is not unique, or a link names an unknown profile.
    """
    if end < start:
        raise ValueError(f"end {end} is before start {start}")
    rows = encode(links, profiles, shared)
    first, last = (start - EPOCH).days, (end - EPOCH).days
    runs, changes = RunCollector(len(rows.profile_keys), first), list[Change]()
    days = solve_days(rows, start=first - 1, end=last, limits=limits)
    state = next(days)
    runs.take(state)
    for following in days:
        changes += list_changes(rows, state, following)
        runs.take(following)
        state = following
    found = runs.finish(last + 1)
    names = _name_customers(rows, found.roots, changes)
    return Resolution(
        intervals=_tabulate_runs(rows, names, found),
        log=_tabulate_changes(rows, names, changes),
        hubs=_tabulate_hubs(rows, state, end, limits),
    )


def customer_id_of(root_profile_key: str) -> str:
    """'c_' and the first 16 hex digits of the sha256 of the root's key."""
    return "c_" + sha256(root_profile_key.encode()).hexdigest()[:16]


def _name_customers(rows: Encoded, roots: Ints, changes: list[Change]) -> pa.Array:
    """The customer id of each profile that was ever a root, at the place of its profile number."""
    named = np.unique(np.concatenate([roots, _column(changes, "root"), _column(changes, "other")]))
    named = named[named != NOBODY]
    ids = pa.array([customer_id_of(key) for key in rows.profile_keys.take(pa.array(named)).to_pylist()], pa.string())
    place = np.full(len(rows.profile_keys), NOBODY, dtype=np.int64)
    place[named] = np.arange(len(named))
    return _take(ids, place)


def _tabulate_runs(rows: Encoded, names: pa.Array, runs: Run) -> pa.Table:
    return pa.table(
        {
            "profile_key": rows.profile_keys.take(pa.array(runs.profiles)),
            "customer_id": names.take(pa.array(runs.roots)),
            "root_profile_key": rows.profile_keys.take(pa.array(runs.roots)),
            "valid_from": _dates(runs.valid_from),
            "valid_to": _dates(runs.valid_to),
        }
    )


def _tabulate_changes(rows: Encoded, names: pa.Array, changes: list[Change]) -> pa.Table:
    cause = _column(changes, "cause")
    table = pa.table(
        {
            "changed_on": _dates(_column(changes, "day")),
            "kind": pa.array([change.kind for change in changes], pa.string()),
            "customer_id": names.take(pa.array(_column(changes, "root"))),
            "other_customer_id": _take(names, _column(changes, "other")),
            "cause_type": _take(rows.identifier_types, cause),
            "cause_value_hash": _take(rows.identifier_hashes, cause),
        }
    )
    order = ("changed_on", "kind", "customer_id", "other_customer_id")
    return table.sort_by([(name, "ascending") for name in order])


def _tabulate_hubs(rows: Encoded, state: Day, day: date, limits: HubLimits) -> pa.Table:
    hubs = np.flatnonzero(state.is_hub)
    profile_counts = state.profile_counts[hubs]
    is_crowded = state.person_counts[hubs] > limits.persons
    few = np.where(rows.identifier_is_device[hubs], "device_of_many_persons", "role_mailbox_of_many_persons")
    fewer = np.where(is_crowded & ~(rows.identifier_shared_days[hubs] <= state.day), few, "people_who_differ")
    return pa.table(
        {
            "day": pa.array([day] * len(hubs), pa.date32()),
            "identifier_type": rows.identifier_types.take(pa.array(hubs)),
            "identifier_hash": rows.identifier_hashes.take(pa.array(hubs)),
            "profile_count": pa.array(profile_counts, pa.int64()),
            "person_count": pa.array(state.person_counts[hubs], pa.int64()),
            "reason": pa.array(
                np.where(profile_counts > limits.profiles, "many_profiles", fewer).tolist(), pa.string()
            ),
        }
    )


def _column(changes: list[Change], name: Literal["day", "root", "other", "cause"]) -> Ints:
    return np.array([getattr(change, name) for change in changes], dtype=np.int64)


def _take(values: pa.Array, places: Ints) -> pa.Array:
    """The values at the places; null where the place is NOBODY."""
    return values.take(pa.array(places, mask=places == NOBODY))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())
