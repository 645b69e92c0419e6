"""Data that cannot be relied on: what makes a result invalid, and what is only said."""

from datetime import date, timedelta

import pytest

from ml.measurement.faults import Feed
from ml.measurement.row import LiftRow
from tests.unit.ml.measurement.cell_rows import DAY, analyse, rate_cell

FIRST = DAY - timedelta(days=16)  # the first window closed then, so people came from 30 days before DAY on


def only(*feeds: Feed, late: tuple[int, int] = (0, 0)) -> LiftRow:
    sides = zip((("treatment", 10_000, 0.22), ("holdout", 10_000, 0.20)), late, strict=True)
    cells = [
        rate_cell(arm, size // 2, rate, metric="conversion", late_units=count // 2, matured_on=day)
        for (arm, size, rate), count in sides
        for day in (FIRST, DAY)
    ]
    (row,) = analyse(*cells, feeds=feeds)
    return row


def feed(landed_on: date | None, *, is_missing: bool = True, is_catching_up: bool = False) -> Feed:
    return Feed(DAY, "shop", landed_on, is_missing, is_catching_up)


def test_orders_that_land_late_in_one_arm_make_it_invalid() -> None:
    row = only(late=(20, 200))
    assert row.verdict == "invalid"
    assert row.verdict_text == (
        "Invalid: orders of one arm land later than those of the other: 1% of the buyers in treatment"
        " and 10% in holdout have one that came more than two days late."
    )
    assert row.data_quality is not None


@pytest.mark.parametrize("late", [(220, 200), (20, 60), (0, 0)])
def test_lateness_of_both_arms_and_a_little_of_one_say_nothing(late: tuple[int, int]) -> None:
    row = only(late=late)
    assert (row.verdict, row.data_quality) == ("works", None)


def test_a_feed_that_is_missing_is_said_and_beyond_a_fifth_of_the_days_forbids_a_verdict() -> None:
    row = only(feed(DAY - timedelta(days=6)))
    assert (row.verdict, row.data_quality) == ("works", "the orders of shop are missing since 2025-05-25, 6 of 30 days")
    assert row.verdict_text.endswith("The orders of shop are missing since 2025-05-25, 6 of 30 days.")
    row = only(feed(DAY - timedelta(days=7)))
    assert row.verdict == "invalid"
    assert row.verdict_text == "Invalid: the orders of shop are missing since 2025-05-24, 7 of 30 days."
    row = only(feed(None))
    assert row.verdict_text == "Invalid: the orders of shop are missing from the beginning, 30 of 30 days."


def test_a_feed_that_is_catching_up_is_said_and_one_that_came_is_not() -> None:
    row = only(feed(DAY, is_missing=False, is_catching_up=True))
    assert (row.verdict, row.data_quality) == ("works", "the orders of shop are catching up after days without any")
    assert only(feed(DAY, is_missing=False)).data_quality is None
    assert only(Feed(DAY - timedelta(days=1), "shop", None, is_missing=True, is_catching_up=False)).data_quality is None


def test_a_feed_that_another_has_replaced_is_not_missed_and_none_after_the_last_window() -> None:
    retired = Feed(DAY, "old_shop", DAY - timedelta(days=200), is_missing=True, is_catching_up=False)
    assert only(retired, feed(DAY, is_missing=False)).data_quality is None
    row = only(retired)
    assert row.verdict_text == "Invalid: the orders of old_shop are missing since 2024-11-12, 30 of 30 days."
    later = DAY + timedelta(days=100)
    cells = [
        rate_cell(arm, 5_000, rate, metric="conversion", as_of=later, matured_on=day)
        for arm, rate in (("treatment", 0.22), ("holdout", 0.20))
        for day in (FIRST, DAY)
    ]
    (row,) = analyse(*cells, feeds=[Feed(later, "shop", DAY, is_missing=True, is_catching_up=False)])
    assert row.data_quality is None
