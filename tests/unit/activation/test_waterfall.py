"""Each branch of the waterfall, and that it adds up."""

import json
from collections import Counter
from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.decision.decide import WORKING_TABLES, WaterfallDoesNotAddUp
from activation.playbook.playbook import Playbook
from tests.unit.activation.shop import DAY, Shop, people, playbook

ANN, BEN, CY = people("treatment", 3)
HELD = people("holdout", 1)[0]
WELCOME = ("welcome", "1")


def fate(shop: Shop, customer_id: str) -> tuple[str, str | None]:
    shop.trigger(customer_id)
    shop.decide()
    return shop.outcomes()[customer_id, *WELCOME]


def test_subscriber_is_sent(shop: Shop) -> None:
    shop.customer(ANN)
    assert fate(shop, ANN) == ("sent", None)
    (row,) = shop.rows("activation.send_list")
    assert row["email"] == f"{ANN}@shop.example"
    assert row["send_date"] == DAY + timedelta(days=1)
    assert row["list_unsubscribe_post"] == "List-Unsubscribe=One-Click"
    assert str(row["list_unsubscribe"]).startswith("<https://shop.example/unsubscribe/")


@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        ("unknown", "no_consent"),
        (None, "no_consent"),
        ("pending", "no_consent"),
        ("unsubscribed", "unsubscribed"),
        ("bounced", "hard_bounced"),
    ],
)
def test_without_consent_nobody_is_sent(shop: Shop, consent: str | None, reason: str) -> None:
    shop.customer(ANN, consent=consent)
    assert fate(shop, ANN) == ("suppressed", reason)
    assert shop.rows()[0]["arm"] is None


@pytest.mark.parametrize("consent", ["unknown", "imported", "pending", "subscribed"])
def test_implied_consent_is_sent(shop: Shop, consent: str) -> None:
    shop.customer(ANN, consent=consent, basis="implied")
    assert fate(shop, ANN) == ("sent", None)
    assert shop.rows("activation.send_list")[0]["consent_basis"] == "implied"


def test_topic_that_was_left_closes_its_flow_only(shop: Shop) -> None:
    for name, topic in ((ANN, "welcome"), (BEN, "offers")):
        shop.customer(name)
        shop.trigger(name)
        shop.insert(
            "marts.topic_preferences", as_of=DAY, mailbox_hash=f"m_{name}", topic=topic, consent_status="unsubscribed"
        )
    shop.decide()
    assert shop.outcomes()[ANN, *WELCOME] == ("suppressed", "unsubscribed_topic")
    assert shop.outcomes()[BEN, *WELCOME] == ("sent", None)


def test_suppressions_reach_person_and_mailbox(shop: Shop) -> None:
    for name in (ANN, BEN, CY):
        shop.customer(name)
        shop.trigger(name)
    shop.suppress("open_support_ticket", customer_id=ANN)
    shop.suppress("complained", mailbox=f"m_{BEN}")
    shop.decide()
    assert shop.outcomes()[ANN, *WELCOME] == ("suppressed", "open_support_ticket")
    assert shop.outcomes()[BEN, *WELCOME] == ("suppressed", "complained")
    assert shop.outcomes()[CY, *WELCOME] == ("sent", None)


def test_suppressions_reach_everyone_in_a_household_or_an_account(shop: Shop) -> None:
    shop.customer(ANN, household="h_one")
    shop.customer(BEN, household="h_two", account="a_one")
    shop.customer(CY, household="h_one", account="a_two")
    for name in (ANN, BEN, CY):
        shop.trigger(name)
    shop.suppress("household_complaint", household="h_one")
    shop.suppress("account_exclusion", account="a_one")
    shop.suppress("account_exclusion", account="a_two")
    summary = shop.decide()
    assert shop.outcomes()[ANN, *WELCOME] == ("suppressed", "household_complaint")
    assert shop.outcomes()[BEN, *WELCOME] == ("suppressed", "account_exclusion")
    reasons = {row["customer_id"]: json.loads(str(row["all_reasons"])) for row in shop.rows()}
    assert reasons[CY] == ["account_exclusion", "household_complaint"]
    assert (summary.candidates, summary.outcome("suppressed")) == (3, 3)


