"""The uplift report of a Sunday: one comparison per arm, planned shares, replaced when it is built again."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration.defs.propensity import uplift_report
from orchestration.defs.propensity.uplift_report import CREATE, describe, report_day, sundays_of
from tests.unit.ml.uplift.planted import harms_silver, table_of

SUNDAY = date(2025, 3, 9)
ROWS = "select * from ml.uplift_report order by all"


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with one recorded experiment, and one of our own whose shares the playbook plans."""
    recorded = table_of(harms_silver, size=4000, share=0.7)
    planned = pa.table({"experiment": ["own", "own"], "arm": ["mailed", "held_out"], "share": [0.95, 0.05]})
    monkeypatch.setattr(uplift_report, "planned_shares", lambda _settings, _day: planned)
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.register("campaign", recorded)
        connection.execute("""
            create table marts.uplift_examples as
            select
                date '2025-03-09' as as_of, 'recorded' as experiment, arm, customer_id, is_treated,
                case when is_treated then 0.35 else 0.15 end as planned_share, date '2025-02-01' as entered_on,
                false as is_contaminated, cast(bought as integer) as conversion, appetite, age, tier
            from campaign
        """)
        connection.execute("""
            insert into marts.uplift_examples
            select * replace ('own' as experiment, null as planned_share) from marts.uplift_examples where customer_id < '000200'
        """)
        connection.execute("""
            insert into marts.uplift_examples
            select * replace ('unplanned' as experiment, null as planned_share) from marts.uplift_examples where experiment = 'own'
        """)
        connection.execute(CREATE)
        yield connection


def test_a_harmed_segment_reaches_the_table(warehouse: duckdb.DuckDBPyConnection) -> None:
    settings: Any = None
    reports = report_day(warehouse, settings, SUNDAY)
    named = warehouse.execute(
        "select part from ml.uplift_report where experiment = 'recorded' and measure = 'segment' and finding = 'harmed'"
    ).fetchall()
    assert named == [("tier: silver",)]
    [recorded] = [one for one in reports if one.experiment == "recorded"]
    assert recorded.share == pytest.approx(0.7)  # .35 and .15 of all are .7 and .3 of the two
    assert "recorded mailed: leave out first" in describe(reports)
    assert "recorded mailed: picture" in describe(reports)


def test_features_are_neither_keys_nor_the_plan(warehouse: duckdb.DuckDBPyConnection) -> None:
    settings: Any = None
    report_day(warehouse, settings, SUNDAY)
    segments = warehouse.execute(
        "select distinct split_part(part, ':', 1) from ml.uplift_report where measure = 'segment'"
    )
    assert segments.fetchall() == [("tier",)]


def test_own_experiments_take_the_share_of_the_playbook(warehouse: duckdb.DuckDBPyConnection) -> None:
    settings: Any = None
    shares = {one.experiment: one.share for one in report_day(warehouse, settings, SUNDAY)}
    assert shares == pytest.approx({"recorded": 0.7, "own": 0.95})  # nothing is known of the third


def test_a_second_build_gives_the_same_rows_and_leaves_other_days(warehouse: duckdb.DuckDBPyConnection) -> None:
    settings: Any = None
    other = "insert into ml.uplift_report (as_of, experiment) values (date '2025-03-02', 'recorded')"
    warehouse.execute(other)
    report_day(warehouse, settings, SUNDAY)
    first = warehouse.execute(ROWS).fetchall()
    report_day(warehouse, settings, SUNDAY)
    assert warehouse.execute(ROWS).fetchall() == first
    assert sum(row[0] == date(2025, 3, 2) for row in first) == 1


def test_a_sunday_without_units_has_no_rows(warehouse: duckdb.DuckDBPyConnection) -> None:
    settings: Any = None
    warehouse.execute("insert into ml.uplift_report (as_of, experiment) values (date '2025-03-02', 'gone')")
    assert report_day(warehouse, settings, date(2025, 3, 2)) == {}
    assert warehouse.execute(ROWS).fetchall() == []


def test_the_report_is_due_on_sundays() -> None:
    assert sundays_of(date(2025, 3, 1), date(2025, 3, 16)) == [date(2025, 3, 2), SUNDAY, date(2025, 3, 16)]
    assert sundays_of(date(2025, 3, 10), date(2025, 3, 15)) == []
