"""Comparisons of two arms from counts, means and variances, by tea-tasting: means, adjusted means, ratios."""

from math import isfinite, sqrt
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """Size, mean and sample variance (n - 1) of one arm; mean needs one unit, variance two."""

    size: int
    mean: float | None
    variance: float | None


class Paired(NamedTuple):
    """One arm by two variables of the same units: what is compared, and what it is adjusted or divided by."""

    size: int
    mean: float
    variance: float
    other_mean: float
    other_variance: float
    covariance: float


class Comparison(NamedTuple):
    """Difference of the arms, its interval and two-sided p-value."""

    lift: float
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
    from tea_tasting.metrics import Mean

    arms = [
        Paired(arm.size, arm.mean or 0.0, arm.variance or 0.0, other_mean=0.0, other_variance=0.0, covariance=0.0)
        for arm in (treated, control)
    ]
    return _compare(Mean("value", confidence_level=1 - alpha, equal_var=False, use_t=True), *_raised(*arms))


def compare_adjusted_means(treated: Paired, control: Paired, *, alpha: float) -> Comparison | None:
    """Compare two means less what a covariate from before the experiment foretells (CUPED, Deng et al. 2013).

    Args:
        treated: The arm, with the covariate as its other variable.
        control: The baseline.
        alpha: The interval covers 1 - alpha.

    Returns:
        Null where the covariate or the metric varies in neither arm.
    """
    if treated.other_variance + control.other_variance <= 0 or treated.variance + control.variance <= 0:
        return None
    from tea_tasting.metrics import Mean

    metric = Mean("value", "other", confidence_level=1 - alpha, equal_var=False, use_t=True)
    return _compare(metric, *_raised(treated, control))


def compare_ratios(treated: Paired, control: Paired, *, alpha: float) -> Comparison | None:
    """Compare two ratios of means by the delta method (Deng et al. 2018).

    Args:
        treated: The arm, with the denominator as its other variable.
        control: The baseline.
        alpha: The interval covers 1 - alpha.

    Returns:
        Null where a denominator is 0 or no ratio varies.
    """
    if treated.other_mean == 0 or control.other_mean == 0:
        return None
    from tea_tasting.metrics import RatioOfMeans

    metric = RatioOfMeans("value", "other", confidence_level=1 - alpha, equal_var=False, use_t=True)
    return _compare(metric, *_raised_ratios(treated, control))


# The library also gives an interval for the ratio of the arms, which has no number where a mean is small beside its spread. Nothing
# here reads it, and differences stay what they are when both arms are raised by the same.
def _raised(treated: Paired, control: Paired) -> tuple[Paired, Paired]:
    by = sqrt(treated.variance + control.variance)
    return treated._replace(mean=treated.mean + by), control._replace(mean=control.mean + by)


def _raised_ratios(treated: Paired, control: Paired) -> tuple[Paired, Paired]:
    """As if each unit had so much more of the numerator for each of its denominator."""
    by = sqrt(treated.variance + control.variance) / min(abs(treated.other_mean), abs(control.other_mean))

    def raised(arm: Paired) -> Paired:
        return arm._replace(
            mean=arm.mean + by * arm.other_mean,
            variance=arm.variance + 2 * by * arm.covariance + by * by * arm.other_variance,
            covariance=arm.covariance + by * arm.other_variance,
        )

    return raised(treated), raised(control)


def _compare(metric: Any, treated: Paired, control: Paired) -> Comparison | None:
    from tea_tasting.aggr import Aggregates

    sides = [
        Aggregates(
            count_=arm.size,
            mean_={"value": arm.mean, "other": arm.other_mean},
            var_={"value": arm.variance, "other": arm.other_variance},
            cov_={("other", "value"): arm.covariance},
        )
        for arm in (control, treated)
    ]
    found = metric.analyze_aggregates(*sides)
    parts = (found.effect_size, found.effect_size_ci_lower, found.effect_size_ci_upper, found.pvalue)
    comparison = Comparison(*map(float, parts))
    return comparison if all(map(isfinite, comparison)) else None