def test_person_without_household_or_account_is_in_none(shop: Shop) -> None:
    shop.customer(ANN)
    shop.suppress("household_complaint", household="h_one")
    shop.suppress("account_exclusion", account="a_one")
    assert fate(shop, ANN) == ("sent", None)


@pytest.mark.parametrize(("minutes", "outcome"), [(0, "sent"), (1, "suppressed")])
def test_suppression_counts_at_the_time_of_sending(shop: Shop, minutes: int, outcome: str) -> None:
    shop.customer(ANN)
    opens = datetime.fromisoformat("2025-06-11T09:00") + timedelta(minutes=minutes)
    shop.suppress("recently_converted", customer_id=ANN, expires_at=opens)
    assert fate(shop, ANN)[0] == outcome


def test_all_reasons_are_kept_in_order(shop: Shop) -> None:
    shop.customer(ANN, consent="unsubscribed", uncertain=True)
    shop.suppress("open_support_ticket", customer_id=ANN)
    shop.claimed(ANN, send_at=datetime.fromisoformat("2025-06-10T20:00"))
    assert fate(shop, ANN) == ("suppressed", "identity_uncertain")
    reasons = json.loads(str(shop.rows()[0]["all_reasons"]))
    assert reasons == ["identity_uncertain", "unsubscribed", "open_support_ticket", "cap_16_hours"]


def test_person_without_mailbox_is_suppressed(shop: Shop) -> None:
    shop.customer(ANN, mailbox=None)
    assert fate(shop, ANN) == ("suppressed", "no_mailbox")


def test_person_nobody_knows_is_suppressed(shop: Shop) -> None:
    assert fate(shop, "ghost town") == ("suppressed", "unknown_customer")


@pytest.mark.parametrize(("age", "outcome"), [(2, ("sent", None)), (3, ("suppressed", "stale_unsubscribe_feed"))])
def test_stale_unsubscribes_stop_everything(shop: Shop, age: int, outcome: tuple[str, str | None]) -> None:
    shop.customer(ANN)
    shop.connection.execute("delete from marts.event_freshness")
    shop.fresh("plain", age=age)
    shop.fresh("segment", age=0, event="Page Viewed")
    assert fate(shop, ANN) == outcome


def test_one_stale_feed_is_enough_and_none_at_all_too(shop: Shop) -> None:
    shop.customer(ANN)
    shop.fresh("plain", age=9)
    assert fate(shop, ANN) == ("suppressed", "stale_unsubscribe_feed")
    shop.connection.execute("delete from marts.event_freshness")
    assert shop.decide().is_feed_stale
    assert shop.decide().new_assignments.num_rows == 0


def expired(book: Playbook, day: date) -> Playbook:
    approvals = tuple(one.model_copy(update={"expires_on": day}) for one in book.approvals)
    return book.model_copy(update={"approvals": approvals})


@pytest.mark.parametrize(
    ("offset", "outcome"), [(0, ("sent", None)), (-1, ("blocked_by_governance", "approval_expired"))]
)
def test_approval_lasts_through_its_last_day(shop: Shop, offset: int, outcome: tuple[str, str | None]) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.decide(book=expired(playbook(), DAY + timedelta(days=offset)))
    assert shop.outcomes()[ANN, *WELCOME] == outcome


