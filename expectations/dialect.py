"""A read-only DuckDB dialect for Great Expectations: results outlive a closed connection, and every connection can be closed."""

from typing import Any, ClassVar

import duckdb
import duckdb_engine


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
