"""What goes wrong between a system and the landing zone: rows and files that are late, twice there, broken or renamed."""

import re
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa

from simulator.arrays import Bools, Ints, Texts, texts
from simulator.instants import DAY
from simulator.mixing import mix, uniforms
from simulator.world import World

ON_TIME, LATE, DELAYED, REDELIVERED, BROKEN, IMPOSSIBLE_TIME, NEGATIVE_PRICE, CHANGED_COPY = range(8)
KINDS = (
    "on_time", "late", "outage", "redelivered", "broken_row", "impossible_time", "negative_price", "changed_copy",
)  # fmt: skip
Winner = Literal["first", "newest", "latest"]
"""Which of several rows of one key counts: the first that landed, the newest version, or whichever landed last."""
STAGED, DUPLICATE, QUARANTINED, REFUSED = "staged", "duplicate", "quarantined", "refused"
EXPECTED = {
    REDELIVERED: DUPLICATE, BROKEN: QUARANTINED, IMPOSSIBLE_TIME: QUARANTINED, NEGATIVE_PRICE: QUARANTINED,
    CHANGED_COPY: DUPLICATE,
}  # fmt: skip
LONGEST_DELAY = 3
NEVER = -1_000_000
"""A day that is never landed, nor those soon after it."""
FAR_FUTURE = 4_102_444_800_000
"""2100-01-01 in milliseconds."""


class Spoiler(NamedTuple):
    """How a good record becomes a bad one of some kind."""

    kind: int
    place: str
    """A regular expression over the text, or the name of a column; of a broken row, the separator before which it ends."""
    value: object
    """What stands there instead: the replacement, or the column's value."""


@dataclass(frozen=True)
class Delivery:
    """Rows of one object of one block on their way, shape (n,) each unless noted."""

    records: Texts | pa.Table
    """The different records, shape (r,)."""
    ids: pa.Array
    """Their keys, shape (r,)."""
    record: Ints
    """Which record each row is."""
    sort_at: Ints
    """Order within a file; the version of a record that changes."""
    day: Ints
    """Days since the start."""
    fault: Ints
    winner: Winner = "first"


def deliver(
    records: list[str] | pa.Table, ids: list[str] | pa.Array, happened_at: Ints, start: int, *, winner: Winner = "first"
) -> Delivery:
    """Records that all arrive on the day on which they happened."""
    return Delivery(
        records=texts(records) if isinstance(records, list) else records,
        ids=pa.array(ids, pa.string()) if isinstance(ids, list) else ids,
        record=np.arange(len(happened_at)),
        sort_at=happened_at,
        day=(happened_at - start) // DAY,
        fault=np.zeros(len(happened_at), dtype=np.int64),
        winner=winner,
    )


def withhold(delivery: Delivery, rows: Bools) -> Delivery:
    """The same rows, the given ones never arriving; the others keep what befalls them."""
    return replace(delivery, day=np.where(rows, NEVER, delivery.day))


def draw_delays(key: int, world: World, size: int) -> Ints:
    """Days by which each record arrives late: 0 for most, else 1 to 3."""
    index = np.arange(size)
    return np.where(uniforms(key, index) < world.late_share, 1 + _pick(key + 1, index, LONGEST_DELAY), 0)


def delay(delivery: Delivery, delays: Ints) -> Delivery:
    """The same rows, the late ones arriving later and marked."""
    fault = np.where(delays > 0, LATE, delivery.fault)
    return replace(delivery, day=delivery.day + delays, fault=fault)


def redeliver(key: int, world: World, delivery: Delivery) -> Delivery:
    """Adds the rows that arrive a second time, byte for byte, one to three days later."""
    again = _hit(key, world.redelivered_share, delivery)
    return _append(delivery, again, delivery.record[again], 1 + _pick(key + 1, again, LONGEST_DELAY), REDELIVERED)


