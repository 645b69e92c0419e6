"""Release a decided day in a process of its own that is killed with SIGKILL at a named point."""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from activation.release import release
from activation.state.store import StateStore
from tests.unit.activation.shop import Shop


def die(*_: object, **__: object) -> Any:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_statement(prefix: str, method: str = "connect") -> None:
    """Die when SQLite is about to run a statement that begins with `prefix`."""
    genuine = getattr(StateStore, method)

    def connect(self: StateStore) -> sqlite3.Connection:
        connection: sqlite3.Connection = genuine(self)
        connection.set_trace_callback(lambda text: die() if text.strip().startswith(prefix) else None)
        return connection

    setattr(StateStore, method, connect)


def die_at_replace(number: int) -> None:
    """Die before the nth rename."""
    genuine, seen = Path.replace, [0]

    def replace(self: Path, target: Path) -> Path:
        seen[0] += 1
        if seen[0] == number:
            die()
        return genuine(self, target)

    Path.replace = replace  # type: ignore[method-assign, assignment]


def half_parquet(_: object, path: Path, **__: object) -> None:
    """Leave a truncated file and die."""
    Path(path).write_bytes(b"PAR1 and no more")
    die()


POINTS = {
    "before_the_claim": lambda: setattr(release, "claim", die),
    "within_the_claim": lambda: die_at_statement("insert or ignore into ledger"),
    "before_the_payloads": lambda: die_at_statement("insert into payloads"),
    "at_the_commit": lambda: die_at_statement("insert or replace into releases"),
    "after_the_claim": lambda: setattr(release, "write_files", die),
    "in_the_parquet": lambda: setattr(pq, "write_table", half_parquet),
    "before_the_csv": lambda: setattr(pa_csv, "write_csv", die),
    "at_the_first_rename": lambda: die_at_replace(1),
    "at_the_second_rename": lambda: die_at_replace(2),
    "before_the_folder_appears": lambda: die_at_replace(7),
    "after_the_folder_appeared": lambda: setattr(release, "mark_published", die),
    "before_the_mirror": lambda: setattr(StateStore, "mirror", die),
}


def main(home: Path, point: str) -> None:
    """Copy of the shop's tables from `home`, then the release that dies."""
    shop = Shop.reopen(home)
    if point == "before_the_mirror":
        shop.mirror()
    POINTS[point]()
    shop.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
