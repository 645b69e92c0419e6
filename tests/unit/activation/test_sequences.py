"""Sequences are a pure function of triggers and ledger, and follow people through merges."""

from datetime import date, datetime, timedelta

import pytest

from tests.unit.activation.shop import DAY, Shop, people

ANN, BEN = people("treatment", 2)
HELD = people("holdout", 1)[0]
SENT = ("sent", None)


def released(
    shop: Shop, name: str, *, days_ago: int, flow: str = "welcome", step: str = "1", kind: str = "send", **more: str
) -> None:
    """A step that was decided so many days before DAY."""
    as_of = DAY - timedelta(days=days_ago)
    send_at = datetime.combine(as_of + timedelta(days=1), datetime.min.time()) + timedelta(hours=9)
    occurrence = more.pop("occurrence", f"{flow}_{name}")
    shop.claimed(name, send_at=send_at, flow=flow, step=step, kind=kind, occurrence=occurrence, as_of=as_of, **more)


@pytest.mark.parametrize(("days", "is_due"), [(0, True), (3, True), (4, False), (-1, False)])
def test_first_step_is_due_for_its_window(shop: Shop, days: int, is_due: bool) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, at=datetime.combine(DAY - timedelta(days=days), datetime.min.time()))
    shop.decide()
    assert bool(shop.outcomes()) is is_due


def test_day_of_a_trigger_is_the_brands(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, at=datetime.fromisoformat("2025-06-06T23:30"))
    shop.decide(zone="UTC")
    assert shop.outcomes() == {}
    shop.decide(zone="Europe/Berlin")
    assert shop.outcomes()[ANN, "welcome", "1"] == SENT


@pytest.mark.parametrize(("days", "is_due"), [(3, False), (4, True), (8, True), (9, False)])
@pytest.mark.parametrize("kind", ["send", "ghost"])
def test_second_step_follows_the_first_in_the_ledger(shop: Shop, days: int, kind: str, is_due: bool) -> None:
    name = HELD if kind == "ghost" else ANN
    shop.customer(name)
    released(shop, name, days_ago=days, kind=kind)
    shop.decide()
    expected = ("held_out", "holdout") if kind == "ghost" else SENT
    assert shop.outcomes() == ({(name, "welcome", "2"): expected} if is_due else {})


def test_second_step_needs_no_trigger_and_first_is_not_repeated(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, at=datetime.combine(DAY - timedelta(days=3), datetime.min.time()))
    released(shop, ANN, days_ago=2)
    shop.decide()
    assert shop.outcomes() == {}


