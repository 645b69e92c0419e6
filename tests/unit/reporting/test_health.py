"""The calendar of the sources says in words what its squares say in colours."""

from dataclasses import replace
from datetime import date, timedelta

from reporting.data import AddressFault, Freshness, SiteData, SourceDay
from reporting.health import DAYS, calendar_of, unmet
from reporting.site import render

DAY = date(2025, 6, 30)
OUTAGE = {20: "missing", 21: "missing", 22: "late"}


def source_days(source: str, statuses: dict[int, str], *, since: int = 1) -> list[SourceDay]:
    days = (date(2025, 6, number) for number in range(since, 31))
    return [SourceDay(source, day, statuses.get(day.day, "fresh"), 7) for day in days]


def test_outage_is_told_day_by_day() -> None:
    (row,) = calendar_of(source_days("sendgrid", OUTAGE), DAY)

    assert row.sentence == "missing from 20 Jun 2025 to 21 Jun 2025; late on 22 Jun 2025; fresh otherwise"
    assert [cell.status for cell in row.cells][-11:-7] == ["missing", "missing", "late", "fresh"]
    assert row.cells[-11].title == "20 Jun 2025: missing, 7 events landed"


def test_each_source_has_a_square_for_each_day_and_says_which_were_not_built() -> None:
    rows = calendar_of([*source_days("shopify", {}, since=29), *source_days("plain", {})], DAY)

    assert [row.source for row in rows] == ["plain", "shopify"]
    assert {len(row.cells) for row in rows} == {DAYS}
    assert [cell.status for cell in rows[1].cells] == ["none"] * (DAYS - 2) + ["fresh"] * 2
    assert rows[1].sentence == "fresh on all 2 days"
    assert all(left.x < right.x for row in rows for left, right in zip(row.cells, row.cells[1:], strict=False))


def test_source_that_was_never_fresh_is_not_called_so() -> None:
    missing = [SourceDay("plain", DAY - timedelta(days=offset), "missing", 0) for offset in range(2)]

    assert calendar_of(missing, DAY)[0].sentence == "missing from 29 Jun 2025 to 30 Jun 2025"


def test_page_shows_squares_with_text_beside_them_and_names_what_is_required(site_data: SiteData) -> None:
    nothing = Freshness("required", "cart_abandonment", None, None, None, 0, None, None, "missing", "cart_abandonment")
    page = render(replace(site_data, source_days=tuple(source_days("sendgrid", OUTAGE)), freshness=(nothing,)))

    assert page.count('<rect class="day missing"') == 2
    assert "<span>missing from 20 Jun 2025 to 21 Jun 2025; late on 22 Jun 2025; fresh otherwise</span>" in page
    assert "nothing has brought in the last four weeks: cart abandonment." in page
    assert unmet(site_data.freshness) == []


def test_addresses_that_cannot_be_one_are_told_by_what_is_wrong(site_data: SiteData) -> None:
    faults = (
        AddressFault("shopify", "orders", "no_at_sign", 12, 0.034),
        AddressFault("plain", "profiles", "no_domain", 1, 0.5),
    )

    assert (
        "never sent to: 12 no at sign in shopify orders (3.4 %), 1 no domain in plain profiles (50.0 %).</p>"
        in render(replace(site_data, address_faults=faults))
    )
    assert "Every address that landed that day can be one." in render(replace(site_data, address_faults=()))


def test_one_day_is_no_plural(site_data: SiteData) -> None:
    day = SourceDay("shopify", site_data.as_of, "fresh", 3)

    assert calendar_of([day], site_data.as_of)[0].sentence == "fresh on the one day that was built"
