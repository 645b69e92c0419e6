"""Erasure in files: the landing zone record by record, what was published, what models logged; and the proof that nothing is left."""

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from activation.state.erasure import Tombstone
from orchestration.erasure.lineage import LandedColumn, PersonalColumn, kind_of
from orchestration.erasure.records import Rewritten, Shape, read_text, rewrite, salvage
from orchestration.erasure.values import matcher_of_landed, matcher_of_table, redacted
from orchestration.landing_zone.files import landed_files
from orchestration.landing_zone.probe import LandingFile, UnreadableFileError, probe

TEXTS: Final = frozenset({".html", ".json", ".txt", ".yml", ".yaml", ".md", ".js", ".css", ".csv", ".jsonl"})
WAREHOUSE: Final = frozenset({".duckdb", ".wal"})  # searched as tables
MANIFEST: Final = "manifest.json"


@dataclass(frozen=True)
class Traces:
    """What an erasure searches for.

    Attributes:
        tombstones: All tombstones, those of earlier erasures too.
        salt: HOLDFAST_SALT.
        needles: Values of this person that can be searched for in any text, lower case.
    """

    tombstones: Collection[Tombstone]
    salt: str
    needles: frozenset[str]

    def redact(self, text: str) -> str:
        """A text without the addresses of erased people."""
        return redacted(text, self.tombstones, self.salt)

    def are_in(self, content: bytes) -> bool:
        """Whether a content holds a needle."""
        lowered = content.lower()
        return any(needle.encode() in lowered or _escaped(needle) in lowered for needle in self.needles)


@dataclass(frozen=True)
class FileCounts:
    """What happened to the files of one place; `unreachable` names files that hold a needle and cannot be rewritten."""

    files: int = 0
    rows: int = 0
    unreachable: tuple[str, ...] = ()


def erase_landing(
    root: Path,
    columns: Mapping[tuple[str, str], tuple[LandedColumn, ...]],
    traces: Traces,
    *,
    suspected: Collection[str],
    dry_run: bool,
) -> FileCounts:
    """Blank the records of erased people in every landed file; a record keeps its row number.

    Args:
        root: The landing zone.
        columns: Personal columns of each (vendor, object).
        traces: Who.
        suspected: Files, below the root, to be read whether they hold a needle or not.
        dry_run: Count only.
    """
    files, rows, unreachable = 0, 0, []
    for landed in landed_files(root):
        path = Path(landed.path)
        try:
            if landed.file not in suspected and not _may_hold(path, traces):
                continue
            done = _rewrite_landed(
                probe(landed), columns.get((landed.vendor, landed.object), ()), traces, write=not dry_run
            )
        except (UnreadableFileError, ValueError, OSError, EOFError):
            if _holds_raw(path, traces):
                unreachable.append(landed.file)
            continue
        files, rows = files + bool(sum(done)), rows + sum(done)
    return FileCounts(files, rows, tuple(unreachable))


def erase_written(folders: Iterable[Path], traces: Traces, *, today: date, dry_run: bool) -> FileCounts:
    """Drop the rows of erased people from the tables that the platform wrote, and their addresses from its texts.

    A manifest beside a rewritten file gets its new size and hash first, so that a killed erasure leaves none that looks whole.
    """
    files, rows = 0, 0
    for folder in folders:
        for path in sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".")):
            done = _rewrite_written(path, traces, today, write=not dry_run)
            files, rows = files + bool(sum(done)), rows + sum(done)
    return FileCounts(files, rows)


def residue(home: Path, landing: Path, warehouse: Path, traces: Traces) -> tuple[str, ...]:
    """Every place that still holds a needle: files as paths, tables as schema.table.column. Nothing personal is named."""
    found = [str(path) for folder in {home, landing} for path in _all_files(folder) if _still_holds(path, traces)]
    if warehouse.exists():
        found += _columns_that_hold(warehouse, traces)
    return tuple(dict.fromkeys(found))


