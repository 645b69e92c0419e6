"""Landed files of every vendor, with planted faults, come out staged, quarantined or as duplicates, and reconcile."""

import csv
import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.dbt import forget_compiled
from orchestration.landing_zone.files import register_files, unread_objects
from orchestration.landing_zone.vendors import shipped_vendors

REPOSITORY = Path(__file__).parents[2]
SHARED_DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", REPOSITORY.parent / "shared/data"))
D1, D2, D3 = date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)
OPTIONS = [
    "--project-dir",
    str(REPOSITORY / "dbt_project"),
    "--profiles-dir",
    str(REPOSITORY / "dbt_project"),
    "--quiet",
]
SELECTION = [
    "--select", "resource_type:seed", "staging", "intermediate.sources", "int_identifiers__linked", "quarantine",
    "assert_landed_rows_reconcile",
]  # fmt: skip
VENDORS = {name: vendor._asdict() for name, vendor in shipped_vendors().items()}
FAULTS = ("error", "fail")
LAYERS = ("staging", "intermediate", "quarantine")

Build = Callable[..., None]
Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("parse")
        patch.setenv("HOLDFAST_HOME", str(home))
        patch.setenv("DBT_TARGET_PATH", str(home / "target"))
        patch.setenv("DBT_LOG_PATH", str(home / "logs"))
        patch.setenv("DO_NOT_TRACK", "true")
        parsed = dbtRunner().invoke(["parse", *OPTIONS, "--vars", json.dumps({"vendors": VENDORS})])
        assert parsed.success, parsed.exception
        yield parsed.result


@pytest.fixture(scope="module")
def build(manifest: Any) -> Build:
    def run(home: Path, landing: Path, start: date, end: date, *, command: str = "run", select: str = "") -> None:
        home.mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patch, duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            patch.setattr("orchestration.landing_zone.files.enabled_vendors", shipped_vendors)
            register_files(connection, landing, start=start, end=end)
        variables = {"vendors": VENDORS, "window_start": str(start), "window_end": str(end)}
        chosen = ["--select", select] if select else SELECTION
        invocation = [command, *chosen, "--vars", json.dumps(variables), *OPTIONS]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOLDFAST_HOME", str(home))
            runner = dbtRunner(manifest=forget_compiled(manifest))
            try:
                if command == "run":
                    assert runner.invoke(["seed", *OPTIONS]).success
                elif command == "build":
                    invocation += ["--exclude-resource-type", "unit_test"]
                outcome = runner.invoke(invocation)
                faults = [f"{node.node.name}: {node.message}" for node in outcome.result if node.status in FAULTS]
                assert outcome.success, faults
            finally:
                DuckDBConnectionManager.close_all_connections()

    return run


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def tables(home: Path, where: str = "true") -> Tables:
    names = query(
        home, f"select table_schema || '.' || table_name from information_schema.tables where table_schema in {LAYERS}"
    )
    return {name: query(home, f"select * from {name} where {where} order by all") for (name,) in names}


def land(root: Path, path: str, content: bytes | str, *, day: date = D1) -> None:
    folder, name = path.rsplit("/", 1)
    target = root / folder / f"landed_on={day}" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"buyer{number}@shop.test",
        "customer": {"id": 900 + number},
        "created_at": "2025-01-01T10:00:00Z",
        "updated_at": "2025-01-01T10:00:00Z",
        "financial_status": "paid",
        "currency": "EUR",
        "total_price": "100.00",
        "line_items": [{"product_id": 77, "quantity": 2, "price": "50.00"}],
        **changes,
    }


def refunded(number: int) -> dict[str, Any]:
    refund = {"created_at": "2025-01-02T10:00:00Z", "transactions": [{"kind": "refund", "amount": "30.00"}]}
    return order(number, updated_at="2025-01-02T10:00:00Z", financial_status="partially_refunded", refunds=[refund])


def call(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "device-1",
        "timestamp": "2025-01-01T10:00:00Z",
        "properties": {"product_id": 77},
        **changes,
    }


