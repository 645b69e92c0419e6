"""Instants as milliseconds since 1970 UTC, and how vendors write them."""

from datetime import date

import numpy as np

from simulator.arrays import Floats, Ints, Texts, texts

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

OFFSETS = (0, -300, 60, 600)
"""Minutes east of UTC in which a storefront may write its times."""
OFFSET_TEXTS = ("+00:00", "-05:00", "+01:00", "+10:00")

# Two peaks, late morning and evening, as shops see them; the nights are thin but not empty.
HOUR_WEIGHTS = np.array(
    [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 10, 9, 9, 9, 10, 12, 14, 15, 13, 9, 5], dtype=np.float64
)


def day_start(day: date) -> int:
    """The first millisecond of a day in UTC."""
    return (day - date(1970, 1, 1)).days * DAY


def draw_time_of_day(rng: np.random.Generator, size: int) -> Ints:
    """Milliseconds after midnight, shape (size,), with the shop's two daily peaks."""
    cumulative = np.cumsum(HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    hours = np.searchsorted(cumulative, rng.random(size), side="right").clip(0, 23)
    return hours * HOUR + rng.integers(0, HOUR, size)


def draw_wait(rng: np.random.Generator, mean: float, size: int) -> Ints:
    """Exponential waiting times of the given mean, both in milliseconds, shape (size,)."""
    waits: Floats = rng.exponential(mean, size)
    return waits.astype(np.int64)


def write_utc(instants: Ints) -> list[str]:
    """`2025-01-01T09:30:00.000Z`, as Segment writes it."""
    written = np.datetime_as_string(instants.astype("datetime64[ms]"), unit="ms")
    return [f"{text}Z" for text in written.tolist()]


def write_offset(instants: Ints, offset: Ints) -> Texts:
    """`2025-01-01T09:30:00+00:00`, as Shopify writes it; `offset` indexes OFFSETS, shape (n,)."""
    local = instants + np.array(OFFSETS)[offset] * MINUTE
    written = np.datetime_as_string(local.astype("datetime64[ms]"), unit="s").tolist()
    return texts([text + OFFSET_TEXTS[index] for text, index in zip(written, offset.tolist(), strict=True)])


def write_plain(instants: Ints) -> list[str]:
    """`2025-01-01T09:30:00+00:00`: the ISO 8601 of the plain files."""
    return list(write_offset(instants, np.zeros(len(instants), dtype=np.int64)))
