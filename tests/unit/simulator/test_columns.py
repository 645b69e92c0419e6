"""The plain tables in Parquet tell the same story as the vendors' text."""

from pathlib import Path

import duckdb
import pytest

from simulator.scenarios import SCENARIOS
from simulator.shop import simulate


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Views of one calm shop: `systems_*` of its text, and the plain tables by their own names."""
    folder = tmp_path_factory.mktemp("forms")
    for form in ("systems", "columns"):
        simulate(
            customers=700, days=100, seed=8, out=folder / form, truth=None, world=SCENARIOS["calm"].world, form=form
        )
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for table in sorted((folder / "columns" / "plain").iterdir()):
        connection.execute(
            f"create view {table.name} as from read_parquet('{table}/*/*.parquet', hive_partitioning = true)"
        )
    text = {
        "orders": "read_json('{}/shopify/orders/*/*.jsonl', hive_partitioning = true)",
        "web": "read_json('{}/segment/events/*/*.jsonl', hive_partitioning = true)",
        "email": "read_json('{}/sendgrid/events/*/*.json', hive_partitioning = true)",
        "assignments": "read_csv('{}/plain/assignments/*/*.csv', hive_partitioning = true)",
    }
    for name, source in text.items():
        connection.execute(f"create view systems_{name} as select * from {source.format(folder / 'systems')}")
    return connection


def same(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    """Compare two queries as bags of rows; returns the number of rows."""
    counts = (
        f"select (select count(*) from ({one} except all {other})), (select count(*) from ({other} except all {one}))"
    )
    assert connection.execute(counts).fetchall() == [(0, 0)]
    ((rows,),) = connection.execute(f"select count(*) from ({one})").fetchall()
    return int(rows)


def test_orders_are_the_same_in_both_forms(both: duckdb.DuckDBPyConnection) -> None:
    text = """
        select distinct id::varchar, customer.id::varchar, lower(email), created_at::timestamptz, total_price::decimal(18, 2), test
        from systems_orders where landed_on is not null
    """
    columns = """
        select distinct order_id, profile_id, lower(email), date_trunc('second', ordered_at), total_amount, is_test
        from orders where total_amount > 0
    """
    assert same(both, text, columns) > 500


def test_what_is_paid_back_is_the_same_in_both_forms(both: duckdb.DuckDBPyConnection) -> None:
    text = """
        select id::varchar as order_id, min(current_total_price::decimal(18, 2)) as net from systems_orders group by id
    """
    columns = """
        select split_part(order_id, '-', 1) as order_id,
            sum(case when status in ('paid', 'partially_refunded') then total_amount else 0 end)::decimal(18, 2) as net
        from (select * from orders qualify row_number() over (partition by order_id order by updated_at desc) = 1)
        group by all
    """
    assert same(both, text, columns) > 500
    ((part, whole),) = both.execute(
        "select count(*) filter (status = 'partially_refunded'), count(*) filter (status = 'refunded') from orders"
    ).fetchall()
    assert part > 0
    assert whole > 0


def test_lines_add_up_to_the_order(both: duckdb.DuckDBPyConnection) -> None:
    strays = """
        select orders.order_id from orders inner join order_lines using (order_id)
        where status = 'paid' and total_amount > 0
        group by orders.order_id, total_amount, discount_amount, tax_amount, shipping_amount
        having sum(quantity * unit_price) - discount_amount + tax_amount + shipping_amount <> total_amount
    """
    assert both.execute(strays).fetchall() == []
    assert both.execute("select count(*) from order_lines where quantity < 0").fetchall() > [(0,)]


def test_events_are_the_same_in_both_forms(both: duckdb.DuckDBPyConnection) -> None:
    text = """
        select epoch_ms("timestamp"::timestamptz), "userId"::varchar, "anonymousId"::varchar, traits.email,
            properties.cart_id is not null, landed_on
        from systems_web
    """
    columns = """
        select epoch_ms(occurred_at), profile_id, anonymous_id, email, cart_id is not null, landed_on from web_events
    """
    assert same(both, text, columns) > 10_000
    text = 'select "timestamp", email, url is not null, coalesce(sg_machine_open, false), reason, landed_on from systems_email'
    columns = (
        "select epoch(occurred_at)::bigint, email, url is not null, is_machine, reason, landed_on from email_events"
    )
    assert same(both, text, columns) > 2_000


def test_assignments_are_the_same_in_both_forms(both: duckdb.DuckDBPyConnection) -> None:
    text = (
        "select email, arm, assigned_at::timestamptz, exposed_at::timestamptz, planned_share from systems_assignments"
    )
    columns = "select email, arm, assigned_at, exposed_at, planned_share from assignments"
    assert same(both, text, columns) > 5


def test_keys_of_events_are_unique(both: duckdb.DuckDBPyConnection) -> None:
    for table, key in (("web_events", "event_id"), ("email_events", "event_id"), ("consents", "evidence_id")):
        assert both.execute(f"select count(*) - count(distinct {key}) from {table}").fetchall() == [(0,)]


def test_every_column_of_the_contract_is_there(both: duckdb.DuckDBPyConnection) -> None:
    contract = (Path(__file__).parents[3] / "docs" / "bring-your-own-data.md").read_text()
    for table in ("profiles", "orders", "order_lines", "web_events", "email_events", "consents", "tickets", "products"):
        (line,) = [line for line in contract.splitlines() if line.startswith(f"| `{table}` |")]
        wanted = line.split("|")[2].strip().split(", ")
        found = [row[0] for row in both.execute(f"describe {table}").fetchall()]
        assert found == [*wanted, "landed_on"], table
