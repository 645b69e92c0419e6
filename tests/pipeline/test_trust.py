"""Sources that can be trusted: an outage shows as what it is, and machines are told from people."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dbt import DbtProjectRunner, is_plain_test
from orchestration.defs.sources.landing_files import register_window
from orchestration.resources import Settings
from tests.pipeline.conftest import DAYS, LAST, START

Builder = Callable[[Path, Path, date, date], Path]
SELECTED = ("+event_freshness", "+int_email_days__aggregated", "engagement_rules", "required_events")
OUTAGE = date(2025, 3, 12)


@pytest.fixture(scope="module")
def build() -> Iterator[Builder]:
    """Builds the facts and the freshness of some days in a home: `build(home, landing, start, end)`."""
    runners: dict[Path, DbtProjectRunner] = {}

    def run(home: Path, landing: Path, start: date, end: date) -> Path:
        settings = Settings(home=home, landing=landing, timezone="UTC", currency="", target="duckdb", salt="holdfast")
        home.mkdir(exist_ok=True)
        patch.setenv("HOLDFAST_HOME", str(home))
        with duckdb.connect(str(settings.warehouse)) as connection:
            register_window(connection, settings, start=start, end=end)
            # Facts and freshness are built in one go here; a run of the graph marks the days between the two.
            connection.execute(
                "insert into ops.staged_days select cast(unnest(generate_series($start, $end, interval 1 day)) as date)",
                {"start": start, "end": end},
            )
        runner = runners.setdefault(home, DbtProjectRunner(settings))
        results = runner.build(SELECTED, start=start, end=end)
        assert [row.node.name for row in results if row.status.value in {"error", "fail"}] == []
        return settings.warehouse

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
            patch.delenv(name)
        yield run


def query(warehouse: Path, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def delivered(day: date, number: int) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 9, number, tzinfo=UTC)
    return {
        "email": f"reader{number}@shop.test", "event": "delivered", "timestamp": int(at.timestamp()), "sg_event_id": f"{day}-{number}",
        "sg_message_id": f"m{day}-{number}",
    }  # fmt: skip


def land(root: Path, feed: str, day: date, content: str) -> None:
    folder = root / feed / f"landed_on={day}"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text(content)


@pytest.fixture(scope="module")
def outage(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six weeks of a shop; SendGrid's files of two days come with that of the third, Shopify's come every day."""
    root = tmp_path_factory.mktemp("outage")
    days = [OUTAGE + timedelta(days=offset) for offset in range(-40, 4)]
    waiting: list[dict[str, object]] = []
    for day in days:
        order = {
            "id": day.toordinal(),
            "email": "a@shop.test",
            "created_at": f"{day}T10:00:00Z",
            "updated_at": f"{day}T10:00:00Z",
        }
        land(root, "shopify/orders", day, json.dumps(order | {"total_price": "9.00", "currency": "EUR"}) + "\n")
        waiting += [delivered(day, number) for number in range(6)]
        if day not in {OUTAGE, OUTAGE + timedelta(days=1)}:
            land(root, "sendgrid/events", day, "".join(json.dumps(row) + "\n" for row in waiting))
            waiting.clear()
    return build(tmp_path_factory.mktemp("home"), root, days[0], days[-1])


def test_outage_shows_as_missing_then_late_then_fresh(outage: Path) -> None:
    status = "select as_of, status, volume from marts.event_freshness where source = $source and event = $event order by as_of"
    sendgrid = query(outage, status, source="sendgrid", event="delivered")

    assert [row[1:] for row in sendgrid[-5:]] == [
        ("fresh", 6), ("missing", 0), ("missing", 0), ("late", 18), ("fresh", 6),
    ]  # fmt: skip
    assert {row[1] for row in sendgrid[:-4]} == {"fresh"}
    assert {row[1] for row in query(outage, status, source="shopify", event="order")} == {"fresh"}


def test_outage_ages_its_own_feed_and_no_other(outage: Path) -> None:
    feeds = query(
        outage,
        "select source, age_hours, is_missing, is_stale from marts.feed_health where as_of = $day order by source",
        day=OUTAGE + timedelta(days=1),
    )

    assert feeds == [("sendgrid", 48, True, False), ("shopify", 0, False, False)]


def test_required_events_are_present_or_named(outage: Path) -> None:
    named = "select event from marts.event_freshness where source = 'required' and as_of = $day order by event"
    present = "select distinct requirements from marts.event_freshness where requirements is not null and source <> 'required'"

    assert [name for (name,) in query(outage, named, day=OUTAGE)] == [
        "cart_abandonment", "product_page_view", "signup", "subscription_renewal", "unsubscribe",
    ]  # fmt: skip
    assert query(outage, present) == [("first_purchase, repeat_purchase",)]