HUBSPOT = (
    "hs_object_id,email,hs_additional_emails,firstname,hs_email_optout,hs_email_optout_77,createdate,lastmodifieddate\n"
    "51,Old@shop.test,,Ann,false,true,2024-12-01T09:00:00Z,2024-12-31T09:00:00Z\n"
    ",nobody@shop.test,,,,,2024-12-01T09:00:00Z,\n"
    "53,late@shop.test,,,,,2024-12-01T09:00:00Z,2031-01-01T00:00:00Z\n"
)
MERGED = (
    "hs_object_id,email,hs_additional_emails,hs_merged_object_ids,hs_email_optout,createdate,lastmodifieddate\n"
    "59,new@shop.test,first@shop.test; second@shop.test,51;52,true,2024-12-05T09:00:00Z,2025-01-02T09:00:00Z\n"
)
USERS = [
    {"id": 1, "role": "end-user", "name": "Ann Lee", "email": "ann@shop.test", "created_at": "2025-01-01T08:00:00Z"},
    {"id": 2, "role": "agent", "name": "Bob", "email": "bob@shop.test", "created_at": "2025-01-01T08:00:00Z"},
    {"id": 3, "name": "No role", "created_at": "2025-01-01T08:00:00Z"},
]
TICKETS = [
    {"id": 11, "requester_id": 1, "status": "hold", "created_at": "2025-01-01T08:00:00Z"},
    {"id": 12, "requester_id": 2, "status": "open", "created_at": "2025-01-01T08:00:00Z"},
    {"id": 13, "requester_id": 1, "status": "lost", "created_at": "2025-01-01T08:00:00Z"},
    {"id": 14, "requester_id": 1, "status": "open"},
]


def person(number: int, consent: str) -> dict[str, Any]:
    marketing = {"consent": consent, "consent_timestamp": "2024-12-31T10:00:00+00:00", "method": "FORM"}
    attributes = {
        "email": f"k{number}@shop.test",
        "created": "2024-12-31T10:00:00+00:00",
        "subscriptions": {"email": {"marketing": marketing}},
    }
    return {"type": "profile", "id": f"k{number}", "attributes": attributes}


def metric(number: int, name: str, at: str = "2025-01-01T10:00:00+02:00") -> dict[str, Any]:
    return {
        "type": "event",
        "id": f"e{number}",
        "attributes": {"metric": {"name": name}, "datetime": at},
        "relationships": {"profile": {"data": {"type": "profile", "id": "k1"}}},
    }


