"""Recorded experiments with published results, by the statistics of the report alone."""

import csv
import gzip
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ml.measurement.lift import analyse_cells
from ml.measurement.plan import Plan
from tests.pipeline.conftest import shared_data

DAY = date(2025, 1, 31)
METRICS = ("retention_1", "retention_7")


def rows_of(path: Path) -> list[dict[str, str]]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cell(arm: str, metric: str, units: int, total: int, on: date = DAY) -> dict[str, Any]:
    keys = {"as_of": DAY, "experiment": "gate", "arm": arm, "is_baseline": arm == "gate_30", "dimension": "everyone"}
    sums = dict.fromkeys(("n_nonzero", "total", "total_squares", "total_cubes"), total)
    prior = dict.fromkeys(("total_prior", "total_prior_squares", "total_prior_products"), 0.0)
    kinds = ("two_arms", "shared_mailbox", "leaked", "internal", "contaminated", "late")
    return keys | sums | prior | {f"{kind}_units": 0 for kind in kinds} | {
        "segment": "all", "metric": metric, "epoch_from": None, "matured_on": on, "n_units": units, "planned_share": 0.5,
    }  # fmt: skip


@pytest.fixture(scope="module")
def cookie_cats() -> list[dict[str, str]]:
    return rows_of(next(shared_data("cookie_cats").glob("*.csv*")))


def test_cookie_cats_keeps_its_published_retention_and_its_split_is_shown_without_an_alarm(
    cookie_cats: list[dict[str, str]],
) -> None:
    sizes = Counter(row["test_version"] for row in cookie_cats)
    cells = [
        cell(
            arm,
            metric,
            units,
            sum(row[metric].lower() in {"true", "1"} for row in cookie_cats if row["test_version"] == arm),
        )
        for metric in METRICS
        for arm, units in sizes.items()
    ]
    rows = {
        row.metric: row
        for row in analyse_cells(pa.Table.from_pylist(cells), plans={"gate": Plan(primary_metric="retention_7")})
    }
    assert (rows["retention_1"].n_held_out, rows["retention_1"].n_treated) == (44_700, 45_489)
    published = {"retention_1": (0.4482, 0.4423, 0.0744), "retention_7": (0.1902, 0.1820, 0.0016)}
    for metric, (held_out, treated, p_value) in published.items():
        assert rows[metric].mean_held_out == pytest.approx(held_out, abs=5e-5)
        assert rows[metric].mean_treated == pytest.approx(treated, abs=5e-5)
        assert rows[metric].p_value == pytest.approx(p_value, abs=1e-4)
        assert rows[metric].srm_p_value == pytest.approx(0.0086, abs=5e-5)
    assert rows["retention_7"].verdict == "hurts"
    assert rows["retention_1"].verdict == "no_difference_within"


def test_cookie_cats_read_every_day_is_not_called_before_its_numbers_carry_it(
    cookie_cats: list[dict[str, str]],
) -> None:
    # The players in the order of the file, as if they had come over 30 days.
    days = [DAY - timedelta(days=29 - day) for day in range(30)]
    size = -(-len(cookie_cats) // 30)
    cells = []
    for place, day in enumerate(days):
        came = cookie_cats[place * size : (place + 1) * size]
        for arm in ("gate_30", "gate_40"):
            mine = [row["retention_1"].lower() in {"true", "1"} for row in came if row["test_version"] == arm]
            cells.append(cell(arm, "retention_1", len(mine), sum(mine), on=day))
    for place in range(6, 30):
        upto = [one | {"as_of": days[place]} for one in cells if one["matured_on"] <= days[place]]
        for plan in (Plan("retention_1", planned_days=30), Plan("retention_1")):
            (row,) = analyse_cells(pa.Table.from_pylist(upto), plans={"gate": plan})
            assert row.verdict in {"not_enough_data", "no_difference_within"}  # p = .0744 with all of them
            assert row.ci_low is not None
            assert row.ci_high is not None
            assert row.ci_low < 0 < row.ci_high
