"""Nothing that lands or happens after a cut-off moves a feature as of it: the future is planted in a shop's landing zone."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.pipeline.conftest import START, Platform
from tests.pipeline.sessions import Session

# A week's training has the cut-off of its test slice 30 days before its Sunday.
CUTOFF = date(2025, 2, 7)
SUNDAY = CUTOFF + timedelta(days=30)
EARLIER, AFTER = CUTOFF - timedelta(days=1), CUTOFF + timedelta(days=2)
ACTORS = ("late", "later", "ahead", "one", "two", "refunded", "grown", "solved", "silent")
FEATURES = ("customer_features", "int_mailbox_consent__folded", "mailbox_consent")
MONDAY = SUNDAY - timedelta(days=6)
TRAINING = (
    'key:"ml/propensity_tasks" or key:"intermediate/int_training_cutoffs__sliced" or key:"marts/training_outcomes"'
    ' or key:"marts/training_features"'
)

Row = dict[str, Any]
Table = dict[str, Row]


def at(day: date, hour: int = 9) -> str:
    return f"{day}T{hour:02}:00:00Z"


def land(landing: Path, landed_on: date, rows: dict[str, list[Row]]) -> list[Path]:
    """Files of rows, by the name of the plain object."""
    files = []
    for name, records in rows.items():
        folder = landing / "plain" / name / f"landed_on={landed_on}"
        folder.mkdir(parents=True, exist_ok=True)
        files.append(folder / "planted.csv")
        with files[-1].open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(name for row in records for name in row)))
            writer.writeheader()
            writer.writerows(records)
    return files


def profile(name: str, day: date, *, email: str | None = None) -> Row:
    return {
        "profile_id": name,
        "email": f"{email or name}@planted.example",
        "created_at": at(START),
        "updated_at": at(day),
    }


def order(name: str, day: date, *, status: str = "paid", amount: str = "50.00") -> Row:
    return {
        "order_id": f"o-{name}", "profile_id": name, "ordered_at": at(START + timedelta(days=19)), "updated_at": at(day),
        "status": status, "currency": "USD", "total_amount": amount,
    }  # fmt: skip


def ticket(name: str, day: date, status: str) -> Row:
    opened = at(START + timedelta(days=25))
    return {"ticket_id": f"t-{name}", "profile_id": name, "status": status, "created_at": opened, "updated_at": at(day)}


def view(name: str, day: date) -> Row:
    return {
        "event_id": f"w-{name}",
        "event": "Product Viewed",
        "occurred_at": at(day),
        "profile_id": name,
        "product_id": "p",
    }


def click(name: str, day: date) -> Row:
    return {
        "event_id": f"c-{name}", "event": "clicked", "occurred_at": at(day), "email": f"{name}@planted.example",
        "message_id": "m", "url": "https://planted.example/",
    }  # fmt: skip


def consent(name: str, day: date, statement: str) -> Row:
    return {
        "evidence_id": f"e-{name}-{statement}",
        "email": f"{name}@planted.example",
        "statement": statement,
        "stated_at": at(day),
    }


def known_people() -> dict[str, list[Row]]:
    """Every actor has ordered; one has an open ticket, one is subscribed."""
    day = START + timedelta(days=25)
    return {
        "profiles": [profile(name, day) for name in ACTORS],
        "orders": [order(name, day) for name in ACTORS],
        "tickets": [ticket("solved", day, "open")],
        "consents": [consent("silent", day, "subscribed")],
    }


def news(day: date, *, late: date) -> dict[str, list[Row]]:
    """One fact of each kind that happens on `day`, but for the view and the click that happened on `late`."""
    return {
        "web_events": [view("late", late), view("later", day)],
        "email_events": [click("late", late)],
        "profiles": [profile("one", day, email="two")],
        "orders": [order("refunded", day, status="refunded"), order("grown", day, amount="80.00")],
        "tickets": [ticket("solved", day, "solved")],
        "consents": [consent("silent", day, "unsubscribed")],
    }


class Known(NamedTuple):
    """What is said as of the cut-off, by customer or mailbox."""

    features: Table
    examples: Table
    consent: dict[str, str]


class Leakage(NamedTuple):
    """The cut-off as it was told before the future was planted, with it, and with the same facts landed before."""

    platform: Platform
    customers: dict[str, str]
    mailboxes: dict[str, str]
    before: Known
    planted: Known
    planted_rows: tuple[object, ...]
    landed_earlier: Known


@pytest.fixture(scope="module")
def leakage(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Leakage:
    from simulator.shop import simulate

    landing = tmp_path_factory.mktemp("leakage") / "landing"
    simulate(customers=150, days=(SUNDAY - START).days + 1, seed=8, out=landing, truth=None, start=START)
    platform = holdfast("leakage", landing)
    land(landing, START + timedelta(days=25), known_people())
    with platform.session() as session:
        before = told(platform, session)
        customers = dict(platform.query(CUSTOMERS, day=CUTOFF))
        mailboxes = dict(platform.query("select distinct email, mailbox_hash from intermediate.int_profiles__unioned"))
        future = land(landing, AFTER, news(AFTER, late=CUTOFF - timedelta(days=3)))
        future += land(landing, CUTOFF, {"web_events": [view("ahead", CUTOFF + timedelta(days=1))]})
        planted = told(platform, session)
        rows = platform.query(PLANTED, day=CUTOFF, merged=customers["one"])[0]
        for file in future:
            file.unlink()
        land(landing, EARLIER, news(EARLIER - timedelta(days=1), late=EARLIER - timedelta(days=3)))
        landed_earlier = told(platform, session)
    return Leakage(platform, customers, mailboxes, before, planted, rows, landed_earlier)


CUSTOMERS = """
select split_part(profile_key, ':', 2), customer_id from marts.identity_map
where valid_from <= $day and $day < valid_to and profile_key like 'plain:%'
"""

# Versions of what was known before are not counted.
PLANTED = """
select
    (select count(*) from intermediate.int_web_events__unioned where event_key like 'plain:w-%'),
    (select count(*) from intermediate.int_email_events__unioned where event_key like 'plain:c-%'),
    (select count(*) from intermediate.int_orders__versioned where order_key like 'plain:o-%' and landed_on > $day),
    (select count(*) from intermediate.int_tickets__versioned where ticket_key like 'plain:t-%' and landed_on > $day),
    (select count(*) from marts.identity_log where kind = 'merged' and changed_on > $day and customer_id = $merged)
