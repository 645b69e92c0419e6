"""A made-up shop whose people answer with chances that are known."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa

from ml.propensity.task import Task, load_tasks

HORIZON = 30  # days
SLICES = ("train", "train", "train", "train", "calibrate", "calibrate", "test")

World = Literal["rates", "recency", "linear", "interactions", "nothing"]


def task_named(name: str) -> Task:
    return next(task for task in load_tasks() if task.task == name)


def make_examples(
    *, customers: int = 400, seed: int = 0, slices: Sequence[str] = SLICES, world: World = "rates"
) -> pa.Table:
    """Draw one example per customer and cut-off.

    Args:
        customers: Customers per cut-off.
        seed: Of the draws.
        slices: The slice of each weekly cut-off.
        world: What tells who stays away: order rates, of which features are a noisy sign; days since the last order alone; a
            logistic regression on four signs; two signs of which only both together tell; or nothing.
    """
    generator = np.random.default_rng(seed)
    rates = generator.gamma(1.2, 0.02, customers)  # orders a day
    return pa.concat_tables(
        _draw_cutoff(generator, rates, day=date(2025, 1, 5) + timedelta(weeks=week), name=name, world=world)
        for week, name in enumerate(slices)
    )


def chances(world: World, rates: np.ndarray, recency: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Chance of each outcome: the truth that models are held to."""
    if world == "rates":
        return np.exp(-rates * HORIZON)
    if world == "recency":
        return 1 - np.exp(-recency / 60)
    logits = {
        "linear": signs @ np.array([1.2, -0.9, 0.6, 0.4]) - 0.3,
        "interactions": 2.5 * np.sign(signs[:, 0] * signs[:, 1]) + 0.3 * signs[:, 2],
        "nothing": np.zeros(len(rates)),
    }[world]
    return 1 / (1 + np.exp(-logits))


def _draw_cutoff(generator: np.random.Generator, rates: np.ndarray, *, day: date, name: str, world: World) -> pa.Table:
    size = len(rates)
    recency = np.minimum(generator.exponential(1 / rates), 400.0).round()
    signs = generator.normal(size=(size, 4))
    columns: Mapping[str, pa.Array] = {
        "cutoff": pa.array([day] * size, pa.date32()),
        "slice": pa.array([name] * size),
        "horizon_days": pa.array([HORIZON] * size, pa.int32()),
        "customer_id": pa.array([f"c_{number:05}" for number in range(size)]),
        "outcome": pa.array(generator.random(size) < chances(world, rates, recency, signs)),
        "days_since_last_order": pa.array(recency, pa.float64()),
        "order_count": pa.array(generator.poisson(rates * 180) + 1, pa.int64()),
        "net_amount": pa.array([f"{amount:.2f}" for amount in generator.lognormal(3, 1, size)]).cast(
            pa.decimal128(18, 2)
        ),
        "rate_seen": pa.array(rates + generator.normal(0, 0.005, size), mask=generator.random(size) < 0.2),
        "never_known": pa.nulls(size, pa.float64()),
        "always_the_same": pa.array([True] * size),
        "has_account": pa.array(generator.random(size) < 0.5),
        "first_channel": pa.array(["web"] * size),
        "rfm_segment": pa.array(np.where(recency < 30, "champions", "hibernating")),
        "value_tier": pa.array(["low"] * size),
        **{f"sign_{number}": pa.array(signs[:, number]) for number in range(4)},
    }
    return pa.table(columns)
