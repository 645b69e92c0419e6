"""Models are judged by what truly happened after the day."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scoreboard.models import score_models
from simulator.scoreboard.observed import observe
from simulator.scoreboard.ranking import area_under_curve, standard_error
from tests.unit.simulator.scoreboard.conftest import DAY, Shop, mailbox_hash

FROM, TO = date(2025, 1, 1), date(9999, 12, 31)


def person(number: int, *, is_existing: bool = True, joined: str = "2024-06-01 12:00:00") -> tuple[Any, ...]:
    address = f"p{number}@shop.example"
    return (
        number,
        datetime.fromisoformat(joined),
        is_existing,
        0.02,
        datetime.fromisoformat("2026-01-01"),
        0.3,
        address,
        "own",
        "desktop",
    )


def purchase(
    number: int, at: str, *, is_renewal: bool = False, is_test: bool = False, happened: bool = True
) -> tuple[Any, ...]:
    return number, datetime.fromisoformat(at), number, 9.0, 9.0, is_renewal, is_test, "own", happened


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_area_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    pairs = [
        (high > low) + (high == low) / 2 for is_one, high in rows for is_other, low in rows if is_one and not is_other
    ]

    area = area_under_curve(np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows]))

    assert area == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_standard_error_is_that_of_repeated_samples() -> None:
    rng = np.random.default_rng(2)
    is_positive = np.repeat([True, False], 200)
    areas = [area_under_curve(is_positive, rng.normal(size=400) + is_positive) for _ in range(400)]

    found = np.array(areas, dtype=np.float64)

    assert standard_error(is_positive, float(found.mean())) == pytest.approx(found.std(), rel=0.15)


@pytest.fixture
def judged(shop: Shop) -> Shop:
    """Four customers; the first is two persons, of whom the second comes back."""
    shop.land(
        marts__identity_map=[(f"shopify:{key}", f"c{key or 1}", "", FROM, TO) for key in range(5)],
        marts__training_outcomes=[
            (date(2025, 3, 9), "churn_risk", 60), (date(2025, 3, 2), "churn_risk", 30), (date(2025, 3, 16), "churn_risk", 90),
            (date(2025, 3, 9), "repeat_purchase", 30),
        ],
        marts__customer_features=[(DAY, f"c{key}", days) for key, days in ((1, 10), (2, 20), (3, None), (4, 5))],
        ml__customer_scores=[
            (DAY, f"c{key}", "churn_risk", "7", score, "model") for key, score in ((1, 0.4), (2, 0.9), (3, 0.8), (4, 0.5))
        ] + [
            (DAY, f"c{key}", "repeat_purchase", "3", score, "model") for key, score in ((1, 0.9), (2, 0.1), (3, 0.2), (4, 0.15))
        ] + [
            (DAY, "stranger", "churn_risk", "7", 0.1, "model"), (DAY - timedelta(days=1), "c1", "churn_risk", "6", 1.0, "model"),
            (DAY, "c9", "engagement", "2", 0.3, "model"),
        ],
    )  # fmt: skip
    return shop


PURCHASES = [
    purchase(0, "2025-03-11 00:00:00"),
    purchase(2, "2025-03-12 10:00:00", is_test=True),
    purchase(3, "2025-05-10 10:00:00"),
    purchase(4, "2025-05-09 23:59:00"),
]


def test_churn_is_no_purchase_of_any_of_the_customers_persons(judged: Shop) -> None:
    planted = judged.plant(
        people=[person(number) for number in range(5)],
        profiles=[(f"shopify:{number}", number, False) for number in range(5)],
        purchases=PURCHASES,
    )

    score, _ = score_models(judged.connection, planted, DAY)

    assert (score.horizon_days, score.customers, score.came_true, score.left_out) == (60, 4, 2, 1)
    assert [(model.name, model.version, model.area) for model in score.models] == [("churn_risk", "7", 1.0)]
    assert score.recency is not None
    assert score.recency.area == 1.0
    assert score.tractability == "exact"
    assert sum(tenth.customers for tenth in score.tenths) == 4
    assert score.models[0].calibration_error == pytest.approx((0.4 + 0.1 + 0.2 + 0.5) / 4)


def test_repeat_is_a_purchase_in_the_horizon_of_its_own_task(judged: Shop) -> None:
    planted = judged.plant(
        people=[person(number) for number in range(5)],
        profiles=[(f"shopify:{number}", number, False) for number in range(5)],
        purchases=PURCHASES,
    )

    _, score = score_models(judged.connection, planted, DAY)

    assert (score.question.task, score.horizon_days, score.customers, score.came_true, score.left_out) == (
        "repeat_purchase",
        30,
        4,
        1,
        0,
    )
    assert [(model.name, model.version, model.area) for model in score.models] == [("repeat_purchase", "3", 1.0)]
    assert score.recency is not None
    assert score.recency.area == pytest.approx(2 / 3)  # of those who stay away, one had ordered five days before
    assert score.best is not None


def test_best_ranking_is_not_made_up_where_behaviour_shifts(judged: Shop) -> None:
    planted = judged.plant(
        "drift",
        people=[person(number) for number in range(5)],
        profiles=[(f"shopify:{number}", number, False) for number in range(5)],
        purchases=PURCHASES,
    )

    score = score_models(judged.connection, planted, DAY)[0]

    assert score.best is None
    assert score.share_of_best(score.models[0]) is None


def test_models_are_not_judged_where_the_truth_ends_before_the_horizon(judged: Shop) -> None:
    judged.land(marts__training_outcomes=[(DAY, "churn_risk", 61), (DAY, "repeat_purchase", 61)])

    assert score_models(judged.connection, judged.plant(), DAY) == ()


def test_observations_are_those_of_the_files_by_the_day(shop: Shop) -> None:
    address = mailbox_hash("p1@shop.example")
    planted = shop.plant(
        people=[person(0), person(1, is_existing=False, joined="2025-01-06 12:00:00")],
        profiles=[
            ("segment:anon:a", 1, False), ("segment:user:1", 1, False), ("segment:anon:kiosk", 1, True), ("segment:anon:kiosk", 0, True),
            ("mailbox:p1@shop.example", 1, False),
        ],
        purchases=[
            purchase(1, "2025-01-06 12:20:00"),
            purchase(1, "2025-01-08 09:00:00"),
            purchase(1, "2025-01-09 09:00:00", happened=False),
            purchase(1, "2025-03-11 00:00:00"),
            purchase(0, "2025-02-27 05:00:00", is_renewal=True),
            purchase(1, "2025-01-20 05:00:00", is_renewal=True),
        ],
    )  # fmt: skip
    shop.connection.execute(
        "create temp table forecast_people as from (values (0, 0), (1, 1)) as people (person, place)"
    )
    noon = datetime.fromisoformat("2025-01-08 12:00:00")
    shop.land(
        intermediate__int_web_events__unioned=[
            ("Page Viewed", "segment:user:1", noon, DAY),
            ("Page Viewed", "segment:anon:a", noon, DAY),
            ("Page Viewed", "segment:anon:kiosk", noon, DAY),
            ("Product Viewed", "segment:user:1", noon, DAY),
            ("Page Viewed", "segment:user:1", noon, DAY + timedelta(days=1)),
        ],
        intermediate__int_email_events__unioned=[
            ("1", "delivered", DAY, date(2025, 1, 7), address, "m1", False),
            ("2", "opened", DAY, date(2025, 1, 8), address, "m1", False),
            ("3", "delivered", DAY, date(2025, 1, 14), address, "m2", False),
            ("4", "opened", DAY, date(2025, 1, 14), address, "m2", True),
            ("5", "delivered", DAY, DAY, address, "m3", False),
        ],
    )

    seen = observe(shop.connection, planted, DAY)

    assert seen.purchases.shape == (2, 69)
    assert seen.customer_from[0] == 0
    assert seen.customer_from[1] == pytest.approx(5.5)
    # The purchase of the first day says nothing of the rate.
    assert np.argwhere(seen.purchases).tolist() == [[1, 7]]
    # Two visits, one of which ended in the purchase.
    assert (np.argwhere(seen.visits).tolist(), seen.visits[1, 7]) == ([[1, 7]], 1)
    assert np.argwhere(seen.opens).tolist() == [[1, 6]]
    assert np.argwhere(seen.unopened).tolist() == [[1, 13]]
    # The first renewed on day 57 and is due on day 87; the second renewed on day 19 and not on day 49.
    assert seen.alive_at.tolist() == [57, 19]
    assert seen.renews_on.tolist() == [87, np.inf]
    assert seen.gone_by.tolist() == [np.inf, 49]
