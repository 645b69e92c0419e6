"""One arm against its baseline by one metric: what is known, and whether it beats chance at a look."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.measurement.randomise import DRAWS, Stratum, limits, score, shuffle_epochs, studentise, weigh_epochs
from ml.measurement.schedule import Schedule
from ml.measurement.welch import Sample, compare_means

Floats = NDArray[np.float64]
Refusal = Literal["burn_in", "few_units", "few_buyers", "nothing_varies", "no_values"]
Method = Literal["welch", "randomisation"]

MINIMUM_UNITS = 100  # per arm
MINIMUM_CONTROL_BUYERS = 20
MOST_SKEW = 0.15
"""Skewness of Welch's statistic above which it is replaced: its two-sided error is off by about 16 skewness² points at a nominal 5 %
(measured: 3.7 points at .48, 1.0 at .25), so here by a third of one."""


class Sums(NamedTuple):
    """One arm by day of maturity: counts and sums over the units whose window closed then, shape (days,) or (epochs, days) each."""

    units: Floats
    nonzero: Floats
    total: Floats
    squares: Floats
    cubes: Floats

    def upto(self) -> "Sums":
        """The same of all units up to each day."""
        return Sums(*(np.cumsum(part, axis=-1) for part in self))


@dataclass(frozen=True)
class Series:
    """Two arms by day of maturity, with the values that are not 0 where a test may need them.

    Attributes:
        keys: One whole number a day: names its stratum.
        treated: The arm.
        control: The baseline.
        values: Gives, by day, values other than 0 of the arm and of the baseline; null where they are not at hand.
            A metric of 0 and 1 needs none.
    """

    keys: tuple[int, ...]
    treated: Sums
    control: Sums
    values: Callable[[], tuple[tuple[Floats, Floats], ...]] | None = None

    @property
    def is_binary(self) -> bool:
        """Whether every value is 0 or 1."""
        arms = (self.treated, self.control)
        return all(np.array_equal(arm.nonzero, arm.total) and np.array_equal(arm.nonzero, arm.squares) for arm in arms)


class Reading(NamedTuple):
    """What a series says at its last look.

    Attributes:
        method: How interval and p-value were computed.
        error: Standard error of the difference of means; null without.
        critical: Normal deviate that it must pass today.
        ci_low: Lower end of the interval that belongs to the bound of today; null without a look.
        ci_high: Upper end.
        fixed: Interval of a single look, where the last look is final.
        p_value: Smallest error at which a look so far is past its bound; null without a look.
        decided: Position of the first day past its bound; null: none so far.
        direction: Sign of the difference on that day; 0 without.
        refusal: Why nothing is said; null if something is.
    """

    method: Method
    error: float | None
    critical: float | None
    ci_low: float | None
    ci_high: float | None
    fixed: tuple[float, float] | None
    p_value: float | None
    decided: int | None
    direction: int
    refusal: Refusal | None


class Difference(NamedTuple):
    """Difference of means within epochs, weighed by their people, shape (days,) each.

    Attributes:
        mean_treated: Weighed mean of the arm.
        mean_control: Weighed mean of the baseline.
        error: Standard error of the difference; 0 where nothing varies.
        freedom: Degrees of freedom of the error (Satterthwaite; of one epoch Welch's).
    """

    mean_treated: Floats
    mean_control: Floats
    error: Floats
    freedom: Floats


def read_series(
    series: Series, schedule: Schedule, *, at_all_looks: bool, alpha: float, seed: int, draws: int = DRAWS
) -> Reading:
    """`read_epochs` of a single epoch."""
    return read_epochs([series], schedule, at_all_looks=at_all_looks, alpha=alpha, seed=seed, draws=draws)


def read_epochs(
    epochs: Sequence[Series], schedule: Schedule, *, at_all_looks: bool, alpha: float, seed: int, draws: int = DRAWS
) -> Reading:
    """Judge the series of the epochs of constant shares by the bounds of their experiment.

    Arms are compared within each epoch, and the differences weighed by the people of the epochs: people of different
    epochs differ, and shares that change would put more of the ones into one arm.
    Welch's test is replaced by the studentised randomisation test, which shuffles people of one epoch and maturity day
    among themselves, where its statistic is too skewed at the first look that counts (`MOST_SKEW`). Whether a look counts,
    and which test is used, depends on both arms together and not on who is in which: a choice by the baseline's own
    luck would bias what it lets through.

    Args:
        epochs: Days up to today, the same in each.
        schedule: Looks at these days, and their bounds.
        at_all_looks: A bound that was passed once stays passed (the primary metric); else only today counts, and
            people are shuffled over all days.
        alpha: Two-sided error.
        seed: Of the shuffles.
        draws: Shuffles.
    """
    treated, control = stack(epochs, "treated").upto(), stack(epochs, "control").upto()
    difference = compare_epochs(treated, control)
    error = float(difference.error[-1]) or None
    looks, critical = _looks_that_count(treated, control, schedule, at_all_looks=at_all_looks)
    refusal = _refusal(treated, control, schedule, looks, error)
    is_skewed = not refusal and abs(skewness_of_difference(treated, control)[looks[0]]) > MOST_SKEW
    values = [_nonzero_values(series) for series in epochs] if is_skewed else []
    if any(each is None for each in values):
        refusal = "no_values"
    if refusal:
        critical_today = float(schedule.critical[-1]) if len(schedule.critical) else None
        return Reading("welch", error, critical_today, None, None, None, None, None, 0, refusal)
    levels = [float(critical[-1]), float(stats.norm.isf(alpha / 2))]
    if is_skewed:
        strata = [_strata(series, each or ()) for series, each in zip(epochs, values, strict=True)]
        strata = strata if at_all_looks else [[_merge(days)] for days in strata]
        deviates, low, high = _by_randomisation(
            treated, control, difference, looks, strata, levels, seed=seed, draws=draws
        )
    else:
        deviates, low, high = _by_welch(treated, control, difference, looks, levels)
    passed = np.flatnonzero(np.abs(deviates) > critical)
    decided = int(looks[passed[0]]) if len(passed) else None
    tails = stats.norm.sf(np.abs(deviates) * stats.norm.isf(alpha / 2) / critical)
    return Reading(
        method="randomisation" if is_skewed else "welch",
        error=error,
        critical=float(critical[-1]),
        ci_low=low[0],
        ci_high=high[0],
        fixed=(low[1], high[1]) if schedule.is_over else None,
        p_value=min(1.0, float(2 * tails.min())),
        decided=decided,
        direction=int(np.sign(deviates[passed[0]])) if len(passed) else 0,
        refusal=None,
    )


def stack(epochs: Sequence[Series], side: Literal["treated", "control"]) -> Sums:
    """One arm of all epochs, shape (epochs, days)."""
    arms = [getattr(series, side) for series in epochs]
    return Sums(*(np.stack(part) for part in zip(*arms, strict=True)))


def people_of(epochs: Sequence[Series]) -> tuple[int, int]:
    """Units of the arm and of the baseline, over all epochs and days."""
    treated, control = stack(epochs, "treated"), stack(epochs, "control")
    return int(treated.units.sum()), int(control.units.sum())


def compare_epochs(treated: Sums, control: Sums) -> Difference:
    """Difference of means up to each day; of sums up to each day, shape (epochs, days).

    An arm without units has the mean 0, one with a single unit no variance: what is too small is refused elsewhere.
    """
    weights = weigh_epochs(treated.units, control.units)
    arms = (treated, control)
    parts = [_moments(arm) for arm in arms]
    spreads = [weights**2 * part[1] / np.maximum(arm.units, 1) for arm, part in zip(arms, parts, strict=True)]
    whole = (spreads[0] + spreads[1]).sum(axis=0)
    parts_of_freedom = [spread**2 / np.maximum(arm.units - 1, 1) for arm, spread in zip(arms, spreads, strict=True)]
    scatter = (parts_of_freedom[0] + parts_of_freedom[1]).sum(axis=0)
    freedom = np.divide(whole**2, scatter, out=np.ones_like(whole), where=scatter > 0)
    means = [(weights * mean).sum(axis=0) for mean, _ in parts]
    has_both = ((weights > 0) & (np.minimum(treated.units, control.units) >= 2)).any(axis=0)
    return Difference(means[0], means[1], np.where(has_both, np.sqrt(whole), 0.0), freedom)


def skewness_of_difference(treated: Sums, control: Sums) -> Floats:
    """Skewness of the difference of means if both arms of an epoch have the distribution of all its units, shape (days,).

    For one arm it is the skewness of the values over the root of the arm's size; equal arms cancel.
    """
    arms = [Sums(*(np.atleast_2d(part) for part in arm)) for arm in (treated, control)]
    both = Sums(*(one + other for one, other in zip(*arms, strict=True)))
    weights = weigh_epochs(arms[0].units, arms[1].units)
    count = np.maximum(both.units, 1)
    mean, square, cube = both.total / count, both.squares / count, both.cubes / count
    variance = np.maximum(square - mean**2, 0)
    third = cube - 3 * mean * square + 2 * mean**3
    shares = [1 / np.maximum(arm.units, 1) for arm in arms]
    spread = (weights**2 * variance * (shares[0] + shares[1])).sum(axis=0) ** 1.5
    lean = (weights**3 * third * (shares[0] ** 2 - shares[1] ** 2)).sum(axis=0)
    result: Floats = np.divide(lean, spread, out=np.zeros_like(lean), where=spread > 0)
    return result


def _looks_that_count(
    treated: Sums, control: Sums, schedule: Schedule, *, at_all_looks: bool
) -> tuple[NDArray[np.int64], Floats]:
    looks, critical = schedule.looks, schedule.critical
    count = _has_enough(treated, control)[looks]
    if not at_all_looks:
        count &= looks == (looks[-1] if len(looks) else -1)
    return looks[count], critical[count]


def _has_enough(treated: Sums, control: Sums) -> NDArray[np.bool_]:
    return (_smaller_arm(treated, control) >= MINIMUM_UNITS) & (
        _expected_buyers(treated, control) >= MINIMUM_CONTROL_BUYERS
    )


def _smaller_arm(treated: Sums, control: Sums) -> Floats:
    """Units of the smaller arm in the epochs that count, shape (days,)."""
    counts = weigh_epochs(treated.units, control.units) > 0
    smaller: Floats = np.minimum(*((arm.units * counts).sum(axis=0) for arm in (treated, control)))
    return smaller


def _expected_buyers(treated: Sums, control: Sums) -> Floats:
    """Units of the baseline with a value, if both arms of an epoch had the same share of them, shape (days,)."""
    both = treated.units + control.units
    expected = (treated.nonzero + control.nonzero) * control.units / np.maximum(both, 1)
    whole: Floats = np.where(weigh_epochs(treated.units, control.units) > 0, expected, 0.0).sum(axis=0)
    return whole


def _refusal(
    treated: Sums, control: Sums, schedule: Schedule, looks: NDArray[np.int64], error: float | None
) -> Refusal | None:
    if _smaller_arm(treated, control)[-1] < MINIMUM_UNITS:
        return "few_units"
    if not error:
        return "nothing_varies"
    if _expected_buyers(treated, control)[-1] < MINIMUM_CONTROL_BUYERS:
        return "few_buyers"
    return None if len(schedule.looks) and len(looks) else "burn_in"


def _moments(arm: Sums) -> tuple[Floats, Floats]:
    """Mean and variance (n - 1) of one arm, shape (epochs, days)."""
    units = np.maximum(arm.units, 1)
    mean = arm.total / units
    return mean, np.maximum(arm.squares - arm.total * mean, 0) / np.maximum(arm.units - 1, 1)


def _sample(arm: Sums, day: int) -> Sample:
    """One arm of a single epoch."""
    mean, variance = (float(part[0, day]) for part in _moments(arm))
    return Sample(int(arm.units[0, day]), mean, variance)


def _nonzero_values(series: Series) -> tuple[tuple[Floats, Floats], ...] | None:
    if not series.is_binary:
        return series.values() if series.values else None
    counts = zip(series.treated.nonzero, series.control.nonzero, strict=True)
    return tuple((np.ones(int(one)), np.ones(int(other))) for one, other in counts)


def _strata(series: Series, values: tuple[tuple[Floats, Floats], ...]) -> list[Stratum]:
    sizes = zip(series.keys, series.treated.units, series.control.units, values, strict=True)
    return [Stratum(key, int(treated), int(control), *parts) for key, treated, control, parts in sizes]


def _merge(strata: list[Stratum]) -> Stratum:
    return Stratum(
        strata[-1].key,
        sum(stratum.n_treated for stratum in strata),
        sum(stratum.n_control for stratum in strata),
        np.concatenate([stratum.treated for stratum in strata]),
        np.concatenate([stratum.control for stratum in strata]),
    )


def _by_welch(
    treated: Sums, control: Sums, difference: Difference, looks: NDArray[np.int64], levels: list[float]
) -> tuple[Floats, list[float], list[float]]:
    lift = difference.mean_treated - difference.mean_control
    statistic = np.divide(lift, difference.error, out=np.zeros_like(lift), where=difference.error > 0)[looks]
    tails = stats.t.sf(np.abs(statistic), difference.freedom[looks])
    found = np.sign(statistic) * stats.norm.isf(np.maximum(tails, 5e-301))
    errors = [2 * float(stats.norm.sf(level)) for level in levels]
    if len(treated.units) == 1:
        samples = [_sample(arm, looks[-1]) for arm in (treated, control)]
        intervals = [compare_means(*samples, alpha=error) for error in errors]
        ends = [(one.ci_low, one.ci_high) for one in intervals if one is not None]
        return np.asarray(found), [low for low, _ in ends], [high for _, high in ends]
    last, error = float(lift[looks[-1]]), float(difference.error[looks[-1]])
    reach = [float(stats.t.isf(each / 2, difference.freedom[looks[-1]])) * error for each in errors]
    return np.asarray(found), [last - each for each in reach], [last + each for each in reach]


def _by_randomisation(
    treated: Sums,
    control: Sums,
    difference: Difference,
    looks: NDArray[np.int64],
    strata: list[list[Stratum]],
    levels: list[float],
    *,
    seed: int,
    draws: int,
) -> tuple[Floats, list[float], list[float]]:
    observed = studentise(
        treated.units, control.units, treated.total + control.total, treated.squares + control.squares,
        (control.total, control.squares),
    )[looks]  # fmt: skip
    references = shuffle_epochs(strata, seed=seed, draws=draws)
    columns = looks if len(strata[0]) > 1 else [0] * len(looks)
    found = np.array([score(value, references[:, at]) for value, at in zip(observed, columns, strict=True)])
    last = looks[-1]
    lift, error = float((difference.mean_treated - difference.mean_control)[last]), float(difference.error[last])
    tails = [limits(references[:, columns[-1]], level) for level in levels]
    return found, [lift - tail.high * error for tail in tails], [lift - tail.low * error for tail in tails]
