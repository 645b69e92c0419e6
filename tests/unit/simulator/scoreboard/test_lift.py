"""The true effect is that of the report's own window and population."""

from datetime import date, datetime
from typing import Any

import pytest

from simulator.scoreboard.lift import score_lift
from tests.unit.simulator.scoreboard.conftest import DAY, Shop

EXPERIMENT = "legacy_win_back"


def assigned(
    person: int,
    arm: str,
    *,
    group: str = "desktop",
    effect: float = 0.5,
    on: date = date(2025, 2, 1),
    treated: tuple[bool, float] = (False, 0.0),
    control: tuple[bool, float] = (False, 0.0),
) -> tuple[Any, ...]:
    return EXPERIMENT, person, "", arm, on, group, effect, treated[0], control[0], treated[1], control[1]  # fmt: skip


def purchase(
    person: int, at: str, *, cause: str = "own", happened: bool = True, amount: float = 10.0
) -> tuple[Any, ...]:
    return person, datetime.fromisoformat(at), person, amount, amount, False, False, cause, happened


def test_both_outcomes_of_each_person_make_the_effect(shop: Shop) -> None:
    shop.plant(
        experiments=[
            assigned(1, "treatment", treated=(True, 10.0)),
            assigned(2, "control", treated=(True, 10.0)),
            assigned(3, "treatment", treated=(True, 20.0), control=(True, 10.0)),
            assigned(4, "control", group="loyal", treated=(True, 5.0), control=(True, 5.0)),
            assigned(5, "treatment", on=date(2025, 3, 1), treated=(True, 99.0)),
        ],
        purchases=[
            purchase(1, "2025-02-03 10:00:00", cause="win_back"),
            purchase(2, "2025-02-03 10:00:00", cause="win_back", happened=False),
            purchase(3, "2025-02-03 10:00:00", cause="win_back"),
            # After the report's 14 days but within the truth's 28: the email added a buyer to the report.
            purchase(3, "2025-02-20 10:00:00"),
            purchase(4, "2025-02-05 10:00:00"),
            purchase(5, "2025-03-02 10:00:00", cause="win_back"),
        ],
    )  # fmt: skip
    shop.land(
        measurement__holdout_report=[
            (DAY, EXPERIMENT, "treatment", "all", "conversion", 2, 2, 0.5, 0.2, 0.8, "works"),
            (DAY, EXPERIMENT, "treatment", "all", "revenue", 2, 2, 1.0, 0.5, 1.5, "works"),
            (DAY, EXPERIMENT, "treatment", "prior_buyers", "conversion", 2, 2, 0.9, 0.9, 0.9, "works"),
        ]
    )

    (score,) = score_lift(shop.connection, DAY)
    everybody, desktop, loyal = score.effects

    assert (everybody.persons, desktop.group, loyal.group) == (4, "desktop", "loyal")
    assert everybody.conversion == pytest.approx(3 / 4)
    assert everybody.long_conversion == pytest.approx(2 / 4)
    assert everybody.revenue == pytest.approx(30 / 4)
    assert loyal.conversion == 0
    assert [(one.metric, one.is_covered) for one in score.estimates] == [("conversion", True), ("revenue", False)]


@pytest.mark.parametrize("arm", ["treatment", "control"])
def test_email_that_prevents_a_purchase_counts_against_it_in_either_arm(shop: Shop, arm: str) -> None:
    shop.plant(
        experiments=[assigned(1, arm, group="office", effect=-0.5, control=(True, 10.0))],
        purchases=[purchase(1, "2025-02-05 10:00:00", happened=arm == "control")],
    )

    (score,) = score_lift(shop.connection, DAY)

    assert score.effects[0].conversion == -1
    assert score.estimates == ()


def test_estimate_without_an_interval_is_neither_right_nor_wrong(shop: Shop) -> None:
    shop.plant(experiments=[assigned(1, "treatment")])
    shop.land(
        measurement__holdout_report=[
            (DAY, EXPERIMENT, "treatment", "all", "conversion", 1, 1, None, None, None, "not_enough_data")
        ]
    )

    (score,) = score_lift(shop.connection, DAY)

    assert score.estimates[0].is_covered is None
