"""Bounds for many looks: published ones, and what they spend."""

from math import exp, sqrt

import numpy as np
import pytest
from scipy import stats

from ml.measurement.sequential import open_bounds, planned_bounds, spent


def test_five_equal_looks_give_the_published_bounds() -> None:
    # ldbounds for R and WinLD, O'Brien-Fleming spending, two-sided .05: 4.8769, 3.3569, 2.6803, 2.2898, 2.0310
    shares = (0.2, 0.4, 0.6, 0.8, 1.0)
    assert planned_bounds(shares, shares, 0.05) == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


def test_two_looks_give_the_published_bounds() -> None:
    assert planned_bounds((0.5, 1.0), (0.5, 1.0), 0.05) == pytest.approx((2.9626, 1.9686), abs=2e-4)


def test_one_look_is_the_fixed_test() -> None:
    assert planned_bounds((1.0,), (123.0,), 0.05) == pytest.approx((1.959964,), abs=1e-5)
    assert spent(1.0, 0.05) == pytest.approx(0.05)
    assert spent(0.0, 0.05) == 0


def test_bounds_depend_on_ratios_of_information_only_and_not_on_later_looks() -> None:
    times, information = (0.1, 0.35, 0.5, 0.9, 1.0), (3.0, 11.0, 12.0, 30.0, 31.0)
    bounds = planned_bounds(times, information, 0.05)
    assert planned_bounds(times, tuple(7 * amount for amount in information), 0.05) == pytest.approx(bounds, abs=1e-5)
    assert planned_bounds(times[:3], information[:3], 0.05) == bounds[:3]


@pytest.mark.parametrize("looks", [30, 91])
def test_daily_looks_spend_what_was_promised(looks: int) -> None:
    shares = np.arange(1, looks + 1) / looks
    bounds = np.array(planned_bounds(tuple(shares), tuple(shares), 0.05))
    crossed = np.abs(random_walks(looks)) > bounds
    assert crossed.any(axis=1).mean() == pytest.approx(0.05, abs=0.0022)  # 3 standard errors of 90,000 walks
    half = looks // 2
    assert crossed[:, :half].any(axis=1).mean() == pytest.approx(spent(half / looks, 0.05), abs=0.0008)


def test_uneven_looks_spend_what_was_promised() -> None:
    information = np.array([4, 5, 20, 21, 22, 60, 100])
    times = (0.2, 0.25, 0.3, 0.5, 0.6, 0.7, 1.0)
    bounds = np.array(planned_bounds(times, tuple(information.tolist()), 0.05))
    assert (np.abs(random_walks(100)[:, information - 1]) > bounds).any(axis=1).mean() == pytest.approx(
        0.05, abs=0.0022
    )


def test_looks_without_news_are_refused() -> None:
    with pytest.raises(ValueError, match="more information"):
        planned_bounds((0.5, 1.0), (2.0, 2.0), 0.05)
    with pytest.raises(ValueError, match="each look"):
        planned_bounds((0.5,), (1.0, 2.0), 0.05)


def test_an_open_ended_reading_is_rarely_wrong_however_long_it_goes_on() -> None:
    days = 1000
    bounds = np.array(open_bounds([float(day) for day in range(1, days + 1)], horizon=30.0, alpha=0.05))
    walks = random_walks(days, count=20_000)
    crossed = (np.abs(walks) > bounds).any(axis=1).mean()
    assert 0.02 < crossed <= 0.05


def test_an_open_bound_is_where_the_mixture_martingale_reaches_one_over_alpha() -> None:
    (bound,) = open_bounds([50.0], horizon=30.0, alpha=0.05)
    best = -2 * np.log(0.05) + np.log(1 - 2 * np.log(0.05))
    ratio = best * 50 / 30
    martingale = exp(ratio * bound**2 / (2 * (1 + ratio))) / sqrt(1 + ratio)
    assert martingale == pytest.approx(20.0)


def test_an_open_interval_is_tightest_where_it_was_tuned() -> None:
    widths = {tuned: open_bounds([100.0], horizon=tuned, alpha=0.05)[0] for tuned in (25.0, 50.0, 100.0, 200.0, 400.0)}
    assert min(widths, key=lambda tuned: widths[tuned]) == 100.0


def random_walks(looks: int, count: int = 90_000) -> np.ndarray:
    steps = np.random.default_rng(17).normal(size=(count, looks))
    return np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, looks + 1))


def test_bounds_of_the_walks_are_standard_normal_at_each_look() -> None:
    walks = random_walks(30, count=20_000)
    assert stats.kstest(walks[:, 0], "norm").pvalue > 0.001
    assert stats.kstest(walks[:, -1], "norm").pvalue > 0.001
