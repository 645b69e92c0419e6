"""What was earned, beside what is claimed, on the page."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reporting.data import LiftRow, RevenueClaim, SiteData
from reporting.money import money_of
from reporting.page import experiments_of
from reporting.site import render

CLAIM = RevenueClaim(
    experiment="global_holdout", arm="treatment", segment="all", n_treated=20_000, earned_per_recipient_amount=0.5,
    earned_amount=10_000.0, earned_low_amount=4_000.0, earned_high_amount=16_000.0, discount_amount=-120.0,
    lost_subscriber_count=35.0, lost_subscriber_amount=10.0, net_per_recipient_amount=0.4825, net_amount=9_650.0,
    net_low_amount=3_600.0, net_high_amount=15_700.0, last_click_amount=32_000.0, assisted_amount=90_000.0,
    over_credit_ratio=3.2, over_credit_low_ratio=2.0, over_credit_high_ratio=8.0,
    claim_text="The emails earned 10,000 GBP & more.",
)  # fmt: skip


def test_everybody_comes_before_the_flows_and_the_holdout_before_others() -> None:
    flows = [replace(CLAIM, segment=f"entered_by_{flow}") for flow in ("win_back", "cart_abandonment")]
    other = replace(CLAIM, experiment="a_test", arm="bold")
    money = money_of([other, *flows, CLAIM], "GBP")
    names = [line.who for line in money.lines]
    assert names == ["Global holdout", "entered by cart abandonment", "entered by win back", "A test: bold"]
    assert [name for name, _ in money.quotes] == ["Global holdout", "A test: bold"]


def test_figures_are_on_the_page_and_escaped(site_data: SiteData) -> None:
    page = render(replace(site_data, claims=(CLAIM,)))
    for text in (
        "+£10,000",
        "+£4,000 to +£16,000",
        "+£9,650",
        "£32,000",
        "£90,000",
        "3.2 ×",
        "2.0 to 8.0",
        "GBP &amp; more",
    ):
        assert text in page


def test_what_is_not_known_is_said_and_no_claim_is_an_empty_section(site_data: SiteData) -> None:
    nothing = {name: None for name in vars(CLAIM) if name.startswith(("earned", "net", "over_credit"))}
    (line,) = money_of([replace(CLAIM, **nothing)], "GBP").lines  # type: ignore[arg-type]
    assert (line.over_credit, line.earned) == ("not known yet", "–")
    assert "nothing is earned or claimed yet" in render(site_data)


def test_contamination_periods_and_bad_data_are_notes(site_data: SiteData, lift_row: Callable[..., LiftRow]) -> None:
    row = lift_row(
        contamination_text="our own people: 240", lift_clean=0.009, ci_low_clean=0.002, ci_high_clean=0.016,
        epochs_text="at first holdout 10%; from 2025-05-15 holdout 50%", data_quality="the orders of shop are missing",
    )  # fmt: skip
    (experiment,) = experiments_of(replace(site_data, lift=(row,)))
    notes = {text: tone for tone, text in experiment.notes}
    assert notes["In 1.20 % of the people the arms met (our own people: 240)."] == "warn"
    assert notes["Without them the lift is +0.90 pts (+0.20 pts to +1.60 pts), with them +0.81 pts."] == "flat"
    assert notes["The orders of shop are missing."] == "warn"
    assert any("from 2025-05-15 holdout 50%" in text for text in notes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"srm_p_value": 0.0001}, "the arms are not split as planned"),
        ({"data_quality": "the orders of shop are missing since 2025-06-01, 29 of 60 days"}, "the orders of shop are missing"),
    ],
)  # fmt: skip
def test_an_invalid_result_says_why_in_its_headline(
    site_data: SiteData, lift_row: Callable[..., LiftRow], changes: dict[str, object], reason: str
) -> None:
    (experiment,) = experiments_of(replace(site_data, lift=(lift_row(verdict="invalid", **changes),)))
    assert experiment.headline.tone == "alarm"
    assert experiment.headline.text.startswith(f"Do not act on these numbers: {reason}")
