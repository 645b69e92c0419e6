"""Many segments and metrics at once: what is found in them is corrected for their number, what they say is partially pooled."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats


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
    """Shrink the lifts of the segments of one dimension towards their common mean, by as much as chance explains them.

    Normal model; variance between segments by the method of moments (DerSimonian and Laird 1986), the mean by
    precision; the intervals count the error of both (Morris 1983).

    Args:
        lifts: One for each segment.
        errors: Their standard errors, above 0.
        alpha: The intervals cover 1 - alpha on average over segments.

    Returns:
        In the same order; fewer than three segments say nothing about how much segments differ: none then.
    """
    if len(lifts) < 3:
        return []
    lift, variance = np.array(lifts, dtype=float), np.array(errors, dtype=float) ** 2
    weight = 1 / variance
    common = (weight @ lift) / weight.sum()
    spread = weight @ (lift - common) ** 2 - (len(lift) - 1)
    between = max(0.0, float(spread / (weight.sum() - weight @ weight / weight.sum())))
    precision = 1 / (variance + between)
    centre, centre_variance = (precision @ lift) / precision.sum(), 1 / precision.sum()
    kept = between / (between + variance)
    drawn = centre + kept * (lift - centre)
    error = np.sqrt(kept * variance + (1 - kept) ** 2 * centre_variance)
    reach = stats.norm.isf(alpha / 2) * error
    return [Pooled(*map(float, one)) for one in zip(drawn, drawn - reach, drawn + reach, strict=True)]
