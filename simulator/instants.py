"""Instants as milliseconds since 1970 UTC, and how vendors write them."""

from datetime import UTC as UTC_ZONE
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from simulator.arrays import Floats, Ints, Texts, texts

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ZONES = ("UTC", "America/New_York", "Europe/Berlin")
"""Where a storefront or an app may keep its clock; the index is how other modules name them."""
UTC, NEW_YORK, BERLIN = range(3)
YEARS = (1990, 2060)
"""Offsets are known between these; before and after, those of the first and the last day hold."""

# Two peaks, late morning and evening, as shops see them; the nights are thin but not empty.
HOUR_WEIGHTS = np.array(
    [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 10, 9, 9, 9, 10, 12, 14, 15, 13, 9, 5], dtype=np.float64
)


def day_start(day: date) -> int:
    """The first millisecond of a day in UTC."""
    return (day - date(1970, 1, 1)).days * DAY


STORES = ("us", "eu")
STORE_ZONES = (NEW_YORK, BERLIN)
"""Where each storefront keeps its clock."""
LOCAL_MIDNIGHT = np.array([5, 23]) * HOUR
"""When the storefront's day begins in winter, after midnight UTC."""


def time_of_day(uniform: Floats, store: Ints) -> Ints:
    """Milliseconds after midnight UTC, with two daily peaks by the clock of each row's storefront, shape (n,)."""
    edges = np.concatenate([[0.0], np.cumsum(HOUR_WEIGHTS / HOUR_WEIGHTS.sum())])
    local = np.interp(uniform, edges, np.arange(25.0) * HOUR).astype(np.int64)
    times: Ints = (local + LOCAL_MIDNIGHT[store]) % DAY
    return times


def draw_time_of_day(rng: np.random.Generator, store: Ints) -> Ints:
    """Random times of the day, shape (n,); see `time_of_day`."""
    return time_of_day(rng.random(len(store)), store)


def wait(uniform: Floats, mean: float) -> Ints:
    """Exponential waiting times of the given mean, both in milliseconds, shape (n,)."""
    waits: Floats = -np.log1p(-uniform) * mean
    return waits.astype(np.int64)


def draw_wait(rng: np.random.Generator, mean: float, size: int) -> Ints:
    """Exponential waiting times of the given mean, both in milliseconds, shape (size,)."""
    waits: Floats = rng.exponential(mean, size)
    return waits.astype(np.int64)


def write_utc(instants: Ints) -> list[str]:
    """`2025-01-01T09:30:00.000Z`, as Segment writes it."""
    written = np.datetime_as_string(instants.astype("datetime64[ms]"), unit="ms")
    return [f"{text}Z" for text in written.tolist()]


@cache
def zone_changes(zone: int) -> tuple[Ints, Ints]:
    """When a zone's offset changes, and the minutes east of UTC from then on.

    Returns:
        Instants, the first before all others, and offsets, shape (changes,) each.
    """
    place = ZoneInfo(ZONES[zone])
    days = [
        datetime(YEARS[0], 1, 1, tzinfo=UTC_ZONE) + timedelta(days=day) for day in range(365 * (YEARS[1] - YEARS[0]))
    ]
    offsets = np.array([_minutes_east(day, place) for day in days])
    found = [(day_start(days[0].date()), int(offsets[0]))]
    for day in np.flatnonzero(np.diff(offsets)).tolist():
        # Laws change clocks on the full quarter of an hour.
        quarters = (days[day] + timedelta(minutes=15 * quarter) for quarter in range(1, 97))
        changed = next(quarter for quarter in quarters if _minutes_east(quarter, place) != offsets[day])
        found.append((int(changed.timestamp()) * SECOND, int(offsets[day + 1])))
    return np.array([at for at, _ in found]), np.array([offset for _, offset in found])


def _minutes_east(instant: datetime, place: ZoneInfo) -> int:
    offset = instant.astimezone(place).utcoffset()
    return int((offset or timedelta()).total_seconds()) // 60


def minutes_east(instants: Ints, zone: Ints) -> Ints:
    """The offset that a zone has at each instant, daylight saving included, in minutes, shape (n,)."""
    offset = np.zeros(len(instants), dtype=np.int64)
    for number in np.unique(zone).tolist():
        at, minutes = zone_changes(number)
        rows = zone == number
        offset[rows] = minutes[np.searchsorted(at, instants[rows], side="right").clip(1) - 1]
    return offset


def write_local(instants: Ints, zone: Ints) -> Texts:
    """`2025-07-01T09:30:00+02:00`, as Shopify writes it; `zone` indexes ZONES, shape (n,)."""
    offset = minutes_east(instants, zone)
    local = instants + offset * MINUTE
    written = np.datetime_as_string(local.astype("datetime64[ms]"), unit="s").tolist()
    names = {minutes: _offset_text(minutes) for minutes in np.unique(offset).tolist()}
    return texts([text + names[minutes] for text, minutes in zip(written, offset.tolist(), strict=True)])


def _offset_text(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def write_plain(instants: Ints) -> list[str]:
    """`2025-01-01T09:30:00+00:00`: the ISO 8601 of the plain files."""
    return list(write_local(instants, np.zeros(len(instants), dtype=np.int64)))


def write_zulu(instants: Ints) -> list[str]:
    """`2025-01-01T09:30:00Z`, as Zendesk writes it."""
    written = np.datetime_as_string(instants.astype("datetime64[ms]"), unit="s")
    return [f"{text}Z" for text in written.tolist()]
