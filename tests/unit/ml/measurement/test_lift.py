"""Lift: published numbers, verdicts, and honesty under no effect."""

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ml.measurement.balance import sample_ratio_p_value
from ml.measurement.plan import Plan
from ml.measurement.row import SCHEMA, LiftRow, to_table
from tests.unit.ml.measurement.cell_rows import DAY, Row, analyse, cell, rate_cell


def only(*rows: Row, **options: Any) -> LiftRow:
    (row,) = analyse(*rows, **options)
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
    treated, control = generator.gamma(0.3, 40, 900), generator.gamma(0.3, 35, 850)
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


def test_discoveries_are_counted_over_segments_and_metrics_with_enough_data() -> None:
    def arms(segment: str, treated: float, units: int = 1_000) -> list[Row]:
        names = (("treatment", treated), ("holdout", 0.2))
        return [
            rate_cell(arm, units, rate, segment=segment, dimension="device", planned_share=None) for arm, rate in names
        ]

    everyone = [rate_cell(arm, 3_000, 0.2, planned_share=None) for arm in ("treatment", "holdout")]
    rows = {
        row.segment: row
        for row in analyse(*everyone, *arms("a", 0.24), *arms("b", 0.237), *arms("c", 0.21), *arms("d", 0.9, 50))
    }
    raw = {segment: row.p_value or 0 for segment, row in rows.items()}
    assert rows["a"].p_adjusted == pytest.approx(min(4 * raw["a"], 4 / 2 * raw["b"]))
    assert rows["b"].p_adjusted == pytest.approx(4 / 2 * raw["b"])
    assert rows["d"].p_adjusted is None
    assert raw["a"] < 0.05 < (rows["a"].p_adjusted or 0)
    assert rows["a"].verdict == "no_difference_within"


def test_the_primary_metric_stands_alone() -> None:
    metrics = {"conversion": 0.24, **{f"other_{number}": 0.2 for number in range(20)}}
    cells = [
        rate_cell(arm, 1_000, rate if arm == "treatment" else 0.2, metric=metric)
        for metric, rate in metrics.items()
        for arm in ("treatment", "holdout")
    ]
    rows = {row.metric: row for row in analyse(*cells)}
    assert rows["conversion"].is_primary
    assert rows["conversion"].p_adjusted == rows["conversion"].p_value
    assert rows["conversion"].verdict == "works"
    declared = {"womens_email": Plan(primary_metric="other_3")}
    again = {row.metric: row for row in analyse(*cells, plans=declared)}
    assert [row.metric for row in again.values() if row.is_primary] == ["other_3"]
    assert again["conversion"].p_adjusted == pytest.approx(20 * (rows["conversion"].p_value or 0))
    assert again["conversion"].verdict == "no_difference_within"


def test_several_arms_share_the_error_of_the_primary_metric() -> None:
    arms = (("a", 0.24), ("b", 0.21), ("holdout", 0.2))
    rows = {
        row.arm: row
        for row in analyse(
            *(rate_cell(arm, 1_000, rate, metric="conversion", planned_share=None) for arm, rate in arms)
        )
    }
    assert rows["a"].p_adjusted == pytest.approx(2 * (rows["a"].p_value or 0))
    assert rows["b"].p_adjusted == rows["b"].p_value


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


def test_people_whose_window_is_open_are_told_and_not_judged() -> None:
    arms = [("treatment", 0.9), ("holdout", 0.5)]
    closed = [rate_cell(arm, 500, 0.3, matured_on=DAY) for arm, _ in arms]
    pending = [rate_cell(arm, 300, rate, matured_on=DAY + timedelta(days=3)) for arm, rate in arms]
    row = only(*closed, *pending, plans={"womens_email": Plan(planned_days=1)})
    assert (row.n_treated, row.n_held_out, row.n_pending, row.lift) == (500, 500, 600, 0.0)
    assert row.verdict == "no_difference_within"


def test_the_split_is_checked_over_everybody_who_entered() -> None:
    closed = [rate_cell(arm, 500, 0.3) for arm in ("treatment", "holdout")]
    pending = rate_cell("treatment", 700, 0.3, matured_on=DAY + timedelta(days=3))
    rows = analyse(*closed, pending)
    assert rows[0].srm_p_value == sample_ratio_p_value([1200, 500], [0.5, 0.5])
    assert rows[0].verdict == "invalid"


