"""A week that is like any other is no change; Fisher's test and the weeks before both have a say."""

import numpy as np
import pytest
from scipy import stats

from ml.measurement.changes import Floats, drift, fall, rise

CELLS = 20_000


def weeks(rng: np.random.Generator, share: float, trials: int, spread: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Five weeks of each cell, whose log odds differ by `spread` from week to week."""
    odds = np.log(share / (1 - share)) + spread * rng.standard_normal((CELLS, 5))
    wholes = np.full((CELLS, 5), float(trials))
    parts = rng.binomial(trials, 1 / (1 + np.exp(-odds))).astype(float)
    return parts[:, -1], wholes[:, -1], parts[:, :-1], wholes[:, :-1]


@pytest.mark.parametrize(("share", "trials"), [(0.2, 2_000), (0.02, 500), (0.0005, 3_000)])
@pytest.mark.parametrize(("spread", "most"), [(0.0, 0.055), (0.1, 0.1), (0.4, 0.1)])
def test_weeks_that_differ_are_seldom_a_change(share: float, trials: int, spread: float, most: float) -> None:
    # Four weeks say little of how much weeks differ: one share alone is called in up to 9 % where 5 % are meant.
    counts = weeks(np.random.default_rng(4), share, trials, spread)

    for p_values in (rise(*counts), fall(*counts)):
        assert np.mean(p_values < 0.05) < most


def test_two_shares_that_swing_on_their_own_are_both_called_in_less_than_one_of_a_hundred() -> None:
    rng = np.random.default_rng(7)

    both = np.maximum(rise(*weeks(rng, 0.2, 2_000, 0.4)), rise(*weeks(rng, 0.02, 500, 0.4)))

    assert np.mean(both < 0.05) < 0.011


def test_counts_alone_are_judged_by_fishers_exact_test() -> None:
    one = (np.array([9.0]), np.array([3_000.0]), np.array([[1.0, 1, 1, 1]]), np.full((1, 4), 3_000.0))

    exact = stats.fisher_exact([[9, 2_991], [4, 11_996]], alternative="greater").pvalue

    assert rise(*one)[0] == pytest.approx(exact, rel=1e-9)


def test_weeks_that_swing_hide_what_steady_weeks_show() -> None:
    part, whole = np.array([1_300.0, 1_300.0]), np.full(2, 5_000.0)
    before = np.array([[1_000.0, 1_000, 1_000, 1_000], [700.0, 1_300, 650, 1_350]])

    steady, swinging = rise(part, whole, before, np.full((2, 4), 5_000.0))

    assert steady < 1e-6
    assert swinging > 0.05


def test_the_variance_of_weeks_is_found_again() -> None:
    counts = weeks(np.random.default_rng(5), 0.2, 5_000, 0.3)

    spread = drift(*counts).by_weeks / 1.25

    # The derivative of the inverse logit takes the spread of the log odds to that of the share.
    assert np.mean(spread) == pytest.approx((0.3 * 0.2 * 0.8) ** 2, rel=0.1)