def test_flow_without_approval_is_blocked(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.decide(book=playbook().model_copy(update={"approvals": ()}))
    assert shop.outcomes()[ANN, *WELCOME] == ("blocked_by_governance", "not_approved")
    assert shop.rows()[0]["approval_id"] is None


def test_best_email_wins_the_mailbox_and_losers_come_back(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.trigger(ANN, "win_back")
    shop.score(ANN, 0.9)
    shop.decide()
    assert shop.outcomes() == {
        (ANN, "win_back", "1"): ("sent", None),
        (ANN, "welcome", "1"): ("deferred", "lost_arbitration"),
    }
    shop.connection.execute("update ml.customer_scores set score = 0.01")
    shop.decide()
    assert shop.outcomes()[ANN, *WELCOME] == ("sent", None)


def test_suppressed_email_does_not_win_the_mailbox(shop: Shop) -> None:
    shop.customer(ANN, mailbox="home")
    shop.customer(BEN, mailbox="home")
    shop.trigger(ANN, "win_back")
    shop.score(ANN, 0.9)
    shop.trigger(BEN)
    shop.suppress("open_support_ticket", customer_id=ANN)
    shop.decide()
    assert shop.outcomes()[BEN, *WELCOME] == ("sent", None)


@pytest.mark.parametrize(
    ("zone", "opens", "closes", "is_assumed"),
    [
        (
            "America/New_York",
            datetime.fromisoformat("2025-06-11T13:00"),
            datetime.fromisoformat("2025-06-12T01:00"),
            False,
        ),
        ("Asia/Tokyo", datetime.fromisoformat("2025-06-11T00:00"), datetime.fromisoformat("2025-06-11T12:00"), False),
        (None, datetime.fromisoformat("2025-06-11T07:00"), datetime.fromisoformat("2025-06-11T19:00"), True),
        ("Moon/Base", datetime.fromisoformat("2025-06-11T07:00"), datetime.fromisoformat("2025-06-11T19:00"), True),
    ],
)
def test_quiet_hours_are_local(
    shop: Shop, zone: str | None, opens: datetime, closes: datetime, is_assumed: bool
) -> None:
    shop.customer(ANN, zone=zone)
    shop.trigger(ANN)
    shop.decide(zone="Europe/Berlin")
    (row,) = shop.rows("activation.send_list")
    assert (row["send_after_utc"], row["send_before_utc"], row["is_zone_assumed"]) == (opens, closes, is_assumed)


@pytest.mark.parametrize(
    ("zone", "hour", "reactions", "opens"),
    [
        ("America/New_York", 18, 4, "2025-06-11T22:00"),
        ("Asia/Tokyo", 20, 9, "2025-06-11T11:00"),
        (None, 12, 4, "2025-06-11T10:00"),  # of the brand's zone, Berlin
        ("America/New_York", 18, 3, "2025-06-11T13:00"),  # too few to be a preference
        ("America/New_York", 21, 9, "2025-06-11T13:00"),  # within quiet hours
        ("America/New_York", 8, 9, "2025-06-11T13:00"),
        ("America/New_York", 9, 9, "2025-06-11T13:00"),
    ],
)
def test_who_answers_at_an_hour_is_sent_at_it(
    shop: Shop, zone: str | None, hour: int, reactions: int, opens: str
) -> None:
    shop.customer(ANN, zone=zone)
    shop.trigger(ANN)
    shop.insert("marts.customer_send_hours", as_of=DAY, customer_id=ANN, best_hour=hour, reaction_count=reactions)
    shop.insert("marts.customer_send_hours", as_of=DAY, customer_id=BEN, best_hour=15, reaction_count=9)
    shop.decide(zone="Europe/Berlin")
    (row,) = shop.rows("activation.send_list")
    assert row["send_after_utc"] == datetime.fromisoformat(opens)


def test_empty_day_is_an_explicit_partition(shop: Shop) -> None:
    shop.customer(ANN)
    fate(shop, ANN)
    shop.connection.execute("delete from marts.flow_triggers")
    summary = shop.decide()
    assert (summary.candidates, summary.counts) == (0, ())
    assert shop.rows() == shop.rows("activation.send_list") == []


def test_same_day_twice_is_equal(shop: Shop) -> None:
    for number, name in enumerate([*people("treatment", 20), *people("holdout", 3)]):
        shop.customer(name, consent="unknown" if number % 5 == 0 else "subscribed")
        shop.trigger(name)
        shop.trigger(name, "win_back")
        shop.score(name, number / 30)
    first = shop.decide()
    before = (shop.rows(), shop.rows("activation.send_list"))
    second = shop.decide()
    assert (shop.rows(), shop.rows("activation.send_list")) == before
    assert first.counts == second.counts
    assert second.new_assignments.num_rows == 0


def test_other_days_stay(shop: Shop) -> None:
    shop.customer(ANN)
    fate(shop, ANN)
    shop.decide(DAY + timedelta(days=1))
    assert len(shop.rows()) == 1


def test_lost_row_fails_and_leaves_what_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.customer(ANN)
    fate(shop, ANN)
    before = shop.rows()
    from activation.decision import decide as module

    monkeypatch.setattr(module, "DECISIONS", module.DECISIONS + " where customer_id <> '" + ANN + "'")
    with pytest.raises(WaterfallDoesNotAddUp, match="1 candidates"):
        shop.decide()
    assert shop.rows() == before


def test_no_working_table_is_left(shop: Shop) -> None:
    shop.decide()
    left = shop.connection.execute("select table_name from duckdb_tables() where table_name like 'decide_%'").fetchall()
    assert left == []
    assert len(WORKING_TABLES) > 0


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from([*people("treatment", 6), *people("holdout", 3)]),
        st.sampled_from(["", "home", "office"]),
        st.sampled_from(["subscribed", "confirmed", "unsubscribed", None]),
        st.booleans(),
        st.sampled_from([None, 0.2, 0.9]),
    ),
    unique_by=lambda person: person[0],
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowd=PEOPLE, has_ticket=st.booleans())
def test_waterfall_adds_up_and_nobody_is_sent_who_must_not_be(
    shop: Shop, crowd: list[tuple[str, str, str | None, bool, float | None]], has_ticket: bool
) -> None:
    clean(shop.connection)
    for name, mailbox, consent, is_quiet, score in crowd:
        shop.customer(name, mailbox=mailbox, consent=consent)
        shop.trigger(name)
        if is_quiet:
            shop.trigger(name, "win_back")
        if score is not None:
            shop.score(name, score)
    if has_ticket and crowd:
        shop.suppress("open_support_ticket", customer_id=crowd[0][0])
    summary = shop.decide()
    assert summary.candidates == sum(1 + person[3] for person in crowd) == len(shop.rows())
    sent = [row for row in shop.rows() if row["outcome"] == "sent"]
    held_mailboxes = {f"m_{mailbox or name}" for name, mailbox, *_ in crowd if name in people("holdout", 3)}
    consents = {name: consent for name, _, consent, *_ in crowd}
    assert max(Counter(row["mailbox_hash"] for row in sent).values(), default=0) <= 1
    assert not {row["mailbox_hash"] for row in sent} & held_mailboxes
    assert {consents[str(row["customer_id"])] for row in sent} <= {"subscribed", "confirmed"}
    assert not (has_ticket and crowd and crowd[0][0] in {row["customer_id"] for row in sent})


def clean(connection: duckdb.DuckDBPyConnection) -> None:
    for table in (
        "marts.dim_customers",
        "marts.identity_map",
        "marts.flow_triggers",
        "marts.suppressions",
        "ml.customer_scores",
    ):
        connection.execute(f"delete from {table}")


def test_flow_that_follows_an_order_is_sent_despite_it(shop: Shop) -> None:
    for flow in ("first_purchase", "welcome"):
        shop.trigger(ANN, flow, at=datetime.fromisoformat("2025-06-07T09:00"))
    shop.customer(ANN)
    shop.suppress("recently_converted", customer_id=ANN)
    shop.decide()
    assert shop.outcomes() == {
        (ANN, "first_purchase", "1"): ("sent", None),
        (ANN, "welcome", "1"): ("suppressed", "recently_converted"),
    }
