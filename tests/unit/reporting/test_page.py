"""Figures are grouped, ordered and placed as a reader expects."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting import formats
from reporting.course import course_of
from reporting.data import LiftRow, Metric, OutcomeCount, SiteData
from reporting.definitions import METRICS, VERDICTS, metric_of
from reporting.forest import axis_of
from reporting.page import experiments_of, waterfalls_of
from reporting.verdict import headline, in_words, tone_of

Row = Callable[..., LiftRow]


def test_everybody_and_conversion_lead(site_data: SiteData) -> None:
    (experiment,) = experiments_of(site_data)

    assert [panel.metric.label for panel in experiment.panels] == ["Conversion", "Revenue"]
    assert [row.label for row in experiment.panels[0].rows] == ["Everybody", "New subscribers"]


def test_segments_without_an_estimate_are_counted_rather_than_drawn(site_data: SiteData, lift_row: Row) -> None:
    unknown = {"lift": None, "ci_low": None, "ci_high": None, "mean_treated": None, "mean_held_out": None}
    rows = (
        lift_row(segment="a"),
        lift_row(segment="b", **unknown),
        lift_row(segment="c", **unknown),
        lift_row(**unknown),
    )
    (experiment,) = experiments_of(replace(site_data, lift=rows))
    (panel,) = experiment.panels
    assert ([row.label for row in panel.rows], panel.pending) == (["Everybody", "A"], 2)
    assert experiment.headline.support == "The days in which conversion counts are over for nobody yet."


def test_global_holdout_is_the_first_experiment_and_arms_stand_apart(site_data: SiteData, lift_row: Row) -> None:
    rows = (lift_row(experiment="a_test", arm="short"), lift_row(experiment="a_test", arm="long"), lift_row())

    titles = [experiment.title for experiment in experiments_of(replace(site_data, lift=rows))]

    assert titles == ["Global holdout", "A test: long", "A test: short"]


def test_totals_are_lift_times_people(site_data: SiteData) -> None:
    (experiment,) = experiments_of(site_data)

    assert [(total.value, total.interval) for total in experiment.totals] == [
        ("+162", "+26 to +298"),
        ("+£10,600", "−£1,600 to +£22,800"),
    ]


def test_waterfall_adds_up_in_the_order_of_the_outcomes() -> None:
    counts = [
        OutcomeCount("f", "s", outcome, n) for outcome, n in (("capped", 1), ("sent", 6), ("odd", 1), ("held_out", 2))
    ]

    (fall,) = waterfalls_of(counts)

    assert fall.candidates == 10
    assert [(share.outcome, share.share) for share in fall.shares] == [
        ("sent", 0.6),
        ("held_out", 0.2),
        ("capped", 0.1),
        ("odd", 0.1),
    ]


def test_steps_by_number_are_called_steps() -> None:
    falls = waterfalls_of([OutcomeCount("f", 1, "sent", 2), OutcomeCount("f", "last_call", "sent", 2)])

    assert [fall.step for fall in falls] == ["last call", "step 1"]


def test_step_without_candidates_has_no_shares() -> None:
    (fall,) = waterfalls_of([OutcomeCount("f", "s", "sent", 0)])

    assert fall.shares[0].share == 0


@pytest.mark.parametrize(
    ("low", "high", "srm", "tone"),
    [
        (0.001, 0.01, 0.5, "good"),
        (-0.01, -0.001, 0.5, "bad"),
        (-0.01, 0.01, 0.5, "flat"),
        (0.0, 0.01, 0.5, "flat"),
        (None, None, 0.5, "wait"),
        (0.001, 0.01, 0.0009, "alarm"),
        (0.001, 0.01, 0.001, "good"),
        (0.001, 0.01, None, "good"),
    ],
)
def test_tone_follows_interval_and_split(
    lift_row: Row, low: float | None, high: float | None, srm: float | None, tone: str
) -> None:
    assert tone_of(lift_row(verdict="see for yourself", ci_low=low, ci_high=high, srm_p_value=srm)) == tone


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdict_outranks_the_interval(lift_row: Row, verdict: str) -> None:
    tone = {
        "works": "good",
        "hurts": "bad",
        "no_difference_within": "flat",
        "not_enough_data": "wait",
        "invalid": "alarm",
    }[verdict]

    assert {tone_of(lift_row(verdict=verdict, ci_low=low, ci_high=0.1)) for low in (0.01, -0.01)} == {tone}


def test_harm_that_rises_is_said_as_a_rise(lift_row: Row) -> None:
    said = headline(lift_row(verdict="hurts", metric="unsubscribed"), Metric("Unsubscribed", "share", ""), "")

    assert (said.text, said.tone) == ("The emails raise unsubscribed by 0.81 pts", "bad")


def test_arms_of_a_content_test_are_named(lift_row: Row) -> None:
    row = lift_row(arm="short_subject", baseline_arm="long_subject")

    said = headline(row, METRICS["conversion"], "")

    assert said.text == "“Short subject” raises conversion by 0.81 pts"
    assert said.support == "Conversion is 4.12 % in “Short subject” and 3.31 % in “Long subject”."


def test_unknown_metric_keeps_its_name_and_is_a_number() -> None:
    assert metric_of("store_visits", {}) == Metric("Store visits", "number", "")
    assert metric_of("store_visits", {"store_visits": METRICS["visit"]}) is METRICS["visit"]


def test_declared_metric_leads_and_its_sentence_is_the_report_s_own(site_data: SiteData, lift_row: Row) -> None:
    rows = (
        lift_row(metric="conversion"),
        lift_row(metric="revenue", is_primary=True, verdict_text="Works: +0.53 per person.", ends_on=date(2025, 8, 1), n_pending=1234),
        lift_row(metric="visit", finding="Everyone gains, but these lose: mainly on mobile"),
    )  # fmt: skip

    (experiment,) = experiments_of(replace(site_data, lift=rows))

    assert experiment.leading.metric == "revenue"
    assert in_words(experiment.leading) == "Works: +0.53 per person."
    notes = [note for _, note in experiment.notes]
    assert ("warn", "Visit: Everyone gains, but these lose: mainly on mobile.") in experiment.notes
    assert "1,234 more people are still within the days in which their orders count." in notes
    assert "The last look is planned for 1 Aug 2025; until then the bar is higher." in notes


def test_sentence_of_a_verdict_without_numbers_is_its_definition(lift_row: Row) -> None:
    assert in_words(lift_row(verdict="hurts")) == VERDICTS["hurts"]


finite = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(st.lists(st.tuples(finite, finite, finite).map(sorted), min_size=1, max_size=6))
def test_axis_shows_zero_and_every_interval(intervals: list[list[float]]) -> None:
    rows = [_row(low=low, lift=lift, high=high) for low, lift, high in intervals]

    axis = axis_of(rows)

    assert axis.low < 0 < axis.high
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
    assert 1 <= len(axis.ticks) <= 8
    for row in rows:
        mark = axis.mark(row)
        assert mark is not None
        assert 0 <= mark.low <= mark.point <= mark.high <= 100


def test_axis_without_any_interval_has_only_zero(lift_row: Row) -> None:
    row = lift_row(lift=None, ci_low=None, ci_high=None)

    assert axis_of([row]).ticks == (0.0,)
    assert axis_of([row]).mark(row) is None


def test_course_runs_over_the_whole_width_and_stays_in_the_box() -> None:
    first = date(2025, 6, 1)
    rows = [
        _row(low=-0.5 / (at + 1), lift=0.1, high=0.7 / (at + 1), as_of=first + timedelta(days=at)) for at in range(9)
    ]

    course = course_of(rows[::-1])

    assert course is not None
    points = [tuple(map(float, point.split(","))) for point in (course.line + " " + course.band).split()]
    assert [across for across, _ in points[:9]] == [0, 12.5, 25, 37.5, 50, 62.5, 75, 87.5, 100]
    assert all(0 <= value <= 100 for point in points for value in point)
    assert (course.first, course.last) == (first, date(2025, 6, 9))


def test_one_day_is_no_course(lift_row: Row) -> None:
    assert course_of([lift_row()]) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0081, "share", "+0.81 pts"),
        (-0.0081, "share", "−0.81 pts"),
        (0.53, "amount", "+£0.53"),
        (-1456.32, "amount", "−£1,456"),
        (0.0, "share", "+0.00 pts"),
        (0.1234, "number", "+0.123"),
        (None, "share", "–"),
    ],
)
def test_difference_is_signed_in_the_unit_of_its_metric(value: float | None, unit: str, text: str) -> None:
    assert formats.difference(value, unit, "GBP") == text  # type: ignore[arg-type]


def test_amount_without_symbol_shows_its_code() -> None:
    assert formats.mean(12.5, "amount", "CHF") == "12.50 CHF"
    assert formats.mean(-12.5, "amount", "EUR") == "−€12.50"


@pytest.mark.parametrize(
    ("hours", "text"), [(0.5, "30 min"), (6.2, "6 h"), (47.9, "47 h"), (49, "2 days"), (-3, "0 min")]
)
def test_age_is_in_the_largest_unit_that_fits(site_data: SiteData, hours: float, text: str) -> None:
    assert formats.age(site_data.built_at - timedelta(hours=hours), site_data.built_at) == text


def test_naive_times_are_utc(site_data: SiteData) -> None:
    naive = site_data.built_at.replace(tzinfo=None)

    assert formats.age(naive - timedelta(hours=3), site_data.built_at) == "3 h"


def _row(*, low: float, lift: float, high: float, as_of: date = date(2025, 6, 1)) -> LiftRow:
    return LiftRow(
        as_of, "e", "all", "conversion", "treatment", "holdout", 1, 1, None, None, lift, None, low, high,
        None, None, "welch", "higher", None, None, None,
    )  # fmt: skip