"""


def told(platform: Platform, session: Session) -> Known:
    session.stage(SUNDAY)
    session.build(FEATURES, CUTOFF, CUTOFF)
    session.materialize(TRAINING, MONDAY, MONDAY)
    return Known(
        rows_of(platform, "marts.customer_features where as_of = $day", CUTOFF),
        rows_of(platform, "marts.training_features where cutoff = $day", CUTOFF),
        dict(
            platform.query(
                "select mailbox_hash, consent_status from marts.mailbox_consent where as_of = $day", day=CUTOFF
            )
        ),
    )


def rows_of(platform: Platform, table: str, day: date) -> Table:
    source = f"(select * from {table.replace('$day', f'date {chr(39)}{day}{chr(39)}')})"
    names = [str(name) for name, *_ in platform.query(f"describe select * from {source}")]
    rows = [dict(zip(names, row, strict=True)) for row in platform.query(f"select * from {source}")]
    return {row["customer_id"]: row for row in rows}


def moved(one: Table, other: Table) -> set[str]:
    """Customers who are in one table only or of whom a column differs."""
    return {customer for customer in one.keys() | other.keys() if one.get(customer) != other.get(customer)}


def test_the_future_is_there_and_moves_no_feature(leakage: Leakage) -> None:
    assert leakage.planted_rows == (3, 1, 2, 1, 1)
    assert len(leakage.before.features) > 50
    assert moved(leakage.before.features, leakage.planted.features) == set()


def test_the_future_moves_no_feature_of_a_training_set(leakage: Leakage) -> None:
    examples = leakage.before.examples
    assert {leakage.customers[name] for name in ACTORS} <= examples.keys()
    assert len(next(iter(examples.values()))) > 20
    assert moved(examples, leakage.planted.examples) == set()


def test_the_future_moves_no_consent(leakage: Leakage) -> None:
    assert leakage.before.consent[leakage.mailboxes["silent@planted.example"]] in {"subscribed", "imported", "pending"}
    assert leakage.planted.consent == leakage.before.consent


@pytest.mark.parametrize("name", ["late", "later", "one", "two", "refunded", "grown", "solved"])
@pytest.mark.parametrize("table", ["features", "examples"])
def test_the_same_facts_move_features_if_they_land_before(leakage: Leakage, name: str, table: str) -> None:
    before, landed_earlier = getattr(leakage.before, table), getattr(leakage.landed_earlier, table)
    assert leakage.customers[name] in moved(before, landed_earlier)


def test_the_same_statement_moves_consent_if_it_lands_before(leakage: Leakage) -> None:
    assert leakage.landed_earlier.consent[leakage.mailboxes["silent@planted.example"]] == "unsubscribed"


def test_an_event_of_tomorrow_that_landed_today_counts_tomorrow(leakage: Leakage) -> None:
    customer = leakage.customers["ahead"]
    assert leakage.planted.features[customer]["product_views_7"] == 0
