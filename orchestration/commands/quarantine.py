"""`holdfast quarantine`: what was refused, by source and rule, and the way back for a repaired file."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from activation.state.readmissions import (
    WHOLE_FILE,
    Readmission,
    readmission_of,
    readmitted_rows,
    record_readmission,
)
from orchestration.erasure.records import count_records, read_text
from orchestration.landing_zone.files import FOLDER_PREFIX
from orchestration.landing_zone.probe import LandingFile, UnreadableFileError, probe
from orchestration.landing_zone.vendors import enabled_vendors
from orchestration.resources import Settings, UserError, Warehouse, open_state

FILTER: Final = """
where ($source is null or source = $source) and ($rule is null or rule = $rule) and ($day is null or landed_on = $day)
"""
COUNTS: Final = f"""
select source, rule, count(*), count(readmitted_at), min(landed_on), max(landed_on)
from quarantine.rows {FILTER} group by source, rule order by source, rule
"""
ROWS: Final = f"""
select file, row_number, rule, message, raw, readmitted_at, readmitted_as
from quarantine.rows {FILTER} order by landed_on, file, row_number
"""
REFUSED: Final = """
select coalesce(row_number, $whole_file) from quarantine.rows where file = $file and rule <> 'erased' order by 1
"""
MARKED: Final = """
update quarantine.rows set readmitted_at = $readmitted_at, readmitted_as = $readmitted_as
where file = $file and rule <> 'erased' and list_contains($row_numbers, coalesce(row_number, $whole_file))
"""


@dataclass(frozen=True)
class Selection:
    """Which refused rows; None takes all."""

    source: str | None = None
    rule: str | None = None
    day: date | None = None

    def values(self) -> dict[str, Any]:
        """As parameters of a query."""
        return {"source": self.source, "rule": self.rule, "day": self.day}


def list_counts(settings: Settings, selection: Selection) -> list[str]:
    """Lines with counts and first and last day by source and rule."""
    rows = _query(settings, COUNTS, selection.values())
    if not rows:
        return ["nothing is quarantined"]
    lines = [f"{'source':<22}{'rule':<22}{'rows':>8}{'readmitted':>12}  first day   last day"]
    return lines + [
        f"{source:<22}{rule:<22}{count:>8,}{readmitted:>12,}  {first}  {last}"
        for source, rule, count, readmitted, first, last in rows
    ]


def list_rows(settings: Settings, selection: Selection) -> list[str]:
    """Lines with each refused row and its raw text; for the operator's terminal only, never for a log."""
    lines = []
    for file, number, rule, message, raw, at, by in _query(settings, ROWS, selection.values()):
        place = f"{file}:{number}" if number is not None else file
        back = f"; readmitted {at:%Y-%m-%d} as {by}" if at else ""
        lines += [f"{place}  {rule}: {message}{back}", f"    {raw if raw is not None else '(no text is kept)'}"]
    return lines or ["nothing is quarantined"]


def check_repair(settings: Settings, repaired: Path, *, source: str, file: str, rows: tuple[int, ...]) -> Readmission:
    """Check a repaired file against the rows that it repairs; writes nothing.

    Args:
        settings: Where things are.
        repaired: The file; its content is what may be readmitted once.
        source: vendor/object.
        file: The landed file whose rows were refused, below the landing zone.
        rows: Numbers of the refused rows that it repairs; none means all of them.

    Raises:
        UserError: In one line, with what to do.
    """
    vendor, _, name = source.partition("/")
    if vendor not in enabled_vendors() or name not in enabled_vendors()[vendor].reads:
        message = f"--as {source} is no source that is read: say vendor/object, such as shopify/orders"
        raise UserError(message)
    if not file.startswith(f"{source}/"):
        message = f"--for {file} is no file of {source}: give its path below the landing zone"
        raise UserError(message)
    content_hash = _content_hash(repaired)
    earlier = readmission_of(open_state(settings), content_hash)
    if earlier is not None and (settings.landing / earlier.readmitted_as).exists():
        message = f"this content was readmitted on {earlier.readmitted_at:%Y-%m-%d} as {earlier.readmitted_as}: nothing is left to do"
        raise UserError(message)
    if earlier is not None:
        return earlier
    landed = settings.landing / file
    if landed.exists() and _content_hash(landed) == content_hash:
        message = f"{repaired} is {file} as it landed: repair it first"
        raise UserError(message)
    wanted = _open_rows(settings, file, rows)
    found = _count(repaired, vendor, name)
    if found < len(wanted):
        message = (
            f"{repaired} holds {found} rows for {len(wanted)} refused rows of {file}: name those it repairs with --row"
        )
        raise UserError(message)
    return Readmission(content_hash, file, "", datetime.now(UTC).replace(tzinfo=None, microsecond=0))


