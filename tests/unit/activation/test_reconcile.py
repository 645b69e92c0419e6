"""What was released beside what the ESP says of it, with events that are planted."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count

import pytest

from activation.release.attempts import record, statuses
from activation.release.reconcile import in_doubt, reconcile, settle
from tests.unit.activation.shop import DAY, Shop, people

NAMES = people("treatment", 8)
SEND_DATE = DAY + timedelta(days=1)
LATER = datetime.combine(SEND_DATE + timedelta(days=5), datetime.min.time())

EVENTS = """
create table intermediate.int_email_events__unioned (
    event_key varchar, event varchar, landed_on date, occurred_at timestamp, occurred_on date, mailbox_hash varchar,
    message_id varchar, decision_id varchar, flow varchar, step varchar
)
"""


class Feed:
    """Plants what an ESP reports."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._numbers: Iterator[int] = count(1)
        shop.connection.execute(EVENTS)

    def says(
        self, event: str, name: str, *, message: str = "", decision: bool = True, on: date = SEND_DATE, flow: str | None = None,
        decision_id: str | None = None,
    ) -> None:  # fmt: skip
        number = next(self._numbers)
        self.shop.insert(
            "intermediate.int_email_events__unioned", event_key=f"e{number}", event=event, landed_on=on,
            occurred_at=datetime.combine(on, datetime.min.time()) + timedelta(hours=12, minutes=number), occurred_on=on,
            mailbox_hash=f"m_{name}", message_id=message or f"message_{name}",
            decision_id=decision_id or (self.decision(name) if decision else None), flow=flow, step="1" if flow else None,
        )  # fmt: skip

    def decision(self, name: str) -> str:
        query = "select decision_id from activation.send_decisions where customer_id = $name"
        return str(self.shop.connection.execute(query, {"name": name}).fetchall()[0][0])


@pytest.fixture
def feed(shop: Shop) -> Feed:
    """Eight people of whom the last is suppressed, and a feed that says nothing yet."""
    for name in NAMES:
        shop.customer(name)
        shop.trigger(name)
    shop.suppress("open_support_ticket", customer_id=NAMES[7])
    shop.decide()
    return Feed(shop)


def look(feed: Feed, *, now: datetime = LATER):  # noqa: ANN201 - as reconcile returns it
    return reconcile(feed.shop.connection, feed.shop.state, as_of=DAY, now=now, run_id="run_9")


@pytest.mark.parametrize("names_decisions", [True, False])
def test_each_email_is_what_was_last_said_of_it(feed: Feed, names_decisions: bool) -> None:
    feed.shop.release()
    said = [
        ["processed", "delivered"], ["processed", "delivered", "bounced"], ["blocked"], ["dropped"], ["processed", "deferred"],
        ["processed"], ["processed", "deferred", "delivered", "opened", "clicked"],
    ]  # fmt: skip
    for name, events in zip(NAMES[:7], said, strict=True):
        for event in events:
            feed.says(event, name, decision=names_decisions)
    found = look(feed)
    [welcome] = found.flows
    assert welcome._asdict() == {
        "flow": "welcome", "released": 7, "delivered": 2, "bounced": 1, "blocked": 1, "dropped": 1, "deferred": 1, "processed": 1,
        "silent": 0, "doubled": 0, "in_doubt": 0, "waiting": 0, "unreleased": 0,
    }  # fmt: skip
    assert (found.troubles(), found.verdict()) == ((), "all 7 emails are accounted for: 2 delivered")
    stored = feed.shop.connection.execute("select flow, released_count, bounced_count from activation.reconciliation")
    assert stored.fetchall() == [("welcome", 7, 1)]


def test_email_of_which_nothing_is_heard_is_trouble_only_after_some_days(feed: Feed) -> None:
    feed.shop.release()
    for name in NAMES[:5]:
        feed.says("delivered", name)
    early = look(feed, now=datetime.combine(SEND_DATE + timedelta(days=1), datetime.min.time()))
    assert early.troubles() == ()
    assert early.verdict() == f"too early: of 2 of 7 emails nothing was heard yet, events landed through {SEND_DATE}"
    assert look(feed).troubles() == ("2 were released and nothing was heard of them",)


def test_nothing_heard_and_nothing_released_are_said_as_such(feed: Feed) -> None:
    assert look(feed).verdict() == "nothing was released"
    feed.shop.release()
    early = look(feed, now=datetime.combine(SEND_DATE, datetime.max.time()))
    assert early.verdict() == "too early: of 7 of 7 emails nothing was heard yet, no event has landed"


def test_two_messages_to_one_decision_are_a_double(feed: Feed) -> None:
    feed.shop.release()
    for name in NAMES[:7]:
        feed.says("delivered", name)
        feed.says("delivered", name)  # the same message told twice is none
    feed.says("delivered", NAMES[0], message="second")
    assert look(feed).troubles() == ("1 were delivered more than once",)


