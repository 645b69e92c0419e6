"""Welch's comparison of two means, from counts, means and variances."""

from math import isfinite, sqrt
from typing import NamedTuple


class Sample(NamedTuple):
    """Size, mean and sample variance (n - 1) of one arm; mean needs one unit, variance two."""

    size: int
    mean: float | None
    variance: float | None


class Comparison(NamedTuple):
    """Interval of the difference of means, and its two-sided p-value."""

    ci_low: float
    ci_high: float
    p_value: float


def standard_error(treated: Sample, control: Sample) -> float | None:
    """Standard error of the difference of means; null where an arm has no variance to speak of."""
    if treated.variance is None or control.variance is None:
        return None
    return sqrt(treated.variance / treated.size + control.variance / control.size)


def compare_means(treated: Sample, control: Sample, *, alpha: float) -> Comparison | None:
    """Compare two means by Welch's t.

    Args:
        treated: The arm.
        control: The baseline.
        alpha: The interval covers 1 - alpha.

    Returns:
        Null where an arm has fewer than two units or nothing varies: there is no test then.
    """
    if not standard_error(treated, control):
        return None
    # Imported here: it costs three seconds, and most runs of a graph only define this module.
    from tea_tasting.aggr import Aggregates
    from tea_tasting.metrics import Mean

    sides = [
        Aggregates(count_=arm.size, mean_={"value": arm.mean or 0.0}, var_={"value": arm.variance or 0.0})
        for arm in (control, treated)
    ]
    found = Mean("value", confidence_level=1 - alpha, equal_var=False, use_t=True).analyze_aggregates(*sides)
    comparison = Comparison(float(found.effect_size_ci_lower), float(found.effect_size_ci_upper), float(found.pvalue))
    return comparison if all(map(isfinite, comparison)) else None
