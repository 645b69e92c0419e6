"""The model of orders that a shop's history supports: BG/NBD, or the limit to which it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ml.behavior.bg_nbd import BgNbd, fit_bg_nbd
from ml.behavior.histories import Histories
from ml.behavior.maximise import Convergence, refuse
from ml.behavior.one_exit import OneExit, fit_no_exit, fit_one_exit

MINIMUM_REPEAT_BUYERS = (
    50  # of four parameters two are about leaving; with fewer repeats those wander by a factor of ten
)
WORTH = 1.0  # log-likelihood that a parameter must earn to be missed (Akaike 1974)

PurchaseModel = BgNbd | OneExit
Name = Literal["BG/NBD", "one chance of leaving", "nobody leaves"]
Fitting = Callable[[Histories], tuple[PurchaseModel | None, Convergence]]

RUNGS: tuple[tuple[Name, Fitting], ...] = (
    ("BG/NBD", fit_bg_nbd),
    ("one chance of leaving", fit_one_exit),
    ("nobody leaves", fit_no_exit),
)


@dataclass(frozen=True)
class Attempt:
    """One model that was tried, and how its fit ended."""

    name: Name
    convergence: Convergence


@dataclass(frozen=True)
class PurchaseFit:
    """What came of the models that were tried, in order.

    Attributes:
        model: The last one tried; null unless it converged.
        attempts: All, each but the last refused.
    """

    model: PurchaseModel | None
    attempts: tuple[Attempt, ...]

    @property
    def convergence(self) -> Convergence:
        """How the last one ended."""
        return self.attempts[-1].convergence

    @property
    def why_not(self) -> str:
        """Why there is no model, one reason an attempt; empty if there is one."""
        if self.model is not None:
            return ""
        return "; ".join(f"{attempt.name}: {attempt.convergence.why_not}" for attempt in self.attempts)


def fit_purchases(histories: Histories) -> PurchaseFit:
    """Fit BG/NBD; where it has no maximum of finite parameters, the limit that its likelihood runs to.

    A limit is taken only if it is as good as what was refused: for each parameter that it has less, it may lose one unit of
    log-likelihood. Otherwise something else was wrong with the fit, and there is no model.

    Returns:
        The model, null where there are too few repeat buyers or nothing converged, and how each attempt ended.
    """
    if histories.repeat_buyers < MINIMUM_REPEAT_BUYERS:
        why_not = f"{histories.repeat_buyers} repeat buyers, at least {MINIMUM_REPEAT_BUYERS} are needed"
        return PurchaseFit(None, (Attempt("BG/NBD", refuse(why_not)),))
    attempts: list[Attempt] = []
    for name, fit in RUNGS:
        model, convergence = fit(histories)
        if attempts and not _is_limit(attempts[-1].convergence, convergence):
            lost = f"{convergence.log_likelihood} is no limit of {attempts[-1].convergence.log_likelihood}"
            attempts.append(Attempt(name, refuse(f"its log-likelihood {lost}")))
            return PurchaseFit(None, tuple(attempts))
        attempts.append(Attempt(name, convergence))
        if model is not None:
            return PurchaseFit(model, tuple(attempts))
    return PurchaseFit(None, tuple(attempts))


def _is_limit(refused: Convergence, limit: Convergence) -> bool:
    """Whether a model with one parameter less is as good as one that was refused."""
    if refused.log_likelihood is None or limit.log_likelihood is None:
        return refused.log_likelihood is None
    return limit.log_likelihood > refused.log_likelihood - WORTH
