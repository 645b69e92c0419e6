"""The pilot on the overview: which day it is, what its outcome says so far, and which targets hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from reporting import formats
from reporting.chain import HEALTH, STAGES, everyone
from reporting.data import LiftRow
from reporting.rooms import ChainWeek, Pilot, PilotTarget
from reporting.verdict import Tone, in_words, tone_of


@dataclass(frozen=True)
class TargetLine:
    """A target beside what was reached; `tone` is empty where nothing is known yet."""

    label: str
    limit: str
    reached: str
    tone: str


@dataclass(frozen=True)
class PilotPage:
    """What is shown of the pilot.

    Attributes:
        pilot: As the playbook says.
        day: Which day of it `as_of` is; 0 before it.
        days: How many there are.
        phase: In words.
        verdict: Of its outcome so far, and at the end whether it succeeded.
        tone: Of the verdict.
        targets: What must hold on the way.
    """

    pilot: Pilot
    day: int
    days: int
    phase: str
    verdict: str
    tone: Tone
    targets: Sequence[TargetLine]


def pilot_of(
    pilot: Pilot | None, lift: Iterable[LiftRow], chain: Iterable[ChainWeek], *, as_of: date
) -> PilotPage | None:
    """The pilot as of a day; null where the playbook has none."""
    if pilot is None:
        return None
    days = (pilot.ends_on - pilot.starts_on).days + 1
    day = min(max((as_of - pilot.starts_on).days + 1, 0), days)
    is_over = as_of > pilot.ends_on
    phase = f"Over since {formats.day(pilot.ends_on)}" if is_over else f"Day {day} of {days}"
    if not day:
        phase = f"Begins on {formats.day(pilot.starts_on)}"
    verdict, tone = _verdict(pilot, _row_of(pilot, lift, as_of) if day else None, is_over=is_over)
    weeks = [
        row
        for row in everyone(chain)
        if row.is_settled and row.week_starts_on >= pilot.starts_on and (not pilot.flows or row.flow in pilot.flows)
    ]
    return PilotPage(pilot, day, days, phase, verdict, tone, [_line(target, weeks) for target in pilot.targets])


def _row_of(pilot: Pilot, lift: Iterable[LiftRow], as_of: date) -> LiftRow | None:
    """The newest row of its outcome until its end: what came later is not the pilot's."""
    last = min(as_of, pilot.ends_on)
    rows = [
        row
        for row in lift
        if (row.experiment, row.arm, row.metric, row.segment) == (pilot.control, pilot.arm, pilot.outcome, "all")
        and row.as_of <= last
    ]
    return max(rows, key=lambda row: row.as_of, default=None)


def _verdict(pilot: Pilot, row: LiftRow | None, *, is_over: bool) -> tuple[str, Tone]:
    if row is None:
        return "Nothing is known of its outcome yet.", "wait"
    said, tone = in_words(row), tone_of(row)
    is_success = tone == "good" and (row.lift_relative or 0.0) >= pilot.minimum_lift_relative
    if tone == "good" and not is_success:
        said += f" That is less than the {formats.percent(pilot.minimum_lift_relative)} that the pilot asks for."
        tone = "flat"
    if is_over:
        return f"The pilot {'succeeded' if is_success else 'did not succeed'}. {said}", tone
    return said, tone


def _line(target: PilotTarget, weeks: Sequence[ChainWeek]) -> TargetLine:
    label = {**STAGES, **HEALTH}[target.stage][0]
    digits = 1 if target.is_least else 2
    limit = f"{'at least' if target.is_least else 'at most'} {formats.percent(target.limit, digits)} of {STAGES[target.of][0].lower()}"
    whole = sum(getattr(week, target.of) for week in weeks)
    if not whole:
        return TargetLine(label, limit, "not known yet", "")
    share = sum(getattr(week, target.stage) for week in weeks) / whole
    is_met = share >= target.limit if target.is_least else share <= target.limit
    return TargetLine(label, limit, formats.percent(share, digits), "good" if is_met else "bad")
