"""When an experiment may be judged, and how large a statistic must then be."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.measurement.plan import Plan, last_day
from ml.measurement.sequential import open_bounds, planned_bounds

Kind = Literal["fixed", "group_sequential", "confidence_sequence"]

BURN_IN_DAYS = 7


class Schedule(NamedTuple):
    """The looks up to a day.

    Attributes:
        kind: Rule behind the bounds.
        looks: Positions of the looks among the days, rising, shape (looks,).
        critical: Normal deviate that must be passed at each, shape (looks,).
        is_over: The planned end has come, or nothing more will be known: what is read now is final.
        ends_on: Day of the final look; null: open-ended.
        elapsed: Share (0-1) of the plan that is over; null: open-ended.
    """

    kind: Kind
    looks: NDArray[np.int64]
    critical: NDArray[np.float64]
    is_over: bool
    ends_on: date | None
    elapsed: float | None


def schedule_looks(
    days: Sequence[date], information: Sequence[float], plan: Plan, *, as_of: date, newest: date, alpha: float
) -> Schedule:
    """The looks that were due by a day: one on each day on which outcome windows closed, after the burn-in.

    Args:
        days: Days on which outcome windows closed, rising, none after `as_of` or the last that counts; at least one.
        information: What was known on each, in any unit, rising: 1 / (1 / treated + 1 / control).
        plan: What was declared.
        as_of: The day of the report.
        newest: Day on which the window of the last person closes who has entered by then.
        alpha: Two-sided error over all looks.
    """
    since = np.array([(day - days[0]).days for day in days]) + 1
    amounts = np.array(information, dtype=float)
    looks = np.flatnonzero((since >= BURN_IN_DAYS) & (amounts > 0))
    end = last_day(days[0], plan)
    if end is not None and plan.planned_days is not None:
        return _planned(since, amounts, looks, days=plan.planned_days, end=end, is_over=as_of >= end, alpha=alpha)
    if (newest - days[0]).days < BURN_IN_DAYS:
        # All came at once: there is one look, when the last window has closed.
        looks = np.array([len(days) - 1] if as_of >= newest and amounts[-1] > 0 else [], dtype=int)
        critical = np.full(len(looks), stats.norm.isf(alpha / 2))
        return Schedule("fixed", looks, critical, is_over=as_of >= newest, ends_on=newest, elapsed=None)
    if not len(looks):
        return _open_ended(looks, np.zeros(0))
    first = looks[0]
    horizon = amounts[first] * max(1.0, plan.review_days / since[first])
    critical = np.array(open_bounds(list(amounts[looks]), horizon=horizon, alpha=alpha))
    return _open_ended(looks, critical)


def _open_ended(looks: NDArray[np.int64], critical: NDArray[np.float64]) -> Schedule:
    return Schedule("confidence_sequence", looks, critical, is_over=False, ends_on=None, elapsed=None)


def _planned(
    since: NDArray[np.int64],
    amounts: NDArray[np.float64],
    looks: NDArray[np.int64],
    *,
    days: int,
    end: date,
    is_over: bool,
    alpha: float,
) -> Schedule:
    if is_over and amounts[-1] > 0:
        looks = np.union1d(looks, [len(since) - 1])
    rising = [look for place, look in enumerate(looks) if not place or amounts[look] > amounts[looks[place - 1]]]
    looks = np.array(rising, dtype=int)
    times = since[looks] / days
    if is_over and len(times):
        times[-1] = 1.0
    critical = planned_bounds(tuple(times.tolist()), tuple(amounts[looks].tolist()), alpha) if len(looks) else ()
    elapsed = 1.0 if is_over else min(1.0, float(since[-1]) / days)
    return Schedule("group_sequential", looks, np.array(critical), is_over, end, elapsed)
