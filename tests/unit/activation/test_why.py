"""Why one person gets an email or not."""

import json
from datetime import datetime, timedelta

from activation.decision.why import explain
from tests.unit.activation.shop import DAY, Shop, people

ANN, BEN = people("treatment", 2)


def test_all_reasons_of_one_person_are_told(shop: Shop) -> None:
    for name in (ANN, BEN):
        shop.customer(name, consent="unsubscribed" if name == ANN else "subscribed")
        shop.trigger(name)
    shop.suppress("open_support_ticket", customer_id=ANN)
    shop.decide()
    (trace,) = explain(shop.connection, f"m_{ANN}", DAY).decisions
    assert (trace.customer_id, trace.outcome, trace.reasons) == (
        ANN,
        "suppressed",
        ("unsubscribed", "open_support_ticket"),
    )
    text = "\n".join(explain(shop.connection, f"m_{BEN}", DAY).lines())
    assert f"{BEN}: consent subscribed" in text
    assert f"welcome / 1 (welcome_{BEN}): sent" in text
    assert "block hero: brand_story (always)" in text
    assert "@" not in text


def test_each_scope_of_suppression_is_told(shop: Shop) -> None:
    shop.customer(ANN, household="h_one", account="a_one")
    shop.customer(BEN, household="h_two")
    shop.suppress("sunset", customer_id=ANN)
    shop.suppress("invalid_or_role_address", mailbox=f"m_{ANN}")
    shop.suppress("household_complaint", household="h_one")
    shop.suppress("account_exclusion", account="a_one", expires_at=datetime.fromisoformat("2025-07-01T00:00"))
    shop.suppress("recently_converted", customer_id=BEN)
    lines = explain(shop.connection, f"m_{ANN}", DAY).lines()
    assert lines[1:-1] == [
        "the account is suppressed: account_exclusion since 2025-01-01 until 2025-07-01 00:00 UTC",
        "the household is suppressed: household_complaint since 2025-01-01",
        "the mailbox is suppressed: invalid_or_role_address since 2025-01-01",
        f"{ANN} is suppressed: sunset since 2025-01-01",
    ]


def test_nothing_due_and_nobody_known_are_said(shop: Shop) -> None:
    shop.customer(ANN)
    assert explain(shop.connection, f"m_{ANN}", DAY).lines()[-1] == f"no email was due on {DAY}"
    assert explain(shop.connection, "m_nobody", DAY).lines() == [f"no customer has this mailbox on {DAY}"]


def test_who_they_are_and_what_they_said_is_told(shop: Shop) -> None:
    shop.customer(ANN, profiles=(f"p_{ANN}", "shopify:2"))
    shop.identity("shopify:9", ANN, f"p_{ANN}", until=DAY)  # was hers until that day
    shop.trigger(ANN)
    shop.member(ANN, "new_subscribers")
    shop.score(ANN, 0.25)
    said = {
        "source": "plain",
        "channel": "email",
        "mailbox_hash": f"m_{ANN}",
        "is_affirmative": True,
        "statement": "subscribed",
    }
    for evidence, landed_on in (
        ("plain:1", DAY - timedelta(days=9)),
        ("plain:2", DAY),
        ("plain:3", DAY + timedelta(days=1)),
    ):
        at = datetime.combine(landed_on, datetime.min.time())
        shop.insert(
            "intermediate.int_consent_evidence__unioned",
            evidence_id=evidence,
            landed_on=landed_on,
            occurred_at=at,
            **said,
        )
    shop.claimed(ANN, send_at=datetime.combine(DAY - timedelta(days=3), datetime.min.time()), flow="win_back")
    shop.claimed(ANN, send_at=datetime.combine(DAY + timedelta(days=1), datetime.min.time()), flow="nurture")
    shop.decide()
    told = explain(shop.connection, f"m_{ANN}", DAY)
    assert {(profile.customer_id, profile.profile_key) for profile in told.profiles} == {
        (ANN, f"p_{ANN}"),
        (ANN, "shopify:2"),
    }
    assert [statement.evidence_id for statement in told.evidence] == ["plain:2", "plain:1"]
    assert [(stay.customer_id, stay.segment) for stay in told.segments] == [(ANN, "new_subscribers")]
    assert [(score.model_name, score.score, score.tier) for score in told.scores] == [("churn_risk", 0.25, "model")]
    assert [(send.flow, send.kind, send.status) for send in told.sends] == [("win_back", "send", "published")]


def test_json_says_all_that_the_lines_say(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.suppress("sunset", customer_id=ANN)
    shop.decide()
    told = json.loads(explain(shop.connection, f"m_{ANN}", DAY).to_json())
    [decision] = told["decisions"]
    assert (told["as_of"], decision["outcome"], decision["reasons"]) == (str(DAY), "suppressed", ["sunset"])
    assert [suppression["reason"] for suppression in told["suppressions"]] == ["sunset"]
    assert [profile["profile_key"] for profile in told["profiles"]] == [f"p_{ANN}"]
    assert "@" not in json.dumps(told)
    shop.customer(BEN)
    shop.trigger(BEN)
    shop.decide()
    [decision] = json.loads(explain(shop.connection, f"m_{BEN}", DAY).to_json())["decisions"]
    assert (decision["outcome"], decision["block_choices"]["hero"]["variant"]) == ("sent", "brand_story")
