"""A made-up shop whose customers choose between four categories, by a taste or by popularity alone."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from tests.unit.ml.task_world import SLICES

OPTIONS = ("coffee", "gifts", "tea", "tools")
POPULARITY = np.array([0.4, 0.3, 0.2, 0.1])
PRIOR = 3.0


def make_choices(*, customers: int = 500, seed: int = 0, slices: Sequence[str] = SLICES, drives: bool) -> pa.Table:
    """Draw a choice of each customer on each cut-off: by its taste, of which ten earlier choices tell; or by popularity alone."""
    generator = np.random.default_rng(seed)
    tastes = generator.dirichlet(POPULARITY * 2, customers)
    return pa.concat_tables(
        _draw_cutoff(
            generator,
            tastes,
            chances=tastes if drives else np.tile(POPULARITY, (customers, 1)),
            day=date(2025, 1, 5) + timedelta(weeks=week),
            name=name,
        )
        for week, name in enumerate(slices)
    )


def _draw_cutoff(
    generator: np.random.Generator, tastes: np.ndarray, *, chances: np.ndarray, day: date, name: str
) -> pa.Table:
    size, count = tastes.shape
    before = np.array([generator.multinomial(10, taste) for taste in tastes]).astype(float)
    chosen = np.array([generator.choice(count, p=chance) for chance in chances])
    rows = size * count
    columns: Mapping[str, pa.Array] = {
        "cutoff": pa.array([day] * rows, pa.date32()),
        "slice": pa.array([name] * rows),
        "horizon_days": pa.array([30] * rows, pa.int32()),
        "customer_id": pa.array([f"c_{number:05}" for number in range(size) for _ in range(count)]),
        "option": pa.array(list(OPTIONS) * size),
        "outcome": pa.array((np.arange(count)[None, :] == chosen[:, None]).ravel()),
        "popularity_share": pa.array(np.tile(POPULARITY, size)),
        "own_weight": pa.array(before.ravel()),
        "total_weight": pa.array(np.full(rows, 10.0)),
        "own_share": pa.array((before / 10).ravel()),
        "shrunk_share": pa.array(((before + PRIOR * POPULARITY) / (10 + PRIOR)).ravel()),
        "days_since_last_sign": pa.array(generator.integers(0, 90, rows), mask=before.ravel() == 0),
        "days_since_last_order": pa.array(np.repeat(generator.integers(0, 90, size), count)),
    }
    return pa.table(columns)