PERSONS = [person(1, "SUBSCRIBED"), person(2, "UNSUBSCRIBED"), person(3, "PERHAPS")]
METRICS = [metric(1, "Opened Email"), metric(2, "Viewed Product"), metric(3, "Opened Email", "soon"), metric(1, "x")]
AUDIENCE = {
    "subscribed_members_export_1": "Email Address,OPTIN_TIME,OPTIN_IP,LAST_CHANGED,EUID\n"
    "m1@shop.test,2024-12-01 10:00:00,1.2.3.4,2024-12-01 10:00:00,m1\nm4@shop.test,never,,,m4\n",
    "unsubscribed_members_export_1": "Email Address,OPTIN_TIME,UNSUB_TIME,LAST_CHANGED,EUID\n"
    "m2@shop.test,2024-12-01 10:00:00,2024-12-24 10:00:00,2024-12-24 10:00:00,m2\n",
    "cleaned_members_export_1": "Email Address,CLEAN_TIME,LAST_CHANGED,EUID\n"
    "m3@shop.test,2024-12-25 10:00:00,2024-12-25 10:00:00,m3\n",
    "members": "Email Address,EUID\nm5@shop.test,m5\n",
}
EXPORT = (
    "\ufeffName,Email,Financial Status,Paid at,Currency,Subtotal,Total,Discount Amount,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem sku,Phone,Refunded Amount,Cancelled at,Id,Tags\r\n"
    "#1,x1@shop.test,paid,2024-12-31 10:00:00 -0500,EUR,30.00,30.00,0.00,2024-12-31 10:00:00 -0500,2,Mug,10.00,M1,"
    "'+4915112345678,5.00,,'7001,\r\n"
    '#1,x1@shop.test,,,,,,,,1,"Cup, blue",10.00,C1,,,,,\r\n'
    "#2,x2@shop.test,paid,,EUR,10.00,10.00,0.00,2024-12-31 11:00:00 -0500,1,Mug,10.00,M1,,0.00,,'7002,\r\n"
    "#2,x2@shop.test,,,,,,,,one,Cup,10.00,C1,,,,,\r\n"
    "#9,x9@shop.test,,,,,,,,1,Cup,10.00,C1,,,,,\r\n"
)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of every vendor with one fault of each kind."""
    root = tmp_path_factory.mktemp("landing")
    land(
        root, "shopify/orders/o.jsonl", lines(order(1), order(2), order(3, total_price="-1"), order(4, created_at="?"))
    )
    land(root, "shopify/orders/o.jsonl", lines(refunded(1), order(2)), day=D2)
    land(root, "shopify/customers/c.json", json.dumps({"customers": [{"id": 901, "email": " Buyer1@Shop.test "}, {}]}))
    land(root, "shopify/products/p.jsonl", lines({"id": 77, "title": "Mug", "variants": [{"price": "-2"}]}))
    land(root, "segment/events/e.jsonl.gz", gzip.compress((lines(call(1)) + "{broken\n[]\n" + lines(call(2))).encode()))
    land(root, "segment/events/cut.jsonl.gz", gzip.compress(lines(call(5)).encode())[:-6])
    late = call(3, timestamp="2025-01-01T09:00:00Z")
    land(root, "segment/events/e.jsonl", lines(call(1), late, call(4, timestamp="2031-01-01T00:00:00Z"), late), day=D3)
    opened = {"email": "buyer1@shop.test", "timestamp": 1735726000, "event": "open", "sg_event_id": "s1"}
    land(root, "sendgrid/events/e.json", json.dumps([opened, {**opened, "event": "click"}, {**opened, "event": "x"}]))
    land(root, "sendgrid/events/e.json", json.dumps([opened, {**opened, "timestamp": 1735727000}]), day=D2)
    land(root, "plain/orders/o.csv", "\ufefforder_id,email,ordered_at,total_amount\np1,g@shop.test,2025-01-01 09:00,\n"
         "p2,g,h,i,j\np3,,2025-01-01,7\np4,,2025-01-01,seven\n")  # fmt: skip
    land(
        root,
        "plain/order_lines/l.csv",
        "order_id,line_number,quantity,unit_price\np1,1,2,1.25\np1,2,-1,0.5\np1,2,1,1\n",
    )
    land(root, "plain/profiles/p.csv", "profile_id,email,new_column\nx,info@shop.test,1\ny,not an address,2\n")
    land(root, "plain/profiles/p.csv", "profile_id,email\nx,new@shop.test\n", day=D2)
    land(root, "plain/web_events/w.csv", "event_id,event,occurred_at\nw1,Page Viewed,1969-12-31T00:00:00Z\n", day=D2)
    land(
        root,
        "plain/email_events/e.csv",
        "event_id,event,occurred_at,email\ne1,Email Bounced,2025-01-02,g@shop.test\n",
        day=D2,
    )
    land(
        root, "plain/consents/c.csv", "evidence_id,email,statement,stated_at\nc1,g@shop.test,maybe,2025-01-02\n", day=D2
    )
    land(root, "plain/tickets/t.csv", "ticket_id,email,status,created_at\nt1,g@shop.test,open,2025-01-02\n", day=D2)
    land(root, "plain/products/p.csv", "product_id,price\n77,x\n", day=D2)
    land(root, "hubspot/contacts/c.csv", HUBSPOT)
    land(root, "hubspot/contacts/c.csv", MERGED, day=D2)
    land(root, "zendesk/users/u.json", json.dumps({"users": USERS}))
    land(root, "zendesk/tickets/t.json", json.dumps({"tickets": TICKETS}))
    land(root, "klaviyo/profiles/p.json", json.dumps({"data": PERSONS}))
    land(root, "klaviyo/events/e.json", json.dumps({"data": METRICS}))
    for name, content in AUDIENCE.items():
        land(root, f"mailchimp/members/{name}.csv", content)
    land(root, "shopify/orders/orders_export.csv", EXPORT, day=D2)
    land(root, "plain/assignments/a.csv", "experiment,profile_id,arm,assigned_at\nh,x,treatment,2025-01-02\n", day=D2)
    return root


@pytest.fixture(scope="module")
def built(build: Build, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the three days were built in one window, with their data tests."""
    home = tmp_path_factory.mktemp("built")
    build(home, landing, D1, D3, command="build")
    return home


