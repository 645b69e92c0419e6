"""The calendar of the sources: a row per source, a square per day, and what the squares say in words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from reporting import formats
from reporting.data import Freshness, SourceDay
from reporting.definitions import STATUSES, spoken

DAYS = 28
STEP = 18
NOT_BUILT = "none"


@dataclass(frozen=True)
class Cell:
    """One square; `x` in units of the drawing, `status` a key of `STATUSES` or `none` where the day was not built."""

    x: int
    status: str
    title: str


@dataclass(frozen=True)
class SourceRow:
    """One source: its squares, oldest first, and the same as a sentence."""

    source: str
    cells: tuple[Cell, ...]
    sentence: str


def calendar_of(days: Iterable[SourceDay], as_of: date) -> list[SourceRow]:
    """The last `DAYS` days of each source up to `as_of`."""
    by_source: dict[str, dict[date, SourceDay]] = defaultdict(dict)
    for each in days:
        by_source[each.source][each.day] = each
    shown = [as_of - timedelta(days=DAYS - 1 - offset) for offset in range(DAYS)]
    return [
        SourceRow(
            source=source,
            cells=tuple(_cell(position, day, known.get(day)) for position, day in enumerate(shown)),
            sentence=_sentence([known[day] for day in shown if day in known]),
        )
        for source, known in sorted(by_source.items())
    ]


def unmet(rows: Iterable[Freshness]) -> list[str]:
    """Requirements that no event fulfils, in words."""
    return sorted(spoken(row.event).lower() for row in rows if row.source == "required")


def _cell(position: int, day: date, known: SourceDay | None) -> Cell:
    if known is None:
        return Cell(position * STEP, NOT_BUILT, f"{formats.day(day)}: not built")
    said = STATUSES.get(known.status, (known.status, "", ""))[0].lower()
    return Cell(
        position * STEP, known.status, f"{formats.day(day)}: {said}, {formats.integer(known.volume)} events landed"
    )


def _sentence(days: Sequence[SourceDay]) -> str:
    spans = []
    for status, run in groupby(days, key=lambda each: each.status):
        span = list(run)
        if status != "fresh":
            spans.append(f"{status} {_span(span[0].day, span[-1].day)}")
    if not spans:
        return f"fresh on all {len(days)} days" if len(days) > 1 else "fresh on the one day that was built"
    return "; ".join(spans) + ("; fresh otherwise" if any(each.status == "fresh" for each in days) else "")


def _span(first: date, last: date) -> str:
    return f"on {formats.day(first)}" if first == last else f"from {formats.day(first)} to {formats.day(last)}"
