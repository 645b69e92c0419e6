"""Writes rows into the landing zone, a file for each object, day and batch of blocks."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.arrays import Ints
from simulator.instants import DAY, HOUR
from simulator.mishaps import (
    DUPLICATE,
    KINDS,
    QUARANTINED,
    REFUSED,
    STAGED,
    Delivery,
    Drift,
    FileMishaps,
    after_outage,
    expect,
    hold_back,
    plan_files,
)
from simulator.world import World

Shape = Literal["lines", "array", "document", "table", "columns"]
SUFFIX: dict[Shape, str] = {
    "lines": "jsonl", "array": "json", "document": "json", "table": "csv", "columns": "parquet",
}  # fmt: skip


class Fault(NamedTuple):
    """Something planted, and where it can be found."""

    kind: str
    file: str
    """Relative to the landing zone, `/` between the parts."""
    row: int
    """The how-manieth record of the file, from 1; the header of a CSV is not counted. 0 is the whole file: its rows share
    the expectation, except those that are listed themselves."""
    record: str
    """The record's own id."""
    expected: str
    """What the platform must make of it: staged, duplicate, quarantined or refused."""


class Landed(NamedTuple):
    """What was written of one object."""

    files: int
    rows: int
    size: int
    """Bytes."""
    faults: list[Fault]


class Export(NamedTuple):
    """One object of one block, ready to be written."""

    name: str
    """`<vendor>/<object>`."""
    shape: Shape
    header: str
    """First line of a `table`; key of a `document`."""
    delivery: Delivery
    drift: Drift | None = None
    can_be_cut: bool = False


class _Planted(NamedTuple):
    row: int
    kind: str
    record: str
    expected: str


class _Content(NamedTuple):
    """What stands in one file."""

    shape: Shape
    header: str
    records: list[str] | pa.Table

    def add_column(self, drift: Drift) -> "_Content":
        if isinstance(self.records, pa.Table):
            column = pa.repeat(pa.scalar(drift.value), len(self.records))
            return self._replace(records=self.records.append_column(drift.added, column))
        if self.shape == "table":
            records = [f"{record},{drift.value}" for record in self.records]
            return self._replace(header=f"{self.header},{drift.added}", records=records)
        member = f',"{drift.added}":{json.dumps(drift.value)}}}'
        return self._replace(records=[record[:-1] + member for record in self.records])

    def rename_column(self, names: tuple[str, str]) -> "_Content":
        if isinstance(self.records, pa.Table):
            return self._replace(records=self.records.rename_columns({names[0]: names[1]}))
        columns = [names[1] if column == names[0] else column for column in self.header.split(",")]
        return self._replace(header=",".join(columns))

    def to_bytes(self) -> bytes:
        if isinstance(self.records, pa.Table):
            return write_parquet(self.records)
        match self.shape:
            case "lines":
                text = "".join(f"{record}\n" for record in self.records)
            case "array":
                text = "[\n" + ",\n".join(self.records) + "\n]\n"
            case "document":
                text = f'{{"{self.header}":[\n' + ",\n".join(self.records) + "\n]}\n"
            case _:
                text = "\n".join([self.header, *self.records]) + "\n"
        return text.encode()


