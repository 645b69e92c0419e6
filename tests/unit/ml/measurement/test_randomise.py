"""The randomisation test: exact where everything can be counted, and alike however it is asked."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml.measurement.randomise import Stratum, limits, score, shuffle_arms, studentise


def stratum(treated: list[float], control: list[float], key: int = 1) -> Stratum:
    nonzero = [np.array([value for value in arm if value], dtype=float) for arm in (treated, control)]
    return Stratum(key, len(treated), len(control), *nonzero)


def test_the_statistic_is_welchs() -> None:
    treated, control = np.array([0.0, 3, 5, 9]), np.array([1.0, 0, 2])
    both = np.concatenate([treated, control])
    found = studentise(
        np.array([[4.0]]), np.array([[3.0]]), np.array([[both.sum()]]), np.array([[(both**2).sum()]]),
        (np.array([[control.sum()]]), np.array([[(control**2).sum()]])),
    )  # fmt: skip
    assert found[0] == pytest.approx(stats.ttest_ind(treated, control, equal_var=False).statistic)


@pytest.mark.parametrize("held_out", [3, 5, 7])
def test_shuffles_are_spread_as_all_assignments(held_out: int) -> None:
    values = [0.0, 0, 0, 0, 1, 2, 4, 8, 16, 32]
    exact = []
    for chosen in combinations(range(10), held_out):
        control = [values[place] for place in chosen]
        treated = [values[place] for place in range(10) if place not in chosen]
        exact.append(stats.ttest_ind(treated, control, equal_var=False).statistic)
    found = shuffle_arms([stratum(values[held_out:], values[:held_out])], seed=5, draws=40_000)[:, 0]
    frequencies = [np.mean(np.abs(found - value) < 1e-9) for value in np.unique(np.round(exact, 9))]
    expected = [np.mean(np.abs(np.array(exact) - value) < 1e-8) for value in np.unique(np.round(exact, 9))]
    assert sum(frequencies) == pytest.approx(1.0, abs=1e-6)
    assert np.abs(np.array(frequencies) - expected).max() < 0.006  # 5 standard errors of 40,000 draws at a share of .06


def test_equal_values_are_drawn_as_a_hypergeometric_count() -> None:
    ones = stratum([1.0] * 30 + [0.0] * 70, [1.0] * 10 + [0.0] * 40)
    several = Stratum(1, 100, 50, np.array([1.0] * 29 + [1.0 + 1e-9]), np.ones(10))
    fast, slow = (shuffle_arms([one], seed=2, draws=20_000)[:, 0] for one in (ones, several))
    assert stats.ks_2samp(np.round(fast, 4), np.round(slow, 4)).statistic < 0.02


def test_a_day_is_shuffled_alike_whatever_comes_after_it() -> None:
    generator = np.random.default_rng(1)
    days = [
        stratum(list(generator.gamma(0.3, 9, 40)), list(generator.gamma(0.3, 9, 6)), key=day) for day in range(1, 6)
    ]
    short, long = (shuffle_arms(days[:count], seed=3, draws=500) for count in (3, 5))
    assert np.array_equal(short, long[:, :3])


def test_a_day_with_one_arm_only_adds_its_people_to_that_arm() -> None:
    days = [
        stratum([1.0, 0.0, 2.0], [4.0, 0.0, 1.0], 1),
        stratum([3.0, 5.0], [], 2),
        stratum([], [7.0, 0.0], 3),
    ]
    found = shuffle_arms(days, seed=1, draws=4000)
    for control in combinations([1.0, 0.0, 2.0, 4.0, 0.0, 1.0], 3):
        treated = [1.0, 0.0, 2.0, 4.0, 0.0, 1.0]
        for value in control:
            treated.remove(value)
        expected = stats.ttest_ind([*treated, 3, 5], [*control, 7, 0], equal_var=False).statistic
        assert np.isclose(found[:, 2], expected).any()


@given(st.lists(st.floats(-5, 5), min_size=40, max_size=200), st.floats(-30, 30), st.floats(0.2, 6))
def test_a_statistic_beyond_its_limits_scores_beyond_the_deviate(
    drawn: list[float], observed: float, deviate: float
) -> None:
    reference = np.sort(np.array(drawn))
    if reference[9] >= 0 or reference[-10] <= 0:  # such a reference has no tail to stretch
        return
    ends = limits(reference, deviate)
    found = score(observed, reference)
    assert ends.low <= ends.high
    if found > deviate + 1e-9:
        assert observed >= ends.high - 1e-9
    if found < -deviate - 1e-9:
        assert observed <= ends.low + 1e-9


def test_a_score_is_the_normal_deviate_of_the_rank() -> None:
    reference = np.arange(1.0, 1000.0)
    assert score(976.0, reference) == pytest.approx(stats.norm.isf(25 / 1000))
    assert score(24.0, reference) == pytest.approx(-stats.norm.isf(25 / 1000))
    assert score(500.0, reference) == pytest.approx(0.0, abs=0.01)
    assert limits(reference, float(stats.norm.isf(0.025))) == pytest.approx((24.0, 976.0))


def test_the_tail_is_stretched_beyond_the_tenth_draw() -> None:
    reference = stats.norm.ppf(np.arange(1, 2000) / 2000)
    assert score(5.0, reference) == pytest.approx(5.0, rel=1e-3)
    assert score(-7.0, reference) == pytest.approx(-7.0, rel=1e-3)
    assert limits(reference, 5.0) == pytest.approx((-5.0, 5.0), rel=1e-3)


@pytest.mark.parametrize("held_out", [0.1, 0.9])
def test_heavy_tails_without_an_effect_alarm_as_often_as_promised(held_out: float) -> None:
    generator = np.random.default_rng(7)
    alarms, welch = 0, 0
    for number in range(600):
        values = np.where(generator.random(1000) < 0.15, generator.lognormal(3, 1.3, 1000), 0.0)
        control, treated = np.split(values, [round(1000 * held_out)])
        observed = stats.ttest_ind(treated, control, equal_var=False)
        reference = shuffle_arms([stratum(list(treated), list(control))], seed=number, draws=499)[:, 0]
        alarms += abs(score(float(observed.statistic), reference)) > 1.959964
        welch += observed.pvalue < 0.05
    assert 15 <= alarms <= 48  # 30 expected; .1 % and 99.9 % quantiles
    assert welch > 48
