"""The limits of BG/NBD: all customers leave with one chance after each order, or nobody leaves (NBD, Ehrenberg 1959).

Where customers do not differ in how they leave, the likelihood of BG/NBD rises for ever while a and b grow in proportion, and where none
leaves, while a falls to 0. The limit itself has a likelihood with fewer parameters, all of them finite.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.behavior.histories import Floats, Histories
from ml.behavior.likelihood import Rows, rate_terms
from ml.behavior.maximise import Convergence, MeanLikelihood, maximise

RATES = ((1, 1), (0.25, 0.1), (3, 3))


@dataclass(frozen=True)
class OneExit:
    """Rates differ over customers, the chance of leaving does not.

    Attributes:
        r: Shape of the order rates.
        alpha: Their scale, in the unit of time.
        leaving: Chance of leaving after each order, from 0 (nobody leaves) to below 1.

    Raises:
        ValueError: A parameter is out of range.
    """

    r: float
    alpha: float
    leaving: float

    def __post_init__(self) -> None:
        """Refuse parameters that are none."""
        if not (0 < self.r < np.inf and 0 < self.alpha < np.inf and 0 <= self.leaving < 1):
            raise ValueError(f"one chance of leaving: impossible parameters {self}")

    def exit_log_odds(self, repeats: Floats) -> Floats:
        """Log-odds of having left with the last repeat: those of leaving at all."""
        with np.errstate(divide="ignore"):
            odds = np.log(self.leaving) - np.log1p(-self.leaving)
        return np.full_like(repeats, odds)

    def orders_while_active(self, repeats: Floats, age: Floats, horizon: float) -> Floats:
        """Expected orders within a horizon: (1 - (1 + leaving t / (alpha + T))^-(r + x)) / leaving."""
        if self.leaving == 0:
            return (self.r + repeats) * horizon / (self.alpha + age)
        decay = -(self.r + repeats) * np.log1p(self.leaving * horizon / (self.alpha + age))
        orders: Floats = -np.expm1(decay) / self.leaving
        return orders


def fit_one_exit(histories: Histories) -> tuple[OneExit | None, Convergence]:
    """Fit r, alpha and the one chance of leaving, from three starts; the model is null unless the fit converged."""
    starts = [
        np.append(start, np.log(odds)) for start, odds in zip(_rate_starts(histories), (0.2, 0.5, 0.05), strict=True)
    ]
    names = ("r", "alpha", "odds of leaving")
    found, report = maximise(likelihood_of(histories), starts, names=names, customers=histories.total)
    if found is None:
        return None, report
    r, alpha, odds = map(float, found)
    return OneExit(r, alpha, odds / (1 + odds)), report


def fit_no_exit(histories: Histories) -> tuple[OneExit | None, Convergence]:
    """Fit r and alpha where nobody leaves: the NBD."""
    found, report = maximise(
        likelihood_of(histories), _rate_starts(histories), names=("r", "alpha"), customers=histories.total
    )
    return (None if found is None else OneExit(float(found[0]), float(found[1]), 0.0)), report


def likelihood_of(histories: Histories) -> MeanLikelihood:
    """Mean log-likelihood and its gradient, by the logarithms of r, alpha and the odds of leaving; without the third nobody leaves."""
    rows = Rows.of(histories)
    stays = float((rows.of_level * rows.levels).sum())

    def evaluate(logs: Floats) -> tuple[float, Floats]:
        r, alpha = np.exp(logs[:2])
        log_odds = float(logs[2]) if len(logs) == 3 else -np.inf
        rates = rate_terms(rows, r, alpha, np.full(len(rows.last), log_odds))
        value = rates.value - stays * float(np.logaddexp(0.0, log_odds))
        by_odds = rates.left.sum() - stays * special.expit(log_odds)
        return value, np.array([r * rates.by_r, alpha * rates.by_alpha, by_odds])[: len(logs)]

    return evaluate


def _rate_starts(histories: Histories) -> list[Floats]:
    scale = float(np.average(histories.age, weights=histories.customers))
    return [np.log([r, alpha * scale]) for r, alpha in RATES]
