"""The segments of a day with the course of their size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reporting import formats
from reporting.chain import spark_of
from reporting.rooms import SegmentCount

SOON = 30  # days before the end of a segment from which on it is marked


@dataclass(frozen=True)
class SegmentLine:
    """A segment as its room shows it.

    Attributes:
        row: The day's numbers.
        course: SVG points of its size day by day, in a box of 100 x 24; empty with fewer than two days.
        course_text: The same in words.
        is_small: Below its minimum size, so that no content is chosen by it.
        ends_soon: Whether it ends within 30 days, or has ended.
    """

    row: SegmentCount
    course: str
    course_text: str
    is_small: bool
    ends_soon: bool


def lines_of(segments: Sequence[SegmentCount], *, as_of: date) -> list[SegmentLine]:
    """One line for each segment, the largest first."""
    return [_line(row, as_of) for row in sorted(segments, key=lambda row: (-row.members, row.segment))]


def _line(row: SegmentCount, as_of: date) -> SegmentLine:
    first, last = formats.integer(row.sizes[0]), formats.integer(row.sizes[-1])
    return SegmentLine(
        row=row,
        course=spark_of(row.sizes),
        course_text=f"Members over the last {len(row.sizes)} days: from {first} to {last}, at most {formats.integer(max(row.sizes))}",
        is_small=row.members < row.minimum_size,
        ends_soon=(row.expires_on - as_of).days < SOON,
    )
