"""Shares that change: people are compared with people who were assigned under the same ones."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from ml.measurement.plan import Plan
from ml.measurement.reading import MOST_SKEW, Series, Sums, compare_epochs, read_epochs, skewness_of_difference, stack
from ml.measurement.schedule import schedule_looks
from tests.unit.ml.measurement.cell_rows import DAY, Row, analyse, rate_cell

CHANGED = date(2025, 5, 15)
FIRST = date(2025, 5, 2)


def one_epoch(start: date | None, matured_on: date, sizes: dict[str, int], rates: dict[str, float]) -> list[Row]:
    people = sum(sizes.values())
    return [
        rate_cell(
            arm, size, rates[arm], epoch_from=start, matured_on=matured_on, planned_share=size / people, metric="conversion"
        )
        for arm, size in sizes.items()
    ]  # fmt: skip


def simpson() -> list[Row]:
    """Ten per cent are held out, then half; meanwhile people buy less. The emails add 2 points throughout."""
    early = DAY - timedelta(days=20)
    before = one_epoch(None, early, {"treatment": 9_000, "holdout": 1_000}, {"treatment": 0.22, "holdout": 0.20})
    after = one_epoch(CHANGED, DAY, {"treatment": 5_000, "holdout": 5_000}, {"treatment": 0.07, "holdout": 0.05})
    return before + after


def test_shares_that_change_while_people_buy_less_do_not_make_an_effect() -> None:
    (row,) = analyse(*simpson())
    pooled = (9_000 * 0.22 + 5_000 * 0.07) / 14_000 - (1_000 * 0.20 + 5_000 * 0.05) / 6_000
    assert pooled > 0.09
    assert row.lift == pytest.approx(0.02)
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low < 0.02 < row.ci_high < 0.06
    assert (row.mean_treated, row.mean_held_out) == (pytest.approx(0.145), pytest.approx(0.125))
    (merged,) = analyse(*(one | {"epoch_from": None, "planned_share": None} for one in simpson()))
    assert merged.lift == pytest.approx(pooled)
    assert merged.ci_low is not None
    assert merged.ci_low > 0.06  # what one would have believed


def test_the_split_is_checked_in_each_period_and_both_are_told() -> None:
    (row,) = analyse(*simpson())
    assert row.srm_p_value == pytest.approx(1.0)
    assert row.n_epochs == 2
    assert row.epochs_text == (
        "at first holdout 10%, treatment 90% (split p = 1); from 2025-05-15 holdout 50%, treatment 50% (split p = 1)"
    )
    broken = simpson()
    broken[2] = rate_cell("treatment", 5_600, 0.07, epoch_from=CHANGED, planned_share=0.5, metric="conversion")
    (row,) = analyse(*broken)
    assert row.srm_p_value == pytest.approx(2 * stats.chisquare([5_600, 5_000]).pvalue)
    assert row.verdict == "invalid"


def test_an_arm_that_is_stopped_closes_its_period_and_is_named() -> None:
    rates = {"bold": 0.1, "plain": 0.1, "holdout": 0.1}
    before = one_epoch(None, DAY - timedelta(days=20), {"bold": 4_000, "plain": 4_000, "holdout": 2_000}, rates)
    after = one_epoch(CHANGED, DAY, {"plain": 8_000, "holdout": 2_000}, rates)
    rows = {row.arm: row for row in analyse(*before, *after)}
    assert rows["bold"].epochs_text is not None
    assert rows["bold"].epochs_text.endswith("; bold stopped")
    assert (rows["bold"].n_treated, rows["plain"].n_treated) == (4_000, 12_000)
    assert rows["bold"].lift == pytest.approx(0.0)


def test_the_estimate_is_the_post_stratified_difference_with_its_error() -> None:
    generator = np.random.default_rng(8)
    first = (generator.gamma(2, 3, 900), generator.gamma(2, 2.8, 120))
    second = (generator.gamma(2, 9, 400), generator.gamma(2, 9, 380))
    series = [series_of([treated], [control], epoch) for epoch, (treated, control) in enumerate((first, second))]
    found = compare_epochs(stack(series, "treated").upto(), stack(series, "control").upto())
    lift, variance = 0.0, 0.0
    for weight, (treated, control) in ((1_020 / 1_800, first), (780 / 1_800, second)):
        lift += weight * (treated.mean() - control.mean())
        variance += weight**2 * (treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control))
    error = variance**0.5
    assert found.mean_treated[0] - found.mean_control[0] == pytest.approx(lift)
    assert found.error[0] == pytest.approx(error)
    assert 380 < found.freedom[0] < 1_800


def series_of(treated: list[np.ndarray], control: list[np.ndarray], epoch: int) -> Series:  # type: ignore[type-arg]
    arms = [
        Sums(*np.array([(len(day), (day != 0).sum(), *((day**power).sum() for power in (1, 2, 3))) for day in arm]).T)
        for arm in (treated, control)
    ]
    values = tuple((one[one != 0], other[other != 0]) for one, other in zip(treated, control, strict=True))
    return Series(tuple(range(100 * epoch, 100 * epoch + len(treated))), arms[0], arms[1], lambda: values)


def test_one_period_in_which_an_arm_has_a_handful_of_people_does_not_weigh() -> None:
    handful = one_epoch(CHANGED, DAY, {"treatment": 5_000, "holdout": 20}, {"treatment": 0.5, "holdout": 0.0})
    rows = simpson()[:2] + [row | {"planned_share": None} for row in handful]
    (row,) = analyse(*rows)
    assert row.lift == pytest.approx(0.02)


@pytest.mark.parametrize("is_heavy", [False, True])
def test_shares_that_change_without_an_effect_alarm_as_often_as_promised(*, is_heavy: bool) -> None:
    days = [FIRST + timedelta(days=day) for day in range(20)]
    plan = Plan("revenue", planned_days=20)
    generator = np.random.default_rng(17)
    alarms, pooled, runs = 0, 0, 120 if is_heavy else 300
    for number in range(runs):
        epochs: list[tuple[list[np.ndarray], list[np.ndarray]]] = [([], []), ([], [])]  # type: ignore[type-arg]
        for day in range(20):
            epoch, share, buys = (0, 0.1, 0.3) if day < 10 else (1, 0.4, 0.1)
            size = 150
            amounts = generator.lognormal(3, 1.2, size) if is_heavy else np.ones(size)
            revenue = np.where(generator.random(size) < buys, amounts, 0.0)
            is_control = generator.random(size) < share
            for at in (0, 1):
                mine = revenue if at == epoch else revenue[:0]
                held = is_control if at == epoch else is_control[:0]
                epochs[at][0].append(mine[~held])
                epochs[at][1].append(mine[held])
        series = [series_of(treated, control, epoch) for epoch, (treated, control) in enumerate(epochs)]
        sizes = [np.cumsum(stack(series, side).units, axis=1) for side in ("treated", "control")]
        information = (sizes[0] * sizes[1] / np.maximum(sizes[0] + sizes[1], 1)).sum(axis=0)
        schedule = schedule_looks(days, information.tolist(), plan, as_of=days[-1], newest=days[-1], alpha=0.05)
        reading = read_epochs(series, schedule, at_all_looks=True, alpha=0.05, seed=number, draws=199)
        alarms += reading.decided is not None
        whole = [np.concatenate([day for epoch in epochs for day in epoch[side]]) for side in (0, 1)]
        pooled += stats.ttest_ind(whole[0], whole[1], equal_var=False).pvalue < 0.05
        first = [stack(series, side).upto() for side in ("treated", "control")]
        assert (reading.method == "randomisation") == (abs(skewness_of_difference(*first)[6]) > MOST_SKEW)
    assert stats.binomtest(alarms, runs, 0.05).pvalue > 0.001
    assert pooled > 0.5 * runs
