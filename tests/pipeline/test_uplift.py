"""Uplift through the whole graph: the examples of a Sunday are the planted experiment, seen as of the evening before."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from simulator.shop import simulate
from tests.pipeline.conftest import Platform

SUNDAY = date(2025, 4, 13)
MATURED = SUNDAY - timedelta(days=17)  # 14 days of outcome, 3 for what lands late
LAPSED_AFTER = 45


class Ran(NamedTuple):
    """A shop that was run on one Sunday, and its truth."""

    platform: Platform
    truth: Path

    def planted(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the truth of the experiment and of the purchases."""
        with duckdb.connect() as connection:
            for table in ("experiments", "purchases"):
                path = self.truth / f"{table}.parquet"
                connection.execute(f"create view {table} as select * from read_parquet('{path}')")
            return connection.execute(sql, {"matured": MATURED}).fetchall()


@pytest.fixture(scope="module")
def ran(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("uplift")
    simulate(customers=2500, days=105, seed=4, out=folder / "landing", truth=folder / "truth", start=date(2025, 1, 1))
    platform = holdfast("uplift_home", folder / "landing")
    platform.ok("run", "--date", str(SUNDAY))
    return Ran(platform, folder / "truth")


def test_units_are_those_that_were_assigned_and_are_over(ran: Ran) -> None:
    found = dict(ran.platform.query("select arm, count(*) from marts.uplift_examples group by arm"))
    planted = dict(ran.planted("select arm, count(*) from experiments where assigned_on <= $matured group by arm"))
    assert set(found) == {"treatment", "control"}
    assert min(planted.values()) > 100
    for arm, units in planted.items():
        assert found[arm] == pytest.approx(units, rel=0.01)  # identity joins or splits a person here and there


def test_who_lapsed_on_the_day_had_not_ordered_since(ran: Ran) -> None:
    """Everyone is assigned 45 days after the last purchase, so 44 days were known on the evening before; more at the launch.

    A purchase of the day itself, or one that the email caused, would show as fewer.
    """
    rows = ran.platform.query(
        "select days_since_last_order from marts.uplift_examples where days_since_last_order is not null"
    )
    known = [int(str(row[0])) for row in rows]
    assert sum(days >= LAPSED_AFTER - 1 for days in known) >= 0.98 * len(known)
    assert sum(days == LAPSED_AFTER - 1 for days in known) > 0.5 * len(known)


def test_conversions_are_the_purchases_of_fourteen_days(ran: Ran) -> None:
    found = dict(ran.platform.query("select arm, sum(conversion) from marts.uplift_examples group by arm"))
    planted = ran.planted("""
        select arm, count(distinct person)
        from experiments inner join purchases using (person)
        where assigned_on <= $matured and happened and not is_test and net_amount > 0
            and bought_at >= assigned_on and bought_at < cast(assigned_on as timestamp) + interval 14 day
        group by arm
    """)
    for arm, buyers in dict(planted).items():
        assert found[arm] == pytest.approx(buyers, abs=4)  # the hours of the day on which the window ends


def test_the_report_says_what_to_do_and_why(ran: Ran) -> None:
    [(verdict, reason, treated, held_out)] = ran.platform.query(
        "select part, finding, n_treated, n_held_out from ml.uplift_report where measure = 'verdict'"
    )
    assert verdict == "treat_all"
    assert str(reason).startswith("treat all: ")
    units = dict(ran.platform.query("select is_treated, count(*) from marts.uplift_examples group by is_treated"))
    assert units == {True: treated, False: held_out}


def test_no_person_is_in_the_report(ran: Ran) -> None:
    columns = ran.platform.query("select column_name from duckdb_columns() where table_name = 'uplift_report'")
    assert not {"customer_id", "profile_key", "mailbox_hash"} & {str(name) for (name,) in columns}
