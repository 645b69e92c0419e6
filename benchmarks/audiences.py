"""A day's decision for a million customers in nine flows, its release to files, and a quarter of days decided in a backfill."""

import argparse
import pkgutil
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import duckdb

from benchmarks.audiences_world import make_world
from benchmarks.cost import Cost, apart, measured, processor_seconds

DAY = date(2025, 12, 31)
HISTORY_DAYS = 30
WRITES = re.compile(
    r"\s*(create or replace temp table|insert into|copy|delete from|select|with)\s+(\S+)?", re.IGNORECASE
)
SHOWN_SECONDS = 0.1

RULES = """
create schema ops;
create table ops.suppression_rules as select $day as as_of, 'household_complaint' as reason, 6 as at_most
"""
RECHECK = """
create schema activation;
create table activation.release_recheck as
select
    as_of + 1 as as_of, mailbox_hash, customer_id, if(hash(customer_id) % 300 = 0, 'unsubscribed', consent_status) as consent_status,
    cast([] as varchar[]) as closed_topics
from marts.dim_customers where mailbox_hash is not null and consent_status <> 'unknown' and as_of = $day
"""
TIMED_IN_RELEASE = (
    "activation.release.release._screen",
    "activation.release.release.claim",
    "activation.release.release._publish",
    "activation.release.release.mark_published",
    "activation.release.release._outside",
    "activation.state.store.StateStore.mirror",
)  # fmt: skip


class Done(NamedTuple):
    """What came out of a piece of work, and processor seconds of its parts."""

    counts: dict[str, int]
    parts: dict[str, float]


class Clock:
    """Processor seconds by the name of what was done."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done within."""
        used = processor_seconds()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + processor_seconds() - used

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose calls are counted."""

        def counted(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                return work(*arguments, **named)

        return counted


class ClockedConnection:
    """A connection that counts each statement by the table that it writes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def __getattr__(self, name: str) -> Any:
        """Everything else is the connection's."""
        return getattr(self._connection, name)

    def execute(self, statement: str, *arguments: Any) -> Any:
        """Execute and count."""
        words = WRITES.match(statement)
        name = " ".join(words.group(0).split()) if words else statement.split(maxsplit=1)[0]
        with self._clock.part(name.removeprefix("create or replace temp table ")):
            return self._connection.execute(statement, *arguments)


