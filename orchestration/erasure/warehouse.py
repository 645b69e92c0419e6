"""Erasure in the warehouse: one transaction over every table that the lineage reaches, then a file without freed pages."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from activation.state.erasure import Tombstone
from orchestration.erasure.lineage import STRONG, WEAK, PersonalColumn, PersonalTable
from orchestration.erasure.values import mentions

HASHED: Final = {"mailbox_hash": " where kind = 'email'", "identifier_hash": ""}
RAW: Final = frozenset({"raw"})


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[PersonalTable],
    tombstones: Collection[Tombstone],
    *,
    salt: str,
    needles: Collection[str],
    dry_run: bool,
) -> dict[str, int]:
    """Delete every row that bears a tombstone, and the raw text of every row that mentions a needle; all or nothing.

    Args:
        connection: The warehouse.
        tables: Those with personal columns.
        tombstones: Who.
        salt: HOLDFAST_SALT.
        needles: Texts, lower case, that no raw text may hold.
        dry_run: Count only.

    Returns:
        Rows by table, without those tables that hold none.
    """
    _hand_in(connection, tombstones, needles)
    counts: dict[str, int] = {}
    connection.execute("begin")
    try:
        for table in tables:
            found = 0
            for change, where, values in _statements(table, salt):
                counted = f"select count(*) from {table.relation} where {where}"
                found += connection.execute(counted, values).fetchall()[0][0]
                if not dry_run:
                    connection.execute(f"{change} where {where}", values)
            if found:
                counts[f"{table.schema}.{table.name}"] = found
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return counts


def files_of(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[PersonalTable],
    tombstones: Collection[Tombstone],
    *,
    salt: str,
) -> frozenset[str]:
    """Landed files of which a staged row bears a tombstone, or a row was refused because it bears one."""
    _hand_in(connection, tombstones, ())
    found: set[str] = set()
    for table in tables:
        if table.vendor is not None and table.name.startswith("base_"):
            where = f"{whose(table)} or rule = 'erased'"
            values = {"salt": salt, "vendor": table.vendor}
            rows = connection.execute(
                f"select distinct file from {table.relation} where {where}",
                {name: value for name, value in values.items() if f"${name}" in where},
            )
            found |= {row[0] for row in rows.fetchall()}
    return frozenset(found)


def withhold_mentions(connection: duckdb.DuckDBPyConnection, tombstones: Collection[Tombstone], *, salt: str) -> None:
    """Take the raw text from records of the wrong shape that mention an erased person: no column tells whose they are."""
    if not tombstones:
        return
    raws = connection.execute("select distinct raw from ops.landing_rejects where raw is not null").fetchall()
    erased = [raw for (raw,) in raws if any(mentions(raw, tombstones, salt))]
    connection.execute(
        "update ops.landing_rejects set raw = null, rule = 'erased', message = 'the person was erased'"
        " where list_contains($raws, raw)",
        {"raws": erased},
    )


def compact(path: Path) -> None:
    """Copy a DuckDB file to a fresh one, so that pages of deleted rows are gone; readers see the old or the new file."""
    fresh = path.with_name(f"{path.name}.tmp")
    fresh.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        name = path.stem
        old, new = (str(file).replace("'", "''") for file in (path, fresh))
        connection.execute(f"attach '{old}' as \"{name}\"; attach '{new}' as fresh")
        connection.execute(f'copy from database "{name}" to fresh')
        connection.execute(f'checkpoint fresh; detach fresh; detach "{name}"')
    fresh.replace(path)


def whose(table: PersonalTable) -> str:
    """The condition under which a row of a table is an erased person's."""
    strong = table.of_kinds(STRONG)
    named = [f'"{column.name}"' for column in strong if column.kind != "order_key" and not column.is_list]
    terms = [_bears(table, column) for column in strong]
    weak = " or ".join(_bears(table, column) for column in table.of_kinds(WEAK))
    if weak:
        terms.append(f"(coalesce({', '.join(named)}) is null and ({weak}))" if named else f"({weak})")
    return f"({' or '.join(terms)})" if terms else "false"


def _statements(table: PersonalTable, salt: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    where = whose(table)
    if where != "false":
        values = {"salt": salt, "vendor": table.vendor}
        yield (
            f"delete from {table.relation}",
            where,
            {name: value for name, value in values.items() if f"${name}" in where},
        )
    for column in table.of_kinds(RAW):
        held = f'exists (select 1 from needles where contains(lower("{column.name}"), needles.text))'
        yield f'update {table.relation} set "{column.name}" = null', held, {}


def _bears(table: PersonalTable, column: PersonalColumn) -> str:
    """Whether a column bears a tombstone; each distinct value is hashed once."""
    name = f'"{column.name}"'
    if column.kind in HASHED:
        return f"coalesce({name} in (select hash from tombstones{HASHED[column.kind]}), false)"
    value = "$vendor || ':' || value" if table.vendor and column.kind in {"profile_key", "order_key"} else "value"
    value = "lower(trim(value))" if column.kind == "email" else value
    each = f"unnest({name})" if column.is_list else f"cast({name} as varchar)"
    erased = (
        f"from (select distinct {each} as value from {table.relation})"
        f" where sha256($salt || ':' || {value}) in (select hash from tombstones where kind = '{column.kind}')"
    )
    if column.is_list:
        return f"coalesce(list_has_any({name}, (select coalesce(list(value), []) {erased})), false)"
    return f"coalesce({name} in (select value {erased}), false)"


def _hand_in(
    connection: duckdb.DuckDBPyConnection, tombstones: Collection[Tombstone], needles: Collection[str]
) -> None:
    kinds, hashes = [tombstone.kind for tombstone in tombstones], [tombstone.hash for tombstone in tombstones]
    tables = {
        "tombstones": pa.table({"kind": pa.array(kinds, pa.string()), "hash": pa.array(hashes, pa.string())}),
        "needles": pa.table({"text": pa.array(sorted(needles), pa.string())}),
    }
    for name, table in tables.items():
        connection.register("handed_in", table)
        connection.execute(f"create or replace temp table {name} as from handed_in")
        connection.unregister("handed_in")
