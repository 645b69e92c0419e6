"""How many orders will come: BG/NBD.

Fader, Hardie and Lee 2005, "Counting your customers" the easy way (Marketing Science 24:2). While active, a customer orders at
a rate of their own, gamma(r, alpha) over customers; after each order they leave for good with a chance of their own, beta(a, b).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.behavior.histories import Floats, Histories
from ml.behavior.maximise import Convergence, MeanLikelihood, maximise, refuse

MINIMUM_REPEAT_BUYERS = (
    50  # of four parameters two are about leaving; with fewer repeats those wander by a factor of ten
)
NODES, SHARES = np.polynomial.legendre.leggauss(24)
NAMES = ("r", "alpha", "a", "b")


@dataclass(frozen=True)
class PurchaseModel:
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
        values = np.array([self.r, self.alpha, self.a, self.b])
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"BG/NBD: impossible parameters {self}")


@dataclass(frozen=True)
class PurchaseFit:
    """A fit: the model is null unless it converged."""

    model: PurchaseModel | None
    convergence: Convergence


def fit_purchases(histories: Histories) -> PurchaseFit:
    """Fit BG/NBD by maximum likelihood, from four starts.

    Returns:
        The model, null where there are too few repeat buyers or no maximum was found, and how it ended.
    """
    if histories.repeat_buyers < MINIMUM_REPEAT_BUYERS:
        return PurchaseFit(
            None, refuse(f"{histories.repeat_buyers} repeat buyers: at least {MINIMUM_REPEAT_BUYERS} are needed")
        )
    scale = float(np.average(histories.age, weights=histories.customers))
    starts = [
        np.log([r, alpha * scale, a, b])
        for r, alpha, a, b in ((1, 1, 1, 1), (0.25, 0.1, 1, 3), (1, 0.5, 0.1, 1), (3, 3, 3, 10))
    ]
    found, report = maximise(_likelihood_of(histories), starts, names=NAMES, customers=histories.total)
    return PurchaseFit(None if found is None else PurchaseModel(*map(float, found)), report)


def log_likelihood(model: PurchaseModel, histories: Histories) -> float:
    """Log-likelihood of all customers (equation 6 of the paper, in logarithms)."""
    logs = np.log([model.r, model.alpha, model.a, model.b])
    return _likelihood_of(histories)(logs)[0] * histories.total


def probability_active(model: PurchaseModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
    """P(alive): the chance that a customer has not left for good.

    For use inside this package only. It is 1 for everyone without a repeat, because leaving takes an order: 1 - P(alive) ranks
    one-time buyers as the most loyal of all and is no churn score.

    Args:
        model: Fitted.
        repeats: Order days after the first.
        last: Time from the first order day to the last.
        age: Time from the first order day until now.
    """
    chance: Floats = special.expit(-_odds_of_leaving(model, repeats, last, age))
    return chance


def expected_orders(model: PurchaseModel, repeats: Floats, last: Floats, age: Floats, *, horizon: float) -> Floats:
    """Expected order days within a horizon from now (equation 10 of the paper).

    The paper's closed form divides by a - 1 and needs a hypergeometric function of a negative third argument where a + b < 1.
    The same quantity is P(alive) times the integral of the rate of those who are active,
    (r + x) / (alpha + T + u) * (1 - z)^(r + x) 2F1(r + x + 1, b + x; a + b + x; z) with z = u / (alpha + T + u), which has
    no such places and never falls with the horizon. Given activity it depends on x and T alone, so each pair is taken once.

    Args:
        model: Fitted.
        repeats: Order days after the first.
        last: Time from the first order day to the last.
        age: Time from the first order day until now.
        horizon: In the same unit, at least 0.
    """
    pairs, at = np.unique(np.column_stack([repeats, age]), axis=0, return_inverse=True)
    while_active = _orders_while_active(model, pairs[:, 0], pairs[:, 1], horizon)
    orders: Floats = probability_active(model, repeats, last, age) * while_active[at.reshape(-1)]
    return orders


def median_wait(model: PurchaseModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
    """Time from now by which a customer has ordered again with even odds.

    Nobody leaves but after an order, so an active customer's next order comes at a rate that is gamma(r + x, alpha + T):
    P(an order within t) = P(alive) * (1 - ((alpha + T) / (alpha + T + t))^(r + x)).

    Returns:
        In the unit of time; infinite for whom no order at all is as likely as one.
    """
    active = probability_active(model, repeats, last, age)
    with np.errstate(divide="ignore", over="ignore"):
        silent = np.log(1 - 0.5 / np.maximum(active, 0.5))
        wait: Floats = (model.alpha + age) * np.expm1(-silent / (model.r + repeats))
    return wait


def _orders_while_active(model: PurchaseModel, repeats: Floats, age: Floats, horizon: float) -> Floats:
    """Integrate over log(alpha + T + u), in which the rate is smooth however far the horizon lies."""
    shape = (model.r + repeats)[:, None]
    scale = (model.alpha + age)[:, None]
    ends = np.log1p(horizon / scale)
    steps = ends * (NODES + 1) / 2
    z = -np.expm1(-steps)
    mixed = special.hyp2f1(shape + 1, (model.b + repeats)[:, None], (model.a + model.b + repeats)[:, None], z)
    rates = shape * np.exp(-shape * steps) * mixed
    orders: Floats = (rates * SHARES).sum(axis=1) * ends[:, 0] / 2
    return orders


def _odds_of_leaving(model: PurchaseModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
    """Log-odds of having left; minus infinity without a repeat."""
    again = repeats > 0
    silence = np.log(model.alpha + age) - np.log(model.alpha + last)
    chance = np.log(model.a) - np.log(model.b + np.maximum(repeats, 1) - 1)
    return np.where(again, chance + (model.r + repeats) * silence, -np.inf)


def _likelihood_of(histories: Histories) -> MeanLikelihood:
    """Mean log-likelihood and its gradient by log-parameter; gamma functions are taken once for each number of repeats."""
    levels, at = np.unique(histories.repeats, return_inverse=True)
    weights = histories.customers / histories.total
    of_level = np.bincount(at, weights=weights)
    again = histories.repeats > 0
    x, last, age, share = (column[again] for column in (histories.repeats, histories.last, histories.age, weights))

    def evaluate(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(logs)
        since_first, since_last = np.log(alpha + age), np.log(alpha + last)
        odds = np.log(a) - np.log(b + x - 1) + (r + x) * (since_first - since_last)
        left = special.expit(odds) * share
        of_repeats = (
            special.gammaln(r + levels) - special.gammaln(r) + r * np.log(alpha)
            + special.betaln(a, b + levels) - special.betaln(a, b)
        )  # fmt: skip
        everyone = np.log(alpha + histories.age)
        value = (
            (of_level * of_repeats).sum()
            - (weights * (r + histories.repeats) * everyone).sum()
            + (share * np.logaddexp(0.0, odds)).sum()
        )
        slope = np.array([
            (of_level * (special.psi(r + levels) - special.psi(r))).sum() + np.log(alpha)
            - (weights * everyone).sum() + (left * (since_first - since_last)).sum(),
            r / alpha - (weights * (r + histories.repeats) / (alpha + histories.age)).sum()
            + (left * (r + x) * (1 / (alpha + age) - 1 / (alpha + last))).sum(),
            (of_level * (special.psi(a + b) - special.psi(a + b + levels))).sum() + left.sum() / a,
            (of_level * (special.psi(b + levels) - special.psi(b) + special.psi(a + b) - special.psi(a + b + levels))).sum()
            - (left / (b + x - 1)).sum(),
        ])  # fmt: skip
        return float(value), slope * np.exp(logs)

    return evaluate