def _rewrite_landed(landed: LandingFile, columns: Iterable[LandedColumn], traces: Traces, *, write: bool) -> Rewritten:
    shape: Shape = landed.format if landed.format in {"csv", "parquet"} else landed.shape  # type: ignore[assignment]
    is_json = shape in {"lines", "array", "document"}
    matcher = matcher_of_landed(traces.tombstones, traces.salt, vendor=landed.vendor, columns=columns, is_json=is_json)
    return rewrite(
        Path(landed.path), shape, matcher.is_erased, redact=traces.redact, wrapper=landed.object, write=write
    )


def _rewrite_written(path: Path, traces: Traces, today: date, *, write: bool) -> Rewritten:
    shape = _table_shape(path)
    if shape is not None:
        matcher = matcher_of_table(traces.tombstones, traces.salt, columns=_named(_header(path, shape)))
        announce = partial(_describe_again, today=today)
        return rewrite(path, shape, matcher.is_erased, redact=traces.redact, drop=True, write=write, announce=announce)
    if path.suffix in TEXTS:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        clean = traces.redact(text)
        if clean != text and write:
            path.write_text(clean, encoding="utf-8", errors="surrogateescape")
        return Rewritten(0, int(clean != text))
    return Rewritten(0, 0)


def _table_shape(path: Path) -> Shape | None:
    shapes: dict[str, Shape] = {".parquet": "parquet", ".csv": "csv", ".jsonl": "lines"}
    return shapes.get(path.suffix)


def _header(path: Path, shape: Shape) -> list[str]:
    if shape == "parquet":
        return list(pq.read_schema(path).names)
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if shape == "lines":
        return list(json.loads(first)) if first.strip() else []
    return next(csv.reader([first]), [])


def _named(names: Iterable[str]) -> tuple[PersonalColumn, ...]:
    kinds = ((name, kind_of(name.strip().lower().replace(" ", "_"), schema="published")) for name in names)
    return tuple(PersonalColumn(name, "email" if kind is None else kind) for name, kind in kinds if kind)


def _describe_again(path: Path, replacement: Path, *, today: date) -> None:
    manifest = path.with_name(MANIFEST)
    if not manifest.exists():
        return
    content = json.loads(manifest.read_text(encoding="utf-8"))
    data = replacement.read_bytes()
    for described in content.get("files", []):
        if described["name"] == path.name:
            described |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if path.suffix == ".parquet" and "rows" in content:
        content["rows"] = pq.read_metadata(replacement).num_rows
    content["rewritten"] = {"on": today.isoformat(), "why": "erasure of a person"}
    temporary = manifest.with_name(f"{MANIFEST}.tmp")
    temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(manifest)


def _may_hold(path: Path, traces: Traces) -> bool:
    if path.suffix == ".parquet":
        return _still_holds(path, traces)
    return traces.are_in(read_text(path))


def _still_holds(path: Path, traces: Traces) -> bool:
    if path.suffix in WAREHOUSE:
        return False
    if path.suffix == ".parquet":
        try:
            return any(traces.are_in(_cells(column)) for column in pq.read_table(path).columns)
        except (OSError, pa.ArrowException):
            return _holds_raw(path, traces)
    try:
        return traces.are_in(read_text(path))
    except (OSError, EOFError, pa.ArrowException):
        return _holds_raw(path, traces)


def _holds_raw(path: Path, traces: Traces) -> bool:
    return traces.are_in(salvage(path))


def _cells(column: Any) -> bytes:
    return "\n".join(str(value) for value in column.to_pylist()).encode()


def _columns_that_hold(warehouse: Path, traces: Traces) -> Iterator[str]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.register("needles", pa.table({"text": pa.array(sorted(traces.needles), pa.string())}))
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() inner join duckdb_tables()"
            " using (database_oid, schema_oid, table_oid, schema_name, table_name)"
            " where not duckdb_columns.internal order by all"
        ).fetchall()
        for schema, table, column in columns:
            held = connection.execute(
                f'select exists (select 1 from (select distinct lower(cast("{column}" as varchar)) as text'
                f' from "{schema}"."{table}") as held inner join needles on contains(held.text, needles.text))'
            ).fetchall()
            if held[0][0]:
                yield f"{schema}.{table}.{column}"


def _all_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _escaped(needle: str) -> bytes:
    return json.dumps(needle)[1:-1].lower().encode()
