"""Customers whose parameters are known."""

import numpy as np

from ml.behavior.bg_nbd import BgNbd
from ml.behavior.histories import Floats, Histories, group_histories
from ml.behavior.one_exit import OneExit
from ml.behavior.spend import Amounts


def live(model: BgNbd, customers: int, *, seed: int, days: int = 700) -> Histories:
    """Customers who order as BG/NBD says; first orders spread over the first half of the time, which is whole days."""
    dice = np.random.default_rng(seed)
    rates = dice.gamma(model.r, 1 / model.alpha, customers)
    leaving = dice.beta(model.a, model.b, customers)
    ages = dice.integers(days // 2, days, customers).astype(float)
    lives = [_orders(dice, *person) for person in zip(rates, leaving, ages, strict=True)]
    return group_histories(*_summarise(lives), ages)


def live_all_alike(model: OneExit, customers: int, *, seed: int, days: int = 700) -> Histories:
    """Customers who all leave with one chance."""
    dice = np.random.default_rng(seed)
    rates = dice.gamma(model.r, 1 / model.alpha, customers)
    ages = dice.integers(days // 2, days, customers).astype(float)
    lives = [_orders(dice, rate, model.leaving, age) for rate, age in zip(rates, ages, strict=True)]
    return group_histories(*_summarise(lives), ages)


def live_on(model: BgNbd, customers: int, *, seed: int, age: float, horizon: float) -> tuple[Histories, Floats]:
    """Customers of one age, each a row of their own, and how often each orders within the horizon after it."""
    dice = np.random.default_rng(seed)
    rates = dice.gamma(model.r, 1 / model.alpha, customers)
    leaving = dice.beta(model.a, model.b, customers)
    lives = [_orders(dice, *person, age + horizon) for person in zip(rates, leaving, strict=True)]
    known = [[time for time in times if time <= age] for times in lives]
    later = np.array([len(times) for times in lives]) - np.array([len(times) for times in known])
    return Histories(*_summarise(known), np.full(customers, age), np.ones(customers)), later.astype(np.float64)


def _orders(dice: np.random.Generator, rate: float, leaving: float, until: float) -> list[float]:
    times: list[float] = []
    now = 0.0
    while (now := now + dice.exponential(1 / rate)) <= until:
        times.append(now)
        if dice.random() < leaving:
            break
    return times


def _summarise(lives: list[list[float]]) -> tuple[Floats, Floats]:
    return column(*map(len, lives)), column(*(times[-1] if times else 0.0 for times in lives))


def spend(parameters: tuple[float, float, float], customers: int, *, seed: int) -> Amounts:
    """Repeat buyers who spend as Gamma-Gamma with some p, q, v says."""
    p, q, v = parameters
    dice = np.random.default_rng(seed)
    repeats = 1.0 + dice.poisson(2, customers)
    scales = dice.gamma(q, 1 / v, customers)
    means = dice.gamma(p * repeats) / (scales * repeats)
    return Amounts(repeats, means, np.ones(customers))


def column(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)
