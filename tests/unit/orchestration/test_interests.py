"""Clusters of interest from week to week: fitted once, held for a person, and the same for a day whenever it is computed."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from activation.state.interests import fit_in_force, fit_of
from orchestration.commands.promote import promote
from orchestration.defs.behavior import customer_interests, interest_clusters
from orchestration.defs.behavior.customer_interests import assign_day
from orchestration.defs.behavior.interest_clusters import cluster_week, describe
from orchestration.resources import Settings, UserError, open_state

FIRST, SECOND, THIRD = (date(2025, 3, 2) + timedelta(weeks=week) for week in range(3))
CATEGORIES = ("beans", "gifts", "tea")
SHAKEN = np.array([[1.0, 0, 0], [0.7, 0.3, 0], [0, 0, 1.0]])  # who liked gifts likes beans now, and a few gifts

TABLES = """
create schema marts; create schema ml;
create table marts.training_interests (
    trained_on date, known_on date, customer_id varchar, category varchar, affinity_share double
);
create table marts.customer_affinities (
    as_of date, customer_id varchar, category varchar, affinity_share double, signal_count integer
);
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, landing=tmp_path, timezone="UTC", currency="", target="duckdb", salt="s")


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(TABLES)
        connection.execute(interest_clusters.CREATE)
        connection.execute(customer_interests.CREATE)
        yield connection


def know(warehouse: duckdb.DuckDBPyConnection, sunday: date, tastes: np.ndarray) -> None:
    """One training set, and the affinities of the days of the week after it: 120 customers, 40 of each taste."""
    rng = np.random.default_rng(sunday.toordinal())
    for number in range(120):
        shares = 0.9 * tastes[number % 3] + 0.1 * rng.dirichlet(np.ones(3))
        rows = [(f"c{number:03d}", category, float(share)) for category, share in zip(CATEGORIES, shares, strict=True)]
        for known_on in (sunday - timedelta(days=7), sunday):
            warehouse.executemany(
                "insert into marts.training_interests values (?, ?, ?, ?, ?)",
                [(sunday, known_on, *row) for row in rows],
            )
        warehouse.executemany(
            "insert into marts.customer_affinities values (?, ?, ?, ?, ?)",
            [(sunday + timedelta(days=1), *row, 2) for row in rows],
        )


def rows_of(warehouse: duckdb.DuckDBPyConnection, day: date) -> list[tuple[object, ...]]:
    return warehouse.execute("select * from ml.customer_interests where as_of = $day", {"day": day}).fetchall()


def test_a_week_is_fitted_once_and_a_day_repeats(warehouse: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    know(warehouse, FIRST, np.eye(3))
    monday = FIRST + timedelta(days=1)
    assert assign_day(warehouse, settings, monday) == "no clusters are in force"
    first = cluster_week(warehouse, settings, FIRST)
    assert first is not None
    assert first.effective_on == monday
    assert assign_day(warehouse, settings, monday) == ""
    found = rows_of(warehouse, monday)
    assert {(row[1], row[3]) for row in found} == {(f"c{number:03d}", CATEGORIES[number % 3]) for number in range(120)}
    assert {row[5] for row in found} == {None}

    know(warehouse, SECOND, np.eye(3))
    second = cluster_week(warehouse, settings, SECOND)
    assert second is not None
    assert second.effective_on == SECOND + timedelta(days=1)
    warehouse.execute("delete from marts.training_interests where trained_on = $day", {"day": SECOND})
    assert cluster_week(warehouse, settings, SECOND) == second  # as recorded, though its facts are gone
    assert assign_day(warehouse, settings, monday) == ""
    assert rows_of(warehouse, monday) == found
    written = warehouse.execute(
        "select trained_on, count(distinct cluster_id) from ml.interest_clusters group by all order by all"
    )
    assert written.fetchall() == [(FIRST, 3), (SECOND, 3)]


def test_a_week_before_a_fitted_one_stays_without(warehouse: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    know(warehouse, FIRST, np.eye(3))
    know(warehouse, SECOND, np.eye(3))
    assert cluster_week(warehouse, settings, SECOND) is not None
    assert cluster_week(warehouse, settings, FIRST) is None
    assert describe(None)["status"] == "no clusters"


def test_labels_are_held_until_a_person_lets_the_new_ones_take_force(
    warehouse: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    know(warehouse, FIRST, np.eye(3))
    know(warehouse, SECOND, SHAKEN)
    cluster_week(warehouse, settings, FIRST)
    held = cluster_week(warehouse, settings, SECOND)
    assert held is not None
    assert (held.effective_on, held.reason.split(";")[0]) == (None, "33.3% of the customers would move, more than 10%")
    assert describe(held)["status"] == "a person must look"
    tuesday = SECOND + timedelta(days=2)
    in_force = fit_in_force(open_state(settings), tuesday)
    assert in_force is not None
    assert in_force.trained_on == FIRST
    assert assign_day(warehouse, settings, SECOND + timedelta(days=1)) == ""
    before = rows_of(warehouse, SECOND + timedelta(days=1))
    warehouse.close()

    with pytest.raises(UserError, match="is scored"):
        promote(settings, "interests", str(SECOND), because="tastes changed", effective=SECOND + timedelta(days=1))
    with pytest.raises(UserError, match="no clusters of interest were fitted"):
        promote(settings, "interests", str(THIRD), because="tastes changed", effective=None)
    with pytest.raises(UserError, match="is no day"):
        promote(settings, "interests", "7", because="tastes changed", effective=None)
    said = promote(settings, "interests", str(SECOND), because="tastes changed", effective=None)
    assert f"in force from partition {tuesday}" in said
    accepted = fit_of(open_state(settings), SECOND)
    assert accepted is not None
    assert (accepted.effective_on, accepted.reason, accepted.body) == (tuesday, "tastes changed", held.body)
    with duckdb.connect(str(settings.warehouse)) as again:
        assert assign_day(again, settings, SECOND + timedelta(days=1)) == ""
        assert rows_of(again, SECOND + timedelta(days=1)) == before
    in_force = fit_in_force(open_state(settings), tuesday)
    assert in_force is not None
    assert in_force.trained_on == SECOND