def test_who_enters_after_the_planned_end_changes_nothing() -> None:
    plan = {"womens_email": Plan(primary_metric="visit", planned_days=10)}
    days = [DAY - timedelta(days=12 - day) for day in range(13)]
    cells = [
        rate_cell(
            arm,
            100,
            rate + (0.5 if place >= 10 and arm == "treatment" else 0.0),
            matured_on=day,
            contaminated_units=100 if place >= 10 else 0,
        )
        for place, day in enumerate(days)
        for arm, rate in (("treatment", 0.31), ("holdout", 0.3))
    ]
    (at_end,) = analyse(*(one | {"as_of": days[9]} for one in cells), plans=plan)
    (later,) = analyse(*(one | {"as_of": days[12]} for one in cells), plans=plan)
    assert at_end.ends_on == later.ends_on == days[9]
    assert (at_end.lift, at_end.ci_low, at_end.verdict) == (later.lift, later.ci_low, later.verdict)
    assert later.n_treated == 1_000
    assert later.contamination == pytest.approx(3 / 13)
    assert later.method == "group_sequential_welch"


def test_a_series_that_is_significant_at_a_peek_only_is_not_called_on_any_day() -> None:
    days = [DAY + timedelta(days=day) for day in range(30)]
    cells = []
    for place, day in enumerate(days):
        share = 0.5 + (0.065 if 8 <= place < 12 else -0.065 if 12 <= place < 16 else 0.0)
        cells += [rate_cell(arm, 400, rate, matured_on=day) for arm, rate in (("treatment", share), ("holdout", 0.5))]
    naive = []
    for place, day in enumerate(days):
        (row,) = analyse(*(one | {"as_of": day} for one in cells))
        assert row.verdict in {"not_enough_data", "no_difference_within"}
        upto = [one for one in cells if one["matured_on"] <= day]
        sums = [sum(one["total"] for one in upto if one["arm"] == arm) for arm in ("treatment", "holdout")]
        size = 400 * (place + 1)
        spread = [np.sqrt(total / size * (1 - total / size)) for total in sums]
        test = stats.ttest_ind_from_stats(sums[0] / size, spread[0], size, sums[1] / size, spread[1], size)
        naive.append(test.pvalue)
    assert min(naive) < 0.05 < naive[-1]


def skewed(arm: str, values: np.ndarray[Any, Any], cap: float | None = None) -> tuple[list[Row], list[Row]]:
    """Cells of revenue and conversion, and the counts by value."""
    buyers = (values > 0).astype(float)
    cells = [from_values(arm, values, metric="revenue"), from_values(arm, buyers, metric="conversion")]
    if cap is not None:
        cells.append(from_values(arm, np.minimum(values, cap), metric="revenue_capped"))
    keys = {
        "as_of": DAY,
        "experiment": "womens_email",
        "arm": arm,
        "epoch_from": None,
        "matured_on": DAY,
        "buyer_segment": "non_buyers",
    }
    counts = [
        keys
        | {"revenue": float(value), "revenue_capped": None if cap is None else min(float(value), cap), "n_units": 1}
        for value in values[values > 0]
    ]
    return cells, counts


def test_skewed_revenue_is_shuffled_and_shown_beside_capped_and_per_buyer() -> None:
    generator = np.random.default_rng(19)
    treated, control = (
        np.where(generator.random(size) < 0.2, generator.lognormal(3, 1.2, size), 0.0) for size in (1_800, 200)
    )
    parts = [skewed(arm, values, cap=100.0) for arm, values in (("treatment", treated), ("holdout", control))]
    cells, counts = ([row for part in parts for row in part[kind]] for kind in (0, 1))
    plan = {"womens_email": Plan(primary_metric="revenue")}
    rows = {
        row.metric: row for row in analyse(*(one | {"planned_share": None} for one in cells), values=counts, plans=plan)
    }
    row = rows["revenue"]
    assert set(rows) == {"revenue", "conversion"}
    assert row.method == "randomisation"
    assert row.lift == pytest.approx(treated.mean() - control.mean())
    assert row.lift_capped == pytest.approx(np.minimum(treated, 100).mean() - np.minimum(control, 100).mean())
    assert row.lift_per_buyer == pytest.approx(treated[treated > 0].mean() - control[control > 0].mean())
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low_capped is not None
    assert row.ci_high_capped is not None
    assert row.ci_high_capped - row.ci_low_capped < row.ci_high - row.ci_low
    assert (row.ci_low_per_buyer, row.lift_cuped) == (None, None)
    # An independent test of the same hypothesis: plain permutations of all values, as scipy does them.
    expected = stats.permutation_test(
        (treated, control), lambda one, other: stats.ttest_ind(one, other, equal_var=False).statistic,
        n_resamples=1_999, rng=np.random.default_rng(1),
    )  # fmt: skip
    assert row.p_value == pytest.approx(expected.pvalue, abs=0.05)


