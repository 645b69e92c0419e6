"""The tables that a decision reads and the tables that it writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation.state.moves import moves_relation

PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class DecisionTables:
    """Relations that a decision reads, each as it stands in a `from` clause; never a user's text.

    Attributes:
        customers: as_of, customer_id, primary_email, first_name, mailbox_hash, household_id, account_id, consent_status, consent_basis,
            timezone, is_identity_uncertain.
        topics: as_of, mailbox_hash, topic, consent_status.
        suppressions: as_of, scope, reason, customer_id, mailbox_hash, household_id, account_id (one of the four, by the scope),
            starts_at, expires_at.
        membership: as_of, customer_id, segment.
        triggers: as_of, flow, customer_id, occurrence, triggered_at (UTC).
        exits: as_of, customer_id, last_ordered_at (UTC), lifecycle_stage, stage_entered_on.
        freshness: as_of, source, event, feed_landed_on.
        scores: as_of, customer_id, model_name, model_version, score, choice, tier, champion_version, model_state.
        evidence: evidence_id, source, statement, channel, topic, legal_basis, is_affirmative, mailbox_hash, occurred_at, landed_on.
        recommendations: as_of, customer_id; read where a rule asks for one.
        identity_map: profile_key, customer_id, root_profile_key, valid_from, valid_to (exclusive).
        send_hours: as_of, customer_id, best_hour (local), reaction_count.
        cohorts: as_of, mailbox_hash, provider, engagement.
        breakers: See `activation.deliverability.breakers.BreakerState`.
        ramps: See `activation.deliverability.ramps.RampState`.
        ledger: The mirror of the send ledger, see `activation.state.store.LEDGER_SCHEMA`.
        assignments: The mirror of the assignments, see `activation.state.store.ASSIGNMENT_SCHEMA`.
    """

    customers: str = "marts.dim_customers"
    topics: str = "marts.topic_preferences"
    suppressions: str = "marts.suppressions"
    membership: str = "marts.segment_membership"
    triggers: str = "marts.flow_triggers"
    exits: str = "marts.flow_exits"
    freshness: str = "marts.event_freshness"
    scores: str = "ml.customer_scores"
    evidence: str = "intermediate.int_consent_evidence__unioned"
    recommendations: str = "marts.customer_recommendations"
    identity_map: str = "marts.identity_map"
    send_hours: str = "marts.customer_send_hours"
    cohorts: str = "marts.mailbox_cohorts"
    breakers: str = "activation.breaker_states"
    ramps: str = "activation.ramp_states"
    ledger: str = "activation.send_ledger"
    assignments: str = "activation.assignments"


# Everything that was decided about one candidate; `send_list` adds what is needed to mail those whose outcome is sent.
DECISION_COLUMNS = {
    "decision_id": "varchar",
    "as_of": "date",
    "send_date": "date",
    "flow": "varchar",
    "step": "varchar",
    "occurrence": "varchar",
    "due_since": "timestamp",
    "customer_id": "varchar",
    "root_profile_key": "varchar",
    "mailbox_hash": "varchar",
    "outcome": "varchar",
    "first_reason": "varchar",
    "all_reasons": "varchar",
    "experiment": "varchar",
    "arm": "varchar",
    "flow_experiment": "varchar",
    "flow_arm": "varchar",
    "flow_treatment": "varchar",
    "is_contaminated": "boolean",
    "consent_basis": "varchar",
    "segment": "varchar",
    "expected_value": "double",
    "block_choices": "varchar",
    "model_versions": "varchar",
    "data_age": "varchar",
    "timezone": "varchar",
    "is_zone_assumed": "boolean",
    "send_after_utc": "timestamp",
    "send_before_utc": "timestamp",
    "approval_id": "varchar",
    "approval_expires_on": "date",
    "playbook_version": "varchar",
    "reentry": "varchar",
    "reentry_days": "integer",
    "idempotency_key": "varchar",
}

LIST_COLUMNS = {
    **DECISION_COLUMNS,
    "email": "varchar",
    "first_name": "varchar",
    "subject": "varchar",
    "template": "varchar",
    "topic": "varchar",
    "list_unsubscribe": "varchar",
    "list_unsubscribe_post": "varchar",
}

CREATE = f"""
create schema if not exists activation;
create schema if not exists measurement;
create table if not exists activation.send_decisions ({", ".join(f"{name} {kind}" for name, kind in DECISION_COLUMNS.items())});
create table if not exists activation.send_list ({", ".join(f"{name} {kind}" for name, kind in LIST_COLUMNS.items())});
create table if not exists activation.breaker_states (
    as_of date, provider varchar, engagement varchar, metric varchar, window_starts_on date, email_count bigint, event_count bigint,
    event_share double, lowest_share double, highest_share double, state varchar, is_held boolean, tripped_on date, sentence varchar
);
create table if not exists activation.ramp_states (
    as_of date, flow varchar, salt varchar, stage integer, stage_count integer, state varchar, move varchar, moved_on date,
    next_bucket integer, engagement_rank integer, email_count bigint, complaint_count bigint, bounce_count bigint,
    highest_complaint_share double, highest_bounce_share double, sentence varchar, block varchar, variant varchar
);
create table if not exists measurement.experiment_assignments (
    as_of date, experiment varchar, customer_id varchar, arm varchar, assigned_on date, bucket integer,
    is_contaminated boolean
);
"""

COLUMNS = """
select table_name, column_name from duckdb_columns()
where database_name = current_database() and schema_name = 'activation'
    and table_name in ('send_decisions', 'send_list', 'ramp_states')
"""
RAMP_COLUMNS = {"block": "varchar", "variant": "varchar"}  # which a warehouse of before variants had ramps lacks


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that decisions are written to where they are missing."""
    connection.execute(CREATE)
    found = set(connection.execute(COLUMNS).fetchall())
    newer = (("send_decisions", DECISION_COLUMNS), ("send_list", LIST_COLUMNS), ("ramp_states", RAMP_COLUMNS))
    for table, columns in newer:
        for name, kind in columns.items():
            if (table, name) not in found:  # a warehouse of an earlier version lacks the newer ones
                connection.execute(f"alter table activation.{table} add column {name} {kind}")


def expose_state(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """Make a state store readable as `activation.send_ledger`, `activation.assignments` and `activation.segment_moves`.

    Args:
        connection: The warehouse.
        directory: The folder of the state store; `StateStore.mirror` must have run.
    """
    connection.execute("create schema if not exists activation")
    for view, folder in (("send_ledger", "send_ledger"), ("assignments", "assignments")):
        pattern = str(directory / folder / "*.parquet").replace("'", "''")
        connection.execute(f"create or replace view activation.{view} as from read_parquet('{pattern}')")
    connection.execute(f"create or replace view activation.segment_moves as {moves_relation(directory)}")


def run(connection: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> None:
    """Execute one statement with those of the values that it names as `$name`."""
    names = set(PARAMETER.findall(statement))
    connection.execute(statement, {name: values[name] for name in names})


def put(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """Copy an Arrow table into a temporary table."""
    connection.register("handed_in", table)
    connection.execute(f"create or replace temp table {name} as from handed_in")
    connection.unregister("handed_in")
