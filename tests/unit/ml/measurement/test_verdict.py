"""Verdicts as a marketer reads them."""

from dataclasses import replace
from datetime import date

import pytest

from ml.measurement.row import LiftRow
from ml.measurement.verdict import Evidence, in_words

ROW = LiftRow(
    as_of=date(2025, 6, 30), experiment="e", arm="treatment", baseline_arm="holdout", segment="all", metric="conversion",
    n_treated=19_000, n_held_out=1_000, mean_treated=0.06, mean_held_out=0.05, lift=0.01, lift_relative=0.2, ci_low=0.002, ci_high=0.018,
    p_value=0.01, p_adjusted=0.01, method="welch", verdict="works", srm_p_value=0.5, contamination=0.0, minimum_detectable_lift=0.0115,
    n_pending=400,
)  # fmt: skip
SHARE = Evidence(refusal=None, elapsed_days=28, is_over=False, is_binary=True)
MONEY = SHARE._replace(is_binary=False)


@pytest.mark.parametrize(
    ("changes", "evidence", "text"),
    [
        ({}, SHARE, "Works: +1.00 points per person, most likely between +0.20 points and +1.80 points."),
        (
            {"verdict": "hurts", "lift": -0.5, "ci_low": -0.9, "ci_high": -0.1, "decided_on": date(2025, 6, 3)},
            MONEY,
            "Hurts: −0.50 per person, most likely between −0.90 and −0.10; beyond chance since 2025-06-03.",
        ),
        (
            {"verdict": "no_difference_within", "ci_low": -0.004, "ci_high": 0.018},
            SHARE,
            "No difference beyond ±1.80 points: the true lift is most likely between −0.40 points and +1.80 points.",
        ),
        # Smallest visible 1.15 points, next target 20 % of 5 % = 1 point: 28 (1.15² - 1) = 9.03 more days.
        (
            {"verdict": "not_enough_data", "ends_on": date(2025, 8, 1)},
            SHARE,
            (
                "Not enough data: the smallest effect that would show now is 1.15 points; "
                "about 2 more weeks like these for 1.00 points; the last look is on 2025-08-01."
            ),
        ),
        (
            {"verdict": "not_enough_data", "mean_held_out": 0.0, "minimum_detectable_lift": 0.4},
            MONEY,
            "Not enough data: the smallest effect that would show now is 0.40; about 12 more weeks like these for 0.20.",
        ),
        (
            {"verdict": "not_enough_data", "minimum_detectable_lift": 0.4},
            SHARE._replace(is_over=True),
            "Not enough data: the smallest effect that would show now is 40.00 points.",
        ),
        (
            {"verdict": "not_enough_data", "n_pending": 0},
            SHARE,
            "Not enough data: the smallest effect that would show now is 1.15 points, and nobody new is entering.",
        ),
        (
            {"verdict": "not_enough_data", "n_held_out": 73},
            SHARE._replace(refusal="few_units"),
            "Not enough data: the smaller arm has 73 people whose outcome window has closed, of 100 that it takes.",
        ),
        (
            {"verdict": "invalid", "srm_p_value": 0.00012},
            SHARE,
            "Invalid: the arms are not split as planned (p = 0.00012), so their difference has another cause.",
        ),
    ],
)  # fmt: skip
def test_a_verdict_says_what_it_means(changes: dict[str, object], evidence: Evidence, text: str) -> None:
    assert in_words(replace(ROW, **changes), evidence) == text  # type: ignore[arg-type]


def test_a_wait_of_decades_is_not_counted_in_weeks() -> None:
    row = replace(ROW, verdict="not_enough_data", minimum_detectable_lift=0.049, mean_held_out=0.005)
    assert "more than ten more years" in in_words(row, SHARE)


@pytest.mark.parametrize("refusal", ["few_buyers", "nothing_varies", "no_values", "burn_in"])
def test_each_refusal_has_its_sentence(refusal: str) -> None:
    row = replace(ROW, verdict="not_enough_data", ci_low=None, ci_high=None)
    text = in_words(row, SHARE._replace(refusal=refusal))  # type: ignore[arg-type]
    assert text.startswith("Not enough data: ")
    assert "smallest effect" not in text
