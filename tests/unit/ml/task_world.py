"""A made-up shop whose customers leave at rates that are known."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

HORIZON = 30  # days
SLICES = ("train", "train", "train", "train", "calibrate", "calibrate", "test")


def make_examples(
    *, customers: int = 400, seed: int = 0, slices: Sequence[str] = SLICES, is_recency_all: bool = False
) -> pa.Table:
    """Draw one example per customer and cut-off.

    Args:
        customers: Customers per cut-off.
        seed: Of the draws.
        slices: The slice of each weekly cut-off.
        is_recency_all: Whether days since the last order is the only thing that tells who leaves.
    """
    generator = np.random.default_rng(seed)
    rates = generator.gamma(1.2, 0.02, customers)  # orders a day
    return pa.concat_tables(
        _draw_cutoff(
            generator, rates, day=date(2025, 1, 5) + timedelta(weeks=week), name=name, is_recency_all=is_recency_all
        )
        for week, name in enumerate(slices)
    )


def _draw_cutoff(
    generator: np.random.Generator, rates: np.ndarray, *, day: date, name: str, is_recency_all: bool
) -> pa.Table:
    size = len(rates)
    recency = np.minimum(generator.exponential(1 / rates), 400.0).round()
    stays = 1 - np.exp(-recency / 60) if is_recency_all else np.exp(-rates * HORIZON)
    columns: Mapping[str, pa.Array] = {
        "cutoff": pa.array([day] * size, pa.date32()),
        "slice": pa.array([name] * size),
        "horizon_days": pa.array([HORIZON] * size, pa.int32()),
        "customer_id": pa.array([f"c_{number:05}" for number in range(size)]),
        "outcome": pa.array(generator.random(size) < stays),
        "days_since_last_order": pa.array(recency, pa.float64()),
        "order_count": pa.array(generator.poisson(rates * 180) + 1, pa.int64()),
        "net_amount": pa.array([f"{amount:.2f}" for amount in generator.lognormal(3, 1, size)]).cast(
            pa.decimal128(18, 2)
        ),
        "rate_seen": pa.array(rates + generator.normal(0, 0.005, size), mask=generator.random(size) < 0.2),
        "never_known": pa.nulls(size, pa.float64()),
        "has_account": pa.array(generator.random(size) < 0.5),
        "first_channel": pa.array(["web"] * size),
    }
    return pa.table(columns)
