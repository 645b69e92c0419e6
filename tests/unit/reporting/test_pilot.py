"""The pilot says which day it is, what its outcome says until its end, and which targets hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from reporting.data import LiftRow, SiteData
from reporting.pilot import PilotPage, pilot_of
from reporting.rooms import Pilot, PilotTarget, Rooms
from reporting.site import render
from tests.unit.reporting.rooms import DAY, MONDAY, week

PILOT = Pilot(
    pilot="emails_pay", question="Do emails pay?", owner="lead", outcome="conversion", control="global_holdout", arm="treatment",
    flows=(), starts_on=date(2025, 5, 1), ends_on=date(2025, 7, 29), minimum_lift_relative=0.02,
    targets=(
        PilotTarget("delivered", "sent", 0.95, is_least=True),
        PilotTarget("human_clicks", "delivered", 0.1, is_least=True),
        PilotTarget("complaints", "delivered", 0.001, is_least=False),
    ),
)  # fmt: skip


def row(as_of: date = DAY, *, verdict: str = "works", relative: float = 0.1, **changes: str) -> LiftRow:
    found = LiftRow(
        as_of=as_of, experiment="global_holdout", segment="all", metric="conversion", arm="treatment", baseline_arm="holdout",
        n_treated=9_000, n_held_out=500, mean_treated=0.11, mean_held_out=0.1, lift=0.01, lift_relative=relative, ci_low=0.002,
        ci_high=0.018, p_value=0.01, p_adjusted=0.01, method="m", verdict=verdict, srm_p_value=0.5, contamination=0.0,
        minimum_detectable_lift=0.005, verdict_text=f"said on {as_of}",
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def page(*lift: LiftRow, as_of: date = DAY, pilot: Pilot = PILOT, chain: tuple[object, ...] = ()) -> PilotPage:
    found = pilot_of(pilot, lift, chain, as_of=as_of)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("as_of", "day", "phase"),
    [
        (date(2025, 4, 30), 0, "Begins on 1 May 2025"),
        (date(2025, 5, 1), 1, "Day 1 of 90"),
        (date(2025, 7, 29), 90, "Day 90 of 90"),
        (date(2025, 7, 30), 90, "Over since 29 Jul 2025"),
    ],
)
def test_days_are_counted_from_first_to_last(as_of: date, day: int, phase: str) -> None:
    found = page(row(min(as_of, PILOT.ends_on)), as_of=as_of)
    assert (found.day, found.days, found.phase) == (day, 90, phase)
    assert (found.tone == "wait") == (day == 0)


def test_what_comes_after_the_end_does_not_change_the_verdict() -> None:
    last, later = row(PILOT.ends_on), row(PILOT.ends_on + timedelta(days=9), verdict="hurts")
    found = page(last, later, as_of=later.as_of)
    assert found.verdict == "The pilot succeeded. said on 2025-07-29"


def test_a_lift_that_is_too_small_is_no_success() -> None:
    small = page(row(relative=0.01))
    assert (small.tone, small.verdict) == (
        "flat",
        f"said on {DAY} That is less than the 2.0 % that the pilot asks for.",
    )
    over = page(row(PILOT.ends_on, relative=0.01), as_of=date(2025, 8, 1))
    assert over.verdict.startswith("The pilot did not succeed.")
    assert page(row(PILOT.ends_on, verdict="hurts"), as_of=date(2025, 8, 1)).tone == "bad"


@pytest.mark.parametrize(
    "changes", [{"arm": "other"}, {"metric": "revenue"}, {"segment": "value_high"}, {"experiment": "another"}]
)
def test_only_the_declared_row_decides(changes: dict[str, str]) -> None:
    assert page(row(**changes)).tone == "wait"


def test_targets_are_held_against_settled_weeks_since_the_beginning() -> None:
    rows = (
        week("welcome", 0, sent=100_000, complaints=9_000),  # not settled
        week("welcome", 1, sent=1_000, complaints=1),
        week("win_back", 2, sent=1_000, complaints=1),
        week("welcome", 1, dimension="provider", cohort="mailbox_at_gmail", sent=1_000, complaints=900),
    )
    lines = {line.label: (line.reached, line.tone) for line in page(chain=rows).targets}
    assert lines == {"Delivered": ("90.0 %", "bad"), "Clicked": ("11.1 %", "good"), "Complained": ("0.11 %", "bad")}
    of_one = replace(PILOT, flows=("win_back",), starts_on=MONDAY - timedelta(days=7))
    assert {line.reached for line in page(chain=rows, pilot=of_one).targets} == {"90.0 %", "11.1 %", "0.11 %"}
    later = replace(PILOT, starts_on=MONDAY + timedelta(days=1))
    assert {line.reached for line in page(chain=rows, pilot=later).targets} == {"not known yet"}


def test_the_overview_shows_it_and_is_silent_without() -> None:
    built_at = datetime(2025, 7, 1, tzinfo=UTC)
    shown = render(SiteData(as_of=DAY, built_at=built_at, lift=(row(),), rooms=Rooms(pilot=PILOT)))
    part = shown.split('id="pilot"')[1].split("</section>")[0]
    assert "Do emails pay?" in part
    assert "Day 61 of 90" in part
    assert f"said on {DAY}" in part
    assert 'id="pilot"' not in render(SiteData(as_of=DAY, built_at=built_at))
