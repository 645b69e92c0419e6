"""Geometry of the lift chart: points and intervals as per cent of the width, so that it fits every screen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reporting.data import LiftRow

MARGIN = 0.06
TICKS = 5


@dataclass(frozen=True)
class Mark:
    """One point with its interval; positions in per cent of the axis."""

    point: float
    low: float
    high: float


@dataclass(frozen=True)
class Axis:
    """The scale that all rows of one chart share.

    Attributes:
        low: Value at the left end.
        high: Value at the right end.
        ticks: Round values in between.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Position of a value, in per cent from the left."""
        return round(100 * (value - self.low) / (self.high - self.low), 3)

    def mark(self, row: LiftRow) -> Mark | None:
        """Where to draw a row; None if it has no interval yet."""
        if row.lift is None or row.ci_low is None or row.ci_high is None:
            return None
        return Mark(self.place(row.lift), self.place(row.ci_low), self.place(row.ci_high))


def axis_of(rows: Sequence[LiftRow]) -> Axis:
    """An axis that shows zero and every interval of the rows."""
    ends = [
        end for row in rows for end in (row.ci_low, row.ci_high, row.lift) if end is not None and math.isfinite(end)
    ]
    return axis_through([0.0, *ends])


def axis_through(values: Sequence[float], *, room: float = MARGIN) -> Axis:
    """An axis that shows all values, with some of its width left free at both ends."""
    low, high = min(values), max(values)
    if low == high:
        return Axis(low - 1.0, high + 1.0, (low,))
    low, high = low - room * (high - low), high + room * (high - low)
    step = _round_step((high - low) / TICKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Axis(low, high, tuple(step * at for at in range(first, last + 1)))


def _round_step(rough: float) -> float:
    """The next step of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= rough)