@pytest.fixture(scope="module")
def judged(build: Builder, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated shop in one window."""
    return build(tmp_path_factory.mktemp("judged"), shop, START, LAST)


def test_machines_are_told_from_people(judged: Path, shop: Path) -> None:
    truth = shop.parent / "truth" / "machine_events.parquet"
    rows = query(
        judged,
        f"""
        select classified.event, not classified.is_human, planted.sg_event_id is not null
        from intermediate.int_email_engagement__classified as classified
        inner join staging.base_sendgrid__events as landed
            on classified.event_key = 'sendgrid:' || landed.row_key and landed.row_status = 'staged'
        left join '{truth}' as planted on landed.sg_event_id = planted.sg_event_id
        """,
    )

    for event in ("opened", "clicked"):
        called = [(is_called, is_machine) for name, is_called, is_machine in rows if name == event]
        right = sum(is_called and is_machine for is_called, is_machine in called)
        assert right > 100
        assert right / sum(is_called for is_called, _ in called) >= 0.98
        assert right / sum(is_machine for _, is_machine in called) >= 0.98


def test_only_people_are_counted_and_nobody_is_lost(judged: Path) -> None:
    counted = """
        select sum(human_opens), sum(human_clicks), sum(machine_events), sum(unsubscribes)
        from intermediate.int_email_days__aggregated
    """
    classified = """
        select count(*) filter (where is_human and event = 'opened'), count(*) filter (where is_human and event = 'clicked'),
            count(*) filter (where not is_human),
            (select count(*) from intermediate.int_email_events__unioned where event = 'unsubscribed')
        from intermediate.int_email_engagement__classified
    """

    assert query(judged, counted) == query(judged, classified)
    assert query(judged, counted)[0][3] > 0


def test_days_one_by_one_are_judged_as_in_one_window(
    judged: Path, build: Builder, shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("one_by_one")
    first = START + timedelta(days=DAYS - 4)
    build(home, shop, START, first - timedelta(days=1))
    for offset in range(4):
        warehouse = build(home, shop, first + timedelta(days=offset), first + timedelta(days=offset))

    for table in ("marts.event_freshness", "marts.feed_health", "intermediate.int_email_engagement__classified"):
        rows = f"select * from {table} order by all"
        assert query(warehouse, rows) == query(judged, rows)


def test_tests_find_what_dbt_finds(outage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of test one that fails and others that pass, asked by us and by dbt."""
    day, home = OUTAGE + timedelta(days=2), outage.parent
    monkeypatch.setenv("HOLDFAST_HOME", str(home))
    with duckdb.connect(str(outage)) as connection:
        connection.execute("create table kept as from marts.event_freshness where as_of = $day", {"day": day})
        connection.execute(
            "insert into marts.event_freshness from kept where source = 'sendgrid' and event = 'delivered'"
        )
        connection.execute(
            "insert into marts.event_freshness select * replace ('unheard' as status, 'other' as event) from kept limit 1"
        )
    runner = DbtProjectRunner(
        Settings(home=home, landing=home, timezone="UTC", currency="", target="duckdb", salt="holdfast")
    )
    nodes = [node for node in runner.manifest.nodes.values() if is_plain_test(node)]
    tables = {"model.holdfast.event_freshness", "model.holdfast.feed_health"}
    names = [node.name for node in nodes if tables.intersection(node.depends_on.nodes)]

    ours = {row.node.name: (row.status.value, row.failures) for row in runner.build(names, start=day, end=day)}
    dbt = runner._build(frozenset(names), start=day, end=day)
    with duckdb.connect(str(outage)) as connection:
        connection.execute("delete from marts.event_freshness where as_of = $day", {"day": day})
        connection.execute("insert into marts.event_freshness from kept")
        connection.execute("drop table kept")

    assert ours == {row.node.name: (row.status.value, row.failures) for row in dbt if row.node.name in names}
    assert {status for status, _ in ours.values()} == {"pass", "fail"}
    assert len([status for status, _ in ours.values() if status == "fail"]) == 2


def test_other_columns_than_those_of_the_table_or_the_contract_are_refused(
    outage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt's words for both: our insert asks dbt where the columns differ."""
    home, day = outage.parent, OUTAGE + timedelta(days=1)
    monkeypatch.setenv("HOLDFAST_HOME", str(home))
    runner = DbtProjectRunner(
        Settings(home=home, landing=home, timezone="UTC", currency="", target="duckdb", salt="holdfast")
    )

    def build_again() -> tuple[str, str]:
        [row] = [row for row in runner.build(["feed_health"], start=day, end=day) if row.node.name == "feed_health"]
        return row.status.value, row.message

    rows = query(outage, "from marts.feed_health order by all")
    with duckdb.connect(str(outage)) as connection:
        connection.execute("alter table marts.feed_health add column note varchar")
    of_the_table = build_again()
    with duckdb.connect(str(outage)) as connection:
        connection.execute("alter table marts.feed_health drop column note")
    columns = runner.manifest.nodes["model.holdfast.feed_health"].columns
    kept = columns["as_of"].data_type
    columns["as_of"].data_type = "varchar"
    of_the_contract = build_again()
    columns["as_of"].data_type = kept

    assert of_the_table[0] == of_the_contract[0] == "error"
    assert "out of sync" in of_the_table[1]
    assert "enforced contract" in of_the_contract[1]
    assert build_again()[0] == "success"
    assert query(outage, "from marts.feed_health order by all") == rows
