"""Customer value of a day: the same whatever the order of rows, replaced when it is built again, null where no fit may be used."""

from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pytest

from ml.behavior.bg_nbd import BgNbd
from orchestration.defs.behavior.customer_value import CREATE, describe, value_day
from tests.unit.ml.behavior import planted

DAY = date(2025, 3, 10)
ROWS = "select * from ml.customer_value order by all"


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema intermediate")
        connection.execute("""
            create table intermediate.int_repeat_orders__summarised (
                as_of date, customer_id varchar, repeat_order_days integer, days_from_first_to_last_order integer,
                days_since_first_order integer, average_repeat_day_amount double, average_days_between_orders double
            )
        """)
        connection.execute(CREATE)
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, customers: int, *, seed: int = 1) -> None:
    known, _ = planted.live_on(BgNbd(0.6, 60.0, 0.9, 3.0), customers, seed=7, age=365.0, horizon=0.0)
    amounts = np.random.default_rng(7).gamma(5.0, 10.0, customers)
    rows = [
        (DAY, f"c{number}", int(x), int(np.ceil(last)), 365, amount if x else None, np.ceil(last) / x if x else None)
        for number, (x, last, amount) in enumerate(zip(known.repeats, known.last, amounts, strict=True))
    ]
    order = np.random.default_rng(seed).permutation(customers)
    connection.executemany(
        "insert into intermediate.int_repeat_orders__summarised values (?, ?, ?, ?, ?, ?, ?)",
        [rows[place] for place in order],
    )


def test_every_customer_gets_one_row_and_a_second_build_the_same(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, 1500)
    fit = value_day(warehouse, DAY)
    first = warehouse.execute(ROWS).fetchall()
    value_day(warehouse, DAY)
    assert fit.why_not == ""
    assert len(first) == 1500
    assert warehouse.execute(ROWS).fetchall() == first
    assert [row for row in first if None in row[:6]] == []


def test_order_of_rows_changes_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, 1500, seed=1)
    value_day(warehouse, DAY)
    first = warehouse.execute(ROWS).fetchall()
    warehouse.execute("delete from intermediate.int_repeat_orders__summarised")
    fill(warehouse, 1500, seed=2)
    value_day(warehouse, DAY)
    assert warehouse.execute(ROWS).fetchall() == first


def test_few_repeat_buyers_give_facts_and_no_predictions(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, 40)
    fit = value_day(warehouse, DAY)
    counts = """
        select count(*), count(expected_orders_90_days), count(expected_orders_365_days), count(expected_order_amount),
            count(predicted_clv), count(expected_date_of_next_order), count(average_days_between_orders) > 0
        from ml.customer_value
    """
    assert warehouse.execute(counts).fetchall() == [(40, 0, 0, 0, 0, 0, True)]
    shown = describe(fit)
    assert shown["model_of_orders"] == "none"
    assert "at least 50 are needed" in shown["status"]
    assert shown["orders"].data["parameters"] is None


def test_day_without_customers_has_no_rows(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value_day(warehouse, DAY).why_not
    assert warehouse.execute(ROWS).fetchall() == []
