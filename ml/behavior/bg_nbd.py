"""How many orders will come: BG/NBD.

Fader, Hardie and Lee 2005, "Counting your customers" the easy way (Marketing Science 24:2). While active, a customer orders at
a rate of their own, gamma(r, alpha) over customers; after each order they leave for good with a chance of their own, beta(a, b).
"""

from dataclasses import astuple, dataclass

import numpy as np
from scipy import special

from ml.behavior.histories import Floats, Histories
from ml.behavior.likelihood import Rows, rate_terms
from ml.behavior.maximise import Convergence, MeanLikelihood, maximise

NODES, SHARES = np.polynomial.legendre.leggauss(24)
STARTS = ((1, 1, 1, 1), (0.25, 0.1, 1, 3), (1, 0.5, 0.1, 1), (3, 3, 3, 10))


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD's parameters, all positive and finite.

    Attributes:
        r: Shape of the order rates.
        alpha: Their scale, in the unit of time: the mean rate is r / alpha.
        a: Of the beta distribution of leaving after an order: the mean chance is a / (a + b).
        b: The other one.

    Raises:
        ValueError: A parameter is not positive, or infinite.
    """

    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        """Refuse parameters that are none."""
        values = np.array(astuple(self))
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"BG/NBD: impossible parameters {self}")

    def exit_log_odds(self, repeats: Floats) -> Floats:
        """Log-odds of having left with the last repeat: a / (b + x - 1)."""
        odds: Floats = np.log(self.a) - np.log(self.b + repeats - 1)
        return odds

    def orders_while_active(self, repeats: Floats, age: Floats, horizon: float) -> Floats:
        """Expected orders within a horizon of customers who are active at its start (equation 10 of the paper).

        The closed form divides by a - 1 and needs a hypergeometric function of a negative third argument where a + b < 1. The same
        quantity is the integral of the rate (r + x) / (alpha + T + u) * 2F1(r + x + 1, b + x; a + b + x; z) * (1 - z)^(r + x) with
        z = u / (alpha + T + u), which has no such places and never falls with the horizon. It is taken over
        log(alpha + T + u), in which the rate is smooth however far the horizon lies.
        """
        shape = (self.r + repeats)[:, None]
        ends = np.log1p(horizon / (self.alpha + age))
        steps = ends[:, None] * (NODES + 1) / 2
        third = (self.a + self.b + repeats)[:, None]
        mixed = special.hyp2f1(shape + 1, (self.b + repeats)[:, None], third, -np.expm1(-steps))
        orders: Floats = (shape * np.exp(-shape * steps) * mixed * SHARES).sum(axis=1) * ends / 2
        return orders


def fit_bg_nbd(histories: Histories) -> tuple[BgNbd | None, Convergence]:
    """Fit by maximum likelihood from four starts; the model is null unless the fit converged."""
    scale = float(np.average(histories.age, weights=histories.customers))
    starts = [np.log([r, alpha * scale, a, b]) for r, alpha, a, b in STARTS]
    found, report = maximise(
        likelihood_of(histories), starts, names=("r", "alpha", "a", "b"), customers=histories.total
    )
    return (None if found is None else BgNbd(*map(float, found))), report


def log_likelihood(model: BgNbd, histories: Histories) -> float:
    """Log-likelihood of all customers (equation 6 of the paper, in logarithms)."""
    return likelihood_of(histories)(np.log(astuple(model)))[0] * histories.total


def likelihood_of(histories: Histories) -> MeanLikelihood:
    """Mean log-likelihood of histories and its gradient, by the logarithms of r, alpha, a, b."""
    rows = Rows.of(histories)
    before = rows.repeats[rows.again] - 1

    def evaluate(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(logs)
        rates = rate_terms(rows, r, alpha, np.log(a) - np.log(b + before))
        stays = special.betaln(a, b + rows.levels) - special.betaln(a, b)
        of_both = special.psi(a + b) - special.psi(a + b + rows.levels)
        of_b = special.psi(b + rows.levels) - special.psi(b)
        by_a = (rows.of_level * of_both).sum() + rates.left.sum() / a
        by_b = (rows.of_level * (of_b + of_both)).sum() - (rates.left / (b + before)).sum()
        slopes = np.array([rates.by_r, rates.by_alpha, by_a, by_b])
        return rates.value + float((rows.of_level * stays).sum()), slopes * np.exp(logs)

    return evaluate