def main() -> None:
    """Print costs and where they go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="of the single day (default: %(default)s)")
    parser.add_argument(
        "--backfill-customers", type=int, default=10_000, help="of the backfill, 0 leaves it out (default: %(default)s)"
    )
    parser.add_argument("--days", type=int, default=90, help="of the backfill (default: %(default)s)")
    parser.add_argument(
        "--cycle-days", type=int, default=90,
        help="after which a customer enters a flow again (default: %(default)s; a simulated shop of 5,000 customers has 270)",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    if given.customers:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            measure_day(Path(folder), given.customers, given.cycle_days)
    if given.backfill_customers:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            measure_backfill(Path(folder), given.backfill_customers, given.cycle_days, given.days)


def measure_day(home: Path, customers: int, cycle: int) -> None:
    """One day, decided twice and released."""
    world = {"customers": customers, "cycle": cycle, "day": DAY, "days": 1, "history": HISTORY_DAYS}
    _show("made", apart(_build, home, world))
    print(
        f"\n{customers:,} customers, each in nine flows every {cycle} days, {HISTORY_DAYS} days of sends and ghosts behind them"
    )
    _show("decide", apart(decide_days, home, DAY, 1))
    _show("decide again", apart(decide_days, home, DAY, 1))
    _show("release to files", apart(release_day, home, DAY))
    _show("release again", apart(release_day, home, DAY))


def measure_backfill(home: Path, customers: int, cycle: int, days: int) -> None:
    """Every day of a span in one process, as a backfill decides them."""
    world = {"customers": customers, "cycle": cycle, "day": DAY, "days": days, "history": 0}
    apart(_build, home, world)
    cost: Cost = apart(decide_days, home, DAY, days)
    print(f"\n{customers:,} customers, each in nine flows every {cycle} days, {days} days in one backfill")
    _show("all days", cost)
    print(f"  {'a day':44} {cost.seconds / days:8.2f} s {cost.processor_seconds / days:8.2f} s of processor")


def decide_days(home: Path, last: date, days: int) -> Cost:
    """Decide, record and publish the proposal of some days that end with `last`."""
    from activation.release.publish import publish_send_list
    from orchestration.defs.audiences.send_decisions import decide_day
    from orchestration.playbooks import register_playbook
    from orchestration.resources import open_state, prepare_home

    settings = prepare_home(home=home, landing=home)
    store = open_state(settings)
    register_playbook(store, settings)

    def work(connection: duckdb.DuckDBPyConnection, clock: Clock) -> dict[str, int]:
        found: Counter[str] = Counter()
        with mock.patch(
            "activation.state.store.StateStore.mirror", clock.timed("mirror of the state", type(store).mirror)
        ):
            for offset in range(days):
                day = last - timedelta(days=days - 1 - offset)
                summary, assigned = decide_day(connection, store, settings, day)
                with clock.part("files of the proposal"):
                    publish_send_list(connection, settings.publish, send_date=summary.send_date)
                found += Counter(
                    candidates=summary.candidates, sent=summary.outcome("sent"), held_out=summary.outcome("held_out"),
                    assigned=assigned,
                )  # fmt: skip
        return dict(found)

    return _measure(home, work)


def release_day(home: Path, day: date) -> Cost:
    """Release a day as the asset does, from the recheck that dbt has built."""
    from activation.release.release import release
    from activation.state.store import StateStore
    from orchestration.defs.audiences.release import CLOSED_FLOWS, LEFT, STATUSES

    def work(connection: duckdb.DuckDBPyConnection, clock: Clock) -> dict[str, int]:
        values = {"today": day + timedelta(days=1), "day": day}
        rechecked = connection.execute(STATUSES, values).to_arrow_table()
        closed = connection.execute(
            CLOSED_FLOWS, {"today": values["today"], "flows": ["win_back"], "topics": ["offers"]}
        )
        closed_flows = closed.to_arrow_table()
        blocked = connection.execute(LEFT, values).to_arrow_table()
        with _clocked(clock, TIMED_IN_RELEASE):
            summary = release(
                connection, StateStore(home / "state"), as_of=day, send_date=values["today"], due_on=values["today"],
                allow_past=False, recheck=rechecked, closed_flows=closed_flows, blocked=blocked, directory=home / "publish",
                run_id="run", released_at=datetime(2026, 1, 1, 6, tzinfo=UTC).replace(tzinfo=None),
            )  # fmt: skip
        return {
            "sends": summary.sends,
            "ghosts": summary.ghosts,
            "dropped": sum(summary.dropped.get("send", {}).values()),
        }

    return _measure(home, work)


@contextmanager
def _clocked(clock: Clock, names: tuple[str, ...]) -> Iterator[None]:
    patches = [mock.patch(name, clock.timed(name, pkgutil.resolve_name(name))) for name in names]
    for patch in patches:
        patch.start()
    yield
    for patch in patches:
        patch.stop()


def _build(home: Path, world: dict[str, Any]) -> Cost:
    def build() -> Done:
        make_world(home, **world)
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute(RULES, {"day": world["day"]})
            connection.execute(RECHECK, {"day": world["day"]})
            count = "select (select count(*) from marts.dim_customers), (select count(*) from marts.flow_triggers)"
            [(customers, triggers)] = connection.execute(count).fetchall()
        return Done({"customer days": customers, "triggers": triggers}, {})

    return measured(build)


def _measure(home: Path, work: Callable[[duckdb.DuckDBPyConnection, Clock], dict[str, int]]) -> Cost:
    """What a piece of work cost, what came out of it, and the parts that it was made of."""

    def clocked() -> Done:
        clock = Clock()
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute("set threads = 2; set TimeZone = 'UTC'; set enable_progress_bar = false")
            counts = work(ClockedConnection(connection, clock), clock)  # type: ignore[arg-type]
        return Done(counts, clock.parts)

    return measured(clocked)


def _show(name: str, cost: Cost) -> None:
    cost.say(name)
    print(f"    {', '.join(f'{count:,} {what}' for what, count in cost.found.counts.items())}", flush=True)
    for part, seconds in sorted(cost.found.parts.items(), key=lambda part: -part[1]):
        if seconds >= SHOWN_SECONDS:
            print(f"    {part:42} {'':10} {seconds:8.2f} s of processor", flush=True)


if __name__ == "__main__":
    main()
