"""The orders of CDNOW's customers (Fader and Hardie's 1/10 sample of the first quarter of 1997), as the papers count them."""

import gzip
import os
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ml.behavior.histories import Floats, Histories
from tests.unit.ml.behavior.planted import column

CALIBRATED_ON = date(1997, 9, 30)
WEEK = 7


class Cdnow(NamedTuple):
    """One row a customer: history in weeks until 1997-09-30, mean amount of repeat days (nan without), order days of 39 weeks after."""

    histories: Histories
    mean: Floats
    later: Floats


def read_cdnow(*, is_paid: bool = False) -> Cdnow:
    """Read the sample; skips, saying so, where it is absent.

    Args:
        is_paid: Leave out days on which nothing was paid. The papers count them, the platform does not: 8 people only had such days.
    """
    lives: dict[str, dict[date, float]] = {}
    with gzip.open(_sample(), "rt") as file:
        for _, customer, day, _, amount in map(str.split, file):
            bought_on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            days = lives.setdefault(customer, {})
            days[bought_on] = days.get(bought_on, 0.0) + float(amount)
    if is_paid:
        lives = {customer: {day: paid for day, paid in life.items() if paid > 0} for customer, life in lives.items()}
    known = [{day: amount for day, amount in life.items() if day <= CALIBRATED_ON} for life in lives.values()]
    known = [life for life in known if life]
    first, last = [min(life) for life in known], [max(life) for life in known]
    repeats = column(*(len(life) - 1 for life in known))
    span = column(*((end - start).days / WEEK for start, end in zip(first, last, strict=True)))
    age = column(*((CALIBRATED_ON - start).days / WEEK for start in first))
    again = [[amount for day, amount in life.items() if day > start] for life, start in zip(known, first, strict=True)]
    mean = column(*(sum(amounts) / len(amounts) if amounts else np.nan for amounts in again))
    later = column(
        *(
            sum(day > CALIBRATED_ON for day in life)
            for life in lives.values()
            if min(life, default=date.max) <= CALIBRATED_ON
        )
    )
    return Cdnow(Histories(repeats, span, age, np.ones(len(known))), mean, later)


def _sample() -> Path:
    folder = Path(os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).parents[4].parent / "shared" / "data"))
    path = folder / "cdnow" / "CDNOW_sample.txt.gz"
    if not path.exists():
        pytest.skip("the public data sets are not here: put them into ../shared/data or set HOLDFAST_SHARED_DATA")
    return path
