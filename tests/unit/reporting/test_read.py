"""The report is read from the tables of its own day."""

from datetime import date, datetime

import duckdb
import pytest

from reporting.data import OutcomeCount, QuarantineCount
from reporting.read import read_site_data

WAREHOUSE = """
create schema measurement; create schema activation; create schema marts; create schema quarantine;
create table measurement.holdout_report as
select
    as_of, 'global_holdout' as experiment, segment, 'conversion' as metric, 'treatment' as arm, 'holdout' as baseline_arm,
    100 as n_treated, 10 as n_held_out, 0.2 as mean_treated, 0.1 as mean_held_out, 0.1 as lift, 1.0 as lift_relative, 0.0 as ci_low,
    0.2 as ci_high, 0.1 as p_value, 0.1 as p_adjusted, 'welch' as method, 'unclear' as verdict, 0.5 as srm_p_value, 0 as contamination,
    0.15 as minimum_detectable_lift
from (values ('all'), ('new_subscribers')) as segments(segment),
    (values (date '2025-06-29'), (date '2025-06-30'), (date '2025-07-01')) as days(as_of);
create table activation.send_decisions as
select date '2025-06-30' as as_of, 'welcome' as flow, 'first' as step, case when n < 3 then 'sent' else 'capped' end as outcome
from range(5) as numbers(n)
union all select date '2025-07-01', 'welcome', 'first', 'sent';
create table marts.event_freshness as
select
    date '2025-06-30' as as_of, 'shopify' as source, 'order' as event, timestamp '2025-06-30 22:41' as last_occurred_at,
    date '2025-06-30' as last_landed_on, 1.0 as lag_hours_p50, 2.0 as lag_hours_p95, 3.0 as max_lag_hours, 7 as volume,
    8.0 as expected_volume, 0.875 as completeness, 'fresh' as status;
create table quarantine.rows as
select 'shopify/orders' as source, 'negative_price' as rule, date '2025-06-30' as landed_on from range(2)
union all select 'shopify/orders', 'negative_price', date '2025-06-29';
"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(WAREHOUSE)
    return connection


def test_report_is_of_its_day(connection: duckdb.DuckDBPyConnection) -> None:
    data = read_site_data(connection, as_of=date(2025, 6, 30), built_at=datetime(2025, 7, 1, 6))  # noqa: DTZ001

    assert [(row.as_of.day, row.segment) for row in data.lift] == [(29, "all"), (30, "all"), (30, "new_subscribers")]
    assert data.outcomes == (OutcomeCount("welcome", "first", "capped", 2), OutcomeCount("welcome", "first", "sent", 3))
    assert data.send_list_rows == 3
    assert [(row.event, row.volume, row.last_landed_on) for row in data.freshness] == [("order", 7, date(2025, 6, 30))]
    assert data.quarantine == (QuarantineCount("shopify/orders", "negative_price", 2),)


def test_day_without_rows_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    data = read_site_data(connection, as_of=date(2025, 6, 1), built_at=datetime(2025, 7, 1, 6))  # noqa: DTZ001

    assert [data.lift, data.outcomes, data.freshness, data.quarantine] == [()] * 4
    assert data.send_list_rows == 0
