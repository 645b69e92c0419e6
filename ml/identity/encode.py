"""Tables of integers to arrays: profiles ranked by age, links and sightings ordered by landing day."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.identity.rules import IdentityRules

NEVER = np.iinfo(np.int32).max
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Known:
    """What is known of profiles, from the day on which it landed; numbers are those of any dictionary, days are dates.

    Attributes:
        profiles: profile_no, first_landed_on; each once, oldest first (first_landed_on, then key).
        identifiers: identifier_no, identifier_type, rank (int64: any fixed order, for ties between causes); each once.
        links: profile_no, identifier_no, first_landed_on, is_role, is_own; each pair once. A profile that is nothing but a
            mailbox has the mailbox as its own identifier: while that one links nobody, none of the profile's does.
        people: identifier_no, known_on: one row per person that an identifier is known to be of.
        shared: identifier_no, shared_on: from when people who are known to differ share it.
        marks: profile_no, kind, value_no, known_on: the account of a profile (kind `user_id` and its source) and the name of
            that account (kind `name` and the source); one row per profile and kind.
        pairs: left_no, right_no, is_same, known_from, known_to (exclusive): what people decided by hand.
        blocked: identifier_no, known_from, known_to (exclusive): when an identifier links nobody whatever its counts.
    """

    profiles: pa.Table
    identifiers: pa.Table
    links: pa.Table
    people: pa.Table
    shared: pa.Table
    marks: pa.Table
    pairs: pa.Table
    blocked: pa.Table


@dataclass(frozen=True)
class Pairs:
    """Pairs of profiles that are one (or differ) on the days [since, until)."""

    left: Ints
    right: Ints
    since: Ints
    until: Ints

    def on(self, day: int) -> "Pairs":
        """Those of a day."""
        now = (self.since <= day) & (day < self.until)
        return Pairs(self.left[now], self.right[now], self.since[now], self.until[now])


@dataclass(frozen=True)
class Blocks:
    """Identifiers that link nobody on the days [since, until)."""

    identifiers: Ints
    since: Ints
    until: Ints

    def on(self, day: int) -> Ints:
        """Those of a day."""
        return self.identifiers[(self.since <= day) & (day < self.until)]


@dataclass(frozen=True)
class Marks:
    """What tells profiles apart from a day on: those with different values of one group; groups are the places of `kinds`."""

    profiles: Ints
    groups: Ints
    values: Ints
    days: Ints
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Encoded:
    """The input as arrays.

    Profile i is the i-th oldest: the root of a component is its smallest number, and the profiles known on a day are a
    prefix. Links and sightings of people are ordered by day: those known on a day are a prefix too.
    """

    profile_nos: Ints
    profile_days: Ints
    link_days: Ints
    link_profiles: Ints
    link_identifiers: Ints
    link_is_role: Bools
    link_is_own: Bools
    people_days: Ints
    people_identifiers: Ints
    identifier_nos: Ints
    identifier_types: Ints  # the place of the type among the rules
    identifier_ranks: NDArray[np.int64]
    shared_days: Ints  # NEVER where no people are known to differ
    marks: Marks
    same: Pairs
    differ: Pairs
    blocked: Blocks


def encode(known: Known, rules: IdentityRules) -> Encoded:
    """Turn the tables into arrays.

    Raises:
        ValueError: A link or a fact names a number that is not there, a number is there twice, or a type has no rule.
    """
    profile_nos, identifier_nos = _ints(known.profiles["profile_no"]), _ints(known.identifiers["identifier_no"])
    profile_at, identifier_at = _places(profile_nos, "profiles"), _places(identifier_nos, "identifiers")
    profile_days = _days(known.profiles["first_landed_on"])
    owners = _look_up(known.links["profile_no"], profile_at, "links")
    linked = _look_up(known.links["identifier_no"], identifier_at, "links")
    days = np.maximum(_days(known.links["first_landed_on"]), profile_days[owners])
    order = _by_day(days)
    people_days = _days(known.people["known_on"])
    seen = _by_day(people_days)
    shared_days = np.full(len(identifier_nos), NEVER, dtype=np.int32)
    shared_days[_look_up(known.shared["identifier_no"], identifier_at, "shared")] = _days(known.shared["shared_on"])
    types = pc.index_in(known.identifiers["identifier_type"].cast(pa.string()), value_set=pa.array(rules.types))
    if types.null_count:
        message = f"identifiers: {types.null_count} are of a type without a rule"
        raise ValueError(message)
    return Encoded(
        profile_nos=profile_nos,
        profile_days=profile_days,
        link_days=days[order],
        link_profiles=owners[order],
        link_identifiers=linked[order],
        link_is_role=_bools(known.links["is_role"])[order],
        link_is_own=_bools(known.links["is_own"])[order],
        people_days=people_days[seen],
        people_identifiers=_look_up(known.people["identifier_no"], identifier_at, "people")[seen],
        identifier_nos=identifier_nos,
        identifier_types=_ints(types),
        identifier_ranks=known.identifiers["rank"].to_numpy(),
        shared_days=shared_days,
        marks=_marks(known.marks, profile_at),
        same=_pairs(known.pairs, profile_at, is_same=True),
        differ=_pairs(known.pairs, profile_at, is_same=False),
        blocked=Blocks(
            _look_up(known.blocked["identifier_no"], identifier_at, "blocked"),
            _days(known.blocked["known_from"]),
            _days(known.blocked["known_to"]),
        ),
    )


def _marks(marks: pa.Table, profile_at: Ints) -> Marks:
    kinds = marks["kind"].combine_chunks().dictionary_encode()
    return Marks(
        profiles=_look_up(marks["profile_no"], profile_at, "marks"),
        groups=_ints(kinds.indices),
        values=_ints(marks["value_no"]),
        days=_days(marks["known_on"]),
        kinds=tuple(kinds.dictionary.to_pylist()),
    )


def _pairs(pairs: pa.Table, profile_at: Ints, *, is_same: bool) -> Pairs:
    wanted = pairs.filter(pc.equal(pairs["is_same"], is_same))
    left, right = (_look_up(wanted[name], profile_at, "pairs") for name in ("left_no", "right_no"))
    return Pairs(left, right, _days(wanted["known_from"]), _days(wanted["known_to"]))


def _places(numbers: Ints, name: str) -> Ints:
    """The place of each number; -1 for numbers that are not there."""
    places = np.full(int(numbers.max(initial=0)) + 1, -1, dtype=np.int32)
    places[numbers] = np.arange(len(numbers), dtype=np.int32)
    if np.count_nonzero(places >= 0) != len(numbers):
        message = f"{name}: a number is there twice"
        raise ValueError(message)
    return places


def _look_up(column: pa.ChunkedArray, places: Ints, name: str) -> Ints:
    numbers = _ints(column)
    inside = numbers < len(places)
    found = places[np.where(inside, numbers, 0)]
    missing = np.count_nonzero(~inside | (found < 0))
    if missing:
        message = f"{name}: {missing} rows name a number that is not there"
        raise ValueError(message)
    return found


def _by_day(days: Ints) -> NDArray[np.int64]:
    """A stable order by day; as 16-bit offsets, which sort in linear time."""
    return np.argsort((days - days.min(initial=0)).astype(np.uint16), kind="stable")


def _days(column: pa.ChunkedArray) -> Ints:
    return _ints(column.cast(pa.date32()).cast(pa.int32()))


def _ints(column: pa.Array | pa.ChunkedArray) -> Ints:
    numbers: Ints = column.to_numpy().astype(np.int32, copy=False)
    return numbers


def _bools(column: pa.ChunkedArray) -> Bools:
    values: Bools = column.to_numpy().astype(np.bool_, copy=False)
    return values
