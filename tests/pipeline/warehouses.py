"""Comparison of two warehouses, row for row."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

SCHEMAS = ("marts", "segments", "ml", "activation", "measurement", "staging", "intermediate", "quarantine")
# What a release, or who looked at it later, saw at its moment; no partition of the graph.
OF_A_RELEASE = {"activation.release_recheck", "activation.reconciliation"}
DAYS = ("as_of", "landed_on", "changed_on", "trained_on")

TABLES = """
select columns.schema_name, columns.table_name, list(columns.column_name order by columns.column_index)
from duckdb_columns() as columns
inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
where columns.database_name = 'one' and columns.schema_name in (select unnest($schemas))
group by columns.schema_name, columns.table_name
order by columns.schema_name, columns.table_name
"""

# Every table that is kept by days, what Python registered of the landing zone included.
TABLES_BY_DAY = """
select tables.schema_name, tables.table_name, columns.column_name
from duckdb_tables() as tables
inner join duckdb_columns() as columns using (database_name, schema_name, table_name)
where columns.column_name in ('landed_on', 'as_of', 'changed_on') and tables.schema_name <> 'identity' and not tables.temporary
"""


def delete_days(warehouse: Path, days: Sequence[date]) -> int:
    """Delete all rows of some days, whatever table holds them; returns how many."""
    count = 0
    with duckdb.connect(str(warehouse)) as connection:
        for schema, table, column in connection.execute(TABLES_BY_DAY).fetchall():
            rows = connection.execute(
                f"delete from {schema}.{table} where {column} in (select unnest($days))", {"days": list(days)}
            ).fetchall()
            count += rows[0][0]
    return count


class Compared(NamedTuple):
    """A table of two warehouses: rows of the first one, and rows that only one side holds."""

    table: str
    rows: int
    differing: int


def differences(
    one: Path, other: Path, *, until: date | None = None, schemas: tuple[str, ...] = SCHEMAS
) -> dict[str, int]:
    """Tables whose rows differ, with the number of rows that only one side holds; arguments as in `compare`."""
    compared = compare(one, other, until=until, schemas=schemas)
    return {found.table: found.differing for found in compared if found.differing}


def compare(one: Path, other: Path, *, until: date | None = None, schemas: tuple[str, ...] = SCHEMAS) -> list[Compared]:
    """Compare every table of the first warehouse with the same one of the other, row for row.

    Args:
        one: A warehouse file.
        other: Another.
        until: Compare only partitions up to this day.
        schemas: The schemas to compare.
    """
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        tables = connection.execute(TABLES, {"schemas": list(schemas)}).fetchall()
        assert len(tables) > 20, "the first warehouse is empty"
        for schema, table, columns in tables:
            if f"{schema}.{table}" in OF_A_RELEASE:
                continue
            day = next((name for name in DAYS if name in columns), None)
            where = f"where {day} <= date '{until}'" if until and day else ""
            sides = [f"select {', '.join(columns)} from {side}.{schema}.{table} {where}" for side in ("one", "other")]
            rows, differing = connection.execute(f"""
                select
                    (select count(*) from ({sides[0]})),
                    (select count(*) from (({sides[0]}) except all ({sides[1]})))
                        + (select count(*) from (({sides[1]}) except all ({sides[0]})))
            """).fetchall()[0]
            found.append(Compared(f"{schema}.{table}", rows, differing))
    return found
