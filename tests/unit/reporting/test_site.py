"""The page says what the figures say, is one file, and gives hostile text no way out."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reporting.data import LiftRow, OutcomeCount, SiteData
from reporting.site import build_site, render

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"


class Tags(HTMLParser):
    """Collects every tag and attribute of a page and the text of its table cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "td":
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


def test_page_is_one_small_file_and_replaces_the_last(site_data: SiteData, tmp_path: Path) -> None:
    folder = tmp_path / "publish" / "site"

    first = build_site(site_data, folder)
    second = build_site(replace(site_data, send_list_rows=7), folder)

    assert first == second == folder / "index.html"
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert "7 emails on the send list" in second.read_text()
    assert second.stat().st_size < 500_000


def test_page_of_a_large_report_stays_small(site_data: SiteData, lift_row: Callable[..., LiftRow]) -> None:
    rows = tuple(lift_row(experiment=f"e{at % 8}", segment=f"segment_{at}") for at in range(240))

    assert len(render(replace(site_data, lift=rows)).encode()) < 500_000


def test_page_loads_nothing_from_elsewhere(site_data: SiteData) -> None:
    page = render(site_data)

    links = [
        value
        for _, attributes in Tags(page).found
        for name, value in attributes.items()
        if name in {"src", "href", "data", "action"}
    ]

    assert all((link or "").startswith(("#", "data:,")) for link in links)
    assert "url(" not in page
    assert "@import" not in page
    assert "://" not in page


def test_same_figures_give_the_same_bytes(site_data: SiteData) -> None:
    assert render(site_data) == render(replace(site_data))


def test_headline_and_numbers_are_on_the_page(site_data: SiteData) -> None:
    page = render(site_data)

    assert "The emails raise conversion by 0.81 pts" in page
    assert "Conversion is 4.12 % with the emails and 3.31 % without." in page
    assert {"+0.81 pts", "+0.13 pts", "+1.49 pts", "4.12 %", "20,000", "1,000", "+£0.53"} <= set(Tags(page).cells)
    assert "In 1.20 % of the people the arms met." in page
    assert "4f1c2b9a77e84d0f" in page
    assert "0.742" in page


def test_earlier_days_are_in_the_course_and_not_in_the_table(site_data: SiteData) -> None:
    page = render(site_data)

    assert page.count("<polyline") == 1
    assert "+0.70 pts" not in Tags(page).cells


@pytest.mark.parametrize("field", [field.name for field in fields(LiftRow) if field.type in {"str", str}])
def test_hostile_text_of_the_report_is_shown_as_text(
    site_data: SiteData, lift_row: Callable[..., LiftRow], field: str
) -> None:
    clean = Tags(render(replace(site_data, lift=(lift_row(),)))).found

    hostile = Tags(render(replace(site_data, lift=(lift_row(**{field: HOSTILE}),)))).found

    assert [tag for tag, _ in hostile].count("script") == [tag for tag, _ in clean].count("script") == 1
    assert "img" not in {tag for tag, _ in hostile}
    assert not any(name.startswith("on") for _, attributes in hostile for name in attributes)


def test_hostile_outcome_becomes_no_class(site_data: SiteData) -> None:
    page = render(replace(site_data, outcomes=(OutcomeCount(HOSTILE, HOSTILE, HOSTILE, 3),)))

    classes = {attributes.get("class") for tag, attributes in Tags(page).found if tag == "i"}

    assert "other" in classes
    assert "img" not in {tag for tag, _ in Tags(page).found}


def test_only_the_script_of_the_page_may_run(site_data: SiteData) -> None:
    page = render(site_data)

    policy = next(
        attributes["content"] or ""
        for _, attributes in Tags(page).found
        if "Content-Security-Policy" in attributes.values()
    )

    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]+'(;|$)", policy)


def test_broken_split_is_said_before_any_lift(site_data: SiteData, lift_row: Callable[..., LiftRow]) -> None:
    page = render(replace(site_data, lift=(lift_row(srm_p_value=0.0002, verdict="invalid"),)))

    assert "Do not act on these numbers" in page
    assert "The emails raise" not in page


def test_too_little_data_says_so_with_the_smallest_visible_lift(
    site_data: SiteData, lift_row: Callable[..., LiftRow]
) -> None:
    row = lift_row(verdict="not_enough_data", p_adjusted=None)

    page = render(replace(site_data, lift=(row,)))

    assert "Not enough data yet" in page
    assert "only a lift of +0.90 pts or more would show" in page
    assert "earned in all" not in page


def test_empty_day_has_words_instead_of_figures(site_data: SiteData) -> None:
    page = render(SiteData(as_of=site_data.as_of, built_at=site_data.built_at))

    for words in (
        "No experiment has results",
        "Nobody was a candidate",
        "No events have landed",
        "No model has beaten",
        "Nothing was refused",
    ):
        assert words in page
    assert "no send list yet" in page


def test_every_table_column_is_explained(site_data: SiteData) -> None:
    heads = [attributes for tag, attributes in Tags(render(site_data)).found if tag == "th"]

    assert heads
    assert all(head["title"] for head in heads)
