"""Adjusted means and ratios, against the raw values."""

import numpy as np
import pytest
from scipy import stats

from ml.measurement.welch import Paired, Sample, compare_adjusted_means, compare_means, compare_ratios


def paired(value: np.ndarray, other: np.ndarray) -> Paired:
    covariance = np.cov(value, other)
    return Paired(len(value), value.mean(), covariance[0, 0], other.mean(), covariance[1, 1], covariance[0, 1])


@pytest.mark.parametrize("mean", [0.0, 1e-9, 1e-3, 40.0])
def test_means_that_are_small_beside_their_spread_are_compared_too(mean: float) -> None:
    treated, control = Sample(30, mean, 1e6), Sample(9, -mean, 4e6)
    found = compare_means(treated, control, alpha=0.05)
    expected = stats.ttest_ind_from_stats(mean, 1e3, 30, -mean, 2e3, 9, equal_var=False)
    error = np.sqrt(1e6 / 30 + 4e6 / 9)
    half = stats.t(error**4 / ((1e6 / 30) ** 2 / 29 + (4e6 / 9) ** 2 / 8)).ppf(0.975) * error
    assert found == pytest.approx((2 * mean, 2 * mean - half, 2 * mean + half, expected.pvalue), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.5])
def test_ratios_that_are_small_beside_their_spread_are_compared_too(mean: float) -> None:
    treated, control = (Paired(40, each, 1e6, 2.0, 0.5, 0.1) for each in (mean, -mean))
    found = compare_ratios(treated, control, alpha=0.05)
    # The delta method: the ratio's variance is that of value - ratio x other, over the mean of the other.
    variances = [(1e6 - 2 * each / 2 * 0.1 + (each / 2) ** 2 * 0.5) / 4 / 40 for each in (mean, -mean)]
    half = stats.t(78).ppf(0.975) * np.sqrt(sum(variances))
    assert found is not None
    assert found[:3] == pytest.approx((mean, mean - half, mean + half), rel=1e-6, abs=1e-8)


def test_adjusted_means_are_those_of_values_less_what_the_covariate_foretells() -> None:
    generator = np.random.default_rng(5)
    before = [generator.gamma(0.5, 40, size) for size in (4_000, 900)]
    after = [
        0.8 * values + generator.normal(lift, 9, len(values)) for values, lift in zip(before, (2.0, 0.0), strict=True)
    ]
    found = compare_adjusted_means(paired(after[0], before[0]), paired(after[1], before[1]), alpha=0.05)
    plain = stats.ttest_ind(*after, equal_var=False).confidence_interval()
    # One slope over both arms, as Deng et al. (2013) have it.
    centred = [np.concatenate([part - part.mean() for part in parts]) for parts in (after, before)]
    slope = (centred[0] @ centred[1]) / (centred[1] @ centred[1])
    rest = [values - slope * covariate for values, covariate in zip(after, before, strict=True)]
    expected = stats.ttest_ind(*rest, equal_var=False)
    assert found is not None
    assert found.lift == pytest.approx(rest[0].mean() - rest[1].mean(), rel=0.01)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.15)
    assert found.ci_high - found.ci_low < 0.5 * (plain.high - plain.low)
    assert found.ci_low < 2.0 < found.ci_high


def test_a_covariate_that_never_varies_adjusts_nothing() -> None:
    flat = paired(np.array([1.0, 2.0, 3.0]), np.ones(3))
    assert compare_adjusted_means(flat, flat, alpha=0.05) is None


def test_ratios_are_compared_by_the_delta_method() -> None:
    generator = np.random.default_rng(8)
    arms = []
    for rate in (0.3, 0.25):
        buyers = (generator.random(3_000) < rate).astype(float)
        arms.append((buyers * generator.lognormal(3, 0.6, 3_000), buyers))
    found = compare_ratios(paired(*arms[0]), paired(*arms[1]), alpha=0.05)
    ratios, variances = [], []
    for value, buyers in arms:
        ratio = value.sum() / buyers.sum()
        ratios.append(ratio)
        variances.append((value - ratio * buyers).var(ddof=1) / len(value) / buyers.mean() ** 2)
    assert found is not None
    assert found.lift == pytest.approx(ratios[0] - ratios[1])
    reach = 1.96 * np.sqrt(sum(variances))
    assert found.ci_high - found.lift == pytest.approx(reach, rel=0.002)


def test_a_ratio_without_buyers_is_none() -> None:
    nobody = paired(np.zeros(5), np.zeros(5))
    assert compare_ratios(nobody, nobody, alpha=0.05) is None
