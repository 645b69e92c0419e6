"""What a fitted model of orders says of a customer: how many will come, and when the next is due."""

from typing import Protocol

import numpy as np
from scipy import special

from ml.behavior.histories import Floats


class OrderModel(Protocol):
    """Customers order at rates gamma(r, alpha) while active, and may leave for good after an order, at no other time."""

    @property
    def r(self) -> float:
        """Shape of the order rates."""

    @property
    def alpha(self) -> float:
        """Their scale, in the unit of time: the mean rate is r / alpha."""

    def exit_log_odds(self, repeats: Floats) -> Floats:
        """Log-odds of having left with the last of so many repeats, before the silence since is counted in."""

    def orders_while_active(self, repeats: Floats, age: Floats, horizon: float) -> Floats:
        """Expected orders within a horizon of customers who are active at its start."""


def log_odds_of_having_left(model: OrderModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
    """Log-odds of having left by now; minus infinity without a repeat, because leaving takes an order."""
    again = repeats > 0
    silence = np.log(model.alpha + age) - np.log(model.alpha + last)
    odds = model.exit_log_odds(np.maximum(repeats, 1.0)) + (model.r + repeats) * silence
    return np.where(again, odds, -np.inf)


def probability_active(model: OrderModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
    """P(alive): the chance that a customer has not left for good.

    For use inside this package only. It is 1 for everyone without a repeat: 1 - P(alive) ranks one-time buyers as the most loyal
    of all and is no churn score.

    Args:
        model: Fitted.
        repeats: Order days after the first.
        last: Time from the first order day to the last.
        age: Time from the first order day until now.
    """
    chance: Floats = special.expit(-log_odds_of_having_left(model, repeats, last, age))
    return chance


def expected_orders(model: OrderModel, repeats: Floats, last: Floats, age: Floats, *, horizon: float) -> Floats:
    """Expected order days within a horizon from now.

    Given activity they depend on x and T alone, so each pair is taken once.

    Args:
        model: Fitted.
        repeats: Order days after the first.
        last: Time from the first order day to the last.
        age: Time from the first order day until now.
        horizon: In the same unit, at least 0.
    """
    pairs, at = np.unique(np.column_stack([repeats, age]), axis=0, return_inverse=True)
    while_active = model.orders_while_active(pairs[:, 0], pairs[:, 1], horizon)
    orders: Floats = probability_active(model, repeats, last, age) * while_active[at.reshape(-1)]
    return orders


def median_wait(model: OrderModel, repeats: Floats, last: Floats, age: Floats) -> Floats:
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
