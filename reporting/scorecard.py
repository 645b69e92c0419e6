"""The scoreboard's page: what was found beside what was planted; one self-contained HTML file in the report's looks."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from reporting import formats
from reporting.forest import Axis, axis_through
from reporting.site import own_text, templates, write_page

Unit = Literal["count", "share", "amount", "area", "number"]
Tone = Literal["plain", "good", "alarm"]
NOTHING = "–"


@dataclass(frozen=True)
class Figure:
    """One number beside the planted one, both as they are to be read."""

    what: str
    found: str
    planted: str
    tone: Tone
    note: str


@dataclass(frozen=True)
class Mark:
    """One row of a chart: a bar from the origin, or a dot with its interval, and where the truth lies."""

    label: str
    value: float
    planted: float | None
    interval: tuple[float, float] | None
    note: str


@dataclass(frozen=True)
class Chart:
    """Rows on one scale."""

    title: str
    unit: Unit
    marks: tuple[Mark, ...]
    diamond: str
    """What the diamonds show."""
    origin: float

    @property
    def axis(self) -> Axis:
        """The scale; shares and areas end at 1."""
        ends = [
            end for mark in self.marks for end in (mark.value, mark.planted, *(mark.interval or ())) if end is not None
        ]
        if any(mark.interval for mark in self.marks):
            return axis_through([0.0, *ends])
        whole = [1.0] if self.unit in {"share", "area"} else []
        return axis_through([self.origin, *ends, *whole], room=0.0)

    def tick(self, value: float) -> str:
        """A round value on the axis, no longer than it must be."""
        text = f"{100 * value:.10g} %" if self.unit == "share" else f"{value:,.10g}"
        return text.replace("-", formats.MINUS)

    def read(self, value: float | None) -> str:
        """A value as it is to be read."""
        return number(value, self.unit)


@dataclass(frozen=True)
class Card:
    """The answer to one question."""

    name: str
    title: str
    lead: str
    figures: tuple[Figure, ...]
    charts: tuple[Chart, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Scorecard:
    """Everything that the page says."""

    scenario: str
    as_of: date
    cards: tuple[Card, ...]

    @property
    def broken(self) -> int:
        """How many numbers that must be 0 are not."""
        return sum(figure.tone == "alarm" for card in self.cards for figure in card.figures)

    @property
    def required(self) -> int:
        """How many numbers must be 0."""
        return sum(figure.tone != "plain" for card in self.cards for figure in card.figures)


def number(value: float | None, unit: Unit) -> str:
    """A number of the scoreboard as it is to be read: enough digits to see a difference."""
    if value is None:
        return NOTHING
    match unit:
        case "count":
            return formats.integer(int(value))
        case "share":
            return f"{100 * value:.2f} %".replace("-", formats.MINUS)
        case "area":
            return f"{value:.3f}"
        case _:
            return f"{value:,.2f}".replace("-", formats.MINUS)


def build_page(scorecard: Scorecard, directory: Path) -> Path:
    """Write the page as `index.html`: no other file, no network.

    Args:
        scorecard: What to show.
        directory: Folder of the page; created if missing.

    Returns:
        Path of the page.
    """
    return write_page(render(scorecard), directory)


def render(scorecard: Scorecard) -> str:
    """The page as HTML; every value is escaped, and no script runs."""
    page = templates().get_template("scorecard.html.j2")
    return page.render(
        score=scorecard,
        f=formats,
        style=own_text("colours.css") + own_text("page.css"),
        own_style=own_text("scorecard.css"),
    )
