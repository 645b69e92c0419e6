"""One arm against its baseline by one metric: what is known, and whether it beats chance at a look."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.measurement.randomise import DRAWS, Stratum, limits, score, shuffle_arms, studentise
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
    """One arm by day of maturity: counts and sums over the units whose window closed then, shape (days,) each."""

    units: Floats
    nonzero: Floats
    total: Floats
    squares: Floats
    cubes: Floats

    def upto(self) -> "Sums":
        """The same of all units up to each day."""
        return Sums(*(np.cumsum(part) for part in self))


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


def read_series(
    series: Series, schedule: Schedule, *, at_all_looks: bool, alpha: float, seed: int, draws: int = DRAWS
) -> Reading:
    """Judge a series by the bounds of its experiment.

    Welch's test is replaced by the studentised randomisation test, which shuffles people of one maturity day among
    themselves, where its statistic is too skewed at the first look that counts (`MOST_SKEW`). Whether a look counts,
    and which test is used, depends on both arms together and not on who is in which: a choice by the baseline's own
    luck would bias what it lets through.

    Args:
        series: Days up to today.
        schedule: Looks at these days, and their bounds.
        at_all_looks: A bound that was passed once stays passed (the primary metric); else only today counts, and
            people are shuffled over all days.
        alpha: Two-sided error.
        seed: Of the shuffles.
        draws: Shuffles.
    """
    treated, control = series.treated.upto(), series.control.upto()
    error = _standard_error(treated, control)
    looks, critical = _looks_that_count(treated, control, schedule, at_all_looks=at_all_looks)
    refusal = _refusal(treated, control, schedule, looks, error)
    is_skewed = not refusal and abs(skewness_of_difference(treated, control)[looks[0]]) > MOST_SKEW
    values = _nonzero_values(series) if is_skewed else None
    if is_skewed and values is None:
        refusal = "no_values"
    if refusal:
        critical_today = float(schedule.critical[-1]) if len(schedule.critical) else None
        return Reading("welch", error, critical_today, None, None, None, None, None, 0, refusal)
    if values is None:
        deviates, low, high = _by_welch(treated, control, looks, [critical[-1], stats.norm.isf(alpha / 2)])
    else:
        strata = _strata(series, values) if at_all_looks else [_merge(_strata(series, values))]
        deviates, low, high = _by_randomisation(
            treated, control, looks, strata, [critical[-1], stats.norm.isf(alpha / 2)], seed=seed, draws=draws
        )
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


def skewness_of_difference(treated: Sums, control: Sums) -> Floats:
    """Skewness of the difference of means if both arms have the distribution of all units, shape (days,).

    For one arm it is the skewness of the values over the root of the arm's size; equal arms cancel.
    """
    both = Sums(*(one + other for one, other in zip(treated, control, strict=True)))
    count = np.maximum(both.units, 1)
    mean, square, cube = both.total / count, both.squares / count, both.cubes / count
    variance = np.maximum(square - mean**2, 0)
    third = cube - 3 * mean * square + 2 * mean**3
    spread = variance**1.5
    skewness = np.divide(third, spread, out=np.zeros_like(third), where=spread > 0)
    shares = [1 / np.maximum(arm.units, 1) for arm in (treated, control)]
    result: Floats = skewness * (shares[0] ** 2 - shares[1] ** 2) / (shares[0] + shares[1]) ** 1.5
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
    smaller = np.minimum(treated.units, control.units)
    return (smaller >= MINIMUM_UNITS) & (_expected_buyers(treated, control) >= MINIMUM_CONTROL_BUYERS)


def _expected_buyers(treated: Sums, control: Sums) -> Floats:
    """Units of the baseline with a value, if both arms had the same share of them."""
    both = treated.units + control.units
    expected: Floats = (treated.nonzero + control.nonzero) * control.units / np.maximum(both, 1)
    return expected


def _refusal(
    treated: Sums, control: Sums, schedule: Schedule, looks: NDArray[np.int64], error: float | None
) -> Refusal | None:
    if min(treated.units[-1], control.units[-1]) < MINIMUM_UNITS:
        return "few_units"
    if not error:
        return "nothing_varies"
    if _expected_buyers(treated, control)[-1] < MINIMUM_CONTROL_BUYERS:
        return "few_buyers"
    return None if len(schedule.looks) and len(looks) else "burn_in"


def _standard_error(treated: Sums, control: Sums) -> float | None:
    arms = [_sample(arm, -1) for arm in (treated, control)]
    if any(arm.variance is None for arm in arms):
        return None
    return float(np.sqrt(sum((arm.variance or 0.0) / arm.size for arm in arms)))


def _sample(arm: Sums, day: int) -> Sample:
    units, total = int(arm.units[day]), float(arm.total[day])
    mean = total / units if units else None
    if units < 2 or mean is None:
        return Sample(units, mean, None)
    return Sample(units, mean, max(0.0, float(arm.squares[day]) - total * mean) / (units - 1))


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
    treated: Sums, control: Sums, looks: NDArray[np.int64], deviates: list[float]
) -> tuple[Floats, list[float], list[float]]:
    (mean1, spread1, size1), (mean2, spread2, size2) = (_moments(arm, looks) for arm in (treated, control))
    tests = stats.ttest_ind_from_stats(mean1, spread1, size1, mean2, spread2, size2, equal_var=False)
    found = np.sign(tests.statistic) * stats.norm.isf(np.maximum(tests.pvalue, 1e-300) / 2)
    samples = [_sample(arm, looks[-1]) for arm in (treated, control)]
    intervals = [compare_means(*samples, alpha=2 * float(stats.norm.sf(deviate))) for deviate in deviates]
    ends = [(one.ci_low, one.ci_high) for one in intervals if one is not None]
    return np.asarray(found), [low for low, _ in ends], [high for _, high in ends]


def _moments(arm: Sums, looks: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    units, total = arm.units[looks], arm.total[looks]
    spread = np.sqrt(np.maximum(arm.squares[looks] - total**2 / units, 0) / (units - 1))
    return total / units, spread, units.astype(np.int64)


def _by_randomisation(
    treated: Sums,
    control: Sums,
    looks: NDArray[np.int64],
    strata: list[Stratum],
    deviates: list[float],
    *,
    seed: int,
    draws: int,
) -> tuple[Floats, list[float], list[float]]:
    observed = studentise(
        treated.units, control.units, treated.total + control.total, treated.squares + control.squares,
        (control.total, control.squares),
    )[looks]  # fmt: skip
    references = shuffle_arms(strata, seed=seed, draws=draws)
    columns = looks if len(strata) > 1 else [0] * len(looks)
    found = np.array([score(value, references[:, at]) for value, at in zip(observed, columns, strict=True)])
    samples = [_sample(arm, looks[-1]) for arm in (treated, control)]
    lift = (samples[0].mean or 0.0) - (samples[1].mean or 0.0)
    error = float(np.sqrt(sum((sample.variance or 0.0) / sample.size for sample in samples)))
    tails = [limits(references[:, columns[-1]], deviate) for deviate in deviates]
    return found, [lift - tail.high * error for tail in tails], [lift - tail.low * error for tail in tails]
