"""The two worked examples map every row of their public data set."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def run_example(script: str, file: Path, landing: Path) -> duckdb.DuckDBPyConnection:
    subprocess.run([sys.executable, EXAMPLES / script, file, landing], check=True)
    connection = duckdb.connect()
    for folder in sorted((landing / "plain").iterdir()):
        connection.execute(
            f"create view {folder.name} as from read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
        )
    return connection


@pytest.fixture(scope="module")
def online_retail(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    (file,) = (shared_data / "online_retail_h1").glob("*.csv.gz")
    return run_example("online_retail.py", file, tmp_path_factory.mktemp("retail") / "landing")


@pytest.fixture(scope="module")
def hillstrom(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    (file,) = (shared_data / "hillstrom_womens").glob("*.csv.gz")
    return run_example("hillstrom.py", file, tmp_path_factory.mktemp("hillstrom") / "landing")


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    assert row is not None
    return row


def test_online_retail_keeps_every_line(online_retail: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*), count(*) filter (orders.profile_id is null), round(sum(quantity * unit_price), 2)::varchar
        from order_lines inner join orders using (order_id)
    """
    assert one(online_retail, query) == (209_029, 59_976, "3706827.64")


def test_online_retail_orders_are_the_invoices(online_retail: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select count(*), count(distinct order_id), count(distinct profile_id), sum(total_amount)::varchar from orders"
    )
    assert one(online_retail, query) == (10_783, 10_783, 2_767, "3706827.64")
    assert one(online_retail, "select count(*), count(distinct profile_id) from profiles") == (2_767, 2_767)
    assert one(online_retail, "select max(total_amount) <= 0 from orders where order_id like 'C%'") == (True,)
    assert one(online_retail, "select count(*) from orders where contains(profile_id, '.')") == (0,)


def test_online_retail_line_numbers_count_within_the_invoice(online_retail: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) from (
            select order_id from order_lines group by order_id
            having max(line_number) <> count(*) or count(distinct line_number) <> count(*)
        )
    """
    assert one(online_retail, query) == (0,)


def test_online_retail_lands_on_the_day_of_the_invoice(online_retail: duckdb.DuckDBPyConnection) -> None:
    assert one(online_retail, "select count(*) from orders where landed_on <> ordered_at::date") == (0,)
    assert one(online_retail, "select min(landed_on)::varchar, max(landed_on)::varchar from orders") == (
        "2010-12-01",
        "2011-05-31",
    )
    strays = "select count(*) from order_lines inner join orders using (order_id) where order_lines.landed_on <> orders.landed_on"
    assert one(online_retail, strays) == (0,)


def test_hillstrom_arms_have_the_published_means(hillstrom: duckdb.DuckDBPyConnection) -> None:
    query = """
        select
            arm, count(*), round(100 * avg((web_events.profile_id is not null)::int), 4),
            round(100 * avg((orders.profile_id is not null)::int), 4), round(avg(coalesce(total_amount, 0)), 4)
        from assignments left join web_events using (profile_id) left join orders using (profile_id)
        group by arm order by arm
    """
    assert hillstrom.execute(query).fetchall() == [
        ("no_email", 21_306, 10.6167, 0.5726, 0.6528),
        ("womens_email", 21_387, 15.14, 0.8837, 1.0772),
    ]


def test_hillstrom_keeps_equal_rows_as_different_people(hillstrom: duckdb.DuckDBPyConnection) -> None:
    assert one(hillstrom, "select count(*), count(distinct profile_id) from profiles") == (42_693, 42_693)
    assert one(hillstrom, "select count(*) from assignments where (exposed_at is null) = (ghost_at is null)") == (0,)
