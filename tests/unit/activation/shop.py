"""A small shop whose marts are written by hand, so that each branch of the waterfall can be set up in a line."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
from activation.decide import DecisionSummary, decide
from activation.playbook import Playbook, load_playbook
from activation.state import StateStore
from activation.tables import expose_state

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbook"
SEGMENTS = frozenset({"engaged_browsers_without_order", "repeat_buyers_with_replenishment_risk", "high_value_at_risk"})
DAY = date(2025, 6, 10)

MARTS = """
create schema marts;
create schema ml;
create table marts.dim_customers (
    as_of date, customer_id varchar, primary_email varchar, mailbox_hash varchar, account_id varchar, household_id varchar,
    first_seen_on date, consent_status varchar, consent_evidence_id varchar, lifecycle_stage varchar, value_tier varchar,
    timezone varchar, is_identity_uncertain boolean
);
create table marts.suppressions (
    as_of date, scope varchar, customer_id varchar, mailbox_hash varchar, reason varchar, starts_at timestamp, expires_at timestamp,
    evidence varchar
);
create table marts.segment_membership (
    as_of date, customer_id varchar, segment varchar, entered_on date, is_new boolean, held_by_stability boolean
);
create table marts.flow_triggers (as_of date, flow varchar, customer_id varchar, occurrence varchar, triggered_at timestamp);
create table marts.event_freshness (as_of date, source varchar, event varchar, feed_landed_on date);
create table marts.identity_map (
    profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
);
create table ml.customer_scores (
    as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar
);
"""


def playbook() -> Playbook:
    """The playbook of the repository."""
    return load_playbook(PLAYBOOK, segments=SEGMENTS)


@dataclass
class Shop:
    """A warehouse with a state store."""

    state: StateStore
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.connection.execute("set timezone = 'UTC'")
        self.connection.execute(MARTS)
        self.mirror()

    def mirror(self) -> None:
        self.state.mirror()
        expose_state(self.connection, self.state.directory)

    def insert(self, table: str, **columns: object) -> None:
        marks = ", ".join(f"${name}" for name in columns)
        self.connection.execute(f"insert into {table} ({', '.join(columns)}) values ({marks})", columns)

    def customer(
        self,
        customer_id: str,
        *,
        day: date = DAY,
        mailbox: str | None = "",
        consent: str | None = "subscribed",
        zone: str | None = "UTC",
        uncertain: bool = False,
        profiles: tuple[str, ...] | None = None,
        since: date = date(2025, 1, 1),
    ) -> None:
        """A customer of a day with its profiles; the first one is the root."""
        box = customer_id if mailbox == "" else mailbox
        self.insert(
            "marts.dim_customers", as_of=day, customer_id=customer_id, primary_email=box and f"{box}@shop.example",
            mailbox_hash=box and f"m_{box}", consent_status=consent, timezone=zone, is_identity_uncertain=uncertain,
        )  # fmt: skip
        keys = profiles or (f"p_{customer_id}",)
        known = self.connection.execute("select 1 from marts.identity_map where profile_key = $key", {"key": keys[0]})
        if known.fetchone() is None:
            for key in keys:
                self.identity(key, customer_id, keys[0], since=since)

    def identity(
        self, key: str, customer_id: str, root: str, *, since: date = date(2025, 1, 1), until: date = date(9999, 12, 31)
    ) -> None:
        self.insert(
            "marts.identity_map",
            profile_key=key,
            customer_id=customer_id,
            root_profile_key=root,
            valid_from=since,
            valid_to=until,
        )

    def trigger(
        self,
        customer_id: str,
        flow: str = "welcome",
        *,
        occurrence: str = "",
        day: date = DAY,
        at: datetime | None = None,
    ) -> None:
        self.insert(
            "marts.flow_triggers", as_of=day, flow=flow, customer_id=customer_id, occurrence=occurrence or f"{flow}_{customer_id}",
            triggered_at=at or datetime.combine(day, datetime.min.time()) + timedelta(hours=10),
        )  # fmt: skip

    def suppress(
        self,
        reason: str,
        *,
        customer_id: str | None = None,
        mailbox: str | None = None,
        day: date = DAY,
        expires_at: datetime | None = None,
    ) -> None:
        self.insert(
            "marts.suppressions", as_of=day, scope="person", customer_id=customer_id, mailbox_hash=mailbox, reason=reason,
            starts_at=datetime(2025, 1, 1), expires_at=expires_at,
        )  # fmt: skip

    def score(self, customer_id: str, score: float, *, tier: str = "model", day: date = DAY) -> None:
        self.insert(
            "ml.customer_scores",
            as_of=day,
            customer_id=customer_id,
            model_name="churn_risk",
            model_version="3",
            score=score,
            tier=tier,
        )

    def member(self, customer_id: str, segment: str, *, day: date = DAY) -> None:
        self.insert("marts.segment_membership", as_of=day, customer_id=customer_id, segment=segment)

    def fresh(self, source: str = "sendgrid", *, day: date = DAY, age: int = 0, event: str = "delivered") -> None:
        self.insert(
            "marts.event_freshness", as_of=day, source=source, event=event, feed_landed_on=day - timedelta(days=age)
        )

    def decide(self, day: date = DAY, *, book: Playbook | None = None, zone: str = "UTC") -> DecisionSummary:
        """Decide and record the assignments, as a run does."""
        summary = decide(self.connection, book or playbook(), as_of=day, timezone=zone, salt="salt")
        self.state.record_assignments(summary.new_assignments)
        self.mirror()
        return summary

    def rows(self, table: str = "activation.send_decisions", day: date = DAY) -> list[dict[str, object]]:
        query = f"select * from {table} where as_of = $day order by decision_id"
        rows: list[dict[str, object]] = self.connection.execute(query, {"day": day}).to_arrow_table().to_pylist()
        return rows

    def outcomes(self, day: date = DAY) -> dict[tuple[str, str, str], tuple[str, str | None]]:
        """(customer, flow, step) → (outcome, first reason)."""
        query = (
            "select customer_id, flow, step, outcome, first_reason from activation.send_decisions where as_of = $day"
        )
        return {tuple(row[:3]): tuple(row[3:]) for row in self.connection.execute(query, {"day": day}).fetchall()}