def readmit(
    settings: Settings, repaired: Path, *, source: str, file: str, rows: tuple[int, ...], landed_on: date
) -> Readmission:
    """Land a repaired file as a file of its own, once; the caller holds the warehouse's slot.

    A readmission that was killed goes on when it is repeated: what was recorded stays, and the file is put in its place.

    Args:
        settings: Where things are.
        repaired: The file.
        source: vendor/object.
        file: The landed file whose rows were refused.
        rows: Numbers of the refused rows that it repairs; none means all of them.
        landed_on: Day on which it lands.

    Raises:
        UserError: As `check_repair`.
    """
    store = open_state(settings)
    checked = check_repair(settings, repaired, source=source, file=file, rows=rows)
    name = f"readmitted-{checked.content_hash[:12]}-{repaired.name}"
    target = checked.readmitted_as or f"{source}/{FOLDER_PREFIX}{landed_on}/{name}"
    done = Readmission(checked.content_hash, checked.file, target, checked.readmitted_at)
    place = settings.landing / target
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.tmp")
    shutil.copyfile(repaired, temporary)
    if not checked.readmitted_as:
        record_readmission(store, done, _open_rows(settings, file, rows))
    temporary.replace(place)
    store.mirror()
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute(MARKED, {**_marks(done), "row_numbers": sorted(readmitted_rows(store, done.file))})
    return done


def _open_rows(settings: Settings, file: str, rows: tuple[int, ...]) -> list[int]:
    """Numbers of the refused rows of a file that nobody has readmitted, among those that were asked for.

    Raises:
        UserError: There are none, or some that were asked for are not among them.
    """
    found = _query(settings, REFUSED, {"file": file, "whole_file": WHOLE_FILE})
    refused = {row[0] for row in found}
    if not refused:
        message = f"no row of {file} is quarantined: see `holdfast quarantine --show`"
        raise UserError(message)
    left = refused - readmitted_rows(open_state(settings), file)
    missing = sorted(set(rows) - left)
    if missing or not left:
        what = f"row {missing[0]}" if missing else "every refused row"
        message = f"{what} of {file} was readmitted before or was not refused: see `holdfast quarantine --show`"
        raise UserError(message)
    return sorted(rows or left)


def _marks(done: Readmission) -> Mapping[str, Any]:
    return {
        "readmitted_at": done.readmitted_at,
        "readmitted_as": done.readmitted_as,
        "file": done.file,
        "whole_file": WHOLE_FILE,
    }


def _content_hash(path: Path) -> str:
    try:
        return hashlib.sha256(read_text(path)).hexdigest()
    except FileNotFoundError as fault:
        message = f"there is no file {path}"
        raise UserError(message) from fault
    except (OSError, EOFError):
        return hashlib.sha256(path.read_bytes()).hexdigest()


def _count(path: Path, vendor: str, name: str) -> int:
    unprobed = LandingFile(date.min, vendor, name, path.name, str(path.absolute()), 0, "")
    try:
        probed = probe(unprobed)
    except UnreadableFileError as fault:
        message = f"{path}: {fault}"
        raise UserError(message) from fault
    return count_records(path) if probed.format == "csv" else probed.row_count


def _query(settings: Settings, query: str, values: Mapping[str, Any]) -> list[Any]:
    with Warehouse(settings.warehouse).connect() as connection:
        try:
            return connection.execute(query, dict(values)).fetchall()
        except duckdb.CatalogException:
            return []
