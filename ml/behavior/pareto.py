"""The yardstick of BG/NBD: Pareto/NBD.

Schmittlein, Morrison and Colombo 1987 (Management Science 33:1); formulas as derived by Fader and Hardie 2005. Customers order as in
BG/NBD, but may leave at any time, at a rate gamma(s, beta), and not only after an order. docs/decisions/0021 says why it scores nobody.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.behavior.histories import Floats, Histories
from ml.behavior.maximise import Convergence, maximise, numeric_gradient

NAMES = ("r", "alpha", "s", "beta")


@dataclass(frozen=True)
class ParetoModel:
    """Pareto/NBD's parameters, all positive.

    Attributes:
        r: Shape of the order rates.
        alpha: Their scale, in the unit of time.
        s: Shape of the rates of leaving.
        beta: Their scale, in the unit of time.
    """

    r: float
    alpha: float
    s: float
    beta: float


def fit_pareto(histories: Histories) -> tuple[ParetoModel | None, Convergence]:
    """Fit Pareto/NBD by maximum likelihood, from three starts; the model is null unless the fit converged."""
    scale = float(np.average(histories.age, weights=histories.customers))
    starts = [
        np.log([r, alpha * scale, s, beta * scale])
        for r, alpha, s, beta in ((1, 1, 1, 1), (0.5, 0.3, 0.5, 0.3), (2, 1, 0.3, 2))
    ]
    shares = histories.customers / histories.total

    def mean(logs: Floats) -> float:
        found = _log_likelihoods(ParetoModel(*map(float, np.exp(logs))), histories)
        return float((shares * found).sum())

    found, report = maximise(numeric_gradient(mean), starts, names=NAMES, customers=histories.total)
    return (None if found is None else ParetoModel(*map(float, found))), report


def log_likelihood(model: ParetoModel, histories: Histories) -> float:
    """Log-likelihood of all customers."""
    return float((histories.customers * _log_likelihoods(model, histories)).sum())


def expected_orders(model: ParetoModel, histories: Histories, *, horizon: float) -> Floats:
    """Expected order days within a horizon from now, one value a history."""
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    active = np.exp(_log_still_active(model, histories) - _log_kernel(model, histories))
    growth = (s - 1) * np.log((beta + histories.age) / (beta + histories.age + horizon))
    spell = np.log1p(horizon / (beta + histories.age)) if s == 1 else -np.expm1(growth) / (s - 1)
    orders: Floats = active * (r + histories.repeats) * (beta + histories.age) / (alpha + histories.age) * spell
    return orders


def _log_likelihoods(model: ParetoModel, histories: Histories) -> Floats:
    r, alpha = model.r, model.alpha
    found: Floats = (
        special.gammaln(r + histories.repeats) - special.gammaln(r) + r * np.log(alpha) + model.s * np.log(model.beta)
    ) + _log_kernel(model, histories)
    return found


def _log_kernel(model: ParetoModel, histories: Histories) -> Floats:
    """Still active, or left between the last order and now: the integral over the time of leaving."""
    ever = _log_tail(model, histories.repeats, histories.last)
    later = _log_tail(model, histories.repeats, histories.age)
    with np.errstate(divide="ignore"):
        left = np.log(model.s) + ever + np.log1p(-np.exp(np.minimum(later - ever, 0.0)))
    kernel: Floats = np.logaddexp(_log_still_active(model, histories), left)
    return kernel


def _log_still_active(model: ParetoModel, histories: Histories) -> Floats:
    still: Floats = -(model.r + histories.repeats) * np.log(model.alpha + histories.age) - model.s * np.log(
        model.beta + histories.age
    )
    return still


def _log_tail(model: ParetoModel, repeats: Floats, since: Floats) -> Floats:
    """Logarithm of the integral from `since` to infinity of (alpha + u)^-(r + x) (beta + u)^-(s + 1).

    By Euler's transformation the first argument of the hypergeometric function is 1: the terms of its series are all positive and
    at most z^n, so it neither overflows nor cancels, however many the repeats.
    """
    alpha, beta = model.alpha + since, model.beta + since
    shape, leaving = model.r + repeats, model.s
    if model.alpha >= model.beta:
        second, z = shape, (alpha - beta) / alpha
        powers = -shape * np.log(alpha) - leaving * np.log(beta)
    else:
        second, z = np.full_like(shape, leaving + 1), (beta - alpha) / beta
        powers = (1 - shape) * np.log(alpha) - (leaving + 1) * np.log(beta)
    series = special.hyp2f1(1.0, second, shape + leaving + 1, z)
    return np.asarray(powers - np.log(shape + leaving) + np.log(series), np.float64)
