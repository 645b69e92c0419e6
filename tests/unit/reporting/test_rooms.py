"""The rooms add up, in order, and say so where nothing is known."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reporting.chain import funnels_of, health_of
from reporting.data import SiteData
from reporting.house import house_of
from reporting.rooms import ReasonCount, Rooms
from reporting.site import render
from reporting.waterfall import drops_of
from tests.unit.reporting.rooms import DAY, MONDAY, ROOMS, week

BUILT_AT = datetime(2025, 7, 1, 6, 12, tzinfo=UTC)


def test_funnel_shows_the_newest_week_whose_orders_are_counted() -> None:
    welcome, win_back = funnels_of(ROOMS.chain)

    assert (welcome.flow, welcome.week_starts_on, welcome.is_settled) == ("Welcome", MONDAY, True)
    assert [(stage.label, stage.count) for stage in welcome.stages] == [
        ("Sent", 1_000), ("Delivered", 900), ("Opened", 200), ("Clicked", 100), ("Landed", 50), ("Ordered", 10),
    ]  # fmt: skip
    assert [stage.share for stage in welcome.stages] == [1, 0.9, 0.2, 0.1, 0.05, 0.01]
    assert (win_back.is_settled, win_back.course) == (False, "")


def test_course_runs_over_all_weeks_from_left_to_right() -> None:
    rows = [
        week("welcome", 2),
        replace(week("welcome", 1), human_clicks=450),
        replace(week("welcome", 0), human_clicks=0),
    ]

    (funnel,) = funnels_of(rows)

    assert funnel.course == "0.0,18.1 50.0,1.0 100.0,23.0"
    assert funnel.course_text.startswith("Clicked, of delivered: 11.1 % in the week of 9 Jun 2025, 50.0 %")


def test_waterfall_ends_where_everybody_is_counted() -> None:
    drops = drops_of(ROOMS.reasons)

    assert [(drop.label, drop.candidates, drop.start) for drop in drops] == [
        ("Suppressed: no consent", 60, 0),
        ("Suppressed: unsubscribed", 5, 60),
        ("Capped: cap 7 days", 10, 65),
        ("Held out", 5, 75),
        ("Sent", 20, 80),
    ]
    assert drops[-1].start + drops[-1].width == 100
    assert drops_of([]) == []


def test_breakers_that_are_open_are_shown_the_worst_first() -> None:
    assert [row.state for row in house_of(ROOMS, as_of=DAY).breakers] == ["rolled_back", "hold"]
    page = render(SiteData(as_of=DAY, built_at=BUILT_AT, rooms=ROOMS))
    table = page.split('id="breakers-table"')[1].split("</table>")[0]
    assert "Mailbox at yahoo" in table
    assert "Mailbox at apple" not in table
    assert "0.40 % <small>8 of 2,000</small>" in table
    assert "Rolled back since 16 Jun 2025" in table
    ramps = page.split('id="ramps-table"')[1].split("</table>")[0]
    assert "1 of 2" in ramps
    assert "Held" in ramps
    assert "<td>Nurture</td><td>The flow</td>" in ramps
    assert "<td>Win back</td><td>Offer: Free shipping</td>" in ramps
    closed = replace(ROOMS, breakers=ROOMS.breakers[:1])
    assert "All closed" in render(SiteData(as_of=DAY, built_at=BUILT_AT, rooms=closed))
    assert "no breaker was judged" in render(SiteData(as_of=DAY, built_at=BUILT_AT))


def test_outcome_that_is_new_comes_first_under_its_own_name() -> None:
    drops = drops_of([*ROOMS.reasons, ReasonCount("welcome", "1", "lost_in_space", None, 1)])

    assert drops[0].label == "Lost in space"


def test_deliverability_adds_up_the_last_five_weeks_and_marks_what_is_over() -> None:
    gmail, elsewhere = health_of(ROOMS.chain, "provider", ROOMS.limits, as_of=DAY)

    assert (gmail.cohort, gmail.sent, gmail.delivered.share) == ("Mailbox at gmail", 1_000, 0.9)
    assert (gmail.rates[1].count, gmail.rates[1].share, gmail.rates[1].tone) == (6, pytest.approx(6 / 900), "bad")
    # Four complaints are as far over the limit, and may be chance.
    assert (elsewhere.rates[1].count, elsewhere.rates[1].tone) == (4, "")


def test_overview_counts_a_contradiction_once_and_the_next_end() -> None:
    house = house_of(ROOMS, as_of=DAY)

    assert [row.sentence for row in house.to_act] == [
        "complaints are 0.40%",
        "welcome: opens rose from 1.00 % to 2.00 %.",
    ]
    assert house.orders == 10
    assert house.candidates == 100
    assert house.next_end == ROOMS.approvals[0].expires_on
    assert [row.severity for row in house.data.risks] == ["high", "high", "none"]


def test_segments_are_shown_by_size_with_what_is_small_or_ends_soon() -> None:
    large, small = house_of(ROOMS, as_of=DAY).segments

    assert (large.row.segment, large.course, large.is_small, large.ends_soon) == (
        "repeat_buyers", "0.0,17.5 50.0,6.5 100.0,1.0", False, False,
    )  # fmt: skip
    assert large.course_text == "Members over the last 3 days: from 100 to 400, at most 400"
    assert (small.row.segment, small.course, small.is_small, small.ends_soon) == ("lapsed_buyers", "", True, True)


def test_page_has_every_room_also_where_nothing_is_known(site_data: SiteData) -> None:
    full = render(replace(site_data, rooms=ROOMS))
    empty = render(replace(site_data, rooms=Rooms()))

    for room in ("overview", "chain", "waterfall", "deliverability", "segments", "governance"):
        assert f'<section id="{room}"' in full
        assert f'<section id="{room}"' in empty
        assert f'href="#{room}"' in full
    assert "Playbook version <code>0123456789ab</code> decides since 1 Mar 2025." in full
    assert "No email of the last eight weeks is known as of 30 Jun 2025." in empty
    assert "last day has been computed yet" in empty
    assert full.count("too few</small>") == 1
    assert "try once more" in full
    assert "Members over the last 3 days: from 100 to 400" in full
