"""The gate's engine on the DuckDB file, by way of SQLAlchemy."""

from pathlib import Path
from typing import Any, ClassVar, Self

import duckdb
import duckdb_engine
from sqlalchemy.dialects import registry


class Warehouse:
    """The warehouse file, open for reading until the block ends: an open reader blocks every writer."""

    def __init__(self, database: Path) -> None:
        self._database = database
        registry.register("holdfast", __name__, "ReadOnlyDuckDB")

    def __enter__(self) -> Self:
        """Open the file read-only."""
        self._connection = duckdb.connect(str(self._database), read_only=True)
        self._source: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection, those of Great Expectations too."""
        self._connection.close()
        ReadOnlyDuckDB.close_all()

    def columns(self, table: str) -> frozenset[str]:
        """Column names of a table; empty if there is none."""
        schema, name = table.split(".")
        found = self._connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            [schema, name],
        )
        return frozenset(column for (column,) in found.fetchall())

    def batch(self, context: Any, name: str, query: str) -> tuple[Any, dict[str, object]]:
        """The rows of a query; all queries share one engine."""
        self._source = self._source or context.data_sources.add_sql(
            "warehouse", connection_string=f"holdfast:///{self._database}"
        )
        return self._source.add_query_asset(name, query=query).add_batch_definition_whole_table("window"), {}

    def written(self, sql: str) -> str:
        """Expectations are written for DuckDB."""
        return sql

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        return self._connection.execute(sql).fetchall()


class ReadOnlyDuckDB(duckdb_engine.Dialect):  # type: ignore[misc] # the engine has no types
    """DuckDB as Great Expectations needs it.

    It fetches after it has handed its connection back, and DuckDB drops a pending result on rollback; reading needs
    neither rollback nor commit, so they do nothing. It also opens engines that it never closes (one to test the
    connection, one to inspect): an open reader blocks every writer, so the dialect remembers what it opened.
    """

    name = "duckdb"
    supports_statement_cache = False
    opened: ClassVar[list[duckdb_engine.ConnectionWrapper]] = []

    def connect(self, *, database: str, **_: Any) -> Any:
        """Open the file read-only."""
        wrapper = duckdb_engine.ConnectionWrapper(duckdb.connect(database, read_only=True))
        self.opened.append(wrapper)
        return wrapper

    def do_begin(self, connection: Any) -> None:
        """Reading needs no transaction."""

    def do_commit(self, connection: Any) -> None:
        """Nothing was written."""

    def do_rollback(self, connection: Any) -> None:
        """A rollback would drop results that are still to be fetched."""

    @classmethod
    def close_all(cls) -> None:
        """Close every connection that was opened since the last call."""
        while cls.opened:
            cls.opened.pop().close()
