"""What a day's playbook says reaches the tables that dbt reads, typed also where nothing is said."""

from datetime import date, timedelta

import duckdb
import pytest

from activation.playbook.policies import ExcludedAccount, SuppressionRule
from orchestration.defs.sources.landing_files import (
    CREATE,
    RECORDED,
    _replace,
    excluded_rows,
    internal_rows,
    suppression_rows,
)
from orchestration.preflight import load_valid_playbook

DAY = date(2025, 3, 10)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(CREATE)
    return connection


def test_numbers_lists_and_nulls_arrive(connection: duckdb.DuckDBPyConnection) -> None:
    book = load_valid_playbook()
    account = ExcludedAccount(domain="acme.org", owner="ann", reason="a partner writes to them", excluded_on=DAY)
    policies = book.policies.model_copy(
        update={
            "suppressions": (SuppressionRule(reason="sunset", days=90, at_least=5, source="test"),),
            "excluded_accounts": (account,),
            "internal_domains": ("shop.org",),
        }
    )
    book = book.model_copy(update={"policies": policies})
    for table, rows_of in (
        ("suppression_rules", suppression_rows), ("excluded_accounts", excluded_rows), ("internal_domains", internal_rows),
    ):  # fmt: skip
        _replace(connection, table, [{"as_of": DAY} | row for row in rows_of(book)], [DAY])

    assert connection.sql("from ops.suppression_rules").fetchall() == [(DAY, "sunset", 90, None, None, 5, None)]
    assert connection.sql("from ops.excluded_accounts").fetchall() == [(DAY, "acme.org", None, None, DAY, None)]
    assert connection.sql("from ops.internal_domains").fetchall() == [(DAY, "shop.org")]


def test_a_day_that_is_recorded_again_is_replaced_and_no_other(connection: duckdb.DuckDBPyConnection) -> None:
    book = load_valid_playbook()
    days = [DAY, DAY + timedelta(days=1)]
    for _ in range(2):
        for table, rows_of in RECORDED.items():
            _replace(connection, table, [{"as_of": day} | row for day in days for row in rows_of(book)], days)
    _replace(connection, "suppression_rules", [], [DAY])

    assert connection.sql("select as_of, count(*) from ops.suppression_rules group by as_of").fetchall() == [
        (days[1], len(book.policies.suppressions))
    ]
