"""Each kind of email that must not be is counted, and only it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from simulator.scoreboard.holdout import Holdout
from simulator.scoreboard.mail import gather_mail
from simulator.scoreboard.sends import SendScore, score_sends
from tests.unit.simulator.scoreboard.conftest import DAY, Shop, mailbox_hash

HOLDOUT = Holdout("global_holdout", "salt_1", "holdout", (("holdout", 0.05), ("treatment", 0.95)))
HELD = next(f"c{number}" for number in range(1000) if HOLDOUT.arm_of(f"c{number}") == "holdout")
FREE = [name for name in (f"c{number}" for number in range(40)) if HOLDOUT.arm_of(name) == "treatment"]
ADDRESS = "ada@shop.example"


def consent(reason: str, stated: str, landed: date = DAY, mailbox: str = ADDRESS) -> tuple[Any, ...]:
    return mailbox, reason in {"opted_in", "resubscribed"}, reason, datetime.fromisoformat(stated), landed


OPENED = consent("opted_in", "2025-01-01 10:00:00")


def mail(
    shop: Shop,
    *consents: tuple[Any, ...],
    customer: str = FREE[0],
    addresses: tuple[str, ...] = (ADDRESS,),
    profiles: tuple[tuple[str, int], ...] = (("shopify:1", 1),),
) -> SendScore:
    """Score one released email per address to one customer."""
    known = [(f"mailbox:{address}", 1, False) for address in addresses]
    shop.plant(consent=consents or [OPENED], profiles=[*known, *((key, person, False) for key, person in profiles)])
    shop.land(
        marts__identity_map=[(key, customer, key, date(2025, 1, 1), date(9999, 12, 31)) for key, _ in profiles],
        marts__dim_customers=[(DAY, customer, mailbox_hash(addresses[0]))],
        activation__send_ledger=[
            (
                str(number),
                "send",
                "published",
                DAY,
                DAY + timedelta(days=1),
                mailbox_hash(address),
                customer,
                "win_back",
            )
            for number, address in enumerate(addresses)
        ],
    )
    return scored(shop)


def scored(shop: Shop) -> SendScore:
    gather_mail(shop.connection, DAY)
    return score_sends(shop.connection, DAY, holdout=HOLDOUT)


def forbidden(score: SendScore) -> dict[str, int]:
    return {row.to: row.emails for row in score.forbidden if row.emails}


def test_email_to_an_open_mailbox_of_one_person_is_fine(shop: Shop) -> None:
    score = mail(shop)

    assert (score.released, score.listed) == (1, 0)
    assert forbidden(score) == {}
    assert len(score.forbidden) == 10


@pytest.mark.parametrize(
    ("reason", "to"),
    [
        ("unsubscribed", "mailboxes that unsubscribed"),
        ("complained", "mailboxes that complained"),
        ("bounced", "mailboxes known to be dead"),
    ],
)
def test_email_to_a_closed_mailbox_is_counted_by_reason(shop: Shop, reason: str, to: str) -> None:
    assert forbidden(mail(shop, OPENED, consent(reason, "2025-02-01 10:00:00"))) == {to: 1}


def test_newest_statement_that_had_landed_decides(shop: Shop) -> None:
    closed = consent("unsubscribed", "2025-02-01 10:00:00")
    reopened = consent("resubscribed", "2025-02-02 10:00:00")
    too_late = consent("unsubscribed", "2025-03-09 10:00:00", landed=DAY + timedelta(days=1))

    assert forbidden(mail(shop, reopened, closed, OPENED, too_late)) == {}


def test_stricter_of_two_statements_at_one_instant_decides(shop: Shop) -> None:
    same_time = consent("unsubscribed", "2025-01-01 10:00:00")

    assert forbidden(mail(shop, OPENED, same_time)) == {"mailboxes that unsubscribed": 1}


def test_email_to_a_mailbox_that_never_consented_is_counted(shop: Shop) -> None:
    assert forbidden(mail(shop, consent("opted_in", "2025-01-01 10:00:00", mailbox="other@shop.example"))) == {
        "mailboxes that never consented": 1
    }


def test_email_to_merged_persons_is_counted(shop: Shop) -> None:
    found = forbidden(mail(shop, profiles=(("shopify:1", 1), ("shopify:2", 2))))

    assert found == {"customers in whom persons were merged": 1}


def test_second_email_of_a_day_is_counted_also_behind_dots_and_tags(shop: Shop) -> None:
    addresses = ("ada.long.name@gmail.com", "adalongname+shop@gmail.com")
    both = [consent("opted_in", "2025-01-01 10:00:00", mailbox=address) for address in addresses]

    assert forbidden(mail(shop, *both, addresses=addresses)) == {
        "inboxes that get another the same day (dots, tags)": 1
    }


def test_email_to_a_held_out_customer_is_found_by_the_hash_alone(shop: Shop) -> None:
    assert forbidden(mail(shop, customer=HELD)) == {
        "customers held out by the hash, computed once more": 1,
        "mailboxes that a held-out customer shares": 1,
    }


def test_earliest_assignment_of_a_member_profile_holds(shop: Shop) -> None:
    # Assigned as a customer who is free, later merged into one whose own hash says holdout.
    shop.land(
        activation__assignments=[
            ("global_holdout", "shopify:1", FREE[1], "treatment", 9, date(2025, 2, 1)),
            ("global_holdout", "shopify:2", HELD, "holdout", 1, date(2025, 2, 2)),
        ]
    )

    assert forbidden(mail(shop, customer=HELD, profiles=(("shopify:1", 1), ("shopify:2", 1)))) == {}


def test_recorded_arm_is_believed_too(shop: Shop) -> None:
    shop.land(activation__assignments=[("global_holdout", "shopify:1", FREE[0], "holdout", 1, date(2025, 2, 1))])

    assert forbidden(mail(shop)) == {
        "customers held out by the recorded arm": 1,
        "mailboxes that a held-out customer shares": 1,
    }


def test_email_to_a_mailbox_that_a_held_out_customer_shares_is_counted(shop: Shop) -> None:
    shop.land(marts__dim_customers=[(DAY, HELD, mailbox_hash(ADDRESS))])

    assert forbidden(mail(shop)) == {"mailboxes that a held-out customer shares": 1}


def test_listed_email_that_was_released_counts_once(shop: Shop) -> None:
    tomorrow = DAY + timedelta(days=1)
    row = (DAY, tomorrow, mailbox_hash(ADDRESS), FREE[0], "win_back")
    shop.land(activation__send_list=[("0", *row), ("9", *row)])

    score = mail(shop)

    assert (score.released, score.listed) == (1, 1)
    assert forbidden(score) == {
        "mailboxes that get another the same day": 1,
        "inboxes that get another the same day (dots, tags)": 1,
    }


def test_ghosts_and_later_partitions_are_no_emails(shop: Shop) -> None:
    later = DAY + timedelta(days=1)
    shop.land(
        activation__send_ledger=[
            ("g", "ghost", "published", DAY, later, mailbox_hash("b@shop.example"), HELD, "win_back"),
            ("l", "send", "published", later, later, mailbox_hash("c@shop.example"), HELD, "win_back"),
        ]
    )

    assert mail(shop).released == 1


def test_arm_is_the_documented_hash() -> None:
    bucket = "cast('0x' || substr(md5('salt_1:' || customer), 1, 13) as bigint) % 10000"
    query = f"select customer, {bucket} < 500 from (select 'c' || range as customer from range(500))"

    for customer, is_held in duckdb.sql(query).fetchall():
        assert (HOLDOUT.arm_of(customer) == "holdout") is is_held


def test_arms_share_out_all_buckets() -> None:
    thirds = replace(HOLDOUT, arms=(("holdout", 1 / 3), ("a", 1 / 3), ("b", 1 / 3)))
    arms = [thirds.arm_of(f"customer {number}") for number in range(3000)]

    assert all(abs(arms.count(arm) - 1000) < 100 for arm in ("holdout", "a", "b"))
