"""How large a statistic must be, on each day on which somebody looks at it."""

from collections.abc import Sequence
from functools import lru_cache
from math import inf, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

FARTHEST = 8.0  # a bound beyond it is never reached: what it would spend is carried to the next look


def spent(time: float, alpha: float) -> float:
    """Two-sided error that may be spent by a share of the plan: the O'Brien-Fleming type of Lan and DeMets (Biometrika 1983)."""
    if time <= 0:
        return 0.0
    return float(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / sqrt(min(time, 1.0))))


@lru_cache(maxsize=512)
def planned_bounds(times: tuple[float, ...], information: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Lan-DeMets bounds for the normal deviate at each look, symmetric (Jennison and Turnbull 2000, ch. 19).

    Args:
        times: Share (0-1] of the plan that is over at each look, rising: what the error is spent by.
        information: Information at each look in any unit, rising: what makes looks depend on each other.
        alpha: Two-sided error over all looks.

    Raises:
        ValueError: Lengths differ, or the information does not rise.
    """
    if len(times) != len(information) or any(b <= a for a, b in zip((0.0, *information), information, strict=False)):
        raise ValueError("each look needs its time and more information than the one before")
    bounds: list[float] = []
    nodes, density = np.zeros(1), np.ones(1)  # where the score process is, unless it was stopped
    before, used = 0.0, 0.0
    for time, amount in zip(times, information, strict=True):
        step = sqrt(amount - before)
        bound = _bound(nodes, density, step=step, scale=sqrt(amount), spend=spent(time, alpha) - used)
        used += _crossing(bound * sqrt(amount), nodes, density, step)
        bounds.append(bound)
        nodes, density = _continue(nodes, density, step=step, edge=min(bound, 6.0) * sqrt(amount))
        before = amount
    return tuple(bounds)


def open_bounds(information: Sequence[float], *, horizon: float, alpha: float) -> list[float]:
    """Bounds for the normal deviate that hold on all days at once, for ever: an asymptotic confidence sequence.

    Normal mixture (Waudby-Smith et al., Ann. Stat. 2024, eq. 10; Howard et al., Ann. Stat. 2021), tightest at `horizon`.

    Args:
        information: Information at each look, in the unit of `horizon`.
        horizon: Where the sequence is to be tightest; fixed before the first look.
        alpha: Two-sided error over all looks.
    """
    best = 2 * log(1 / alpha) + log(1 + 2 * log(1 / alpha))
    ratios = (best * amount / horizon for amount in information)
    return [sqrt((1 + ratio) / ratio * (2 * log(1 / alpha) + log(1 + ratio))) if ratio else inf for ratio in ratios]


def _bound(nodes: Floats, density: Floats, *, step: float, scale: float, spend: float) -> float:
    def excess(deviate: float) -> float:
        return _crossing(deviate * scale, nodes, density, step) - spend

    if excess(FARTHEST) >= 0:
        return FARTHEST
    return float(optimize.brentq(excess, 0.0, FARTHEST, xtol=1e-6))


def _crossing(edge: float, nodes: Floats, density: Floats, step: float) -> float:
    return float(density @ (stats.norm.sf((edge - nodes) / step) + stats.norm.cdf((-edge - nodes) / step)))


def _continue(nodes: Floats, density: Floats, *, step: float, edge: float) -> tuple[Floats, Floats]:
    """Weights of the process within the edges after one more step, on Gauss-Legendre nodes no farther apart than a step."""
    places, weights = np.polynomial.legendre.leggauss(min(400, max(24, int(2 * edge / step * 1.2))))
    reached = places * edge
    kernel = np.exp(-((reached[:, None] - nodes[None, :]) ** 2) / (2 * step**2)) / (step * sqrt(2 * np.pi))
    return reached, (kernel @ density) * weights * edge
