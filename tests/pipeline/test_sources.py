"""Landed files of every vendor, with planted faults, come out staged, quarantined or as duplicates, and reconcile."""

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

from orchestration.landing import register_files

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
        parsed = dbtRunner().invoke(["parse", *OPTIONS])
        assert parsed.success, parsed.exception
        yield parsed.result


@pytest.fixture(scope="module")
def build(manifest: Any) -> Build:
    def run(home: Path, landing: Path, start: date, end: date, *, command: str = "run", select: str = "") -> None:
        home.mkdir(exist_ok=True)
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            register_files(connection, landing, start=start, end=end)
        window = json.dumps({"window_start": str(start), "window_end": str(end)})
        chosen = ["--select", f"+{select}"] if select else SELECTION
        invocation = [command, *chosen, "--vars", window, *OPTIONS]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOLDFAST_HOME", str(home))
            runner = dbtRunner(manifest=manifest)
            try:
                if command == "run":
                    assert runner.invoke(["seed", *OPTIONS]).success
                else:
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
        ("shopify/products", D1, 1, "negative_price"),
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
        "staging.stg_shopify__orders",
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
        build(tmp_path / f"home_{name}", tmp_path / name, D1, D1, select="stg_plain__web_events")
        staged[name] = query(
            tmp_path / f"home_{name}", "select * exclude (file) from staging.stg_plain__web_events order by row_number"
        )
    assert [row[2:5] for row in staged["csv"]] != []
    assert all(rows == staged["csv"] for rows in staged.values()), staged
    occurred = query(
        tmp_path / "home_csv", "select event_id, hour(occurred_at) from staging.stg_plain__web_events order by all"
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
    build(tmp_path / "home", tmp_path / "landing", D1, D1, select="int_web_events__unioned")
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


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no real fixtures at {SHARED_DATA}: set HOLDFAST_SHARED_DATA")
def test_real_exports_land(build: Build, tmp_path: Path) -> None:
    root, home = tmp_path / "landing", tmp_path / "home"
    shopify = SHARED_DATA / "shopify_api_json"
    for name, target in {
        "orders": "orders", "order": "orders", "customer": "customers", "product": "products",
    }.items():  # fmt: skip
        land(root, f"shopify/{target}/{name}.json", (shopify / f"{name}.json").read_bytes())
    events = SHARED_DATA / "sendgrid_webhook/sendgrid_event_webhook_sample.json"
    land(root, "sendgrid/events/events.json", events.read_bytes())
    build(home, root, D1, D1, command="build")
    assert query(home, "select * from quarantine.rows") == []
    assert query(home, "select count(*), count(distinct sg_event_id) from staging.stg_sendgrid__events") == [(11, 1)]
    assert query(home, "select row_status, count(*) from staging.base_shopify__orders group by all order by all") == [
        ("duplicate", 1), ("staged", 1),
    ]  # fmt: skip
    shopify_order = query(
        home,
        "select order_id, is_test, cast(created_at as varchar), cast(updated_at as varchar) from staging.stg_shopify__orders",
    )
    assert shopify_order == [("123456", True, "2016-05-17 04:14:36", "2016-05-17 08:14:36")]
    assert query(home, "select sum(net_amount) = 0 from intermediate.int_orders__versioned") == [(True,)]
    assert query(home, "select customer_id, country, consent_state from staging.stg_shopify__customers") == [
        ("1", "AU", "not_subscribed")
    ]
    assert query(home, "select product_id, stock from staging.stg_shopify__products") == [("1071559748", 1)]
