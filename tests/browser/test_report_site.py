"""The report site as a person meets it: in a real browser, by light and by dark, on a desk and on a phone."""

import csv
import importlib.util
import io
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reporting.data import (
    Champion,
    CustomerSize,
    CutHub,
    Freshness,
    LiftRow,
    OutcomeCount,
    QuarantineCount,
    SiteData,
    Tie,
    Whom,
)
from reporting.rooms import ChainFinding
from reporting.site import build_site
from tests.unit.reporting.rooms import ROOMS

if TYPE_CHECKING:
    from conftest import Page

DAY = date(2025, 6, 30)
HOSTILE = "=cmd|' /C calc'!A0<script>document.title='broken'</script>"
TAB, ENTER = ("Tab", 9), ("Enter", 13)


def lift(segment: str, metric: str, value: float, half: float) -> LiftRow:
    return LiftRow(
        DAY, "global_holdout", segment, metric, "treatment", "holdout", 20_000, 1_000, 0.03 + value, 0.03, value, value / 0.03,
        value - half, value + half, 0.02, 0.04, "welch", "works", 0.4, 0.01, half,
    )  # fmt: skip


def tie(profile: int, source: str, value: int, kind: str, reason: str | None = None) -> Tie:
    return Tie("c_1f09", 8, profile, source, value, kind, "ab" * 32, reason, 40 if reason else None)


DATA = SiteData(
    as_of=DAY,
    built_at=datetime(2025, 7, 1, 6, 12, tzinfo=UTC),
    lift=(
        lift("all", "conversion", 0.0081, 0.0068),
        lift("repeat_buyers_with_replenishment_risk", "conversion", 0.012, 0.014),
        lift("lapsed_high_value_customers", "conversion", -0.004, 0.02),
        lift(HOSTILE, "conversion", 0.1, 0.05),
        lift("all", "revenue", 0.53, 0.61),
    ),
    outcomes=(
        OutcomeCount("welcome", "first_email", "sent", 214),
        OutcomeCount("welcome", "first_email", "suppressed", 61),
    ),
    send_list_rows=214,
    freshness=(
        Freshness("shopify", "order", datetime(2025, 6, 30, 22, 41, tzinfo=UTC), DAY, 6.2, 412, 405.0, 1.01, "fresh"),
        Freshness("plain", "ticket", None, None, None, 0, 12.0, 0.0, "missing"),
    ),
    champion=Champion("churn", "7", "4f1c2b9a77e84d0f", date(2025, 6, 22), 0.781, 0.742),
    quarantine=(
        QuarantineCount("shopify/orders", "negative_price", 14),
        QuarantineCount("plain/orders", "unreadable", 2),
    ),
    whom=Whom(
        sizes=(CustomerSize(1, 900), CustomerSize(8, 1)),
        ties=(
            *(tie(at, HOSTILE, at + step, "device") for at in range(8) for step in (0, 1)),
            tie(3, HOSTILE, 99, "phone", "people_who_differ"),
        ),
        hubs=(CutHub("phone", "ab" * 32, "people_who_differ", DAY, 40),),
        hub_count=1,
    ),
    currency="GBP",
    rooms=replace(ROOMS, contradictions=(ChainFinding("welcome", "all", "high", HOSTILE),)),
)

