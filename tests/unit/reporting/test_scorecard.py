"""The scoreboard's page shows what was found beside what was planted."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reporting.scorecard import Card, Chart, Figure, Mark, Scorecard, build_page, number, render

FIGURES = (
    Figure("Emails <released>", "43", "–", "plain", "a & b"),
    Figure("To unsubscribed", "0", "0", "good", ""),
    Figure("To merged persons", "2", "0", "alarm", ""),
)
BARS = Chart(
    "Pairs", "share", (Mark("Precision", 0.9, 1.0, None, "note"), Mark("F1", 0.8, None, None, "")), "planted", 0.0
)
LIFTS = Chart("Lift", "share", (Mark("everybody", 0.1, 0.12, (0.05, 0.15), ""),), "planted", 0.0)


@pytest.fixture
def card() -> Card:
    return Card("sends", "Emails that must not be", "Lead.", FIGURES, (BARS, LIFTS), ("Remark.",))


def test_page_counts_what_must_be_zero(card: Card) -> None:
    page = render(Scorecard("calm", date(2025, 5, 30), (card,)))

    assert "1 of 2 numbers that must be 0 are not" in page
    kept = render(Scorecard("calm", date(2025, 5, 30), (replace(card, figures=FIGURES[:2]),)))
    assert "All 1 numbers that must be 0 are 0" in kept


def test_page_escapes_values_and_loads_nothing(card: Card) -> None:
    page = render(Scorecard("<calm>", date(2025, 5, 30), (card,)))

    assert "Emails &lt;released&gt;" in page
    assert "<calm>" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_charts_are_drawn_to_scale(card: Card) -> None:
    page = render(Scorecard("calm", date(2025, 5, 30), (card,)))
    svgs = [ET.fromstring(text + "</svg>") for text in _plots(page)]  # noqa: S314

    precision, _, lift = svgs[0], svgs[1], svgs[3]
    assert precision.find("rect").attrib["width"] == "90.0%"  # type: ignore[union-attr]
    assert precision.find("svg").attrib["x"] == "100.0%"  # type: ignore[union-attr]
    low, high = (float(lift.find("g/line").attrib[end].rstrip("%")) for end in ("x1", "x2"))  # type: ignore[union-attr]
    truth = float(lift.find("svg").attrib["x"].rstrip("%"))  # type: ignore[union-attr]
    assert truth - low == pytest.approx(0.7 * (high - low), abs=0.1)


def _plots(page: str) -> list[str]:
    parts = page.split('<span class="plot')[1:]
    return [
        part[part.index("<svg") : part.rindex("</svg>")] for part in (part.partition("</span>")[0] for part in parts)
    ]


def test_page_is_written_whole(card: Card, tmp_path: Path) -> None:
    page = build_page(Scorecard("calm", date(2025, 5, 30), (card,)), tmp_path / "scoreboard")

    assert page.name == "index.html"
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "share", "–"),
        (12_345.0, "count", "12,345"),
        (-0.0123, "share", "−1.23 %"),
        (0.7341, "area", "0.734"),
        (-1.5, "amount", "−1.50"),
    ],
)
def test_numbers_are_written_for_their_unit(value: float | None, unit: str, text: str) -> None:
    assert number(value, unit) == text  # type: ignore[arg-type]
