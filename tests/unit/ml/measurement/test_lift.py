"""Lift: published numbers, verdicts, and honesty under no effect."""

from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from ml.measurement.balance import sample_ratio_p_value
from ml.measurement.lift import analyse_cells
from ml.measurement.row import SCHEMA, LiftRow, to_table

DAY = date(2025, 5, 31)

Row = dict[str, Any]


def rate_cell(arm: str, units: int, rate: float, **others: Any) -> Row:
    """Build a cell of a yes/no metric: the sum of squares is the sum."""
    total = round(units * rate)
    return cell(arm, units, total, float(total), float(total), float(total), **others)


def cell(arm: str, units: int, nonzero: int, total: float, squares: float, cubes: float, **others: Any) -> Row:
    row = {
        "as_of": DAY,
        "experiment": "womens_email",
        "arm": arm,
        "is_baseline": arm == "holdout",
        "dimension": "everyone",
        "segment": "all",
        "metric": "visit",
        "matured_on": DAY,
        "n_units": units,
        "n_nonzero": nonzero,
        "total": total,
        "total_squares": squares,
        "total_cubes": cubes,
        "total_prior": 0.0,
        "total_prior_squares": 0.0,
        "total_prior_products": 0.0,
        "planned_share": 0.5,
        "contaminated_units": 0,
    }
    return row | others


def analyse(*rows: Row) -> list[LiftRow]:
    return analyse_cells(pa.Table.from_pylist(list(rows)))


def only(*rows: Row) -> LiftRow:
    (row,) = analyse(*rows)
    return row


def test_hillstrom_womens_email_gives_the_published_lift() -> None:
    row = only(rate_cell("treatment", 21_387, 0.151400), rate_cell("holdout", 21_306, 0.106167))
    assert row.mean_treated == pytest.approx(0.151400, abs=5e-7)
    assert row.mean_held_out == pytest.approx(0.106167, abs=5e-7)
    assert row.lift == pytest.approx(0.04523, abs=5e-6)
    assert row.ci_low == pytest.approx(0.03889, abs=5e-6)
    assert row.ci_high == pytest.approx(0.05157, abs=5e-6)
    assert row.lift_relative == pytest.approx(0.04523 / 0.106167, rel=1e-3)
    assert row.srm_p_value == pytest.approx(0.695, abs=1e-3)
    assert (row.verdict, row.method) == ("works", "welch")


def test_welch_equals_scipy_on_the_raw_values() -> None:
    generator = np.random.default_rng(3)
    treated, control = generator.gamma(0.3, 40, 900), generator.gamma(0.3, 35, 400)
    row = only(*(from_values(arm, values) for arm, values in (("treatment", treated), ("holdout", control))))
    expected = stats.ttest_ind(treated, control, equal_var=False)
    interval = expected.confidence_interval()
    assert row.p_value == pytest.approx(expected.pvalue)
    assert row.ci_low == pytest.approx(interval.low)
    assert row.ci_high == pytest.approx(interval.high)


def from_values(arm: str, values: np.ndarray[Any, Any], **others: Any) -> Row:
    sums = (float((values**power).sum()) for power in (1, 2, 3))
    return cell(arm, len(values), int((values > 0).sum()), *sums, **others)


def test_cookie_cats_alarms_by_its_known_p_value() -> None:
    assert sample_ratio_p_value([44_700, 45_489], [0.5, 0.5]) == pytest.approx(0.0086, abs=5e-5)


def test_balance_scales_unequal_plans_and_needs_all_of_them() -> None:
    assert sample_ratio_p_value([9_500, 500], [95, 5]) == pytest.approx(1.0)
    assert sample_ratio_p_value([9_500, 600], [0.95, 0.05]) == pytest.approx(0.0, abs=1e-4)
    assert sample_ratio_p_value([9_500, 500], [0.95, None]) is None
    with pytest.raises(ValueError, match="2 arms but 1"):
        sample_ratio_p_value([1, 1], [0.5])


def test_a_broken_split_makes_every_row_invalid() -> None:
    arms = [("treatment", 5_000), ("holdout", 4_000)]
    rows = analyse(
        *(rate_cell(arm, units, 0.2, segment=segment) for arm, units in arms for segment in ("all", "new_people"))
    )
    assert [row.verdict for row in rows] == ["invalid", "invalid"]


@pytest.mark.parametrize(
    ("units", "rate", "verdict"),
    [(99, 0.5, "not_enough_data"), (100, 0.19, "not_enough_data"), (100, 0.20, "no_difference_within")],
)
def test_few_control_units_or_buyers_are_not_enough(units: int, rate: float, verdict: str) -> None:
    row = only(
        rate_cell("treatment", 1_000, 0.2, planned_share=None), rate_cell("holdout", units, rate, planned_share=None)
    )
    assert row.verdict == verdict
    assert row.minimum_detectable_lift is not None
    assert (row.p_adjusted is None) == (verdict == "not_enough_data")