def spoil(key: int, world: World, delivery: Delivery, spoilers: tuple[Spoiler, ...]) -> Delivery:
    """Adds bad rows beside the good ones, so that no fact is lost.

    Args:
        key: Of the draws.
        world: Rates.
        delivery: The good rows.
        spoilers: Which kinds, and how.

    Returns:
        All rows; a changed copy arrives one to three days after the first, the others on its day.
    """
    good = delivery
    for number, spoiler in enumerate(spoilers):
        share = {
            BROKEN: world.broken_share, IMPOSSIBLE_TIME: world.impossible_time_share,
            NEGATIVE_PRICE: world.negative_price_share, CHANGED_COPY: world.changed_copy_share,
        }[spoiler.kind]  # fmt: skip
        hit = _hit(key + 2 * number, share, good)
        bad, hit = _spoil_records(key + 2 * number + 1, good, hit, spoiler)
        records = (
            pa.concat_tables([delivery.records, bad])
            if isinstance(delivery.records, pa.Table)
            else np.concatenate([delivery.records, bad])
        )
        ids = pa.concat_arrays([delivery.ids, good.ids.take(pa.array(good.record[hit]))])
        delivery = replace(delivery, records=records, ids=ids)
        waits = 1 + _pick(key + 2 * number, hit, LONGEST_DELAY) if spoiler.kind == CHANGED_COPY else np.zeros_like(hit)
        delivery = _append(delivery, hit, len(ids) - len(hit) + np.arange(len(hit)), waits, spoiler.kind)
    return delivery


def _spoil_records(key: int, good: Delivery, hit: Ints, spoiler: Spoiler) -> tuple[Texts | pa.Table, Ints]:
    """The bad records and the rows that they stand beside; a record in which the place does not occur is left out."""
    if isinstance(good.records, pa.Table):
        bad = good.records.take(pa.array(good.record[hit]))
        place = bad.schema.get_field_index(spoiler.place)
        value = pa.array([spoiler.value] * len(hit), bad.schema.field(place).type)
        return bad.set_column(place, bad.schema.field(place), value), hit
    written: list[str] = good.records[good.record[hit]].tolist()
    if spoiler.kind == BROKEN:
        keep = 0.3 + 0.6 * uniforms(key, hit)
        cut = [text[: int(len(text) * share)] for text, share in zip(written, keep.tolist(), strict=True)]
        return texts([text.rpartition(spoiler.place)[0] for text in cut] if spoiler.place else cut), hit
    spoiled = [re.sub(spoiler.place, str(spoiler.value), text, count=1) for text in written]
    is_other = np.array([old != new for old, new in zip(written, spoiled, strict=True)], dtype=np.bool_)
    return texts(spoiled)[is_other], hit[is_other]


def _append(delivery: Delivery, source: Ints, record: Ints, waits: Ints, kind: int) -> Delivery:
    return replace(
        delivery,
        record=np.concatenate([delivery.record, record]),
        sort_at=np.concatenate([delivery.sort_at, delivery.sort_at[source]]),
        day=np.concatenate([delivery.day, delivery.day[source] + waits]),
        fault=np.concatenate([delivery.fault, np.full(len(source), kind)]),
    )


def _hit(key: int, share: float, delivery: Delivery) -> Ints:
    """Rows of the window; what was exported before it does not come again in it."""
    return np.flatnonzero((uniforms(key, np.arange(len(delivery.record))) < share) & (delivery.day >= 0))


def _pick(key: int, index: Ints, size: int) -> Ints:
    """Whole numbers from 0 to `size` - 1, shape (n,)."""
    picked: Ints = (mix(key + (1 << 40), index) % np.uint64(size)).astype(np.int64)
    return picked


class Drift(NamedTuple):
    """How the schema of an object changes."""

    added: str
    """The column or key that appears, empty for none."""
    value: str
    """What it holds in every row."""
    renamed: tuple[str, str] | None = None
    """The column and its name for some days."""


class FileMishaps(NamedTuple):
    """What befalls whole files of one object, shape (days,) each unless noted."""

    is_out: Bools
    """No file comes on this day."""
    comes_again: Bools
    """The day's files come again a day later under another name."""
    comes_cut: Bools
    """One file is also there cut off in the middle."""
    is_renamed: Bools
    """The day's files are also there with a column renamed."""
    new_column_on: int
    """The first day with the added column."""


