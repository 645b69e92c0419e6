"""Every feature of a shop made by hand, added up again from raw rows in plain Python, is what the table says."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipeline.test_behavior import FACTS, FIRST, LAST, LEDGER, START, TOMBSTONES, WINDOW, Project

SPANS = (7, 28, 90, 365)
WEB = {"Product Viewed": "product_views", "Product Added": "carts", "Checkout Started": "checkouts"}
MODELS = (
    "int_email_engagement__classified", "int_order_days__aggregated", "int_web_days__aggregated", "int_email_days__aggregated",
    "int_ticket_days__aggregated",
)  # fmt: skip

Features = dict[str, Any]


class Walk:
    """What each customer did until a day, row by row."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, day: date) -> None:
        self.warehouse, self.day = warehouse, day
        owned = "select profile_key, customer_id from marts.identity_map where valid_from <= $day and $day < valid_to"
        self.owners: dict[str, str] = dict(warehouse.execute(owned, {"day": day}).fetchall())
        self.found: dict[str, Features] = {customer: defaultdict(int) for customer in set(self.owners.values())}
        self.last: dict[tuple[str, str], date] = {}
        self.walk_visits()
        self.walk_emails()
        self.walk_orders()
        self.walk_tickets()

    def known(self, columns: str, table: str) -> Iterator[tuple[Any, ...]]:
        rows = f"select profile_key, occurred_on, {columns} from intermediate.{table} where landed_on <= $day and occurred_on <= $day"
        for profile, occurred_on, *rest in self.warehouse.execute(rows, {"day": self.day}).fetchall():
            if profile in self.owners:
                yield (self.owners[profile], occurred_on, *rest)

    def add(self, customer: str, name: str, on: date, value: float = 1) -> None:
        for span in SPANS:
            self.found[customer][f"{name}_{span}"] += value if on > self.day - timedelta(days=span) else 0

    def see(self, customer: str, name: str, on: date) -> None:
        self.last[customer, name] = max(on, self.last.get((customer, name), date.min))
        self.found[customer][name] = (self.day - self.last[customer, name]).days

    def walk_visits(self) -> None:
        for customer, on, event in self.known("event", "int_web_events__unioned"):
            self.see(customer, "days_since_last_web_event", on)
            if event in WEB:
                self.add(customer, WEB[event], on)

    def walk_emails(self) -> None:
        for customer, on, event in self.known("event", "int_email_events__unioned"):
            if event == "delivered":
                self.add(customer, "emails_delivered", on)
        for customer, on, event, is_human in self.known("event, is_human", "int_email_engagement__classified"):
            if is_human:
                self.add(customer, "human_opens" if event == "opened" else "human_clicks", on)
                self.see(customer, "days_since_last_open" if event == "opened" else "days_since_last_click", on)

    def walk_orders(self) -> None:
        days: dict[tuple[str, date], float] = defaultdict(float)
        totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        columns = "net_amount, order_count, gross_amount, refund_amount"
        for customer, on, net, *counts in self.known(columns, "int_order_entries__booked"):
            days[customer, on] += float(net)
            self.found[customer]["net_amount_total"] += float(net)
            self.add(customer, "net_amount", on, float(net))
            totals[customer] = [total + float(count) for total, count in zip(totals[customer], counts, strict=True)]
        for customer, (orders, gross, refunded) in totals.items():
            of = self.found[customer]
            bought = sorted(on for (whose, on), net in days.items() if whose == customer and net > 0)
            of.update(has_ordered=bool(bought), order_days_total=len(bought))
            of["average_order_amount"] = of["net_amount_total"] / orders if orders else None
            of["refund_share"] = refunded / gross if gross else None
            for on in bought:
                self.add(customer, "order_days", on)
                self.see(customer, "days_since_last_order", on)
            if bought:
                of["days_since_first_order"] = (self.day - bought[0]).days
            if len(bought) > 1:
                of["average_days_between_orders"] = (bought[-1] - bought[0]).days / (len(bought) - 1)

    def walk_tickets(self) -> None:
        tickets: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        columns = "ticket_key, profile_key, status, satisfaction, cast(created_at as date), cast(updated_at as date)"
        rows = f"select {columns} from intermediate.int_tickets__versioned where landed_on <= $day order by landed_on"
        for ticket, *version in self.warehouse.execute(rows, {"day": self.day}).fetchall():
            tickets[ticket].append(tuple(version))
        for versions in tickets.values():
            profile, status, satisfaction, opened_on, _ = versions[-1]
            customer = self.owners[profile]
            self.add(customer, "tickets_opened", opened_on)
            self.found[customer]["open_tickets_count"] += status in {"new", "open", "pending", "hold"}
            if satisfaction == "bad":
                since = max(
                    index for index, version in enumerate(versions) if index == 0 or versions[index - 1][2] != "bad"
                )
                self.add(customer, "tickets_rated_badly", versions[since][4])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A warehouse in which five days are built in one run, with facts of later days in it."""
    home = tmp_path_factory.mktemp("features")
    for name, rows in {"send_ledger": LEDGER, "tombstones": TOMBSTONES}.items():
        folder = home / "state" / name
        folder.mkdir(parents=True)
        duckdb.execute(rows.format(folder=folder))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOLDFAST_HOME": "", "DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}.items():
            patch.setenv(name, str(home / value))
        patch.setenv("DO_NOT_TRACK", "true")
        project = Project(home)
        project.empty()
        with duckdb.connect(str(project.warehouse)) as connection:
            connection.execute(FACTS)
        project.run([*MODELS], START, LAST + timedelta(days=90))
        project.run(["customer_features"], FIRST, LAST)
        yield project.warehouse


def nearly(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, float) else value


@pytest.mark.parametrize("day", WINDOW)
def test_features_are_what_a_walk_through_the_rows_finds(shop: Path, day: date) -> None:
    with duckdb.connect(str(shop), read_only=True) as connection:
        told = connection.execute(
            "select * exclude (as_of) from marts.customer_features where as_of = $day", {"day": day}
        )
        names = [column[0] for column in told.description]
        rows = {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in told.fetchall()}
        found = Walk(connection, day).found
    assert rows.keys() == found.keys()
    differing = {
        (customer, name): (value, found[customer].get(name))
        for customer, features in rows.items()
        for name, value in features.items()
        if nearly(value or 0) != nearly(found[customer].get(name) or 0)
        or (value is None and found[customer].get(name) is not None)
    }
    assert differing == {}


def test_the_hand_made_shop_reaches_every_feature(shop: Path) -> None:
    with duckdb.connect(str(shop), read_only=True) as connection:
        rows = connection.execute("select * exclude (as_of, customer_id) from marts.customer_features")
        names = [column[0] for column in rows.description]
        reached = {name for row in rows.fetchall() for name, value in zip(names, row, strict=True) if value}
    assert set(names) - reached == {"tickets_opened_7"}  # all its tickets are opened on one day