def test_spending_before_entry_narrows_the_interval() -> None:
    generator = np.random.default_rng(3)
    cells = []
    for arm, lift in (("treatment", 1.0), ("holdout", 0.0)):
        before = generator.gamma(2.0, 10.0, 1_000)
        values = before + lift + generator.normal(0, 5, 1_000)
        sums = {
            "total_prior": before.sum(),
            "total_prior_squares": (before**2).sum(),
            "total_prior_products": (before * values).sum(),
        }
        cells.append(
            from_values(arm, values) | {"n_nonzero": 1_000} | {name: float(total) for name, total in sums.items()}
        )
    row = only(*cells)
    assert row.method == "welch"
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low_cuped is not None
    assert row.ci_high_cuped is not None
    assert row.ci_high_cuped - row.ci_low_cuped < 0.5 * (row.ci_high - row.ci_low)
    assert row.ci_low_cuped < 1.0 < row.ci_high_cuped


def segment_cells(lifts: dict[str, float], units: int = 4_000) -> list[Row]:
    """One dimension whose segments are equally large, and everyone."""
    cells, totals = [], {"treatment": 0.0, "holdout": 0.0}
    for segment, lift in lifts.items():
        for arm, rate in (("treatment", 0.2 + lift), ("holdout", 0.2)):
            cells.append(rate_cell(arm, units, rate, segment=segment, dimension="device"))
            totals[arm] += cells[-1]["total"]
    size = units * len(lifts)
    return [*cells, *(cell(arm, size, int(total), total, total, total) for arm, total in totals.items())]


def test_a_gain_that_hides_a_loss_names_it() -> None:
    rows = {row.segment: row for row in analyse(*segment_cells({"phone": -0.05, "desk": 0.06, "tablet": 0.05}))}
    assert rows["all"].verdict == "works"
    assert rows["phone"].verdict == "hurts"
    assert rows["all"].finding == "Everyone gains, but these lose: phone"
    assert rows["phone"].finding is None


def test_a_gain_of_all_names_nobody() -> None:
    rows = analyse(*segment_cells({"phone": 0.05, "desk": 0.05, "tablet": 0.05}))
    assert {row.finding for row in rows} == {None}


def test_segments_are_drawn_towards_each_other() -> None:
    rows = {
        row.segment: row for row in analyse(*segment_cells({"phone": 0.0, "desk": 0.02, "tablet": 0.04}, units=800))
    }
    for segment in ("phone", "desk", "tablet"):
        row = rows[segment]
        assert row.lift_pooled is not None
        assert abs(row.lift_pooled - 0.02) <= abs((row.lift or 0.0) - 0.02) + 1e-3
    assert rows["all"].lift_pooled is None


@pytest.mark.parametrize("share", [0.05, 0.37, 0.95])
def test_unequal_plans_are_compared_with_what_was_planned(share: float) -> None:
    sizes = {"treatment": round(20_000 * share), "holdout": 20_000 - round(20_000 * share)}
    planned = {"treatment": share, "holdout": 1 - share}
    row = only(*(rate_cell(arm, units, 0.3, planned_share=planned[arm]) for arm, units in sizes.items()))
    assert row.srm_p_value == pytest.approx(1.0)
    assert row.verdict == "no_difference_within"


def test_an_experiment_without_a_closed_window_has_rows_that_wait() -> None:
    later = DAY + timedelta(days=4)
    row = only(*(rate_cell(arm, 500, 0.3, matured_on=later) for arm in ("treatment", "holdout")))
    assert (row.n_treated, row.lift, row.verdict, row.n_pending) == (0, None, "not_enough_data", 1_000)
    assert row.verdict_text == "Not enough data: the first week of outcome windows has not closed."