def plan_files(
    key: int, world: World, name: str, *, days: int, until: int, can_be_cut: bool, drift: Drift | None
) -> FileMishaps:
    """What befalls the files of one object; the same for every block.

    Args:
        key: Of the draws.
        world: Rates.
        name: `<vendor>/<object>`.
        days: Length of the window, to which the shares of the rates refer.
        until: Days to plan for, the window's and those after it.
        can_be_cut: Whether a file of this object may be cut off.
        drift: How its schema changes.

    Returns:
        The plan.
    """
    day, own_key = np.arange(until), key ^ crc32(name.encode())
    out_from, renamed_from = int(days * world.outage_from), int(days * world.renamed_column_from)
    # The outage is over by the last day, so that what it held back is there.
    is_out = (day >= out_from) & (day < min(out_from + world.outage_days, days - 1))
    is_out &= name.startswith(f"{world.outage_source}/")
    comes_again = uniforms(own_key, day) < world.redelivered_file_share
    is_renamed = (day >= renamed_from) & (day < renamed_from + world.renamed_column_days)
    return FileMishaps(
        is_out=is_out,
        comes_again=comes_again & ~is_out & ~np.append(is_out[1:], False),
        comes_cut=(uniforms(own_key + 1, day) < world.cut_file_share) & can_be_cut & ~is_out,
        is_renamed=is_renamed & bool(drift and drift.renamed) & ~is_out,
        new_column_on=int(np.ceil(days * world.new_column_from)) if drift and drift.added else until,
    )


def hold_back(delivery: Delivery, is_out: Bools) -> Delivery:
    """The same rows; those of an outage arrive on the first day after it."""
    arrives_on = after_outage(delivery.day, is_out)
    is_held = (arrives_on != delivery.day) & (delivery.fault == ON_TIME)
    return replace(delivery, day=arrives_on, fault=np.where(is_held, DELAYED, delivery.fault))


def after_outage(day: Ints, is_out: Bools) -> Ints:
    """The first day from `day` on that is not out, shape (n,)."""
    opens_on = np.minimum.accumulate(np.where(is_out, len(is_out), np.arange(len(is_out)))[::-1])[::-1]
    is_inside = (day >= 0) & (day < len(is_out))
    arrives_on = day.copy()
    arrives_on[is_inside] = opens_on[day[is_inside]]
    return arrives_on


def expect(delivery: Delivery) -> Texts:
    """What the platform must make of each row, shape (n,); told apart only where a row is planted.

    A late row of a record that changes is a duplicate where a newer version landed before it or with it.
    """
    by_kind = texts([EXPECTED.get(kind, STAGED) for kind in range(len(KINDS))])
    expected = by_kind[delivery.fault]
    is_late = np.isin(delivery.fault, (LATE, DELAYED))
    if delivery.winner == "newest" and is_late.any():
        expected[is_late & ~_find_news(delivery)] = DUPLICATE
    return expected


def _find_news(delivery: Delivery) -> Bools:
    """Whether each row is the newest version of its key on its day, and newer than on all days before."""
    is_good = ~np.isin(delivery.fault, (BROKEN, IMPOSSIBLE_TIME, NEGATIVE_PRICE)) & (delivery.day >= 0)
    good = np.flatnonzero(is_good)
    key = delivery.ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)[delivery.record[good]]
    day, version = delivery.day[good], delivery.sort_at[good]
    order = np.lexsort((-version, day, key))
    key, day, version, good = key[order], day[order], version[order], good[order]
    is_head = np.append(True, (np.diff(key) != 0) | (np.diff(day) != 0))[: len(key)]
    heads = np.flatnonzero(is_head)
    # Versions fit into 43 bits, so that one running maximum serves all keys.
    newest = np.maximum.accumulate((key[heads].astype(np.int64) << 43) + version[heads])
    is_newer = np.append(True, newest[1:] > newest[:-1])[: len(heads)]
    is_news = np.zeros(len(delivery.record), dtype=np.bool_)
    is_news[good[heads[is_newer]]] = True
    return is_news
