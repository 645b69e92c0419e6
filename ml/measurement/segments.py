"""Many segments and metrics at once: what is found in them is corrected for their number, what they say is partially pooled."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

SPREADS = 200  # grid of the spread between segments


class Pooled(NamedTuple):
    """An estimate drawn towards those of its fellow segments, with its interval."""

    lift: float
    ci_low: float
    ci_high: float


def control_discoveries(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: of those below q, a share q is false at most in the long run (Benjamini and Hochberg 1995)."""
    return [float(value) for value in stats.false_discovery_control(p_values)] if p_values else []


def control_any_error(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: the chance of even one false one below q is q at most (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    steps = np.array(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else []
    return [float(value) for value in adjusted]


def pool_partially(lifts: Sequence[float], errors: Sequence[float], *, alpha: float) -> list[Pooled]:
    """Draw the lifts of the segments of one dimension towards their common mean, by as much as chance explains them.

    Hierarchical normal model with flat priors for mean and spread between segments, integrated over the spread
    (Gelman et al., Bayesian Data Analysis, section 5.4): taking the likeliest spread would often be none at all, and
    intervals of 95 % would cover 84 %.

    Args:
        lifts: One for each segment.
        errors: Their standard errors, above 0.
        alpha: The intervals hold 1 - alpha.

    Returns:
        Posterior median and interval, in the same order; fewer than three segments say nothing about how much
        segments differ: none then.
    """
    if len(lifts) < 3:
        return []
    lift, variance = np.array(lifts, dtype=float), np.array(errors, dtype=float) ** 2
    widest = 4 * (np.ptp(lift) + np.sqrt(variance.max()))
    between = np.linspace(0, widest, SPREADS)[:, None] ** 2
    precision = 1 / (variance + between)
    common_variance = 1 / precision.sum(axis=1, keepdims=True)
    common = (precision @ lift)[:, None] * common_variance
    fit = 0.5 * (np.log(common_variance[:, 0]) + (np.log(precision) - precision * (lift - common) ** 2).sum(axis=1))
    weights = np.exp(fit - fit.max())
    weights /= weights.sum()
    kept = between / (between + variance)
    centres = kept * lift + (1 - kept) * common
    deviations = np.sqrt(kept * variance + (1 - kept) ** 2 * common_variance)
    levels = (0.5, alpha / 2, 1 - alpha / 2)
    return [
        Pooled(*(_quantile(weights, centres[:, place], deviations[:, place], level) for level in levels))
        for place in range(len(lift))
    ]


def _quantile(weights: Floats, centres: Floats, deviations: Floats, level: float) -> float:
    """Quantile of a mixture of normal distributions."""

    def below(value: float) -> float:
        return float(weights @ stats.norm.cdf((value - centres) / deviations)) - level

    return float(optimize.brentq(below, (centres - 9 * deviations).min(), (centres + 9 * deviations).max()))
