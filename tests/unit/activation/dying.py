"""Operations on the small shop's home, each of which may be killed with SIGKILL at its n-th step in a process of its own."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from activation.decision.decide import DecisionSummary
from activation.release.publish import publish_send_list
from activation.release.release import ReleaseSummary, release
from activation.state.store import StateStore
from orchestration.defs.audiences.send_decisions import decide_day
from orchestration.resources import Settings

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])
SALT = "salt"
INSTRUCTIONS = 400  # of SQLite's machine, between two places at which a process may die within a statement


@dataclass(frozen=True)
class Recheck:
    """What is known at the moment of a release."""

    statuses: dict[str, str]
    blocked: dict[str, str]
    stopped: frozenset[str]
    today: date
    run_id: str
    released_at: datetime


def open_store(home: Path) -> tuple[StateStore, Any]:
    """State store and warehouse of a home."""
    connection = duckdb.connect(str(home / "warehouse.duckdb"), config={"threads": 1})
    connection.execute("set timezone = 'UTC'")
    return StateStore(home / "state"), connection


def decide(home: Path, day: date, wrap: Callable[[Any], Any] = lambda connection: connection) -> DecisionSummary:
    """Decide a day and publish its proposal, as the two assets do."""
    store, connection = open_store(home)
    settings = Settings(home=home, landing=home / "landing", timezone="UTC", currency="EUR", target="duckdb", salt=SALT)
    try:
        summary, _ = decide_day(wrap(connection), store, settings, day)
        publish_send_list(wrap(connection), home / "publish", send_date=day + timedelta(days=1))
    finally:
        connection.close()
    return summary


def let_go(
    home: Path, day: date, recheck: Recheck, wrap: Callable[[Any], Any] = lambda connection: connection
) -> ReleaseSummary:
    """Release a day, as the asset does."""
    store, connection = open_store(home)
    try:
        return release(
            wrap(connection), store, as_of=day, send_date=day + timedelta(days=1), due_on=recheck.today, allow_past=True,
            recheck=pa.table({
                "mailbox_hash": pa.array(list(recheck.statuses), pa.string()),
                "status": pa.array(list(recheck.statuses.values()), pa.string()),
            }),
            blocked=pa.table({
                "customer_id": pa.array(list(recheck.blocked), pa.string()),
                "reason": pa.array(list(recheck.blocked.values()), pa.string()),
            }),
            stopped_flows=recheck.stopped, directory=home / "publish", run_id=recheck.run_id, released_at=recheck.released_at,
        )  # fmt: skip
    finally:
        connection.close()


class Countdown:
    """Counts what a process does and ends it as a power cut would, before its n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.done = 0

    def step(self, *_: object) -> int:
        """One step nearer; 0, so that SQLite goes on."""
        self.done += 1
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def wrap(self, connection: Any) -> Any:
        """A warehouse of which each statement is a step."""
        return _Counted(connection, self)

    def install(self) -> None:
        """Make each statement of SQLite, each rename and each file a step."""
        genuine, replace, parquet, csv, text = (
            StateStore.connect, Path.replace, pq.write_table, pa_csv.write_csv, Path.write_text,
        )  # fmt: skip

        def connect(store: StateStore) -> sqlite3.Connection:
            connection: sqlite3.Connection = genuine(store)
            connection.set_trace_callback(self.step)
            connection.set_progress_handler(self.step, INSTRUCTIONS)
            return connection

        def replaced(path: Path, target: Path) -> Path:
            self.step()
            moved = replace(path, target)
            self.step()
            return moved

        def half(writer: Callable[..., Any], where: int) -> Callable[..., Any]:
            def written(*arguments: Any, **named: Any) -> Any:
                if self.left == 1:
                    Path(arguments[where]).write_bytes(b"PAR1 and no more")
                self.step()
                return writer(*arguments, **named)

            return written

        StateStore.connect = connect  # type: ignore[method-assign]
        Path.replace = replaced  # type: ignore[method-assign, assignment]
        Path.write_text = half(text, 0)  # type: ignore[method-assign]
        pq.write_table = half(parquet, 1)
        pa_csv.write_csv = half(csv, 1)


class _Counted:
    def __init__(self, connection: Any, countdown: Countdown) -> None:
        self._connection, self._countdown = connection, countdown

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._countdown.step()
        return self._connection.execute(*arguments)

    def commit(self) -> None:
        self._countdown.step()
        self._connection.commit()
        self._countdown.step()


def run_and_die(work: Callable[..., Any], *arguments: Any, steps: int) -> tuple[bool, int]:
    """Do something in a process that dies before its n-th step.

    Returns:
        Whether it died, and of how many steps the work consists if it did not.
    """
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_live, args=(writer, steps, work, arguments))
    process.start()
    writer.close()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}, f"{work.__name__} failed in its process: exit {process.exitcode}"
    died = process.exitcode != 0
    return died, steps if died else reader.recv()


def _live(writer: Any, steps: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    countdown = Countdown(steps)
    countdown.install()
    work(*arguments, wrap=countdown.wrap)
    writer.send(countdown.done)
