"""What an order is worth: Gamma-Gamma.

Fader and Hardie 2013, "The Gamma-Gamma model of monetary value". Amounts of one customer vary around a mean of their own by a
gamma(p, nu); nu varies over customers by a gamma(q, v). How much somebody spends says nothing of how often.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from ml.behavior.histories import Floats
from ml.behavior.maximise import Convergence, MeanLikelihood, maximise, refuse

MINIMUM_REPEAT_BUYERS = 50
NAMES = ("p", "q", "v")


@dataclass(frozen=True)
class Amounts:
    """What repeat orders were worth, one row for each distinct (repeats, mean); customers with a repeat only.

    Attributes:
        repeats: Order days after the first, at least 1.
        mean: Mean net amount of those days, in one currency, above 0.
        customers: How many customers share the row.

    Raises:
        ValueError: A value is missing or out of range.
    """

    repeats: Floats
    mean: Floats
    customers: Floats

    def __post_init__(self) -> None:
        """Refuse amounts that cannot be."""
        columns = (self.repeats, self.mean, self.customers)
        if len({column.shape for column in columns}) != 1:
            raise ValueError("amounts: columns of different lengths")
        if not all(np.isfinite(column).all() and (column > 0).all() for column in columns):
            raise ValueError("amounts: a value is missing, infinite or not positive")


@dataclass(frozen=True)
class SpendModel:
    """Gamma-Gamma's parameters, all positive and finite, with q above 1: at or below, the mean amount has no value.

    Attributes:
        p: Shape of the amounts of one customer.
        q: Shape over customers.
        v: Scale over customers, in the currency: the mean amount is p * v / (q - 1).

    Raises:
        ValueError: A parameter is out of range.
    """

    p: float
    q: float
    v: float

    def __post_init__(self) -> None:
        """Refuse parameters that are none."""
        values = np.array([self.p, self.q - 1, self.v])
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"Gamma-Gamma: impossible parameters {self}")


@dataclass(frozen=True)
class SpendFit:
    """A fit: the model is null unless it converged.

    Attributes:
        model: The parameters.
        convergence: How the fit ended.
        correlation: Of repeats and mean amount over repeat buyers (Pearson); the model takes it for 0. Null where one of the two
            does not vary.
    """

    model: SpendModel | None
    convergence: Convergence
    correlation: float | None


def fit_spend(amounts: Amounts) -> SpendFit:
    """Fit Gamma-Gamma by maximum likelihood, from three starts."""
    customers = float(amounts.customers.sum())
    if customers < MINIMUM_REPEAT_BUYERS:
        why_not = f"{customers:.0f} repeat buyers, at least {MINIMUM_REPEAT_BUYERS} are needed"
        return SpendFit(None, refuse(why_not), None)
    scale = float(np.average(amounts.mean, weights=amounts.customers))
    starts = [np.log([p, q, v * scale]) for p, q, v in ((2, 3, 1), (6, 4, 0.5), (1, 2, 1))]
    found, report = maximise(_likelihood_of(amounts), starts, names=NAMES, customers=customers)
    if found is None:
        return SpendFit(None, report, _correlation(amounts))
    p, q, v = map(float, found)
    if q <= 1:
        return SpendFit(None, _without_mean(report, q), _correlation(amounts))
    return SpendFit(SpendModel(p, q, v), report, _correlation(amounts))


def log_likelihood(model: SpendModel, amounts: Amounts) -> float:
    """Log-likelihood of all customers' mean amounts (equation 1a of the note)."""
    return _likelihood_of(amounts)(np.log([model.p, model.q, model.v]))[0] * float(amounts.customers.sum())


def expected_amount(model: SpendModel, repeats: Floats, mean: Floats) -> Floats:
    """Expected net amount of an order day: a customer's own mean, drawn to everyone's (equation 5 of the note).

    Args:
        model: Fitted.
        repeats: Order days after the first; without one the mean of all customers comes out.
        mean: Mean net amount of those days; ignored without one.
    """
    total = np.where(repeats > 0, repeats * mean, 0.0)
    amount: Floats = model.p * (model.v + total) / (model.p * repeats + model.q - 1)
    return amount


def _without_mean(report: Convergence, q: float) -> Convergence:
    why_not = f"q = {q:.3f}: amounts so heavy-tailed have no mean"
    return replace(report, converged=False, why_not=why_not)


def _correlation(amounts: Amounts) -> float | None:
    covariance = np.cov(np.vstack([amounts.repeats, amounts.mean]), aweights=amounts.customers, ddof=0)
    spread = float(covariance[0, 0] * covariance[1, 1])
    return float(covariance[0, 1]) / spread**0.5 if spread > 0 else None


def _likelihood_of(amounts: Amounts) -> MeanLikelihood:
    """Mean log-likelihood and its gradient by log-parameter; gamma functions are taken once for each number of repeats."""
    levels, at = np.unique(amounts.repeats, return_inverse=True)
    weights = amounts.customers / amounts.customers.sum()
    of_level = np.bincount(at, weights=weights)
    x, total = amounts.repeats, amounts.repeats * amounts.mean
    log_total, log_mean = np.log(total), float((weights * np.log(amounts.mean)).sum())

    def evaluate(logs: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(logs)
        log_sum = np.log(v + total)
        value = (
            -log_mean
            - (of_level * special.betaln(p * levels, q)).sum()
            + (weights * (q * (logs[2] - log_sum) + p * x * (log_total - log_sum))).sum()
        )
        both = special.psi(p * levels + q)
        slope = np.array([
            (of_level * levels * (both - special.psi(p * levels))).sum() + (weights * x * (log_total - log_sum)).sum(),
            (of_level * (both - special.psi(q))).sum() + (weights * (logs[2] - log_sum)).sum(),
            (weights * (q / v - (q + p * x) / (v + total))).sum(),
        ])  # fmt: skip
        return float(value), slope * np.exp(logs)

    return evaluate