def test_faults_are_named_and_every_row_is_accounted_for(built: Path) -> None:
    refused = query(built, "select source, landed_on, row_number, rule from quarantine.rows order by all")
    assert refused == [
        ("hubspot/contacts", D1, 2, "missing_key"),
        ("hubspot/contacts", D1, 3, "impossible_time"),
        ("klaviyo/events", D1, 3, "impossible_time"),
        ("klaviyo/profiles", D1, 3, "unknown_consent"),
        ("mailchimp/members", D1, 1, "unknown_status"),
        ("mailchimp/members", D1, 2, "impossible_time"),
        ("plain/consents", D2, 1, "unknown_statement"),
        ("plain/orders", D1, 2, "malformed_row"),
        ("plain/orders", D1, 4, "not_a_number"),
        ("plain/products", D2, 1, "not_a_number"),
        ("plain/web_events", D2, 1, "impossible_time"),
        ("segment/events", D1, 2, "unparsable_row"),
        ("segment/events", D1, 3, "unparsable_row"),
        ("segment/events", D1, None, "unreadable_file"),
        ("segment/events", D3, 3, "impossible_time"),
        ("sendgrid/events", D1, 3, "unknown_event"),
        ("shopify/customers", D1, 2, "missing_key"),
        ("shopify/orders", D1, 3, "negative_price"),
        ("shopify/orders", D1, 4, "impossible_time"),
        ("shopify/orders", D2, 3, "not_a_number"),
        ("shopify/orders", D2, 4, "not_a_number"),
        ("shopify/orders", D2, 5, "missing_key"),
        ("shopify/products", D1, 1, "negative_price"),
        ("zendesk/tickets", D1, 3, "unknown_status"),
        ("zendesk/tickets", D1, 4, "missing_key"),
        ("zendesk/users", D1, 3, "missing_key"),
    ]
    assert query(built, "select raw from quarantine.rows where rule = 'malformed_row'") == [("p2,g,h,i,j",)]
    assert query(built, "select raw from quarantine.rows where row_number = 2 and rule = 'unparsable_row'") == [
        ("{broken",)
    ]
    statuses = "select row_status, count(*) from {} group by all order by all"
    assert query(built, statuses.format("staging.base_segment__events")) == [
        ("duplicate", 2), ("quarantined", 3), ("staged", 3),
    ]  # fmt: skip
    assert query(built, statuses.format("staging.base_plain__order_lines")) == [("duplicate", 1), ("staged", 2)]


def test_messages_hold_no_personal_value(built: Path) -> None:
    messages = query(built, "select distinct message from quarantine.rows")
    assert len(messages) > 5
    assert not any("shop.test" in message for (message,) in messages)


def test_a_window_equals_its_days_and_staging_again_changes_nothing(
    build: Build, built: Path, landing: Path, tmp_path: Path
) -> None:
    for day in (D1, D2, D3):
        build(tmp_path / "days", landing, day, day)
    in_one = tables(built)
    assert in_one == tables(tmp_path / "days")
    assert sum(map(len, in_one.values())) > 60
    build(tmp_path / "days", landing, D1, D1)
    build(tmp_path / "days", landing, D2, D3)
    assert in_one == tables(tmp_path / "days")


def test_late_rows_leave_earlier_days_as_they_were(build: Build, landing: Path, tmp_path: Path) -> None:
    build(tmp_path / "first", landing, D1, D2)
    before = tables(tmp_path / "first")
    build(tmp_path / "first", landing, D3, D3)
    assert tables(tmp_path / "first", f"landed_on <= '{D2}'") == before
    late = "select landed_on, occurred_on from intermediate.int_web_events__unioned where event_key = 'segment:m3'"
    assert query(tmp_path / "first", late) == [(D3, D1)]


