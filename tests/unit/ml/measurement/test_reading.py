"""One series against its bounds."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ml.measurement.plan import Plan
from ml.measurement.reading import MOST_SKEW, Reading, Series, Sums, read_series, skewness_of_difference
from ml.measurement.schedule import Schedule, schedule_looks

FIRST = date(2025, 1, 15)
Floats = np.ndarray[Any, Any]


def series_of(treated: list[Floats], control: list[Floats]) -> Series:
    arms = [
        Sums(*np.array([(len(day), (day != 0).sum(), *((day**power).sum() for power in (1, 2, 3))) for day in arm]).T)
        for arm in (treated, control)
    ]
    values = tuple((one[one != 0], other[other != 0]) for one, other in zip(treated, control, strict=True))
    return Series(tuple(range(len(treated))), arms[0], arms[1], lambda: values)


def looks_at(series: Series, plan: Plan) -> Schedule:
    days = [FIRST + timedelta(days=day) for day in range(len(series.keys))]
    sizes = [np.cumsum(arm.units) for arm in (series.treated, series.control)]
    information = (sizes[0] * sizes[1] / (sizes[0] + sizes[1])).tolist()
    return schedule_looks(days, information, plan, as_of=days[-1], newest=days[-1], alpha=0.05)


def read(series: Series, plan: Plan | None = None, *, at_all_looks: bool = True) -> Reading:
    return read_series(series, looks_at(series, plan or Plan()), at_all_looks=at_all_looks, alpha=0.05, seed=1)


def heavy(generator: np.random.Generator, size: int, factor: float = 1.0) -> Floats:
    return np.where(generator.random(size) < 0.2, factor * generator.lognormal(3, 1, size), 0.0)


def test_equal_arms_are_judged_by_welch_and_unequal_skewed_ones_by_shuffling() -> None:
    generator = np.random.default_rng(2)
    balanced = read(series_of([heavy(generator, 1000)], [heavy(generator, 1000)]))
    small = read(series_of([heavy(generator, 1800)], [heavy(generator, 200)]))
    assert (balanced.method, small.method) == ("welch", "randomisation")


def test_skewness_of_the_difference_is_that_of_the_sampled_difference() -> None:
    generator = np.random.default_rng(4)
    pool = generator.gamma(0.5, 2.0, 400_000)
    sums = [
        Sums(*(np.array([float(part)]) for part in (size, size, *(size * (pool**power).mean() for power in (1, 2, 3)))))
        for size in (90, 10)
    ]
    drawn = generator.gamma(0.5, 2.0, (100_000, 100))
    differences = drawn[:, :90].mean(axis=1) - drawn[:, 90:].mean(axis=1)
    assert skewness_of_difference(*sums)[0] == pytest.approx(stats.skew(differences), abs=0.05)
    assert abs(skewness_of_difference(sums[0], sums[0])[0]) < 1e-12


def test_the_interval_excludes_zero_exactly_where_the_bound_is_passed() -> None:
    generator = np.random.default_rng(6)
    seen = set()
    for number in range(60):
        reading = read(series_of([heavy(generator, 900, 1 + number / 40)], [heavy(generator, 150)]))
        assert reading.ci_low is not None
        assert reading.ci_high is not None
        excludes = reading.ci_low > 0 or reading.ci_high < 0
        assert (reading.decided is not None) == excludes
        assert reading.p_value is not None
        assert (reading.p_value < 0.05) == excludes
        seen.add(excludes)
    assert seen == {True, False}


def test_refusals_and_the_choice_of_the_test_do_not_depend_on_who_is_held_out() -> None:
    generator = np.random.default_rng(9)
    pool = heavy(generator, 1500)
    found = set()
    for _ in range(30):
        shuffled = generator.permutation(pool)
        reading = read(series_of([shuffled[:1390]], [shuffled[1390:]]))
        found.add((reading.method, reading.refusal))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("sizes", "share", "refusal"),
    [((1000, 99), 0.5, "few_units"), ((1000, 150), 0.05, "few_buyers"), ((1000, 200), 0.0, "nothing_varies")],
)
def test_too_little_is_refused_by_name(sizes: tuple[int, int], share: float, refusal: str) -> None:
    arms = [[np.repeat([1.0, 0.0], [round(size * share), size - round(size * share)])] for size in sizes]
    reading = read(series_of(arms[0], arms[1]))
    assert (reading.refusal, reading.ci_low, reading.p_value, reading.decided) == (refusal, None, None, None)


def test_skewed_values_that_are_not_at_hand_are_not_judged_by_their_sums() -> None:
    generator = np.random.default_rng(2)
    series = series_of([heavy(generator, 1800)], [heavy(generator, 200)])
    assert read(replace(series, values=None)).refusal == "no_values"


def test_a_yes_or_no_needs_no_values() -> None:
    generator = np.random.default_rng(2)
    arms = [[(generator.random(size) < 0.06).astype(float)] for size in (4_000, 400)]
    series = replace(series_of(arms[0], arms[1]), values=None)
    reading = read(series)
    assert (series.is_binary, reading.method, reading.refusal) == (True, "randomisation", None)


def wave(peak: float, days: int = 30, size: int = 400) -> Series:
    """Shares of one half in both arms, but more in the treated on days 8 to 11, and as many fewer after them."""
    treated, control = [], []
    for day in range(days):
        share = 0.5 + (peak if 8 <= day < 12 else -peak if 12 <= day < 16 else 0.0)
        treated.append(np.repeat([1.0, 0.0], [round(size * share), size - round(size * share)]))
        control.append(np.repeat([1.0, 0.0], [size // 2, size - size // 2]))
    return series_of(treated, control)


@pytest.mark.parametrize("plan", [Plan(planned_days=30), Plan(review_days=30)])
def test_a_series_that_is_significant_at_some_peek_only_is_never_called(plan: Plan) -> None:
    whole = wave(0.065)
    peeks = [
        stats.ttest_ind_from_stats(
            *(part for arm in (whole.treated, whole.control) for part in moments(arm, day)), equal_var=False
        ).pvalue
        for day in range(1, 30)
    ]
    assert min(peeks) < 0.05 < peeks[-1]
    for days in range(8, 31):
        upto = [Sums(*(part[:days] for part in arm)) for arm in (whole.treated, whole.control)]
        assert read(Series(whole.keys[:days], *upto), plan).decided is None


def moments(arm: Sums, day: int) -> tuple[float, float, int]:
    units, mean = arm.units[: day + 1].sum(), arm.total[: day + 1].sum() / arm.units[: day + 1].sum()
    return float(mean), float(np.sqrt(mean * (1 - mean) * units / (units - 1))), int(units)


def test_a_bound_that_was_passed_stays_passed_for_the_primary_metric_only() -> None:
    series = wave(0.2)
    primary, other = (read(series, Plan(planned_days=30), at_all_looks=kind) for kind in (True, False))
    assert primary.decided is not None
    assert 8 <= primary.decided <= 13
    assert (primary.direction, other.decided) == (1, None)
    assert primary.p_value is not None
    assert other.p_value is not None
    assert primary.p_value < 0.05 < other.p_value


def test_the_fixed_interval_comes_with_the_planned_end() -> None:
    whole = wave(0.0)
    early = [Sums(*(part[:29] for part in arm)) for arm in (whole.treated, whole.control)]
    before, at_end = read(Series(whole.keys[:29], *early), Plan(planned_days=30)), read(whole, Plan(planned_days=30))
    assert before.fixed is None
    assert at_end.fixed is not None
    assert at_end.ci_low is not None
    assert at_end.ci_low < at_end.fixed[0] < 0 < at_end.fixed[1]


def test_skewed_days_are_judged_by_the_same_rule_on_every_day() -> None:
    generator = np.random.default_rng(12)
    treated, control = ([heavy(generator, size) for _ in range(30)] for size in (360, 40))
    whole = series_of(treated, control)
    assert abs(skewness_of_difference(whole.treated.upto(), whole.control.upto())[-1]) > MOST_SKEW
    late = read(whole, Plan(planned_days=30))
    early = read(series_of(treated[:20], control[:20]), Plan(planned_days=30))
    again = read(series_of(treated[:20], control[:20]), Plan(planned_days=30))
    assert early == again
    assert {late.method, early.method} == {"randomisation"}
