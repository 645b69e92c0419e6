"""Randomised campaigns among people whose effects are known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ml.uplift.examples import Examples, Floats, make_examples

TIERS = ("bronze", "silver", "gold")


class Person(NamedTuple):
    """What is known of people, shape (n,) each."""

    appetite: Floats
    age: Floats
    tier: np.ndarray[tuple[int], np.dtype[np.str_]]


class Planted(NamedTuple):
    """A campaign and what it truly changes about each person's chance."""

    examples: Examples
    effect: Floats


def mail(effect: Callable[[Person], Floats], *, size: int = 6000, share: float = 0.5, seed: int = 1) -> Planted:
    """Mail a random share of people whose base chance depends on appetite; `effect` is added to it."""
    return Planted(*_draw(effect, size=size, share=share, seed=seed))


def table_of(effect: Callable[[Person], Floats], *, size: int = 6000, share: float = 0.5, seed: int = 1) -> pa.Table:
    """The same campaign as a table."""
    return _table(effect, size=size, share=share, seed=seed)[0]


def nothing(people: Person) -> Floats:
    """No effect on anybody."""
    return np.zeros(len(people.appetite))


def young_only(people: Person) -> Floats:
    """The young are moved; appetite, which the response model finds, has nothing to do with it."""
    return np.where(people.age < 0, 0.16, 0.0)


def harms_silver(people: Person) -> Floats:
    """Silver loses, the others gain."""
    return np.where(people.tier == "silver", -0.08, 0.06)


def harms_all(people: Person) -> Floats:
    """Everyone loses the same."""
    return np.full(len(people.appetite), -0.05)


def _draw(effect: Callable[[Person], Floats], *, size: int, share: float, seed: int) -> tuple[Examples, Floats]:
    table, planted = _table(effect, size=size, share=share, seed=seed)
    return make_examples(table, outcome="bought", share=share, keys=frozenset({"arm"})), planted


def _table(effect: Callable[[Person], Floats], *, size: int, share: float, seed: int) -> tuple[pa.Table, Floats]:
    generator = np.random.default_rng(seed)
    people = Person(
        generator.normal(size=size), generator.normal(size=size), np.array(TIERS)[generator.integers(0, 3, size)]
    )
    base = 0.08 + 0.24 / (1 + np.exp(-1.5 * people.appetite))
    planted = effect(people)
    is_treated = generator.random(size) < share
    bought = generator.random(size) < base + is_treated * planted
    table = pa.table(
        {
            "customer_id": [f"{number:06}" for number in range(size)],
            "arm": np.where(is_treated, "mailed", "held_out"),
            "is_treated": is_treated,
            "bought": bought.astype(np.int64),
            "appetite": people.appetite,
            "age": np.where(generator.random(size) < 0.1, np.nan, people.age),
            "noise": generator.normal(size=size),
            "tier": people.tier,
        }
    )
    return table, planted