def test_rows_sent_after_the_partition_are_not_seen(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    released(shop, ANN, days_ago=0)
    shop.decide()
    assert shop.outcomes()[ANN, "welcome", "1"] == SENT


def merge(shop: Shop) -> None:
    """ANN and BEN are one person from DAY on; ANN's id survives."""
    shop.identity(f"p_{ANN}", ANN, f"p_{ANN}")
    shop.identity(f"p_{BEN}", BEN, f"p_{BEN}", until=DAY)
    shop.identity(f"p_{BEN}", ANN, f"p_{ANN}", since=DAY)
    shop.customer(ANN)


def test_merged_customer_is_not_welcomed_again(shop: Shop) -> None:
    merge(shop)
    released(shop, BEN, days_ago=20, occurrence="sign_up_of_ben")
    shop.trigger(ANN, occurrence="sign_up_of_ann")
    shop.decide()
    assert shop.outcomes() == {}


def test_before_the_merge_both_were_strangers(shop: Shop) -> None:
    merge(shop)
    yesterday = DAY - timedelta(days=1)
    shop.customer(ANN, day=yesterday)
    shop.fresh(day=yesterday)
    released(shop, BEN, days_ago=20, occurrence="sign_up_of_ben")
    shop.trigger(ANN, occurrence="sign_up_of_ann", day=yesterday)
    shop.decide(yesterday)
    assert shop.outcomes(yesterday)[ANN, "welcome", "1"] == SENT


def test_sequence_goes_on_after_a_merge(shop: Shop) -> None:
    merge(shop)
    released(shop, BEN, days_ago=5, occurrence="sign_up_of_ben")
    shop.decide()
    assert shop.outcomes() == {(ANN, "welcome", "2"): SENT}


def test_two_sign_ups_welcome_once_by_the_first(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, occurrence="late", at=datetime.fromisoformat("2025-06-10T09:00"))
    shop.trigger(ANN, occurrence="early", at=datetime.fromisoformat("2025-06-09T09:00"))
    shop.decide()
    assert [row["occurrence"] for row in shop.rows()] == ["early"]


def test_win_back_is_entered_for_each_occurrence(shop: Shop) -> None:
    shop.customer(ANN)
    released(shop, ANN, flow="win_back", days_ago=60, occurrence="order_1")
    shop.trigger(ANN, "win_back", occurrence="order_2")
    shop.decide()
    assert [(row["occurrence"], row["outcome"]) for row in shop.rows()] == [("order_2", "sent")]


def test_step_that_the_mailbox_got_is_not_decided_for_another_person(shop: Shop) -> None:
    shop.customer(BEN, mailbox="home")
    released(shop, "someone", flow="win_back", days_ago=30, occurrence="order_1", mailbox="home")
    shop.trigger(BEN, "win_back", occurrence="order_1")
    shop.decide()
    assert shop.outcomes() == {}


@pytest.mark.parametrize(
    ("hours", "outcome"), [(15.99, ("capped", "cap_16_hours")), (16, SENT)]
)  # the email would go out at 09:00
def test_window_of_16_hours_is_open_at_its_far_end(shop: Shop, hours: float, outcome: tuple[str, str | None]) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    sent_at = datetime.fromisoformat("2025-06-11T09:00") - timedelta(hours=hours)
    shop.claimed(ANN, send_at=sent_at.replace(microsecond=0), as_of=date(2025, 6, 9))
    shop.decide()
    assert shop.outcomes()[ANN, "welcome", "1"] == outcome


@pytest.mark.parametrize(("days", "outcome"), [((1, 3, 6), "capped"), ((1, 3, 7), "sent"), ((1, 3), "sent")])
@pytest.mark.parametrize("kind", ["send", "ghost"])
def test_three_a_week_slide(shop: Shop, days: tuple[int, ...], kind: str, outcome: str) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    for day in days:
        shop.claimed(ANN, send_at=datetime.fromisoformat("2025-06-11T09:00") - timedelta(days=day), kind=kind)
    shop.decide()
    assert shop.outcomes()[ANN, "welcome", "1"][0] == outcome


def test_ten_a_month(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    for number in range(10):
        shop.claimed(ANN, send_at=datetime.fromisoformat("2025-06-01T09:00") - timedelta(days=number * 2))
    shop.decide()
    assert shop.outcomes()[ANN, "welcome", "1"] == ("capped", "cap_30_days")


def test_caps_follow_the_mailbox_and_the_person(shop: Shop) -> None:
    merge(shop)
    shop.trigger(ANN)
    shop.customer(HELD)
    shop.claimed(BEN, send_at=datetime.fromisoformat("2025-06-10T20:00"), mailbox="old address")
    shop.decide()
    assert shop.outcomes()[ANN, "welcome", "1"] == ("capped", "cap_16_hours")


def test_mailbox_is_capped_for_its_next_owner(shop: Shop) -> None:
    shop.customer(BEN, mailbox="home")
    shop.trigger(BEN)
    shop.claimed("someone", send_at=datetime.fromisoformat("2025-06-10T20:00"), mailbox="home")
    shop.decide()
    assert shop.outcomes()[BEN, "welcome", "1"] == ("capped", "cap_16_hours")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("days_ago", "is_due"), [(6, False), (7, True)])
def test_flow_with_a_window_begins_again_after_it(shop: Shop, days_ago: int, is_due: bool) -> None:
    shop.customer(ANN)
    released(shop, ANN, flow="cart_abandonment", days_ago=days_ago, occurrence="cart:1")
    shop.trigger(ANN, "cart_abandonment", occurrence="cart:2")
    shop.decide()
    assert [row["occurrence"] for row in shop.rows() if row["step"] == "1"] == (["cart:2"] if is_due else [])


def test_flow_with_a_window_begins_with_the_newest_trigger(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "cart_abandonment", occurrence="old", at=at("2025-06-09T09:00"))
    shop.trigger(ANN, "cart_abandonment", occurrence="new", at=at("2025-06-10T09:00"))
    shop.decide()
    assert [row["occurrence"] for row in shop.rows()] == ["new"]


def test_window_is_kept_through_a_merge(shop: Shop) -> None:
    merge(shop)
    released(shop, BEN, flow="cart_abandonment", days_ago=5, occurrence="cart_of_ben")
    shop.trigger(ANN, "cart_abandonment", occurrence="cart_of_ann")
    shop.decide()
    assert [row["occurrence"] for row in shop.rows() if row["step"] == "1"] == []


def test_window_that_closed_between_decision_and_release_drops_the_email(shop: Shop) -> None:
    """Two people were decided as strangers and are one by the time of the release."""
    shop.customer(ANN)
    shop.trigger(ANN, "cart_abandonment", occurrence="cart_of_ann")
    shop.decide()
    assert shop.outcomes()[ANN, "cart_abandonment", "1"] == SENT
    released(shop, BEN, flow="cart_abandonment", days_ago=5, occurrence="cart_of_ben")
    shop.identity(f"p_{BEN}", ANN, f"p_{ANN}", since=DAY)
    summary = shop.release()
    assert summary.sends == 0
    assert summary.dropped == {"send": {"flow_already_started_for_customer": 1}}


@pytest.mark.parametrize(
    ("ordered_at", "is_due"), [(None, True), ("2025-06-06T08:00", True), ("2025-06-09T08:00", False)]
)
def test_order_after_the_beginning_ends_the_sequence(shop: Shop, ordered_at: str | None, is_due: bool) -> None:
    shop.customer(ANN)
    released(shop, ANN, flow="cart_abandonment", days_ago=3, occurrence="cart:1")
    shop.stands(ANN, "active", ordered_at=at(ordered_at) if ordered_at else None)
    shop.decide()
    assert list(shop.outcomes()) == ([(ANN, "cart_abandonment", "2")] if is_due else [])


def test_order_that_triggered_a_flow_does_not_end_it(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "first_purchase", at=at("2025-06-07T09:00"))
    shop.stands(ANN, "new_customer", since=date(2025, 6, 7), ordered_at=at("2025-06-07T09:00"))
    shop.decide()
    assert shop.outcomes() == {(ANN, "first_purchase", "1"): SENT}


@pytest.mark.parametrize(
    ("stage", "since", "is_due"),
    [("new_customer", date(2025, 6, 10), False), ("new_customer", date(2025, 6, 1), True), ("subscriber", date(2025, 6, 10), True)],
)  # fmt: skip
def test_stage_that_began_after_the_trigger_ends_the_sequence(
    shop: Shop, stage: str, since: date, is_due: bool
) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "nurture", at=at("2025-06-05T09:00"))
    shop.stands(ANN, stage, since=since)
    shop.decide()
    assert list(shop.outcomes()) == ([(ANN, "nurture", "1")] if is_due else [])


def test_flow_without_exits_goes_on_after_an_order(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "welcome")
    shop.stands(ANN, "active", since=DAY, ordered_at=at("2025-06-10T12:00"))
    shop.decide()
    assert shop.outcomes() == {(ANN, "welcome", "1"): SENT}
