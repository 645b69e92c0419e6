"""Who may no longer be mailed when the send list of a day is released."""

from datetime import date

import duckdb
import pytest

from orchestration.defs.audiences.release import LEFT

DAY, TODAY = date(2025, 3, 1), date(2025, 3, 2)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """A pair, a lone reader, and a hall of residence of three, where a house may have two people."""
    connection = duckdb.connect()
    connection.execute("""
        create schema activation; create schema marts; create schema ops;
        create table activation.release_recheck (as_of date, customer_id varchar, mailbox_hash varchar, consent_status varchar);
        create table marts.dim_customers (as_of date, customer_id varchar, household_id varchar);
        create table ops.suppression_rules (as_of date, reason varchar, at_most integer);
        insert into ops.suppression_rules values ('2025-03-01', 'household_complaint', 2), ('2025-03-01', 'sunset', 9);
        insert into marts.dim_customers values
            ('2025-03-01', 'ann', 'pair'), ('2025-03-01', 'bob', 'pair'), ('2025-03-01', 'cid', null),
            ('2025-03-01', 'dan', 'hall'), ('2025-03-01', 'eve', 'hall'), ('2025-03-01', 'fay', 'hall');
    """)
    return connection


def blocked(connection: duckdb.DuckDBPyConnection, **statuses: str) -> dict[str, str]:
    everyone = dict.fromkeys(("ann", "bob", "cid", "dan", "eve", "fay"), "subscribed") | statuses
    rows = [[TODAY, name, f"mailbox of {name}", status] for name, status in everyone.items()]
    connection.executemany("insert into activation.release_recheck values (?, ?, ?, ?)", rows)
    return dict(connection.execute(LEFT, {"day": DAY, "today": TODAY}).fetchall())


def test_nobody_is_blocked_while_nobody_complains(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection) == {}


def test_complaint_protects_the_house(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection, ann="complained") == {"ann": "complained", "bob": "household_complaint"}


def test_reason_of_ones_own_comes_first(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection, ann="complained", bob="bounced") == {"ann": "complained", "bob": "bounced"}


def test_unsubscription_concerns_nobody_else(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection, ann="unsubscribed") == {"ann": "unsubscribed"}


def test_neighbours_in_a_large_building_do_not_answer_for_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    assert blocked(connection, dan="complained", cid="complained") == {"dan": "complained", "cid": "complained"}


def test_house_is_not_protected_by_a_playbook_without_the_rule(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from ops.suppression_rules where reason = 'household_complaint'")
    assert blocked(connection, ann="complained") == {"ann": "complained"}
