"""`holdfast score`: the warehouse beside a truth that was planted; reads both, writes neither."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb

from orchestration.resources import Settings, UserError, Warehouse, open_state
from reporting import scorecard
from simulator.scoreboard.holdout import Holdout
from simulator.scoreboard.planted import TruthUnreadable
from simulator.scoreboard.scoreboard import Scoreboard, score
from simulator.scoreboard.sections import Chart, Line, Section

NEWEST = "select max(as_of) from activation.send_decisions"
DECIDED = "select count(*) from activation.send_decisions where as_of = $day"


def score_day(settings: Settings, truth: Path, day: date | None) -> Scoreboard:
    """Compare the warehouse with a truth, as of a partition (default: the newest that was decided).

    Raises:
        UserError: There is no warehouse, no decision for the day or no such truth.
    """
    if not settings.warehouse.exists():
        raise UserError(f"no warehouse at {settings.warehouse}: run `holdfast run --date D` first")
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        decided = _decided_day(connection, day)
        try:
            return score(connection, truth, decided, salt=settings.salt, holdout=_holdout(settings, decided))
        except TruthUnreadable as fault:
            raise UserError(str(fault)) from fault


def _decided_day(connection: duckdb.DuckDBPyConnection, day: date | None) -> date:
    try:
        if day is None:
            found = connection.execute(NEWEST).fetchone()
            day = found[0] if found else None
        count = connection.execute(DECIDED, {"day": day}).fetchone()
    except duckdb.CatalogException:
        count = None
    if day is None or count is None or count[0] == 0:
        raise UserError(f"no decision for {day or 'any day'}: run `holdfast run --date {day or 'D'}` first")
    return day


def _holdout(settings: Settings, day: date) -> Holdout:
    playbook = open_state(settings).playbook_in_force(day)
    if playbook is None:
        raise UserError(f"no playbook is in force on {day}: run `holdfast run --date {day}` first")
    experiment = playbook.global_holdout
    arms = tuple((arm.arm, arm.share) for arm in experiment.arms)
    return Holdout(experiment.experiment, experiment.salt, experiment.baseline_arm, arms)


def publish(scoreboard: Scoreboard, folder: Path) -> Path:
    """Write `score.json` and the page; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.dumps(asdict(scoreboard), indent=2, default=str)
    temporary = folder / ".score.json.tmp"
    temporary.write_text(f"{written}\n", encoding="utf-8")
    temporary.replace(folder / "score.json")
    sections = tuple(_card(section) for section in scoreboard.sections())
    return scorecard.build_page(scorecard.Scorecard(scoreboard.scenario, scoreboard.as_of, sections), folder)


def _card(section: Section) -> scorecard.Card:
    return scorecard.Card(
        name=section.name,
        title=section.title,
        lead=section.lead,
        figures=tuple(
            scorecard.Figure(
                line.what, scorecard.number(line.found, line.unit), scorecard.number(line.planted, line.unit), _tone(line), line.note
            )
            for line in section.lines
        ),
        charts=tuple(_chart(chart) for chart in section.charts),
        remarks=section.remarks,
    )  # fmt: skip


def _tone(line: Line) -> scorecard.Tone:
    if not line.is_zero_required:
        return "plain"
    return "alarm" if line.is_broken else "good"


def _chart(chart: Chart) -> scorecard.Chart:
    marks = [scorecard.Mark(bar.label, bar.value, bar.planted, None, bar.note) for bar in chart.bars]
    marks += [scorecard.Mark(row.label, row.estimate, row.planted, (row.low, row.high), "") for row in chart.intervals]
    return scorecard.Chart(chart.title, chart.unit, tuple(marks), chart.mark, chart.origin)


def print_lines(scoreboard: Scoreboard) -> Iterator[str]:
    """The scoreboard as lines of text: found, planted, remarks."""
    yield f"scenario {scoreboard.scenario}, partition {scoreboard.as_of}"
    for section in scoreboard.sections():
        yield ""
        yield section.title.upper()
        for line in section.lines:
            mark = "  " if not line.is_zero_required else ("✕ " if line.is_broken else "✓ ")
            found, planted = (scorecard.number(value, line.unit) for value in (line.found, line.planted))
            yield f"{mark}{line.what:<66.66} {found:>10} {planted:>10}  {line.note}".rstrip()
        yield from (f"  {remark}" for remark in section.remarks)
