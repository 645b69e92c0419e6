"""The lifecycle of random histories, walked day by day in plain Python, is what the models say of them, row for row."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
import pytest

from tests.pipeline.test_behavior import Project

START, FIRST, LAST = date(2023, 6, 1), date(2025, 1, 1), date(2025, 2, 14)
PEOPLE = 150
NEVER = date(9999, 12, 31)
# Days between orders on both sides of every threshold, and any others.
GAPS = [1, 29, 30, 31, 32, 59, 60, 61, 62, 63, 91, 119, 120, 121, 122, 123, 180, 250]
STATEMENTS = [
    ("subscribed", True), ("subscribed", True), ("confirmed", True), ("subscribed", False), ("pending", False),
    ("unsubscribed", False), ("unsubscribed", False), ("complained", False), ("bounced", False),
]  # fmt: skip

ON_ORDER = {"prospect": "new_customer", "subscriber": "new_customer", "lapsed": "won_back"}
ON_SILENCE = {
    "new_customer": (30, "active"), "won_back": (30, "active"), "active": (60, "at_risk"), "at_risk": (120, "lapsed")
}  # fmt: skip


class Order(NamedTuple):
    profile: int
    occurred_on: date
    landed_on: date
    amount: int


class Statement(NamedTuple):
    profile: int
    occurred_at: datetime
    landed_on: date
    statement: str
    is_affirmative: bool

    @property
    def restricts(self) -> bool:
        return self.statement in {"unsubscribed", "complained", "bounced"}


class Shop(NamedTuple):
    """What ever landed: when each profile did, whom it joins and when, its orders and its statements."""

    seen_on: list[date]
    joins_on: dict[int, date]
    orders: list[Order]
    statements: list[Statement]

    def profiles(self, day: date) -> dict[int, list[int]]:
        """Profiles of each customer on a day; every sixth joins the one before it."""
        found = defaultdict(list)
        for profile, seen_on in enumerate(self.seen_on):
            if seen_on <= day:
                found[profile - (day >= self.joins_on.get(profile, NEVER))].append(profile)
        return found


def some_shop(chance: random.Random) -> Shop:
    def days(count: int) -> timedelta:
        return timedelta(days=count)

    seen_on = [START + days(chance.randrange(580)) for _ in range(PEOPLE)]
    joins_on = {i: max(*seen_on[i - 1 : i + 1], FIRST + days(chance.randrange(40))) for i in range(1, PEOPLE, 6)}
    orders, statements = [], []
    for profile, first in enumerate(seen_on):
        day = first + days(chance.choice([-40, 0, 0, 1, 30, 200]))
        for _ in range(chance.choice([0, 0, 1, 1, 2, 3, 5, 9])):
            landed_on = max(first, day + days(chance.choice([0, 0, 0, 1, 7, 60])))
            orders.append(Order(profile, day, landed_on, 10))
            if chance.random() < 0.25:
                orders.append(
                    Order(profile, day, landed_on + days(chance.choice([1, 5, 90])), chance.choice([-4, -10]))
                )
            day += days(chance.choice(GAPS))
        for _ in range(chance.choice([0, 1, 2, 4])):
            said_at = datetime.combine(first + days(chance.choice([-20, 0, 0, 3, chance.randrange(400)])), time(9))
            said_at += timedelta(hours=chance.choice([0, 0, 5]))
            landed_on = max(first, said_at.date() + days(chance.choice([-6, 0, 0, 1, 20])))
            statements.append(Statement(profile, said_at, landed_on, *chance.choice(STATEMENTS)))
    return Shop(seen_on, joins_on, orders, statements)


def walk(first_on: date, order_days: set[date], said: dict[date, str], until: date) -> tuple[str, date, str | None]:
    """Stage, day of entry and stage before, from the first day to the last, one day after the other."""
    stage, shown, previous, entered_on, last_order = "prospect", None, None, first_on, None
    day = min([first_on, *order_days, *said])
    while day <= until:
        if day in order_days:
            stage, last_order = ON_ORDER.get(stage, "active"), day
        elif last_order is not None:
            after_days, to = ON_SILENCE.get(stage, (10**6, stage))
            stage = to if (day - last_order).days > after_days else stage
        else:
            stage = said.get(day, stage)
        if stage != shown:
            previous, shown, entered_on = shown, stage, day
        day += timedelta(days=1)
    return stage, entered_on, previous


def walked(shop: Shop) -> set[tuple[date, str, str, date, str | None]]:
    found = set()
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        for customer, profiles in shop.profiles(day).items():
            net: dict[date, int] = defaultdict(int)
            for order in shop.orders:
                if order.profile in profiles and max(order.landed_on, order.occurred_on) <= day:
                    net[order.occurred_on] += order.amount
            heard = [
                statement
                for statement in shop.statements
                if statement.profile in profiles
                and statement.landed_on <= day
                and (statement.restricts or (statement.is_affirmative and statement.occurred_at.date() <= day))
            ]
            heard.sort(key=lambda statement: (statement.occurred_at, statement.restricts))
            said = {min(one.occurred_at.date(), day): "prospect" if one.restricts else "subscriber" for one in heard}
            order_days = {occurred_on for occurred_on, amount in net.items() if amount > 0}
            first_on = min(shop.seen_on[profile] for profile in profiles)
            found.add((day, f"c_{customer}", *walk(first_on, order_days, said, day)))
    return found


def land(shop: Shop, warehouse: Path) -> None:
    profiles = [(f"p{i}", f"m{i}", f"p{i}@x.org", seen_on, "plain") for i, seen_on in enumerate(shop.seen_on)]
    owners = [
        (f"p{i}", f"c_{owner}", f"p{owner}", start, end)
        for i, seen_on in enumerate(shop.seen_on)
        for owner, start, end in [
            (i, seen_on, shop.joins_on.get(i, NEVER)), (i - 1, shop.joins_on.get(i, NEVER), NEVER)
        ]
        if start < end
    ]  # fmt: skip
    orders = [(f"p{one.profile}", *one[1:], f"o{number}") for number, one in enumerate(shop.orders)]
    statements = [(f"m{one.profile}", *one[1:], f"s{number}", "email") for number, one in enumerate(shop.statements)]
    tables = {
        "intermediate.int_profiles__unioned": (profiles, "profile_key mailbox_hash email landed_on source"),
        "marts.identity_map": (owners, "profile_key customer_id root_profile_key valid_from valid_to"),
        "intermediate.int_order_entries__booked": (orders, "profile_key occurred_on landed_on net_amount order_key"),
        "intermediate.int_consent_evidence__unioned": (
            statements, "mailbox_hash occurred_at landed_on statement is_affirmative evidence_id channel"
        ),
    }  # fmt: skip
    with duckdb.connect(str(warehouse)) as connection:
        for table, (rows, columns) in tables.items():
            connection.register("landed", pd.DataFrame(rows, columns=columns.split()).astype(str))
            connection.execute(f"insert into {table} by name select * from landed")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    home = tmp_path_factory.mktemp("lifecycle")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOLDFAST_HOME": "", "DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}.items():
            patch.setenv(name, str(home / value))
        patch.setenv("DO_NOT_TRACK", "true")
        yield Project(home)


@pytest.fixture(scope="module")
def shop(project: Project) -> Shop:
    """A shop that has landed, with the lifecycle of the whole window built in one run."""
    shop = some_shop(random.Random(20250301))  # noqa: S311
    project.empty()
    land(shop, project.warehouse)
    project.run(["int_order_days__aggregated"], START - timedelta(days=60), LAST)
    upstream = ["int_customer_traits__picked", "int_mailbox_consent__folded", "int_customer_mailboxes__resolved"]
    project.run([*upstream, "int_customer_lifecycle__staged", "customer_lifecycle"], FIRST, LAST)
    return shop


def test_lifecycle_is_that_of_a_walk_through_every_day(project: Project, shop: Shop) -> None:
    columns = "as_of, customer_id, lifecycle_stage, entered_on, previous_stage"
    rows = project.query(f"select {columns} from marts.customer_lifecycle")
    assert len(rows) == len(set(rows))
    assert set(rows) == walked(shop)


def test_the_histories_take_every_transition(project: Project, shop: Shop) -> None:
    assert shop.orders
    taken = project.query("""
        select distinct previous_stage, lifecycle_stage from marts.customer_lifecycle where previous_stage is not null
    """)
    assert set(taken) == {
        ("prospect", "subscriber"), ("subscriber", "prospect"), ("prospect", "new_customer"),
        ("subscriber", "new_customer"), ("new_customer", "active"), ("won_back", "active"), ("at_risk", "active"),
        ("active", "at_risk"), ("at_risk", "lapsed"), ("lapsed", "won_back"),
    }  # fmt: skip
