"""What a question answers with: numbers beside the planted ones, and what to draw."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "share", "amount", "area", "number"]


@dataclass(frozen=True)
class Line:
    """One number beside the planted one; None where there is none."""

    what: str
    found: float | None
    planted: float | None = None
    unit: Unit = "count"
    is_zero_required: bool = False
    note: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether a number that must be 0 is not."""
        return self.is_zero_required and self.found != 0


@dataclass(frozen=True)
class Bar:
    """A value from 0 on, drawn beside a mark where something else was planted; both in the unit of the chart."""

    label: str
    value: float
    planted: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval beside the true value."""

    label: str
    estimate: float
    low: float
    high: float
    planted: float


@dataclass(frozen=True)
class Chart:
    """Bars or intervals on one scale."""

    title: str
    unit: Unit
    bars: tuple[Bar, ...] = ()
    intervals: tuple[Interval, ...] = ()
    mark: str = "planted"
    """What lies at `planted`."""
    origin: float = 0.0
    """Where bars begin, such as .5 for an area under a curve."""


@dataclass(frozen=True)
class Section:
    """The answer to one question."""

    name: str
    title: str
    lead: str
    lines: tuple[Line, ...]
    charts: tuple[Chart, ...] = ()
    remarks: tuple[str, ...] = ()
