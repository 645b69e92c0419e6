"""Gaps: days that landed and are not in the warehouse. A run stages them first; what is as of a day is never computed over one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import duckdb

from orchestration.landing_zone.files import pending_days
from orchestration.partitions import window
from orchestration.resources import Settings, UserError, Warehouse

LANDING_FILES: Final = dg.AssetKey(["ops", "landing_files"])
STAGED_DAYS: Final = dg.AssetKey(["ops", "staged_days"])

CREATE_STAGED_DAYS: Final = (
    "create schema if not exists ops; create table if not exists ops.staged_days (landed_on date)"
)

UNSTAGED: Final = """
select distinct landed_on from ops.landing_files
where landed_on <= $until and landed_on not in (select landed_on from ops.staged_days)
order by landed_on
"""

BASE_TABLES: Final = """
select split_part(replace(table_name, 'base_', ''), '__', 1), split_part(table_name, '__', 2), table_name
from duckdb_tables() where schema_name = 'staging' and table_name like 'base\\_%\\_\\_%' escape '\\'
"""

# A file whose every row was rejected leaves no row.
LOST: Final = """
select distinct files.landed_on
from ops.landing_files as files
where files.vendor = $vendor and files.object = $object and files.landed_on <= $until and files.status = 'readable'
    and files.row_count > (select count(*) from ops.landing_rejects as rejects where rejects.file = files.file)
    and files.landed_on not in (select distinct landed_on from staging.{table})
"""


def changed_days(connection: duckdb.DuckDBPyConnection, landing: Path, *, until: date) -> list[date]:
    """The days up to `until` that landed, landed again or were removed since they were staged, or whose rows were deleted.

    Raises:
        LandingError: As `landing_days`.
    """
    return sorted({*pending_days(connection, landing, until=until), *lost_days(connection, until=until)})


def unstaged_days(connection: duckdb.DuckDBPyConnection, *, until: date) -> list[date]:
    """The days up to `until` of which files are registered and not every fact is built."""
    return [day for (day,) in connection.execute(UNSTAGED, {"until": until}).fetchall()]


def lost_days(connection: duckdb.DuckDBPyConnection, *, until: date) -> set[date]:
    """The days up to `until` of which the warehouse registered rows and holds none."""
    found: set[date] = set()
    for vendor, name, table in connection.execute(BASE_TABLES).fetchall():
        values = {"vendor": vendor, "object": name, "until": until}
        found |= {day for (day,) in connection.execute(LOST.format(table=table), values).fetchall()}
    return found


def refuse_gap(
    connection: duckdb.DuckDBPyConnection,
    landing: Path | None,
    *,
    start: date,
    end: date,
    needs_own_days: bool = True,
) -> None:
    """Refuse to compute what is as of the days of a window over a gap.

    Args:
        connection: The warehouse.
        landing: The landing zone; None where the run registered its files itself, so that what lands meanwhile waits.
        start: First day of the window.
        end: Last day, inclusive.
        needs_own_days: Whether the days of the window must be staged too if nothing landed on them.

    Raises:
        UserError: In one line, with the gap and the command that closes it.
        LandingError: As `landing_days`.
    """
    connection.execute(CREATE_STAGED_DAYS)
    missing = set(changed_days(connection, landing, until=end)) if landing else set()
    missing |= {*unstaged_days(connection, until=end)}
    if needs_own_days:
        window_days = {start + timedelta(days=offset) for offset in range((end - start).days + 1)}
        staged = connection.execute("select landed_on from ops.staged_days").fetchall()
        missing |= window_days - {day for (day,) in staged}
    if missing:
        raise UserError(
            f"{_named(sorted(missing))} not staged, and nothing is computed over a gap:"
            f" run `holdfast backfill --from {start} --to {end}`"
        )


@contextmanager
def connect_without_gap(
    context: dg.AssetExecutionContext, warehouse: Warehouse, settings: Settings, *, needs_own_days: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for what is as of the partitions of a step.

    Raises:
        UserError: As `refuse_gap`, and if the file is held.
    """
    start, end = window(context)
    landing = None if LANDING_FILES.to_python_identifier() in context.job_def.graph.node_dict else settings.landing
    with warehouse.connect() as connection:
        refuse_gap(connection, landing, start=start, end=end, needs_own_days=needs_own_days)
        yield connection


def _named(days: list[date]) -> str:
    if len(days) == 1:
        return f"{days[0]} is"
    return f"{days[0]} to {days[-1]} are" if len(days) > 3 else f"{', '.join(map(str, days))} are"
