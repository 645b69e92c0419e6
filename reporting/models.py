"""The champions over time: a row per task, a square per day, and the state of the day in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from reporting import formats
from reporting.data import ModelDay
from reporting.definitions import spoken
from reporting.health import DAYS, NOT_BUILT, STEP, Cell

# Squares have the colours of the calendar of the sources.
COLOURS = {"fresh": "fresh", "watch": "late", "degraded": "missing", "stale": "short"}
WORDS = {
    "fresh": "scores; nothing is amiss",
    "watch": "scores, and a person should look",
    "degraded": "does not score; the rule does in its place",
    "stale": "does not score; the rule does in its place",
}
NO_MODEL = "the rule scores: no model has beaten it yet"


@dataclass(frozen=True)
class ModelRow:
    """One task: its squares, oldest first, what is so today, and why."""

    task: str
    cells: tuple[Cell, ...]
    sentence: str
    reason: str


def models_of(days: Iterable[ModelDay], as_of: date) -> list[ModelRow]:
    """The last `DAYS` days of each task's champion up to `as_of`; tasks without a row on that day are left out."""
    by_task: dict[str, dict[date, ModelDay]] = defaultdict(dict)
    for each in days:
        by_task[each.model_name][each.as_of] = each
    shown = [as_of - timedelta(days=DAYS - 1 - offset) for offset in range(DAYS)]
    return [
        ModelRow(
            task=spoken(task),
            cells=tuple(_cell(position, day, known.get(day)) for position, day in enumerate(shown)),
            sentence=_sentence(known[as_of]),
            reason=known[as_of].reason if known[as_of].model_version else "",
        )
        for task, known in sorted(by_task.items())
        if as_of in known
    ]


def _cell(position: int, day: date, known: ModelDay | None) -> Cell:
    if known is None or known.model_version is None:
        words = "not built" if known is None else "the rule scored"
        return Cell(position * STEP, NOT_BUILT, f"{formats.day(day)}: {words}")
    title = f"{formats.day(day)}: version {known.model_version} was {known.state}; {known.reason}"
    return Cell(position * STEP, COLOURS[known.state], title)


def _sentence(today: ModelDay) -> str:
    if today.model_version is None:
        return NO_MODEL
    return f"version {today.model_version} is {today.state}: it {WORDS[today.state]}"