def test_mail_to_somebody_who_was_not_released_is_told(feed: Feed) -> None:
    feed.shop.release()
    for name in NAMES:
        feed.says("delivered", name)
    found = look(feed)
    assert (found.total("released"), found.total("delivered"), found.total("unreleased")) == (7, 7, 1)
    assert found.troubles() == ("1 were mailed without being released",)


def test_nobody_released_anything_and_somebody_was_mailed(feed: Feed) -> None:
    feed.says("delivered", NAMES[0])
    found = look(feed)
    assert (found.total("released"), found.total("unreleased")) == (0, 1)
    assert found.verdict() == "look at this: 1 were mailed without being released"


def test_other_mail_is_counted_and_is_no_trouble(feed: Feed) -> None:
    feed.shop.release()
    for name in NAMES[:7]:
        feed.says("delivered", name)
    feed.says("delivered", "stranger", decision=False)
    feed.says("delivered", NAMES[0], message="newsletter", decision_id="legacy-1")
    feed.says("opened", NAMES[1], message="old", decision=False, on=SEND_DATE + timedelta(days=9))
    found = look(feed)
    assert (found.elsewhere, found.troubles()) == (2, ())
    assert found.total("delivered") == 7


def test_opening_an_older_message_says_nothing_of_ours(feed: Feed) -> None:
    feed.shop.release()
    feed.says("delivered", NAMES[0], message="old", decision=False, on=SEND_DATE - timedelta(days=1))
    feed.shop.connection.execute(
        "update intermediate.int_email_events__unioned set occurred_at = occurred_at - interval 3 day"
    )
    assert look(feed).total("silent") == 7


def doubtful(feed: Feed, *names: str) -> None:
    """Emails that were handed over and not answered."""
    feed.shop.release(destination="smtp")
    with feed.shop.state.transaction() as connection:
        keys = dict(connection.execute("select customer_id, idempotency_key from ledger"))
    for name in NAMES[:7]:
        record(feed.shop.state, keys[name], "begun", at=LATER, run_id="run_1")
        record(feed.shop.state, keys[name], "lost" if name in names else "accepted", at=LATER, run_id="run_1")


@pytest.mark.parametrize(
    ("event", "decision", "flow", "is_settled"),
    [
        ("delivered", True, None, True),
        ("dropped", True, None, True),
        ("delivered", False, "welcome", True),
        ("delivered", False, None, False),  # some mail to that mailbox: it may be somebody else's
        ("delivered", False, "win_back", False),
    ],
)
def test_doubt_ends_only_when_the_esp_names_the_email(
    feed: Feed, event: str, decision: bool, flow: str | None, is_settled: bool
) -> None:
    doubtful(feed, NAMES[0])
    feed.says(event, NAMES[0], decision=decision, flow=flow)
    found = look(feed)
    assert (found.settled, found.total("in_doubt")) == ((1, 0) if is_settled else (0, 1))
    assert statuses(feed.shop.state, DAY) == ({"published": 7} if is_settled else {"in_doubt": 1, "published": 6})
    assert look(feed).settled == 0


def test_person_settles_what_the_esp_does_not_name(feed: Feed) -> None:
    doubtful(feed, NAMES[0], NAMES[1])
    first, second = (feed.decision(name) for name in NAMES[:2])
    assert sorted(in_doubt(feed.shop.state, DAY)) == sorted([(first, "welcome"), (second, "welcome")])

    def say(*decisions: str, was_sent: bool) -> tuple[str, ...]:
        return settle(feed.shop.state, decisions, was_sent=was_sent, as_of=DAY, now=LATER, run_id="run_9")

    assert say(first, "nonsense", was_sent=True) == ("nonsense",)
    assert statuses(feed.shop.state, DAY) == {"in_doubt": 2, "published": 5}
    assert (say(first, was_sent=True), say(second, was_sent=False)) == ((), ())
    assert statuses(feed.shop.state, DAY) == {"published": 6, "settled": 1}
    assert say(first, was_sent=False) == (first,)


def test_claimed_and_not_handed_over_is_told(feed: Feed) -> None:
    feed.shop.release(destination="smtp")
    assert look(feed).troubles() == ("7 are claimed and not handed over",)
    today = look(feed, now=datetime.combine(SEND_DATE, datetime.min.time()))
    assert (today.troubles(), today.verdict()) == ((), "too early: 7 wait for their hours")


def test_lines_name_no_address_and_end_with_the_verdict(feed: Feed) -> None:
    feed.shop.release()
    for name in NAMES[:7]:
        feed.says("delivered", name)
    lines = list(look(feed).lines())
    assert lines == [
        "flow     released  delivered",
        "welcome         7          7",
        "all 7 emails are accounted for: 7 delivered",
    ]
