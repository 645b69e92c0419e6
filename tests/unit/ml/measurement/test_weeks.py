"""The effect by week since exposure, and whether it fades."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml.measurement.lift import analyse_cells
from ml.measurement.row import LiftRow
from tests.unit.ml.measurement.cell_rows import DAY, rate_cell

MATURED = DAY - timedelta(days=14)  # the fourth week is over
SIZE = 10_000


def weeks_of(arm: str, rates: tuple[float, ...], generator: np.random.Generator, **others: Any) -> list[dict[str, Any]]:
    """People who buy in each week with some chance, counted by the weeks in which they did."""
    bought = generator.random((SIZE, 4)) < np.array(rates)
    keys = {"as_of": DAY, "experiment": "womens_email", "arm": arm, "epoch_from": None}
    return [
        keys | {f"has_bought_week_{week + 1}": is_bought for week, is_bought in enumerate(pattern)}
        | {"n_units": int((bought == np.array(pattern)).all(axis=1).sum())} | others
        for pattern in product([False, True], repeat=4)
    ]  # fmt: skip


def analyse(treated: tuple[float, ...], *, matured_on: date = MATURED) -> dict[tuple[str, str], LiftRow]:
    generator = np.random.default_rng(5)
    sides = (("treatment", treated, 0.24), ("holdout", (0.1,) * 4, 0.2))
    weeks = [row for arm, rates, _ in sides for row in weeks_of(arm, rates, generator, matured_on=matured_on)]
    cells = [rate_cell(arm, SIZE, rate, metric="conversion", matured_on=matured_on) for arm, _, rate in sides]
    rows = analyse_cells(pa.Table.from_pylist(cells), weeks=pa.Table.from_pylist(weeks))
    return {(row.metric, row.segment): row for row in rows}


def test_each_week_has_its_lift_and_the_trend_is_the_slope_through_them() -> None:
    rows = analyse((0.14, 0.12, 0.11, 0.10))
    lifts = [rows["conversion_by_week", f"week_{week}"].lift for week in range(1, 5)]
    assert lifts == pytest.approx([0.04, 0.02, 0.01, 0.0], abs=0.013)  # three standard errors of two shares
    trend = rows["conversion_by_week", "trend"]
    assert trend.lift == pytest.approx(np.polyfit(range(4), lifts, 1)[0])
    assert trend.p_adjusted is not None


def test_an_effect_that_fades_is_named_and_one_that_stays_is_not() -> None:
    fading, lasting = analyse((0.15, 0.13, 0.11, 0.10)), analyse((0.13,) * 4)
    found = fading["conversion", "all"].finding
    assert found is not None
    assert found.startswith("The effect fades: each week since exposure changes it by \N{MINUS SIGN}")
    assert lasting["conversion", "all"].finding is None
    growing = analyse((0.10, 0.11, 0.13, 0.15))
    assert growing["conversion_by_week", "trend"].verdict == "works"
    assert growing["conversion", "all"].finding is None


def test_a_week_that_is_not_over_is_not_judged() -> None:
    rows = analyse((0.14, 0.12, 0.11, 0.10), matured_on=DAY - timedelta(days=7))
    sizes = {segment: row.n_treated for (metric, segment), row in rows.items() if metric == "conversion_by_week"}
    assert sizes == {"week_1": SIZE, "week_2": SIZE, "week_3": SIZE, "week_4": 0, "trend": 0}
    assert rows["conversion_by_week", "trend"].verdict == "not_enough_data"