@dataclass(frozen=True)
class LandingZone:
    """Where files go: `<root>/<vendor>/<object>/landed_on=YYYY-MM-DD/<object>-<first block>.<suffix>`."""

    root: Path
    world: World
    key: int
    """Of what befalls whole files."""
    start: int
    days: int
    """Length of the window, to which the rates of the world refer."""
    until: int
    """Days that are drawn: the window's and those after it."""
    first: int
    """Only the days from here are written,"""
    last: int
    """up to this one, exclusive."""

    def land(self, exports: Sequence[Export], block: int) -> Landed:
        """Write one object of a batch of blocks, a file for each day: an export of a quiet day is an empty file.

        Args:
            exports: The object as each block exports it, in the order of the blocks.
            block: The first block of the batch.

        Returns:
            Counts, and the planted faults that were written.
        """
        export = exports[0]
        plan = plan_files(
            self.key, self.world, export.name, days=self.days, until=self.until, can_be_cut=export.can_be_cut and not block,
            drift=export.drift,
        )  # fmt: skip
        sources = [_Sorted(hold_back(each.delivery, plan.is_out), self.until) for each in exports]
        landed = Landed(0, 0, 0, [])
        for day in range(self.first, self.last):
            content = self._content(export, sources, plan, day)
            if not plan.is_out[day]:
                planted = [each for source, shift in _stacked(sources, day) for each in source.planted(day, shift)]
                landed = add(landed, self._write(export, content, day, f"{block:05d}", planted))
                landed = add(landed, self._land_variants(export, content, plan, day, block))
            if day and plan.comes_again[day - 1]:
                planted = [
                    each for source, shift in _stacked(sources, day - 1) for each in source.planted(day - 1, shift)
                ]
                planted = [each for each in planted if each.expected == QUARANTINED]
                whole = _Planted(0, "redelivered_file", "", STAGED if export.delivery.winner == "latest" else DUPLICATE)
                content = self._content(export, sources, plan, day - 1)
                landed = add(landed, self._write(export, content, day, f"again-{block:05d}", [whole, *planted]))
        return landed

    def arrive(self, name: str, day: Ints) -> Ints:
        """The day on which rows of one object come that would come on `day` but for an outage, shape (n,)."""
        plan = plan_files(self.key, self.world, name, days=self.days, until=self.until, can_be_cut=False, drift=None)
        return after_outage(day, plan.is_out)

    def _content(self, export: Export, sources: "list[_Sorted]", plan: FileMishaps, day: int) -> _Content:
        content = _Content(export.shape, export.header, _join([source.records(day) for source in sources]))
        return content.add_column(export.drift) if export.drift and day >= plan.new_column_on else content

    def _land_variants(self, export: Export, content: _Content, plan: FileMishaps, day: int, block: int) -> Landed:
        """The bad copies of a day's file, which stands whole beside them."""
        landed = Landed(0, 0, 0, [])
        if export.drift and day == plan.new_column_on:
            fault = Fault("new_column", self._path(export, day, f"{block:05d}"), 0, "", STAGED)
            landed = add(landed, Landed(0, 0, 0, [fault]))
        if export.drift and export.drift.renamed and plan.is_renamed[day]:
            whole = _Planted(0, "renamed_column", "", QUARANTINED)
            renamed = content.rename_column(export.drift.renamed)
            landed = add(landed, self._write(export, renamed, day, f"renamed-{block:05d}", [whole]))
        if plan.comes_cut[day]:
            landed = add(landed, self._write_cut(export, content.to_bytes(), day, f"cut-{block:05d}"))
        return landed

    def _write(self, export: Export, content: _Content, day: int, part: str, planted: "list[_Planted]") -> Landed:
        path = self._path(export, day, part)
        size = _save(self.root / path, content.to_bytes())
        faults = [Fault(each.kind, path, each.row, each.record, each.expected) for each in planted]
        return Landed(files=1, rows=len(content.records), size=size, faults=faults)

    def _write_cut(self, export: Export, whole: bytes, day: int, part: str) -> Landed:
        path = self._path(export, day, part)
        if export.shape != "columns":
            path, whole = f"{path}.gz", gzip.compress(whole, mtime=0)
        size = _save(self.root / path, whole[: len(whole) // 2])
        return Landed(files=1, rows=0, size=size, faults=[Fault("cut_file", path, 0, "", REFUSED)])

    def _path(self, export: Export, day: int, part: str) -> str:
        date = np.datetime_as_string(np.datetime64(self.start + day * DAY + HOUR, "ms"), unit="D")
        return f"{export.name}/landed_on={date}/{export.name.rpartition('/')[2]}-{part}.{SUFFIX[export.shape]}"


class _Sorted:
    """The rows of one block by day and time."""

    def __init__(self, delivery: Delivery, until: int) -> None:
        inside = np.flatnonzero((delivery.day >= 0) & (delivery.day < until))
        order = inside[np.lexsort((delivery.sort_at[inside], delivery.day[inside]))]
        self._bounds = np.searchsorted(delivery.day[order], np.arange(until + 1)).tolist()
        record = delivery.record[order]
        self._records: list[str] | pa.Table = (
            delivery.records.take(pa.array(record))
            if isinstance(delivery.records, pa.Table)
            else delivery.records[record].tolist()
        )
        rows = np.flatnonzero(delivery.fault[order])
        ids = delivery.ids.take(pa.array(record[rows])).to_pylist()
        kinds = [KINDS[fault] for fault in delivery.fault[order[rows]].tolist()]
        expected = expect(delivery)[order[rows]].tolist()
        self._rows = rows
        self._planted = list(zip(rows.tolist(), kinds, ids, expected, strict=True))

    def records(self, day: int) -> list[str] | pa.Table:
        """The records that arrive on the day."""
        return self._records[self._bounds[day] : self._bounds[day + 1]]

    def count(self, day: int) -> int:
        """How many they are."""
        return int(self._bounds[day + 1] - self._bounds[day])

    def planted(self, day: int, shift: int) -> list[_Planted]:
        """The faults among them; rows count from `shift` + 1."""
        first, last = np.searchsorted(self._rows, self._bounds[day : day + 2]).tolist()
        base = self._bounds[day] - 1 - shift
        return [
            _Planted(row - base, kind, record, expected) for row, kind, record, expected in self._planted[first:last]
        ]


def _stacked(sources: list[_Sorted], day: int) -> list[tuple[_Sorted, int]]:
    """Each source with the number of rows that stand above its own in the day's file."""
    counts = [0, *np.cumsum([source.count(day) for source in sources]).tolist()]
    return list(zip(sources, counts[:-1], strict=True))


def _join(parts: Sequence[list[str] | pa.Table]) -> list[str] | pa.Table:
    if isinstance(parts[0], pa.Table):
        return pa.concat_tables(parts)
    return [record for part in parts for record in part]


def write_parquet(table: pa.Table) -> bytes:
    """A Parquet file: ids and names as they are, words of a small vocabulary by a dictionary.

    What is built as a dictionary of 16 bits is such a vocabulary; a wider one is an array of people or orders in which
    most entries would be of other days.
    """
    schema = pa.schema([pa.field(field.name, _written_type(field.type)) for field in table.schema])
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    buffer = pa.BufferOutputStream()
    pq.write_table(
        table.cast(schema), buffer, use_dictionary=words, compression="zstd", write_statistics=False, store_schema=False
    )
    written: bytes = buffer.getvalue().to_pybytes()
    return written


def _written_type(kind: pa.DataType) -> pa.DataType:
    is_wide = pa.types.is_dictionary(kind) and kind.index_type != pa.int16()
    return kind.value_type if is_wide else kind


def add(first: Landed, second: Landed) -> Landed:
    """Both together."""
    return Landed(
        first.files + second.files, first.rows + second.rows, first.size + second.size, first.faults + second.faults
    )


def _save(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content)
