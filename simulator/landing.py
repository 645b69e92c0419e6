"""Writes rows into the landing zone, day by day, and plants what goes wrong on the way there."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from simulator.arrays import Ints, Texts, texts
from simulator.instants import DAY, HOUR
from simulator.world import World

Shape = Literal["lines", "array", "document", "table"]

ON_TIME, LATE, REDELIVERED, BROKEN = range(4)
FAULTS = ("on_time", "late", "redelivered", "broken_line")
SUFFIX: dict[Shape, str] = {"lines": "jsonl", "array": "json", "document": "json", "table": "csv"}


class Fault(NamedTuple):
    """Something planted, and where it can be found."""

    kind: str
    file: str
    """Relative to the landing zone, `/` between the parts."""
    row: int
    """The how-manieth record of the file, from 1; the header of a CSV is not counted. In `lines` it is the line number."""
    record: str
    """The record's own id."""


class Landed(NamedTuple):
    """What was written of one object."""

    files: int
    rows: int
    size: int
    """Bytes."""
    faults: list[Fault]


@dataclass(frozen=True)
class Delivery:
    """Records of one object, shape (n,) each, with the day on which each arrives."""

    text: Texts
    id: Texts
    sort_at: Ints
    """Order within a file."""
    day: Ints
    """Days since the start; those outside the window are not written."""
    fault: Ints


def deliver(records: list[str], ids: list[str], happened_at: Ints, start: int) -> Delivery:
    """Records that all arrive on the day on which they happened."""
    return Delivery(
        text=texts(records),
        id=texts(ids),
        sort_at=happened_at,
        day=(happened_at - start) // DAY,
        fault=np.zeros(len(records), dtype=np.int64),
    )


def draw_delays(rng: np.random.Generator, world: World, size: int) -> Ints:
    """Days by which each record arrives late: 0 for most, else 1 to 3."""
    return np.where(rng.random(size) < world.late_share, rng.integers(1, 4, size), 0)


def delay(delivery: Delivery, delays: Ints) -> Delivery:
    """The same records, the late ones arriving later and marked."""
    return Delivery(
        text=delivery.text,
        id=delivery.id,
        sort_at=delivery.sort_at,
        day=delivery.day + delays,
        fault=np.where(delays > 0, LATE, delivery.fault),
    )


def redeliver(rng: np.random.Generator, world: World, delivery: Delivery) -> Delivery:
    """Adds the records that arrive a second time, byte for byte, one to three days later."""
    again = np.flatnonzero(rng.random(len(delivery.text)) < world.redelivered_share)
    return _append(
        delivery, again, delivery.text[again], delivery.day[again] + rng.integers(1, 4, len(again)), REDELIVERED
    )


def break_lines(rng: np.random.Generator, world: World, delivery: Delivery) -> Delivery:
    """Adds lines that an export broke off in the middle; the whole record follows, so that no fact is lost."""
    hit = np.flatnonzero(rng.random(len(delivery.text)) < world.broken_share)
    keep = rng.uniform(0.3, 0.9, len(hit))
    cut = [
        text[: int(len(text) * share)] for text, share in zip(delivery.text[hit].tolist(), keep.tolist(), strict=True)
    ]
    return _append(delivery, hit, texts(cut), delivery.day[hit], BROKEN)


def _append(delivery: Delivery, source: Ints, text: Texts, day: Ints, fault: int) -> Delivery:
    return Delivery(
        text=np.concatenate([delivery.text, text]),
        id=np.concatenate([delivery.id, delivery.id[source]]),
        sort_at=np.concatenate([delivery.sort_at, delivery.sort_at[source]]),
        day=np.concatenate([delivery.day, day]),
        fault=np.concatenate([delivery.fault, np.full(len(source), fault)]),
    )


@dataclass(frozen=True)
class LandingZone:
    """Where files go: `<root>/<vendor>/<object>/landed_on=YYYY-MM-DD/<object>-<block>.<suffix>`."""

    root: Path
    start: int
    days: int
    block: int

    def land(self, name: str, delivery: Delivery, *, shape: Shape, header: str = "") -> Landed:
        """Write one object of one block, a file for each day: an export of a quiet day is an empty file.

        Args:
            name: `<vendor>/<object>`.
            delivery: The records.
            shape: How records make a file.
            header: First line of a `table`; key of a `document`.

        Returns:
            Counts, and the planted faults that were written.
        """
        inside = np.flatnonzero((delivery.day >= 0) & (delivery.day < self.days))
        order = inside[np.lexsort((delivery.sort_at[inside], delivery.day[inside]))]
        text, day, fault = delivery.text[order].tolist(), delivery.day[order], delivery.fault[order]
        record = delivery.id[order]
        bounds = np.searchsorted(day, np.arange(self.days + 1)).tolist()
        files = size = 0
        faults: list[Fault] = []
        for number, (first, last) in enumerate(pairwise(bounds)):
            path = self._path(name, number, shape)
            size += _write(self.root / path, _compose(text[first:last], shape, header))
            files += 1
            planted = np.flatnonzero(fault[first:last]).tolist()
            faults += [Fault(FAULTS[fault[first + row]], path, row + 1, record[first + row]) for row in planted]
        return Landed(files=files, rows=len(order), size=size, faults=faults)

    def _path(self, name: str, number: int, shape: Shape) -> str:
        day = np.datetime_as_string(np.datetime64(self.start + number * DAY + HOUR, "ms"), unit="D")
        return f"{name}/landed_on={day}/{name.rpartition('/')[2]}-{self.block:05d}.{SUFFIX[shape]}"


def _compose(records: list[str], shape: Shape, header: str) -> str:
    match shape:
        case "lines":
            return "".join(f"{record}\n" for record in records)
        case "array":
            return "[\n" + ",\n".join(records) + "\n]\n"
        case "document":
            return f'{{"{header}":[\n' + ",\n".join(records) + "\n]}\n"
        case "table":
            return "\n".join([header, *records]) + "\n"


def _write(path: Path, content: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content.encode())
