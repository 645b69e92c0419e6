"""Strings to integers, once: profiles ranked by age, identifiers by value, rows ordered by landing day."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Encoded:
    """The input as integers.

    Profile i is the i-th oldest (first_landed_on, then key): the root of a component is its smallest number, and the
    profiles known on a day are a prefix. Links and sightings are ordered by day: those known on a day are a prefix too.
    Identifiers are numbered in the order of (type, hash).
    """

    profile_keys: pa.Array
    profile_days: Ints
    link_days: Ints
    link_profiles: Ints
    link_identifiers: Ints
    link_is_role: Bools
    link_is_first: Bools  # the first row of its (profile, identifier) pair: repeated rows are not counted again
    sighting_days: Ints  # one row per distinct (identifier, person), from the day on which both are known
    sighting_identifiers: Ints
    identifier_types: pa.Array
    identifier_hashes: pa.Array
    identifier_shared_days: Ints  # from when people who are known to differ share it; NEVER if none do

    @property
    def identifier_is_device(self) -> Bools:
        """Which identifiers are devices."""
        return _bools(pc.equal(self.identifier_types, "device"))


def encode(links: pa.Table, profiles: pa.Table, shared: pa.Table | None = None) -> Encoded:
    """Encode both tables; blocked links are dropped here, for they count nowhere.

    Args:
        links: profile_key, identifier_type, identifier_hash, first_landed_on, is_blocked, is_role_mailbox.
        profiles: profile_key (unique), first_landed_on, person_hash (nullable) and, optionally, person_known_on: the day
            from which person_hash is known (default: first_landed_on).
        shared: identifier_type, identifier_hash, shared_on: identifiers of people who are known to differ, from that day.

    Raises:
        ValueError: A profile_key occurs twice, or a link names a profile that is not in profiles.
    """
    profiles = profiles.sort_by([("first_landed_on", "ascending"), ("profile_key", "ascending")])
    keys = _strings(profiles["profile_key"])
    if pc.count_distinct(keys).as_py() != len(keys):
        raise ValueError("profiles: profile_key is not unique")
    profile_days = _days(profiles["first_landed_on"])
    links = links.filter(pc.invert(pc.fill_null(links["is_blocked"], fill_value=False)))
    owners = pc.index_in(_strings(links["profile_key"]), value_set=keys)
    if owners.null_count:
        raise ValueError(f"links: {owners.null_count} rows name a profile that is not in profiles")
    owner = _ints(owners)
    days = np.maximum(_days(links["first_landed_on"]), profile_days[owner])
    types, hashes, identifier = _rank_identifiers(links)
    order = np.lexsort((owner, identifier, days))
    sighting_days, sighting_identifiers = _sight_persons(profiles, owner, identifier, days)
    return Encoded(
        profile_keys=keys,
        profile_days=profile_days,
        link_days=days[order],
        link_profiles=owner[order],
        link_identifiers=identifier[order],
        link_is_role=_bools(pc.fill_null(links["is_role_mailbox"], fill_value=False))[order],
        link_is_first=_is_first(_pair(identifier, owner)[order]),
        sighting_days=sighting_days,
        sighting_identifiers=sighting_identifiers,
        identifier_types=types,
        identifier_hashes=hashes,
        identifier_shared_days=_shared_days(types, hashes, shared),
    )


def _rank_identifiers(links: pa.Table) -> tuple[pa.Array, pa.Array, Ints]:
    types, type_code = _rank(links["identifier_type"])
    hashes, hash_code = _rank(links["identifier_hash"])
    width = np.int64(max(1, len(hashes)))
    present, identifier = np.unique(type_code * width + hash_code, return_inverse=True)
    return types.take(pa.array(present // width)), hashes.take(pa.array(present % width)), identifier.astype(np.int64)


def _shared_days(types: pa.Array, hashes: pa.Array, shared: pa.Table | None) -> Ints:
    days = np.full(len(types), NEVER, dtype=np.int64)
    if shared is not None and len(shared):
        known = pc.binary_join_element_wise(types, hashes, ":")
        named = pc.binary_join_element_wise(
            _strings(shared["identifier_type"]), _strings(shared["identifier_hash"]), ":"
        )
        place = pc.index_in(named, value_set=known)
        found = _bools(pc.is_valid(place))
        np.minimum.at(days, _ints(place.drop_null()), _days(shared["shared_on"])[found])
    return days


def _rank(column: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """Sorted distinct values, and each row's place among them."""
    encoded = _strings(column).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    place = np.empty(len(order), dtype=np.int64)
    place[_ints(order)] = np.arange(len(order))
    return encoded.dictionary.take(order), place[_ints(encoded.indices)]


def _sight_persons(profiles: pa.Table, owner: Ints, identifier: Ints, days: Ints) -> tuple[Ints, Ints]:
    is_known = _bools(pc.is_valid(profiles["person_hash"]))
    _, person = _rank(pc.fill_null(profiles["person_hash"].cast(pa.string()), ""))
    since = "person_known_on" if "person_known_on" in profiles.column_names else "first_landed_on"
    known = _days(pc.coalesce(profiles[since], profiles["first_landed_on"]))
    rows = np.flatnonzero(is_known[owner])
    seen = np.maximum(days[rows], known[owner[rows]])
    rows, seen = rows[np.argsort(seen, kind="stable")], np.sort(seen)
    first = _is_first(_pair(identifier[rows], person[owner[rows]]))
    return seen[first], identifier[rows][first]


def _pair(left: Ints, right: Ints) -> Ints:
    return left * np.int64(1 + max(0, right.max(initial=0))) + right


def _is_first(values: Ints) -> Bools:
    """Mark the first occurrence of each value."""
    mark = np.zeros(len(values), dtype=np.bool_)
    mark[np.unique(values, return_index=True)[1]] = True
    return mark


def _days(column: pa.Array | pa.ChunkedArray) -> Ints:
    return _ints(_flat(column).cast(pa.date32()).cast(pa.int32()))


def _strings(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return _flat(column).cast(pa.string())


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _ints(array: pa.Array | pa.ChunkedArray) -> Ints:
    values: Ints = array.to_numpy(zero_copy_only=False).astype(np.int64)
    return values


def _bools(array: pa.Array | pa.ChunkedArray) -> Bools:
    values: Bools = _flat(array).to_numpy(zero_copy_only=False).astype(np.bool_)
    return values
