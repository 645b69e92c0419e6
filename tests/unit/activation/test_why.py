"""Why one person gets an email or not."""

from datetime import datetime

from activation.why import explain
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