def test_a_changed_row_landed_again_changes_only_itself(
    build: Build, built: Path, landing: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(built, tmp_path / "home")
    landing = shutil.copytree(landing, tmp_path / "landing")
    before = tables(home)
    land(
        landing,
        "shopify/orders/o.jsonl",
        lines(refunded(1), order(2, updated_at="2025-01-02T09:00:00Z", tags="x")),
        day=D2,
    )
    build(home, landing, D2, D2)
    after = tables(home)
    changed = {name: set(after[name]) ^ set(before[name]) for name in after if after[name] != before[name]}
    assert set(changed) == {
        "staging.base_shopify__orders",
        "intermediate.int_orders__unioned",
        "intermediate.int_orders__versioned",
        "intermediate.int_order_bookings__dated",
        "intermediate.int_order_lines__versioned",
        "intermediate.int_profile_sightings__unioned",
        "intermediate.int_identifiers__linked",
    }
    keys = {row[0] for name in changed if "int_order" in name for row in changed[name]}
    assert keys == {"shopify:2"}


def test_a_refund_books_the_difference(built: Path) -> None:
    entries = query(
        built,
        """
        select landed_on, occurred_on, order_count, cast(gross_amount as double), cast(net_amount as double)
        from intermediate.int_order_entries__booked where order_key = 'shopify:1' order by all
        """,
    )
    assert entries == [(D1, D1, 1, 100.0, 100.0), (D2, D2, 0, 0.0, -30.0)]
    net = "select sum(net_amount) = 2.00 from intermediate.int_orders__versioned where order_key = 'plain:p1'"
    assert query(built, net) == [(True,)]


def test_a_refund_in_another_currency_is_booked_at_the_rate_of_its_order(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_CURRENCY", "EUR")
    landing, home = tmp_path / "landing", tmp_path / "home"
    rates = "rate_on,currency,to_currency,rate\n2025-01-01,EUR,USD,{}\n2025-01-02,EUR,USD,{}\n2025-01-02,EUR,euro,1\n"
    money = {"total_tax": "16.00", "total_discounts": "5.00"}
    shipping = {"shop_money": {"amount": "4.00", "currency_code": "USD"}}
    foreign = {"currency": "USD", "total_shipping_price_set": shipping, **money}
    for day in (D1, D2):
        land(landing, "plain/rates/r.csv", rates.format(1.25, 2), day=day)
    land(landing, "shopify/orders/o.jsonl", lines(order(1, **foreign), order(2, **money)))
    land(landing, "shopify/orders/o.jsonl", lines({**refunded(1), **foreign}), day=D2)
    for day in (D1, D2):
        build(home, landing, day, day, select="+int_order_entries__booked +int_orders__versioned")
    entries = (
        "select order_key, landed_on, occurred_on, currency, cast(gross_amount as double), cast(refund_amount as double) "
        "from intermediate.int_order_entries__booked order by all"
    )
    assert query(home, entries) == [
        ("shopify:1", D1, D1, "EUR", 80.0, 0.0),
        ("shopify:1", D2, D2, "EUR", 0.0, 24.0),
        ("shopify:2", D1, D1, "EUR", 100.0, 0.0),
    ]
    newest = (
        "select charged_currency, cast(charged_amount as double), cast(discount_amount as double), cast(tax_amount as double), "
        f"cast(shipping_amount as double) from intermediate.int_orders__versioned where landed_on = '{D2}'"
    )
    assert query(home, newest) == [("USD", 100.0, 4.0, 12.8, 3.2)]
    statuses = "select row_status, count(*) from staging.base_plain__rates group by all order by all"
    assert query(home, statuses) == [("duplicate", 2), ("quarantined", 2), ("staged", 2)]


def test_an_orders_export_is_read_as_orders(built: Path) -> None:
    orders = query(
        built,
        """
        select email, cast(ordered_at as varchar), status, cast(gross_amount as double) from intermediate.int_orders__unioned
        where order_key = 'shopify:7001'
        """,
    )
    assert orders == [("x1@shop.test", "2024-12-31 15:00:00", "paid", 30.0)]
    lines_sql = (
        "select line_number, quantity, cast(unit_price as double) from {} where order_key = 'shopify:7001' order by all"
    )
    assert query(built, lines_sql.format("intermediate.int_order_lines__versioned")) == [(1, 2, 10.0), (2, 1, 10.0)]
    refunds = "select cast(refund_amount as double) from intermediate.int_order_refunds__dated where order_key = 'shopify:7001'"
    assert query(built, refunds) == [(5.0,)]
    phones = "select phone from intermediate.int_profile_sightings__unioned where email = 'x1@shop.test'"
    assert query(built, phones) == [("+4915112345678",)]


def test_a_merged_contact_is_an_alias_and_no_person(built: Path) -> None:
    profiles = (
        "select profile_key, landed_on from intermediate.int_profiles__unioned where source = 'hubspot' order by all"
    )
    assert query(built, profiles) == [("hubspot:51", D1), ("hubspot:59", D2)]
    shared = """
        select list(profile_key order by profile_key) from intermediate.int_identifiers__linked
        where identifier_type = 'alias' group by identifier_hash having count(*) > 1
    """
    assert query(built, shared) == [(["hubspot:51", "hubspot:59"],)]
    emails = "select email from intermediate.int_profile_sightings__unioned where profile_key = 'hubspot:59' and email is not null"
    assert {email for (email,) in query(built, emails)} == {"new@shop.test", "first@shop.test", "second@shop.test"}


def test_tickets_of_agents_are_nobodys(built: Path) -> None:
    tickets = "select ticket_key, profile_key, status from intermediate.int_tickets__versioned where source = 'zendesk' order by all"
    assert query(built, tickets) == [("zendesk:11", "zendesk:1", "hold"), ("zendesk:12", None, "open")]
    assert query(built, "select profile_key from intermediate.int_profiles__unioned where source = 'zendesk'") == [
        ("zendesk:1",)
    ]


def test_statements_of_every_vendor_are_evidence(built: Path) -> None:
    statements = query(
        built,
        """
        select source, landed_on, topic, statement, is_affirmative, cast(occurred_at as varchar)
        from intermediate.int_consent_evidence__unioned where source in ('hubspot', 'klaviyo', 'mailchimp') order by all
        """,
    )
    assert statements == [
        ("hubspot", D1, "hubspot:77", "unsubscribed", False, "2024-12-31 09:00:00"),
        ("hubspot", D2, None, "unsubscribed", False, "2025-01-02 09:00:00"),
        ("klaviyo", D1, None, "subscribed", True, "2024-12-31 10:00:00"),
        ("klaviyo", D1, None, "unsubscribed", False, "2024-12-31 10:00:00"),
        ("mailchimp", D1, None, "bounced", False, "2024-12-25 10:00:00"),
        ("mailchimp", D1, None, "subscribed", True, "2024-12-01 10:00:00"),
        ("mailchimp", D1, None, "unsubscribed", False, "2024-12-24 10:00:00"),
    ]


def test_klaviyo_metrics_are_email_and_web_events(built: Path) -> None:
    events = "select event, profile_key = 'klaviyo:k1', hour(occurred_at) from intermediate.int_{}_events__unioned where source = 'klaviyo'"
    assert query(built, events.format("web")) == [("Product Viewed", True, 8)]
    assert query(built, events.format("email")) == [("opened", False, 8)]


def test_unit_tests_of_every_vendor_pass(build: Build, built: Path, landing: Path) -> None:
    build(built, landing, D1, D3, command="test", select="test_type:unit,staging")


def test_every_format_stages_the_same_rows(build: Build, tmp_path: Path) -> None:
    records = [
        {"event_id": "w1", "event": "Page Viewed", "occurred_at": "2025-01-01T10:00:00+02:00", "profile_id": "x"},
        {"event_id": "w2", "event": 'Say "hi", all', "occurred_at": "2025-01-01 10:00:00 UTC", "cart_id": "c"},
    ]  # fmt: skip
    contents: dict[str, Callable[[Path], None]] = {
        "csv": lambda root: land(
            root, "plain/web_events/w.csv",
            'event_id,event,occurred_at,profile_id,cart_id\nw1,Page Viewed,2025-01-01T10:00:00+02:00,x,\n'
            'w2,"Say ""hi"", all",2025-01-01 10:00:00 UTC,,c\n',
        ),
        "jsonl": lambda root: land(root, "plain/web_events/w.jsonl", lines(*records)),
        "array": lambda root: land(root, "plain/web_events/w.json.gz", gzip.compress(json.dumps(records).encode())),
        "document": lambda root: land(root, "plain/web_events/w.json", json.dumps({"web_events": records})),
        "parquet": lambda root: land_parquet(root, records),
    }  # fmt: skip
    staged = {}
    for name, write in contents.items():
        write(tmp_path / name)
        build(tmp_path / f"home_{name}", tmp_path / name, D1, D1, select="+base_plain__web_events")
        staged[name] = query(
            tmp_path / f"home_{name}", "select * exclude (file) from staging.base_plain__web_events order by row_number"
        )
    assert [row[2:5] for row in staged["csv"]] != []
    assert all(rows == staged["csv"] for rows in staged.values()), staged
    occurred = query(
        tmp_path / "home_csv", "select event_id, hour(occurred_at) from staging.base_plain__web_events order by all"
    )
    assert occurred == [("w1", 8), ("w2", 10)]


def land_parquet(root: Path, records: list[dict[str, str]]) -> None:
    land(root, "plain/web_events/w.parquet", b"")
    target = root / f"plain/web_events/landed_on={D1}/w.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "create table records (event_id varchar, event varchar, occurred_at varchar, profile_id varchar, cart_id varchar)"
        )
        for record in records:
            connection.execute(
                "insert into records values ($event_id, $event, $occurred_at, $profile_id, $cart_id)",
                {"profile_id": None, "cart_id": None, **record},
            )
        connection.execute(f"copy records to '{target}'")


def test_naive_times_are_read_in_the_configured_zone(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_TIMEZONE", "Europe/London")
    land(
        tmp_path / "landing", "plain/web_events/w.csv",
        "event_id,event,occurred_at\nw1,a,2024-07-01 23:30:00\nw2,a,2024-07-01T23:30:00Z\nw3,a,2024-07-01\n",
    )  # fmt: skip
    build(tmp_path / "home", tmp_path / "landing", D1, D1, select="+int_web_events__unioned")
    dated = query(
        tmp_path / "home",
        "select event_key, cast(occurred_at as varchar), occurred_on from intermediate.int_web_events__unioned order by all",
    )
    assert dated == [
        ("plain:w1", "2024-07-01 22:30:00", date(2024, 7, 1)),
        ("plain:w2", "2024-07-01 23:30:00", date(2024, 7, 2)),
        ("plain:w3", "2024-06-30 23:00:00", date(2024, 7, 1)),
    ]


def test_an_empty_day_stages_nothing(build: Build, landing: Path, tmp_path: Path) -> None:
    build(tmp_path / "home", landing, date(2025, 3, 1), date(2025, 3, 1), command="build")
    assert not any(tables(tmp_path / "home").values())


# Files of the fixtures that hold an object of ours; every other file lands under its own name and must be refused by it.
OBJECT_OF = {
    "fivetran_shopify": {
        **dict.fromkeys(("shopify_customer_data", "shopify_gql_customer_data"), "shopify/customers"),
        **dict.fromkeys(("shopify_order_data", "shopify_gql_order_data"), "shopify/orders"),
        **dict.fromkeys(("shopify_product_data", "shopify_gql_product_data"), "shopify/products"),
    },
    "fivetran_klaviyo": {
        "person": "klaviyo/profiles", "event": "klaviyo/events", "event_norename": "klaviyo/events",
    },
    "fivetran_zendesk": {
        "ticket_data": "zendesk/tickets", "user_data": "zendesk/users", "user_data_snowflake": "zendesk/users",
    },
    "fivetran_mailchimp": {"member": "mailchimp/members"},
    "shopify_api_json": {
        **dict.fromkeys(("orders", "order", "order_with_transaction"), "shopify/orders"),
        **dict.fromkeys(("orderlineitems__properties_invalid0", "orderlineitems__valid"), "shopify/orders"),
        "customer": "shopify/customers", "product": "shopify/products",
    },
    "sendgrid_webhook": {"sendgrid_event_webhook_sample": "sendgrid/events"},
    "snowplow_web": {},
}  # fmt: skip
D9 = date(2026, 1, 1)


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file of the real fixtures, each in the folder of its object."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real fixtures at {SHARED_DATA}: set HOLDFAST_SHARED_DATA")
    root = tmp_path_factory.mktemp("fixtures")
    for folder, objects in OBJECT_OF.items():
        vendor = folder.replace("fivetran_", "").split("_")[0]
        for path in SHARED_DATA.joinpath(folder).glob("*.*"):
            stem = path.name.split(".")[0]
            land(root, f"{objects.get(stem, f'{vendor}/{stem}')}/{path.name}", path.read_bytes(), day=D9)
    return root


@pytest.fixture(scope="module")
def landed_fixtures(build: Build, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fixtures_home")
    build(home, fixtures, D9, D9, command="build")
    return home


def test_every_fixture_lands_or_is_refused_by_name(
    fixtures: Path, landed_fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.landing_zone.files.enabled_vendors", shipped_vendors)
    named = {line.split()[0] for line in unread_objects(fixtures)}
    folders = {path.relative_to(fixtures).parts for path in fixtures.glob("*/*")}
    read = {tuple(target.split("/")) for objects in OBJECT_OF.values() for target in objects.values()}
    assert named == {"/".join(folder) for folder in folders - read}
    assert {name.split("/")[0] for name in named} == {"shopify", "klaviyo", "zendesk", "mailchimp", "snowplow"}
    unreadable = query(landed_fixtures, "select file from quarantine.rows where row_number is null")
    assert [Path(file).name for (file,) in unreadable] == ["orderlineitems__properties_invalid0.json"]


def test_rows_of_every_fixture_are_accounted_for(fixtures: Path, landed_fixtures: Path) -> None:
    bases = " union all ".join(
        f"select file, row_status from staging.base_{vendor}__{name}"
        for vendor, has in VENDORS.items()
        for name in has["reads"]
    )
    found = dict(query(landed_fixtures, f"select file, count(*) from ({bases}) group by file"))
    tables_of_rows = [path for path in fixtures.rglob("*.csv") if "/".join(path.relative_to(fixtures).parts) in found]
    assert len(tables_of_rows) == 13
    for path in tables_of_rows:
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert found[path.relative_to(fixtures).as_posix()] == sum(1 for _ in csv.DictReader(file)), path.name
    assert query(landed_fixtures, "select distinct source, rule from quarantine.rows order by all") == [
        ("shopify/orders", "missing_key"), ("shopify/orders", "unreadable_file"),
    ]  # fmt: skip


def test_no_instant_of_a_fixture_is_moved(landed_fixtures: Path) -> None:
    staged = "select distinct cast({} as varchar) from staging.base_{} where row_status = 'staged' and {}"
    for column, table, which, expected in (
        ("created_at", "shopify__orders", "order_id = '123456'", "2016-05-17 04:14:36"),
        ("updated_at", "shopify__orders", "order_id = '123456'", "2016-05-17 08:14:36"),
        ("created_at", "shopify__orders", "order_id = '2674098602081'", "2020-09-11 19:35:42"),
        ("created_at", "klaviyo__profiles", "person_id like '01F35%'", "2021-04-13 14:25:27"),
        ("signup_at", "mailchimp__members", "email = 'dylan+testing2@example.co'", "2020-04-21 14:52:25"),
        ("created_at", "zendesk__tickets", "ticket_id = '16988'", "2020-12-22 00:19:23"),
    ):
        assert query(landed_fixtures, staged.format(column, table, which)) == [(expected,)], table


def test_peculiarities_of_the_fixtures_survive(landed_fixtures: Path) -> None:
    events = (
        "select count(*), count(distinct sg_event_id) from staging.base_sendgrid__events where row_status = 'staged'"
    )
    assert query(landed_fixtures, events) == [(11, 1)]
    hashed = "select count(*) filter (where email is null), count(*) > 10 from staging.base_shopify__customers"
    assert query(landed_fixtures, hashed)[0][0] > 10
    users = "select count(*) from intermediate.int_profiles__unioned where source = 'zendesk' and email = 'example@email.com'"
    assert query(landed_fixtures, users)[0][0] > 5
    consents = "select distinct statement from intermediate.int_consent_evidence__unioned where source = 'mailchimp'"
    assert {statement for (statement,) in query(landed_fixtures, consents)} == {"unsubscribed", "confirmed"}
    deleted = "select status from intermediate.int_orders__unioned where order_key = 'shopify:4002'"
    assert query(landed_fixtures, deleted) == [("cancelled",)]
    assert query(landed_fixtures, "select sum(net_amount) > 0 from intermediate.int_orders__versioned") == [(True,)]
