"""The rows to publish, beside the claims in the state store: Parquet in pieces, since a row of SQLite for each email is dear.

Pieces are not compressed: whoever searches the file of the store for an address of an erased person must be able to find it.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.state.tables import LIST_COLUMNS

ROWS_A_PIECE: Final = 50_000
ARROW_TYPES: Final = {
    "varchar": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us"), "double": pa.float64(), "boolean": pa.bool_(),
    "integer": pa.int32(),
}  # fmt: skip
LIST_SCHEMA: Final = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in LIST_COLUMNS.items()])

PAYLOADS: Final = """
create table if not exists payloads (
    as_of text not null, number integer not null, emails blob not null, primary key (as_of, number)
);
create trigger if not exists a_lost_row_makes_its_day_stale after update on payloads
    begin insert or ignore into stale_mirrors values ('send_ledger', new.as_of); end;
create trigger if not exists a_lost_piece_makes_its_day_stale after delete on payloads
    begin insert or ignore into stale_mirrors values ('send_ledger', old.as_of); end;
"""


def put_payloads(connection: sqlite3.Connection, as_of: str, rows: pa.Table) -> None:
    """Store rows beside those that a partition has."""
    query = "select coalesce(max(number), 0) from payloads where as_of = ?"
    (last,) = connection.execute(query, (as_of,)).fetchone()
    pieces = [rows.slice(first, ROWS_A_PIECE) for first in range(0, rows.num_rows, ROWS_A_PIECE)]
    connection.executemany(
        "insert into payloads values (?, ?, ?)",
        ((as_of, number, _packed(piece)) for number, piece in enumerate(pieces, start=last + 1)),
    )


def payloads_of(connection: sqlite3.Connection, as_of: str, *, columns: Sequence[str] = LIST_SCHEMA.names) -> pa.Table:
    """The rows of a partition, in the order in which they were stored."""
    query = "select emails from payloads where as_of = ? order by number"
    pieces = [
        pq.read_table(pa.BufferReader(emails), columns=list(columns))
        for (emails,) in connection.execute(query, (as_of,))
    ]
    return pa.concat_tables([LIST_SCHEMA.empty_table().select(list(columns)), *pieces]).combine_chunks()


def remove_payloads(connection: sqlite3.Connection, as_of: str, keys: Collection[str], *, dry_run: bool = False) -> int:
    """Remove the rows of some claims; those of the others stay as they are.

    Returns:
        How many there were.
    """
    removed, gone = 0, pa.array(keys, pa.string())
    for number, emails in connection.execute(
        "select number, emails from payloads where as_of = ? order by number", (as_of,)
    ).fetchall():
        rows = pq.read_table(pa.BufferReader(emails))
        kept = rows.filter(pc.invert(pc.is_in(rows["idempotency_key"], value_set=gone)))
        removed += rows.num_rows - kept.num_rows
        if dry_run or kept.num_rows == rows.num_rows:
            continue
        if kept.num_rows:
            change = "update payloads set emails = ? where as_of = ? and number = ?"
            connection.execute(change, (_packed(kept), as_of, number))
        else:
            connection.execute("delete from payloads where as_of = ? and number = ?", (as_of, number))
    return removed


def take_over_payloads(connection: sqlite3.Connection) -> None:
    """Move the rows of a store of an earlier version, which kept each as JSON."""
    known = "select 1 from sqlite_master where name = 'claim_payloads'"
    if connection.execute(known).fetchone() is None:
        return
    days = [day for (day,) in connection.execute("select as_of from releases order by as_of")]
    for day in days:
        query = "select payload from ledger join claim_payloads using (idempotency_key) where as_of = ?"
        if texts := [text for (text,) in connection.execute(query, (day,))]:
            put_payloads(connection, day, _parsed(texts))
    connection.execute("drop table claim_payloads")


def _packed(rows: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, LIST_SCHEMA, compression="none") as writer:
        writer.write_table(rows.cast(LIST_SCHEMA))
    return memoryview(sink.getvalue())


def _parsed(texts: list[str]) -> pa.Table:
    columns = ", ".join(f"cast(json ->> '$.{name}' as {kind}) as {name}" for name, kind in LIST_COLUMNS.items())
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"json": pa.array(texts, pa.string())}))
        return connection.execute(f"select {columns} from texts order by decision_id").to_arrow_table()
