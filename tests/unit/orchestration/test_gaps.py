"""What is missing of the landing zone is found, named and refused; a run stages again what rests on it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.defs.sources.landing_files import facts_window, register_window
from orchestration.gaps import changed_days, lost_days, refuse_gap, unstaged_days
from orchestration.resources import Settings, UserError

D1, D2, D3, D4, D5 = (date(2025, 1, 1) + timedelta(days=offset) for offset in range(5))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "landing", "UTC", "", "duckdb", "salt")


@pytest.fixture
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse that has staged four landed days."""
    with duckdb.connect() as opened:
        for day in (D1, D2, D3, D4):
            land(settings.landing, day)
        stage(opened, settings, D1, D4)
        yield opened


def land(landing: Path, day: date, *, rows: int = 1) -> Path:
    file = landing / "plain" / "orders" / f"landed_on={day}" / "orders.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("order_id\n" + "".join(f"o{number}\n" for number in range(rows)))
    return file


def stage(connection: duckdb.DuckDBPyConnection, settings: Settings, start: date, end: date) -> tuple[date, date]:
    """Register and stage a window as a run does; returns the days whose facts it builds."""
    register_window(connection, settings, start=start, end=end)
    first, last = facts_window(connection, start=start, end=end)
    connection.execute("create schema if not exists staging")
    connection.execute("create table if not exists staging.base_plain__orders (landed_on date)")
    built = {"first": first, "last": last}
    connection.execute("delete from staging.base_plain__orders where landed_on between $first and $last", built)
    connection.execute(
        """insert into staging.base_plain__orders
        select landed_on from ops.landing_files where landed_on between $first and $last and row_count > 0""",
        built,
    )
    connection.execute("delete from ops.staged_days where landed_on between $first and $last", built)
    connection.execute(
        "insert into ops.staged_days select cast(unnest(generate_series($first, $last, interval 1 day)) as date)", built
    )
    return first, last


def test_nothing_is_missing_after_a_run(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    refuse_gap(connection, settings.landing, start=D1, end=D4)
    assert changed_days(connection, settings.landing, until=D5) == []


def test_a_day_that_landed_later_is_refused_in_one_line_with_the_command(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    connection.execute("delete from ops.staged_days where landed_on = $day", {"day": D2})
    with pytest.raises(UserError) as refused:
        refuse_gap(connection, settings.landing, start=D3, end=D4)
    assert str(refused.value) == (
        f"{D2} is not staged, and nothing is computed over a gap: run `holdfast backfill --from {D3} --to {D4}`"
    )


def test_what_is_as_of_a_day_before_the_gap_is_not_refused(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    land(settings.landing, D3, rows=2)
    refuse_gap(connection, settings.landing, start=D2, end=D2)
    with pytest.raises(UserError, match=f"^{D3} is"):
        refuse_gap(connection, settings.landing, start=D4, end=D4)


def test_a_run_that_registered_its_files_leaves_what_landed_meanwhile_to_the_next(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    land(settings.landing, D3, rows=2)
    refuse_gap(connection, None, start=D4, end=D4)


def test_an_empty_day_that_is_asked_for_has_to_be_staged(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    with pytest.raises(UserError, match=f"^{D5} is"):
        refuse_gap(connection, settings.landing, start=D5, end=D5)
    refuse_gap(connection, settings.landing, start=D5, end=D5, needs_own_days=False)


def test_deleted_rows_are_a_gap_and_are_staged_again(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute("delete from staging.base_plain__orders where landed_on = $day", {"day": D2})
    assert lost_days(connection, until=D4) == {D2}
    with pytest.raises(UserError, match=f"^{D2} is"):
        refuse_gap(connection, settings.landing, start=D4, end=D4)
    assert stage(connection, settings, D4, D4) == (D2, D4)


def test_a_day_without_rows_is_not_lost(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    land(settings.landing, D5, rows=0)
    stage(connection, settings, D5, D5)
    assert lost_days(connection, until=D5) == set()


def test_days_after_the_window_are_staged_again_when_an_earlier_one_changed(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    land(settings.landing, D1, rows=2)
    assert stage(connection, settings, D2, D2) == (D1, D2)
    assert unstaged_days(connection, until=D5) == [D3, D4]
    with pytest.raises(UserError, match=f"^{D3}, {D4} are"):
        refuse_gap(connection, settings.landing, start=D4, end=D4)


def test_a_day_that_runs_again_unchanged_leaves_later_days_staged(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    assert stage(connection, settings, D2, D2) == (D2, D2)
    assert unstaged_days(connection, until=D5) == []
