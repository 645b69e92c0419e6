"""Geometry of an estimate over time: a line in its band, in per cent of width and height."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reporting.data import LiftRow

ROOM = 0.1


@dataclass(frozen=True)
class Course:
    """SVG point lists in a box of 100 x 100, and the days at its ends."""

    line: str
    band: str
    zero: float
    first: date
    last: date


def course_of(rows: Sequence[LiftRow]) -> Course | None:
    """The lift of one experiment, segment and metric, day by day; None before the second day with an interval."""
    known = [
        (row.as_of, row.lift, row.ci_low, row.ci_high)
        for row in sorted(rows, key=lambda row: row.as_of)
        if row.lift is not None
        and row.ci_low is not None
        and row.ci_high is not None
        and math.isfinite(row.ci_high - row.ci_low)
    ]
    if not known or known[0][0] == known[-1][0]:
        return None
    first, last = known[0][0], known[-1][0]
    # The first days know nothing; their width would flatten what came later.
    settled = known[len(known) // 3 :]
    low = min(0.0, *(low for _, _, low, _ in settled), 0.0)
    high = max(0.0, *(high for *_, high in settled), 0.0)
    low, high = low - ROOM * (high - low), high + ROOM * (high - low)

    def across(day: date) -> float:
        return round(100 * (day - first).days / (last - first).days, 2)

    def down(value: float) -> float:
        return round(100 * (high - min(max(value, low), high)) / (high - low), 2)

    line = " ".join(f"{across(day)},{down(lift)}" for day, lift, _, _ in known)
    upper = [f"{across(day)},{down(top)}" for day, _, _, top in known]
    lower = [f"{across(day)},{down(bottom)}" for day, _, bottom, _ in reversed(known)]
    return Course(line, " ".join(upper + lower), down(0.0), first, last)
