"""Blocks: the first rule that holds, else the fallback with its reasons; values and versions that are written down."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from activation.playbook.flows import Variant
from tests.unit.activation.shop import DAY, SAID_OF_SEGMENTS, Shop, people, playbook

ANN = people("treatment", 1)[0]


def hero(shop: Shop, flow: str = "win_back") -> dict[str, Any]:
    shop.customer(ANN)
    shop.trigger(ANN, flow)
    shop.decide()
    choice: dict[str, Any] = json.loads(str(shop.rows()[0]["block_choices"]))["hero"]
    return choice


def test_segment_comes_before_score(shop: Shop) -> None:
    shop.member(ANN, "repeat_buyers_with_replenishment_risk")
    shop.score(ANN, 0.9)
    choice = hero(shop)
    assert choice == {
        "variant": "replenish_now", "rule": "segment repeat_buyers_with_replenishment_risk", "confidence": None,
        "fallback_used": False, "fallback_reason": None,
    }  # fmt: skip
    assert shop.rows()[0]["segment"] == "repeat_buyers_with_replenishment_risk"


@pytest.mark.parametrize("tier", ["fallback", "abstained"])
def test_value_takes_probabilities_and_no_ranks(shop: Shop, tier: str) -> None:
    shop.score(ANN, 0.9, tier=tier)
    hero(shop)
    assert shop.rows()[0]["expected_value"] == pytest.approx(18 * 0.10)


def test_score_at_its_threshold_holds(shop: Shop) -> None:
    shop.score(ANN, 0.6)
    choice = hero(shop)
    assert (choice["variant"], choice["confidence"], choice["rule"]) == ("we_miss_you", 0.6, "churn_risk >= 0.6")
    assert shop.rows()[0]["model_versions"] == '{"churn_risk":"3"}'
    assert shop.rows()[0]["expected_value"] == pytest.approx(18 * 0.6)


@pytest.mark.parametrize(
    ("score", "tier", "state", "reason"),
    [
        (0.59, "model", "watch", "low_score_of_churn_risk"),
        (0.9, "abstained", "fresh", "fallback_tier_of_churn_risk"),
        (0.9, "fallback", "degraded", "degraded_model_of_churn_risk"),
        (0.9, "fallback", "stale", "stale_model_of_churn_risk"),
        (None, "model", "fresh", "no_score_of_churn_risk"),
    ],
)
def test_fallback_says_why(shop: Shop, score: float | None, tier: str, state: str, reason: str) -> None:
    if score is not None:
        shop.score(ANN, score, tier=tier, state=state)
    choice = hero(shop)
    assert (choice["variant"], choice["rule"], choice["fallback_used"]) == ("news_since_then", "fallback", True)
    assert choice["fallback_reason"] == f"not_in_repeat_buyers_with_replenishment_risk, {reason}"


def test_value_without_score_takes_the_weight(shop: Shop) -> None:
    hero(shop)
    assert shop.rows()[0]["expected_value"] == pytest.approx(18 * 0.1)


def test_block_without_variants_is_no_fallback(shop: Shop) -> None:
    assert hero(shop, "welcome") == {
        "variant": "brand_story", "rule": "always", "confidence": None, "fallback_used": False, "fallback_reason": None
    }  # fmt: skip


@pytest.mark.parametrize(("age", "variant"), [(2, "what_you_looked_at"), (3, "bestsellers"), (None, "bestsellers")])
def test_stale_views_take_the_fallback(shop: Shop, age: int | None, variant: str) -> None:
    from datetime import date, datetime

    if age is not None:
        shop.fresh("segment", age=age, event="Product Viewed")
    shop.customer(ANN)
    shop.member(ANN, "engaged_browsers_without_order")
    shop.claimed(
        ANN,
        send_at=datetime.fromisoformat("2025-06-06T09:00"),
        flow="welcome",
        occurrence="sign_up",
        as_of=date(2025, 6, 5),
    )
    shop.decide()
    (row,) = shop.rows()
    choice = json.loads(str(row["block_choices"]))["hero"]
    assert choice["variant"] == variant
    assert choice["fallback_reason"] == (None if variant == "what_you_looked_at" else "stale_segment")
    ages = {"sendgrid": 0} | ({} if age is None else {"segment": age})
    assert json.loads(str(row["data_age"])) == ages


def test_suppressed_candidates_get_no_blocks(shop: Shop) -> None:
    shop.suppress("complained", customer_id=ANN)
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.decide()
    assert shop.rows()[0]["block_choices"] == "{}"


@pytest.mark.parametrize(
    ("members", "expires_on", "reason"),
    [
        (3, "2025-06-10", None),
        (2, "2025-06-10", "too_few_in_repeat_buyers_with_replenishment_risk"),
        (3, "2025-06-09", "segment_repeat_buyers_with_replenishment_risk_expired"),
    ],
)
def test_a_segment_chooses_content_while_it_is_large_enough_and_has_not_ended(
    shop: Shop, members: int, expires_on: str, reason: str | None
) -> None:
    name = "repeat_buyers_with_replenishment_risk"
    said = next(each for each in SAID_OF_SEGMENTS if each.segment == name)
    changed = said.model_copy(update={"minimum_size": 3, "expires_on": date.fromisoformat(expires_on)})
    for customer_id in [ANN, "somebody", "else"][:members]:
        shop.member(customer_id, name)
    shop.customer(ANN)
    shop.trigger(ANN, "win_back")
    shop.decide(book=playbook().model_copy(update={"segments": (changed,)}))

    choice = json.loads(str(shop.rows()[0]["block_choices"]))["hero"]
    assert choice["variant"] == ("replenish_now" if reason is None else "news_since_then")
    assert choice["fallback_reason"] == (None if reason is None else f"{reason}, no_score_of_churn_risk")


@pytest.mark.parametrize("field", ["first_name", "recommendation"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_rule_that_asks_for_a_field_holds_for_whom_it_is_known_of(shop: Shop, field: str, is_known: bool) -> None:
    shop.connection.execute("alter table marts.dim_customers add column if not exists first_name varchar")
    shop.connection.execute(
        "create table if not exists marts.customer_recommendations (as_of date, customer_id varchar)"
    )
    shop.customer(ANN)
    shop.insert("marts.customer_recommendations", as_of=DAY if is_known else DAY - timedelta(days=1), customer_id=ANN)
    shop.connection.execute("update marts.dim_customers set first_name = $name", {"name": "Ann" if is_known else " "})
    book = playbook()
    flow = next(each for each in book.flows if each.flow == "welcome")
    block = next(each for each in flow.steps[0].blocks if each.block == "hero")
    asking = Variant.model_validate({"variant": "asking", "when": {"has": field}})
    block = block.model_copy(update={"variants": (asking,)})
    step = flow.steps[0].model_copy(update={"blocks": (block,)})
    changed = flow.model_copy(update={"steps": (step, *flow.steps[1:])})
    approvals = tuple(each.model_copy(update={"content_hash": None}) for each in book.approvals)
    others = tuple(each for each in book.flows if each.flow != "welcome")
    shop.trigger(ANN, "welcome")
    shop.decide(book=book.model_copy(update={"flows": (*others, changed), "approvals": approvals}))

    choice = json.loads(str(shop.rows()[0]["block_choices"]))[block.block]
    assert choice["variant"] == ("asking" if is_known else block.fallback)
    assert choice["rule"] == (f"has {field}" if is_known else "fallback")
    assert choice["fallback_reason"] == (None if is_known else f"without_{field}")