@pytest.mark.parametrize(
    ("metric", "treated", "verdict"),
    [("visit", 0.1, "hurts"), ("unsubscribed", 0.3, "hurts"), ("unsubscribed", 0.1, "works")],
)
def test_the_verdict_knows_which_direction_is_good(metric: str, treated: float, verdict: str) -> None:
    row = only(rate_cell("treatment", 5_000, treated, metric=metric), rate_cell("holdout", 5_000, 0.2, metric=metric))
    assert row.verdict == verdict


def test_holm_counts_all_segments_metrics_and_arms_with_enough_data() -> None:
    def arms(segment: str, treated: float, units: int = 1_000) -> list[Row]:
        names = (("treatment", treated), ("holdout", 0.2))
        return [rate_cell(arm, units, rate, segment=segment, planned_share=None) for arm, rate in names]

    rows = {
        row.segment: row for row in analyse(*arms("a", 0.24), *arms("b", 0.237), *arms("c", 0.21), *arms("d", 0.9, 50))
    }
    raw = {segment: row.p_value or 0 for segment, row in rows.items()}
    assert rows["a"].p_adjusted == pytest.approx(3 * raw["a"])
    assert rows["b"].p_adjusted == pytest.approx(max(3 * raw["a"], 2 * raw["b"]))
    assert rows["d"].p_adjusted is None
    assert raw["a"] < 0.05 < 3 * raw["a"]
    assert rows["a"].verdict == "no_difference_within"


def test_the_detectable_lift_is_found_with_the_power_it_claims() -> None:
    units, rate = 2_000, 0.2
    row = only(rate_cell("treatment", units, rate), rate_cell("holdout", units, rate))
    assert row.minimum_detectable_lift is not None
    error = np.sqrt(2 * rate * (1 - rate) / units)
    assert stats.norm.sf(1.959964 - row.minimum_detectable_lift / error) == pytest.approx(0.8, abs=1e-3)


def test_no_effect_is_called_one_rarely() -> None:
    generator = np.random.default_rng(11)
    rows = [
        from_values(arm, generator.binomial(1, 0.1, 2_000).astype(float), experiment=f"aa_{number}")
        for number in range(300)
        for arm in ("treatment", "holdout")
    ]
    p_values = [row.p_value or 0 for row in analyse(*rows)]
    wrong = sum(p_value < 0.05 for p_value in p_values)
    assert 4 <= wrong <= 27  # 15 expected; the bounds are its 0.1 % and 99.9 % quantiles
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


def test_nothing_varies_or_nobody_is_there_gives_no_test() -> None:
    nothing = only(rate_cell("treatment", 500, 0.0), rate_cell("holdout", 500, 0.0))
    assert (nothing.lift, nothing.lift_relative, nothing.p_value, nothing.verdict) == (
        0.0,
        None,
        None,
        "not_enough_data",
    )
    nobody = only(rate_cell("treatment", 500, 0.1, planned_share=None), rate_cell("holdout", 0, 0.0))
    assert (nobody.mean_held_out, nobody.lift, nobody.ci_low, nobody.verdict) == (None, None, None, "not_enough_data")


def test_contamination_is_the_share_of_both_arms() -> None:
    arms = (("treatment", 950, 10), ("holdout", 50, 20))
    row = only(
        *(rate_cell(arm, units, 0.1, contaminated_units=count, planned_share=None) for arm, units, count in arms)
    )
    assert row.contamination == pytest.approx(0.03)


def test_two_baselines_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one baseline"):
        analyse(rate_cell("treatment", 500, 0.1, is_baseline=True), rate_cell("holdout", 500, 0.1))


def test_the_table_is_typed_with_and_without_rows() -> None:
    assert [field.name for field in fields(LiftRow)] == SCHEMA.names
    assert to_table([]).schema == SCHEMA
    rows = analyse(rate_cell("treatment", 500, 0.1), rate_cell("holdout", 500, 0.1))
    table = to_table(rows)
    assert table.schema == SCHEMA
    assert LiftRow(**table.to_pylist()[0]) == rows[0]


def test_days_and_experiments_are_analysed_apart() -> None:
    days = (DAY, date(2025, 6, 1))
    arms = ("treatment", "holdout")
    rows = analyse(
        *(rate_cell(arm, 500, 0.1, as_of=day, experiment=name) for arm in arms for day in days for name in "ab")
    )
    assert [(row.as_of, row.experiment) for row in rows] == [(day, name) for day in days for name in "ab"]
