"""How much a ranking gains over random: the Qini, its test, and uplift along the ranking."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from ml.uplift.examples import Examples, Floats, Ints

DRAWS = 400
TENTHS = 10
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the chance of as much, one-sided, if nothing were true."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Uplift:
    """Difference of means in a part of the units, with Welch's interval at 95 %; null where an arm has fewer than two.

    Attributes:
        n_treated: Units in the arm.
        n_held_out: Units in the baseline.
        mean_treated: Share with the outcome in the arm.
        mean_held_out: The same in the baseline.
        uplift: mean_treated - mean_held_out.
        low: Lower end of the interval.
        high: Upper end.
        error: Standard error of the uplift.
        p_harm: One-sided p-value against "no harm".
        p_gain: One-sided p-value against "no gain".
    """

    n_treated: int
    n_held_out: int
    mean_treated: float | None = None
    mean_held_out: float | None = None
    uplift: float | None = None
    low: float | None = None
    high: float | None = None
    error: float | None = None
    p_harm: float | None = None
    p_gain: float | None = None


def qini(effects: Floats, places: Floats) -> float:
    """Area between the gain curve of a ranking and the straight line of random treatment, per person.

    The gain at q is what treating the first q of all (0 to 1) adds per person of all: the mean of effect where place < q.
    The area between it and q times the average effect is mean(effect * (1/2 - place)), the rank-weighted average treatment
    effect with Qini weights (Yadlowsky et al., JASA 2025, section 2; Radcliffe 2007). It is not divided by anything: 0.01 with
    an outcome of 0 or 1 is a hundredth of an outcome per person, averaged over all q.

    Args:
        effects: Unbiased effect per row (doubly robust, or inverse-propensity weighted).
        places: Place per row, 0 first.
    """
    return float(np.mean(effects * (0.5 - places)))


def bootstrap_qinis(effects: Floats, places: Floats, customers: Ints, *, seed: int) -> Floats:
    """Qinis of several rankings in samples that draw whole customers, the same in each column: shape (draws, rankings).

    Args:
        effects: Per row.
        places: Shape (rows, rankings).
        customers: Number of the customer per row.
        seed: Of the draws.
    """
    orders = np.argsort(places, axis=0, kind="stable")
    drawn = [
        [_weighted_qini(weights, effects, places[:, column], orders[:, column]) for column in range(places.shape[1])]
        for weights in _resample(customers, seed=seed)
    ]
    return np.array(drawn, dtype=np.float64)


def estimate(value: float, draws: Floats) -> Estimate:
    """Interval and one-sided p-value by the bootstrap's standard error (Efron and Tibshirani 1993, chapters 12 and 16)."""
    value, error = float(value), float(draws.std(ddof=1))
    if error == 0.0:
        return Estimate(value, value, value, 1.0)
    reach = float(stats.norm.isf((1 - CONFIDENCE) / 2)) * error
    return Estimate(value, value - reach, value + reach, float(stats.norm.sf(value / error)))


def uplift_by_tenth(examples: Examples, places: Floats) -> list[Uplift]:
    """Difference of means in each tenth of the ranking, those to be treated first in front."""
    tenth = np.minimum((places * TENTHS).astype(np.int64), TENTHS - 1)
    return [compare(examples, tenth == number) for number in range(TENTHS)]


def uplift_at(examples: Examples, places: Floats, share: float) -> Uplift:
    """Difference of means among the first share (0 to 1) of the ranking."""
    return compare(examples, places < share)


def compare(examples: Examples, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Uplift:
    """Difference of means among some rows (Welch 1947)."""
    arms = [examples.outcome[rows & (examples.treated == arm)] for arm in (1, 0)]
    sizes = [len(arm) for arm in arms]
    if min(sizes) < 2:
        return Uplift(sizes[0], sizes[1])
    means = [float(arm.mean()) for arm in arms]
    parts = [float(arm.var(ddof=1)) / len(arm) for arm in arms]
    uplift, variance = means[0] - means[1], sum(parts)
    if variance == 0.0:
        return Uplift(sizes[0], sizes[1], means[0], means[1], uplift)
    freedom = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    error, t = sqrt(variance), stats.t(freedom)
    reach = float(t.isf((1 - CONFIDENCE) / 2)) * error
    return Uplift(
        n_treated=sizes[0],
        n_held_out=sizes[1],
        mean_treated=means[0],
        mean_held_out=means[1],
        uplift=uplift,
        low=uplift - reach,
        high=uplift + reach,
        error=error,
        p_harm=float(t.cdf(uplift / error)),
        p_gain=float(t.sf(uplift / error)),
    )


def _weighted_qini(weights: Floats, effects: Floats, places: Floats, order: Ints) -> float:
    """Qini of a weighted sample: places are those of the sample, equal ones stay equal."""
    ordered = weights[order]
    ends = np.flatnonzero(np.diff(places[order], append=2.0) > 0)
    upto = np.cumsum(ordered)[ends]
    middles = (upto + np.concatenate([[0.0], upto[:-1]])) / 2 / upto[-1]
    gains = np.add.reduceat(ordered * effects[order], np.concatenate([[0], ends[:-1] + 1]))
    return float(gains @ (0.5 - middles) / upto[-1])


def _resample(customers: Ints, *, seed: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    names, member = np.unique(customers, return_inverse=True)
    for _ in range(DRAWS):
        drawn = generator.integers(0, len(names), len(names))
        yield np.bincount(drawn, minlength=len(names)).astype(np.float64)[member]