COLUMN = "[...document.querySelectorAll('#numbers-1 tbody tr')].map(row => row.cells[{}].textContent.trim())"
CONTRAST = """
(() => {
  const light = (colour) => {
    const linear = (part) => part / 255 <= .03928 ? part / 255 / 12.92 : ((part / 255 + .055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(linear);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const backdrop = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const element of document.querySelectorAll('main *, header *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest('svg') || element.closest('details:not([open])')) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(backdrop(element))].sort((a, b) => b - a);
    if ((one + .05) / (other + .05) < 4.5) poor.push(element.textContent.trim().slice(0, 40));
  }
  return poor;
})()
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return build_site(DATA, tmp_path / "site")


@pytest.fixture
def opened(page: "Page", site: Path) -> "Page":
    page.open(site)
    return page


def test_page_is_quiet_and_asks_nobody(opened: "Page", site: Path) -> None:
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [site.as_uri()]


def test_hostile_name_is_text(opened: "Page") -> None:
    assert opened.read("document.title") == "Holdfast report, 30 Jun 2025"
    assert HOSTILE in opened.read(COLUMN.format(0))


def test_policy_stops_a_script_that_gets_in_anyhow(opened: "Page") -> None:
    opened.read(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.broken = 1'; document.body.append(s); })()"
    )

    assert opened.read("window.broken") is None


def test_click_on_a_head_sorts_by_number_both_ways(opened: "Page") -> None:
    before = opened.read(COLUMN.format(2))

    opened.read("document.querySelector('#numbers-1 th[data-name=lift] button').click()")
    rising = opened.read(COLUMN.format(2))
    opened.read("document.querySelector('#numbers-1 th[data-name=lift] button').click()")
    falling = opened.read(COLUMN.format(2))

    assert rising == ["−0.40 pts", "+0.81 pts", "+1.20 pts", "+10.00 pts", "+£0.53"] != before
    assert falling == rising[::-1]
    assert opened.read("document.querySelector('#numbers-1 th[data-name=lift]').ariaSort") == "descending"


def test_events_sort_by_time_not_by_its_text(opened: "Page") -> None:
    opened.read("document.querySelector('#freshness-table th[data-name=last_occurred_at] button').click()")

    assert opened.read(
        "[...document.querySelectorAll('#freshness-table tbody tr')].map(row => row.cells[0].textContent)"
    ) == [
        "plain",
        "shopify",
    ]


def test_keyboard_reaches_content_first_and_sorts(opened: "Page") -> None:
    opened.press(*TAB)
    assert opened.read("document.activeElement.textContent") == "Skip to the report"

    opened.read("document.querySelector('#numbers-1 th[data-name=lift] button').focus()")
    opened.press(*ENTER)

    assert opened.read("document.querySelector('#numbers-1 th[data-name=lift]').ariaSort") == "ascending"


def test_download_is_the_table_as_csv_that_runs_no_formula(opened: "Page", tmp_path: Path) -> None:
    opened.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))

    opened.read("document.querySelector('button[data-csv=numbers-1]').click()")

    rows = list(csv.DictReader(io.StringIO(_wait_for(tmp_path / "holdout_report_2025-06-30_1.csv"))))
    assert len(rows) == len(DATA.lift)
    everybody = next(row for row in rows if row["segment"] == "all" and row["metric"] == "conversion")
    assert float(everybody["lift"]) == 0.0081
    assert float(everybody["ci_low"]) == DATA.lift[0].ci_low
    assert everybody["verdict"] == "works"
    assert "'" + HOSTILE in {row["segment"] for row in rows}


@pytest.mark.parametrize("width", [360, 500, 1200])
def test_nothing_sticks_out_of_the_screen(page: "Page", site: Path, width: int) -> None:
    page.open(site, width=width)

    assert page.read("document.documentElement.scrollWidth") <= width
    assert page.read("innerWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(page: "Page", site: Path, scheme: str) -> None:
    page.open(site, scheme=scheme)

    assert page.read(CONTRAST) == []
    assert (page.read("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)") is (scheme == "light")


@pytest.fixture(scope="module")
def axe() -> str:
    """The rules of axe-core, as JavaScript; read and not imported, as the package wants a browser driver."""
    found = importlib.util.find_spec("axe_core_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip("no axe-core here: it is among the dev dependencies")
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_axe_finds_no_serious_violation(page: "Page", site: Path, axe: str, width: int, scheme: str) -> None:
    page.open(site, width=width, scheme=scheme)
    page.read("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.read(f"(() => {{ {axe}; }})()")

    rules, violations = page.read(
        "axe.run(document, {resultTypes: ['violations']}).then(found => [found.passes.length, found.violations"
        ".map(each => [each.impact, each.id, each.nodes[0].target.join(' ')])])"
    )

    assert rules > 20
    assert [each for each in violations if each[0] in {"serious", "critical"}] == []


def test_every_room_is_reached_from_the_head_of_the_page(opened: "Page") -> None:
    lost = opened.read(
        "[...document.querySelectorAll('nav a, a.tile')].filter(a => !document.querySelector(a.hash)).map(a => a.hash)"
    )
    links = opened.read("document.querySelectorAll('nav a').length")

    assert lost == []
    assert links >= 13


def test_weeks_sort_by_day_and_download_as_numbers(opened: "Page", tmp_path: Path) -> None:
    opened.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))

    opened.read("document.querySelector('#chain-table th[data-name=week_starts_on] button').click()")
    opened.read("document.querySelector('button[data-csv=chain-table]').click()")

    rows = list(csv.DictReader(io.StringIO(_wait_for(tmp_path / "kpi_chain_2025-06-30.csv"))))
    assert [row["week_starts_on"] for row in rows] == ["2025-06-09", "2025-06-16", "2025-06-23", "2025-06-23"]
    assert [(row["flow"], row["sent"], row["revenue"]) for row in rows[:2]] == [
        ("welcome", "500", "250.0"),
        ("welcome", "1000", "500.0"),
    ]


def test_waterfall_goes_down_without_a_gap(opened: "Page") -> None:
    ends = opened.read("""
    [...document.querySelectorAll('#waterfall rect.bar-of')].map(bar => {
      const [box, frame] = [bar.getBoundingClientRect(), bar.ownerSVGElement.getBoundingClientRect()];
      return [(box.left - frame.left) / frame.width, (box.right - frame.left) / frame.width];
    })
    """)

    assert ends[0][0] == pytest.approx(0, abs=0.01)
    assert ends[-1][1] == pytest.approx(1, abs=0.01)
    assert [start for start, _ in ends[1:]] == pytest.approx([end for _, end in ends[:-1]], abs=0.01)


def test_chart_puts_the_point_inside_its_interval_right_of_zero(opened: "Page") -> None:
    places = opened.read("""
    (() => {
      const row = document.querySelector('.forest svg');
      const middle = (part) => { const box = row.querySelector(part).getBoundingClientRect(); return box.left + box.width / 2; };
      const bar = row.querySelector('.bar').getBoundingClientRect();
      return [middle('.zero'), bar.left, middle('.dot'), bar.right];
    })()
    """)

    assert places == sorted(places)
    assert len(set(places)) == 4


def test_graph_of_a_customer_stays_in_its_frame_and_shows_what_was_cut(opened: "Page") -> None:
    circles, boxes, cut, outside = opened.read("""
    (() => {
      const drawn = document.querySelector('#whom svg.network');
      const frame = drawn.getBoundingClientRect();
      const inside = (box) =>
        box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
      const every = (kind) => [...drawn.querySelectorAll(kind)];
      const dashed = every('line').filter(line => getComputedStyle(line).strokeDasharray !== 'none');
      const outside = every('circle, rect, text').filter(part => !inside(part.getBoundingClientRect()));
      return [every('circle').length, every('rect').length, dashed.length, outside.length];
    })()
    """)

    assert (circles, boxes, cut, outside) == (8, 10, 1, 0)


def _wait_for(path: Path) -> str:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, "the download did not arrive"
        time.sleep(0.05)
    return path.read_text()
