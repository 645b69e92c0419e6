"""A warehouse and a truth of a few hand-made rows."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from simulator.scoreboard.planted import Planted, open_truth
from simulator.world import World

DAY = date(2025, 3, 10)
SALT = "pepper"

TRUTH = {
    "people": (
        "person bigint, joined_at timestamp, is_existing boolean, purchase_rate double, alive_until timestamp, open_rate double,"
        " mailbox varchar, mailbox_kind varchar, response_group varchar"
    ),
    "profiles": "profile_key varchar, person bigint, is_shared boolean",
    "purchases": (
        "person bigint, bought_at timestamp, order_id bigint, total_amount double, net_amount double, is_renewal boolean,"
        " is_test boolean, cause varchar, happened boolean"
    ),
    "consent": "mailbox varchar, is_open boolean, reason varchar, stated_at timestamp, landed_on date",
    "effects": "person bigint, flow varchar, effect double",
    "sends": "send_id varchar, person bigint, mailbox varchar, sent_at timestamp, flow varchar, arm varchar, effect double",
    "experiments": (
        "experiment varchar, person bigint, email varchar, arm varchar, assigned_on date, response_group varchar, effect double,"
        " buys_if_treated boolean, buys_if_control boolean, revenue_if_treated double, revenue_if_control double"
    ),
    "machine_events": "sg_event_id varchar, kind varchar",
    "faults": "kind varchar, file varchar, row bigint, record varchar, expected varchar",
}  # fmt: skip

WAREHOUSE = {
    "marts.identity_map": "profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date",
    "marts.dim_customers": "as_of date, customer_id varchar, mailbox_hash varchar",
    "marts.training_outcomes": "trained_on date, task varchar, horizon_days integer",
    "marts.customer_features": "as_of date, customer_id varchar, days_since_last_order integer",
    "ml.customer_scores": (
        "as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar"
    ),
    "activation.send_ledger": (
        "idempotency_key varchar, kind varchar, status varchar, as_of date, send_date date, mailbox_hash varchar, customer_id varchar,"
        " flow varchar"
    ),
    "activation.send_list": (
        "idempotency_key varchar, as_of date, send_date date, mailbox_hash varchar, customer_id varchar, flow varchar"
    ),
    "activation.send_decisions": (
        "decision_id varchar, as_of date, send_date date, flow varchar, customer_id varchar, mailbox_hash varchar, outcome varchar"
    ),
    "activation.assignments": (
        "experiment varchar, profile_key varchar, customer_id varchar, arm varchar, bucket integer, assigned_on date"
    ),
    "intermediate.int_identifiers__linked": (
        "profile_key varchar, identifier_type varchar, identifier_hash varchar, landed_on date, is_blocked boolean"
    ),
    "intermediate.int_email_events__unioned": (
        "event_key varchar, event varchar, landed_on date, occurred_on date, mailbox_hash varchar, message_id varchar, is_machine boolean"
    ),
    "intermediate.int_web_events__unioned": "event varchar, profile_key varchar, occurred_at timestamp, landed_on date",
    "staging.base_sendgrid__events": (
        "row_key varchar, sg_event_id varchar, landed_on date, row_status varchar default 'staged', file varchar,"
        " row_number bigint, rule varchar"
    ),
    "staging.base_segment__events": (
        "landed_on date, file varchar, row_number bigint, row_status varchar, rule varchar"
    ),
    "ops.landing_files": "file varchar, row_count bigint, status varchar",
    "ops.landing_rejects": "landed_on date, file varchar, row_number bigint, rule varchar",
    "measurement.holdout_report": (
        "as_of date, experiment varchar, arm varchar, segment varchar, metric varchar, n_treated bigint, n_held_out bigint,"
        " lift double, ci_low double, ci_high double, verdict varchar"
    ),
}  # fmt: skip

Rows = Iterable[tuple[Any, ...]]


class Shop:
    """A warehouse in memory beside a truth in a folder; tables are named by keyword with `__` for the dot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")
        for table, columns in WAREHOUSE.items():
            self.connection.execute(f"create schema if not exists {table.split('.')[0]}")
            self.connection.execute(f"create table {table} ({columns})")

    def land(self, **tables: Rows) -> None:
        for name, rows in tables.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                self.connection.execute(f"insert into {name.replace('__', '.', 1)} values ({marks})", row)

    def plant(self, scenario: str = "calm", **tables: Rows) -> Planted:
        """Write the truth and open it."""
        writer = duckdb.connect()
        for name, columns in TRUTH.items():
            writer.execute(f"create table {name} ({columns})")
            for row in tables.get(name, ()):
                writer.execute(f"insert into {name} values ({', '.join('?' * len(row))})", row)
            writer.execute(f"copy {name} to '{self.folder / name}.parquet' (format parquet)")
        world: Mapping[str, Any] = {
            **asdict(World()), "scenario": scenario, "start": "2025-01-01", "days": 69, "future": 60, "seed": 1, "customers": 3,
        }  # fmt: skip
        (self.folder / "world.json").write_text(json.dumps(world, default=str))
        return open_truth(self.connection, self.folder, salt=SALT)


def mailbox_hash(address: str) -> str:
    return hashlib.sha256(f"{SALT}:{address}".encode()).hexdigest()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def new_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Shop]:
    """Shops for tests that need one per example."""
    return lambda: Shop(tmp_path_factory.mktemp("truth"))
