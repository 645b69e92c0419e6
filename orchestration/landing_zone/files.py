"""What has landed: finds, probes and registers the files of the landing zone.

The landing zone is `<root>/<vendor>/<object>/landed_on=YYYY-MM-DD/<file>`. Registering writes two tables that dbt reads:
`ops.landing_files` (every file with its independent row count) and `ops.landing_rejects` (what could not be read).
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, NamedTuple

import duckdb
import pyarrow as pa

from orchestration.landing_zone.probe import LandingFile, UnreadableFileError, probe
from orchestration.landing_zone.vendors import enabled_vendors, enabling_line, shipped_vendors

FOLDER_PREFIX: Final = "landed_on="


class LandingError(Exception):
    """The landing zone cannot be used as it is; the message says what to do."""


@dataclass(frozen=True)
class LandingReject:
    """A file (row_number is None) or a row that could not be read: a row of `ops.landing_rejects`."""

    landed_on: date
    vendor: str
    object: str
    file: str
    row_number: int | None
    rule: Literal["unreadable_file", "malformed_row"]
    message: str
    raw: str | None


class LandingSummary(NamedTuple):
    """Counts of one registered window; rows include the rejected ones."""

    files: int
    rows: int
    refused_files: int
    rejected_rows: int


FILES_SCHEMA: Final = pa.schema(
    [
        ("landed_on", pa.date32()),
        ("vendor", pa.string()),
        ("object", pa.string()),
        ("file", pa.string()),
        ("path", pa.string()),
        ("format", pa.string()),
        ("shape", pa.string()),
        ("header", pa.list_(pa.string())),
        ("bytes", pa.int64()),
        ("signature", pa.string()),
        ("row_count", pa.int64()),
        ("status", pa.string()),
    ]
)
REJECTS_SCHEMA: Final = pa.schema(
    [
        ("landed_on", pa.date32()),
        ("vendor", pa.string()),
        ("object", pa.string()),
        ("file", pa.string()),
        ("row_number", pa.int64()),
        ("rule", pa.string()),
        ("message", pa.string()),
        ("raw", pa.string()),
    ]
)
CREATE_TABLES: Final = """
create schema if not exists ops;
create table if not exists ops.landing_files (
    landed_on date, vendor varchar, object varchar, file varchar, path varchar, format varchar, shape varchar,
    header varchar[], bytes bigint, signature varchar, row_count bigint, status varchar
);
create table if not exists ops.landing_rejects (
    landed_on date, vendor varchar, object varchar, file varchar, row_number bigint, rule varchar, message varchar,
    raw varchar
);
"""


def landing_days(root: Path) -> list[date]:
    """The days on which anything landed, in order.

    Raises:
        LandingError: the root does not exist, or a folder is not named `landed_on=YYYY-MM-DD`.
    """
    return sorted({day for _, _, day, _ in _day_folders(root)})


def unread_objects(root: Path) -> list[str]:
    """One line per folder of the landing zone that is not read, with what to do; none is silently passed over."""
    found = (folder for folder in root.glob("*/*") if folder.is_dir())
    names = sorted((folder.parent.name, folder.name) for folder in found)
    lines = [_unread(vendor, name) for vendor, name in names if name not in _objects_of(vendor)]
    return list(dict.fromkeys(lines))


def _objects_of(vendor: str) -> tuple[str, ...]:
    return enabled_vendors()[vendor].reads if vendor in enabled_vendors() else ()


def _unread(vendor: str, name: str) -> str:
    shipped = shipped_vendors().get(vendor)
    if shipped is None:
        return f"{vendor}/{name} is no source that Holdfast knows, see docs/adding-a-vendor.md"
    if name not in shipped.reads:
        return f"{vendor}/{name} is not among what is read of {vendor}: {', '.join(shipped.reads)}"
    return f"{vendor} is not enabled: add `{enabling_line(vendor)}` to vars.vendors in dbt_project/dbt_project.yml"


def pending_days(connection: duckdb.DuckDBPyConnection, root: Path, *, until: date) -> list[date]:
    """The days up to `until` whose files are not the registered ones: new, landed again, or removed.

    Raises:
        LandingError: as `landing_days`.
    """
    connection.execute(CREATE_TABLES)
    present = {(found.landed_on, found.file, found.signature) for found in _scan(root, date.min, until)}
    registered = set(
        connection.execute(
            "select landed_on, file, signature from ops.landing_files where landed_on <= $until", {"until": until}
        ).fetchall()
    )
    return sorted({row[0] for row in present ^ registered})


def landed_files(root: Path) -> Iterator[LandingFile]:
    """Every file of the landing zone, not probed.

    Raises:
        LandingError: as `landing_days`.
    """
    return _scan(root, date.min, date.max)


def pending_files(connection: duckdb.DuckDBPyConnection, root: Path) -> frozenset[str]:
    """Files, below the root, that are not registered as they are now.

    Raises:
        LandingError: as `landing_days`.
    """
    connection.execute(CREATE_TABLES)
    registered = set(connection.execute("select file, signature from ops.landing_files").fetchall())
    return frozenset(found.file for found in landed_files(root) if (found.file, found.signature) not in registered)


def register_files(connection: duckdb.DuckDBPyConnection, root: Path, *, start: date, end: date) -> LandingSummary:
    """Probes every file that landed from `start` to `end` (inclusive) and replaces the window's rows in `ops`.

    A file that cannot be read is refused and named in `ops.landing_rejects`; the others go on.

    Raises:
        LandingError: as `landing_days`.
    """
    connection.execute(CREATE_TABLES)
    files: list[LandingFile] = []
    rejects: list[LandingReject] = []
    for found in _scan(root, start, end):
        try:
            files.append(probe(found))
        except UnreadableFileError as error:
            files.append(_refused(found))
            rejects.append(_file_reject(found, str(error)))
    counted, csv_rejects = _count_csv(connection, [landed for landed in files if _is_uncounted(landed)])
    files = [*(landed for landed in files if not _is_uncounted(landed)), *counted]
    rejects += csv_rejects
    _replace_window(connection, files, rejects, start=start, end=end)
    return LandingSummary(
        files=len(files),
        rows=sum(landed.row_count for landed in files),
        refused_files=sum(landed.status == "refused" for landed in files),
        rejected_rows=sum(reject.row_number is not None for reject in rejects),
    )


def _day_folders(root: Path) -> Iterator[tuple[str, str, date, Path]]:
    if not root.is_dir():
        message = f"no landing folder at {root}: set HOLDFAST_LANDING or pass --landing"
        raise LandingError(message)
    for vendor, has in enabled_vendors().items():
        for name in has.reads:
            for folder in sorted((root / vendor / name).glob("*/")):
                yield vendor, name, _folder_day(folder), folder


def _folder_day(folder: Path) -> date:
    prefix, _, text = folder.name.partition("=")
    try:
        if f"{prefix}=" != FOLDER_PREFIX:
            raise ValueError(prefix)
        return date.fromisoformat(text)
    except ValueError:
        message = f"{folder} is not a landing day: name it landed_on=YYYY-MM-DD or move it away"
        raise LandingError(message) from None


def _scan(root: Path, start: date, end: date) -> Iterator[LandingFile]:
    for vendor, name, day, folder in _day_folders(root):
        if start <= day <= end:
            with os.scandir(folder) as entries:
                files = sorted((entry for entry in entries if entry.is_file()), key=lambda entry: entry.name)
            for entry in files:
                if not entry.name.startswith((".", "_")):
                    stat = entry.stat()
                    yield LandingFile(
                        landed_on=day,
                        vendor=vendor,
                        object=name,
                        file=f"{vendor}/{name}/{folder.name}/{entry.name}",
                        path=f"{folder.absolute()}/{entry.name}",
                        bytes=stat.st_size,
                        signature=f"{stat.st_size}-{stat.st_mtime_ns}",
                    )


def _refused(found: LandingFile) -> LandingFile:
    return replace(found, status="refused", row_count=0)


def _file_reject(found: LandingFile, message: str) -> LandingReject:
    return _reject(found, rule="unreadable_file", message=message)


def _reject(
    landed: LandingFile,
    *,
    rule: Literal["unreadable_file", "malformed_row"],
    message: str,
    row_number: int | None = None,
    raw: str | None = None,
) -> LandingReject:
    return LandingReject(
        landed_on=landed.landed_on,
        vendor=landed.vendor,
        object=landed.object,
        file=landed.file,
        row_number=row_number,
        rule=rule,
        message=message,
        raw=raw,
    )


def _is_uncounted(landed: LandingFile) -> bool:
    return landed.format == "csv" and landed.status == "readable"


def _count_csv(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[LandingFile]
) -> tuple[list[LandingFile], list[LandingReject]]:
    """Counts the records of CSV files, one query for all files of one header."""
    counted: list[LandingFile] = []
    rejects: list[LandingReject] = []
    for _, group in groupby(sorted(tables, key=lambda landed: landed.header), key=lambda landed: landed.header):
        batch = list(group)
        try:
            results = [_count_csv_batch(connection, batch)]
        except duckdb.Error:
            results = [_count_one_csv(connection, landed) for landed in batch]
        for landed_files, landed_rejects in results:
            counted += landed_files
            rejects += landed_rejects
    return counted, rejects


def _count_one_csv(
    connection: duckdb.DuckDBPyConnection, landed: LandingFile
) -> tuple[list[LandingFile], list[LandingReject]]:
    try:
        return _count_csv_batch(connection, [landed])
    except duckdb.Error as error:
        return [_refused(landed)], [_file_reject(landed, f"cannot be read as CSV: {type(error).__name__}")]


def _count_csv_batch(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[LandingFile]
) -> tuple[list[LandingFile], list[LandingReject]]:
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    good = dict(
        connection.execute(
            """
            select filename, count(*) from read_csv(
                $paths, columns = $columns, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
                strict_mode = true, store_rejects = true, filename = true
            ) group by filename
            """,
            {
                "paths": [landed.path for landed in batch],
                "columns": dict.fromkeys(batch[0].header, "VARCHAR"),
            },
        ).fetchall()
    )
    faults = connection.execute(
        """
        select reject_scans.file_path, reject_errors.line, any_value(reject_errors.error_message),
            any_value(ltrim(reject_errors.csv_line, chr(10) || chr(13)))
        from reject_errors join reject_scans using (scan_id, file_id)
        group by reject_scans.file_path, reject_errors.line
        order by reject_scans.file_path, reject_errors.line
        """
    ).fetchall()
    connection.execute("drop table reject_errors; drop table reject_scans")
    by_path = {landed.path: landed for landed in batch}
    rejects = [
        _reject(by_path[path], rule="malformed_row", message=message, row_number=line - 1, raw=raw)
        for path, line, message, raw in faults
    ]
    rejected = {path: sum(fault[0] == path for fault in faults) for path in {fault[0] for fault in faults}}
    counted = [replace(landed, row_count=good.get(landed.path, 0) + rejected.get(landed.path, 0)) for landed in batch]
    return counted, rejects


def _replace_window(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[LandingFile],
    rejects: Sequence[LandingReject],
    *,
    start: date,
    end: date,
) -> None:
    window = {"start": start, "end": end}
    files_table = pa.Table.from_pylist([asdict(landed) for landed in files], schema=FILES_SCHEMA)
    rejects_table = pa.Table.from_pylist([asdict(reject) for reject in rejects], schema=REJECTS_SCHEMA)
    connection.register("landed_files", files_table)
    connection.register("landed_rejects", rejects_table)
    connection.execute("begin")
    try:
        connection.execute("delete from ops.landing_files where landed_on between $start and $end", window)
        connection.execute("delete from ops.landing_rejects where landed_on between $start and $end", window)
        connection.execute("insert into ops.landing_files by name select * from landed_files")
        connection.execute("insert into ops.landing_rejects by name select * from landed_rejects")
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
    finally:
        connection.unregister("landed_files")
        connection.unregister("landed_rejects")
