"""The studentised randomisation test: what the arms' difference would look like if chance alone had sorted people into them.

Welch's t leans on the normal distribution. With a small holdout and heavy-tailed revenue its statistic is skewed: the held-out
arm mostly lacks the few very large orders, its variance with them, and the emails seem to work. Shuffling the arms among the
very same people shows that skew and needs no distribution (Janssen, Stat. Prob. Letters 1997; Chung and Romano, Ann. Stat. 2013).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

DRAWS = 1999
TAIL = 10  # draws beyond which the reference is stretched, not counted
CHUNK = 4_000_000  # shuffled values held at once
MINIMUM_EPOCH_UNITS = 50  # per arm, where there are several epochs


class Stratum(NamedTuple):
    """People whose arms may be exchanged: how many are in each, and the values that are not 0.

    Attributes:
        key: Names the stratum; it is shuffled alike whichever strata come beside it.
        n_treated: Units of the arm.
        n_control: Units of the baseline.
        treated: Values of the arm's units other than 0, shape (any,).
        control: The same of the baseline.
    """

    key: int
    n_treated: int
    n_control: int
    treated: Floats
    control: Floats


class Limits(NamedTuple):
    """Between which the statistic stays unless chance is beaten."""

    low: float
    high: float


def studentise(n_treated: Floats, n_control: Floats, total: Floats, squares: Floats, of_control: Sequence[Floats]) -> Floats:  # fmt: skip
    """The difference of means over its standard error (unequal variances), within epochs that are weighed by their people.

    Args:
        n_treated: Units of the arm; the first axis of this and all others is that of the epochs.
        n_control: Units of the baseline.
        total: Sum over both arms.
        squares: Sum of squares over both.
        of_control: Sum and sum of squares of the baseline alone. All arrays broadcast.

    Returns:
        Without the axis of the epochs. 0 where nothing varies; without meaning where an arm has fewer than two units.
    """
    control_total, control_squares = of_control
    weights = weigh_epochs(n_treated, n_control)
    sizes = [np.maximum(size, 2) for size in (n_treated, n_control)]  # below two units nothing is asked of the result
    treated_mean, control_mean = (total - control_total) / sizes[0], control_total / sizes[1]
    treated_variance = np.maximum(squares - control_squares - sizes[0] * treated_mean**2, 0) / (sizes[0] - 1)
    control_variance = np.maximum(control_squares - sizes[1] * control_mean**2, 0) / (sizes[1] - 1)
    error = np.sqrt((weights**2 * (treated_variance / sizes[0] + control_variance / sizes[1])).sum(axis=0))
    difference: Floats = (weights * (treated_mean - control_mean)).sum(axis=0)
    result: Floats = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return result


def weigh_epochs(n_treated: Floats, n_control: Floats) -> Floats:
    """Share (0-1) of the people of each epoch among those of all that count, along the first axis.

    Of several epochs those count in which each arm has `MINIMUM_EPOCH_UNITS`: the variance of an arm of a handful of
    people may well seem to be none, and theirs would be the weight of all people of the epoch.
    """
    people = n_treated + n_control
    if len(people) > 1:
        people = np.where(np.minimum(n_treated, n_control) >= MINIMUM_EPOCH_UNITS, people, 0.0)
    whole = people.sum(axis=0)
    weights: Floats = np.divide(people, whole, out=np.zeros(np.broadcast(people, whole).shape), where=whole > 0)
    return weights


def shuffle_arms(strata: Sequence[Stratum], *, seed: int, draws: int = DRAWS) -> Floats:
    """`shuffle_epochs` of a single epoch."""
    return shuffle_epochs([strata], seed=seed, draws=draws)


def shuffle_epochs(epochs: Sequence[Sequence[Stratum]], *, seed: int, draws: int = DRAWS) -> Floats:
    """The statistic after each stratum, from the first on, for shuffled arms.

    Both arms keep their sizes within each stratum. Zeros are not stored: how many of the other values fall into an arm
    is drawn first, then which. One shuffle gives as many draws as the smaller arm fits into the stratum: its windows.

    Args:
        epochs: Of each epoch as many strata, in the order in which they were added up; at least two units in each arm
            of the first.
        seed: With the key of a stratum it determines the shuffles.
        draws: How many.

    Returns:
        Shape (draws, strata).
    """
    moved = [
        [_shuffle_stratum(stratum, np.random.default_rng([seed, stratum.key]), draws) for stratum in strata]
        for strata in epochs
    ]
    total, squares = (
        np.stack([np.cumsum(np.stack([part[side] for part in parts], axis=1), axis=1) for parts in moved])
        for side in (0, 1)
    )
    both = [[np.concatenate([stratum.treated, stratum.control]) for stratum in strata] for strata in epochs]
    return studentise(
        _added([[float(stratum.n_treated) for stratum in strata] for strata in epochs]),
        _added([[float(stratum.n_control) for stratum in strata] for strata in epochs]),
        _added([[float(values.sum()) for values in parts] for parts in both]),
        _added([[float((values**2).sum()) for values in parts] for parts in both]),
        (total, squares),
    )


def _added(parts: Sequence[Sequence[float]]) -> Floats:
    """Sums up to each stratum, shape (epochs, 1, strata)."""
    return np.cumsum(np.array(parts), axis=1)[:, None, :]


def score(observed: float, reference: Floats) -> float:
    """The normal deviate as rare as the observed statistic is among the shuffled ones (equal tails), with its sign.

    Beyond the tenth draw from the end the tail is taken as that of a stretched normal distribution.

    Args:
        observed: Statistic of the true arms.
        reference: Shuffled ones, shape (draws,).
    """
    draws = len(reference) + 1
    above, below = 1 + int((reference >= observed).sum()), 1 + int((reference <= observed).sum())
    count = min(above, below)
    sign = 1.0 if above <= below else -1.0
    if count > TAIL:
        return sign * max(0.0, float(stats.norm.isf(count / draws)))
    edge, deviate = _edge(sign * reference)
    return sign * (deviate * sign * observed / edge if edge > 0 else deviate)


def limits(reference: Floats, deviate: float) -> Limits:
    """Where `score` reaches a normal deviate at either end.

    Args:
        reference: Shuffled statistics, shape (draws,).
        deviate: At least 0.
    """
    return Limits(-_limit(-reference, deviate), _limit(reference, deviate))


def _limit(reference: Floats, deviate: float) -> float:
    edge, farthest = _edge(reference)
    if deviate >= farthest:
        return edge * deviate / farthest
    place = int(np.ceil(float(stats.norm.sf(deviate)) * (len(reference) + 1) - 1e-9)) - 1
    return float(-np.partition(-reference, place - 1)[place - 1])


def _edge(reference: Floats) -> tuple[float, float]:
    """The tenth statistic from the upper end, and its normal deviate."""
    tail = min(TAIL, len(reference))
    edge = float(-np.partition(-reference, tail - 1)[tail - 1])
    return edge, float(stats.norm.isf(tail / (len(reference) + 1)))


def _shuffle_stratum(stratum: Stratum, generator: np.random.Generator, draws: int) -> tuple[Floats, Floats]:
    """Sum and sum of squares that fall to the baseline, shape (draws,) each."""
    values = np.sort(np.concatenate([stratum.treated, stratum.control]))
    units = stratum.n_treated + stratum.n_control
    whole = np.array([values.sum(), (values**2).sum()])
    smaller = min(stratum.n_treated, stratum.n_control)
    if smaller == 0 or len(values) == 0:
        fixed = whole if stratum.n_treated == 0 else np.zeros(2)
        return np.full(draws, fixed[0]), np.full(draws, fixed[1])
    if values[0] == values[-1]:
        counts = generator.hypergeometric(len(values), units - len(values), stratum.n_control, size=draws)
        return counts * values[0], counts * values[0] ** 2
    found = _window_sums(values, units, smaller, generator, draws)
    if smaller != stratum.n_control:
        found = whole[:, None] - found
    return found[0], found[1]


def _window_sums(values: Floats, units: int, size: int, generator: np.random.Generator, draws: int) -> Floats:
    """Sums and sums of squares in disjoint random windows of `size` units, shape (2, draws)."""
    windows = units // size
    shuffles = -(-draws // windows)
    sizes = [size] * windows + [units - size * windows]
    counts = generator.multivariate_hypergeometric(sizes, len(values), size=shuffles, method="marginals")
    ends = np.cumsum(counts, axis=1)[:, :windows]
    parts = []
    step = max(1, CHUNK // len(values))
    for first in range(0, shuffles, step):
        end = ends[first : first + step]
        shuffled = generator.permuted(np.broadcast_to(values, (len(end), len(values))), axis=1)
        sums = _window_totals(shuffled, end)
        np.square(shuffled, out=shuffled)
        parts.append(np.stack([sums, _window_totals(shuffled, end)]))
    return np.concatenate(parts, axis=1)[:, :draws]


def _window_totals(shuffled: Floats, ends: NDArray[np.int64]) -> Floats:
    running = np.cumsum(shuffled, axis=1)
    upto = np.where(ends > 0, np.take_along_axis(running, np.maximum(ends - 1, 0), axis=1), 0.0)
    return np.diff(upto, axis=1, prepend=0.0).ravel()
