"""A small shop whose marts are written by hand, so that each branch of the waterfall can be set up in a line."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from activation.decision.decide import DecisionSummary, decide
from activation.load import load_playbook
from activation.playbook.governance import hash_of
from activation.playbook.playbook import Playbook
from activation.playbook.segments import content_of, read_segments
from activation.release.release import RECHECK_SCHEMA, ReleaseSummary, release
from activation.state.store import StateStore
from activation.state.tables import expose_state

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbook"
ROOT = PLAYBOOK.parent
RULES = ROOT / "dbt_project" / "models" / "segments"
SAID_OF_SEGMENTS = read_segments(RULES)[0]
SEGMENTS = {each.segment: content_of((RULES / f"{each.segment}.sql").read_text(), each) for each in SAID_OF_SEGMENTS}
MODELS = {path.stem: hash_of(path.read_text()) for path in (ROOT / "ml" / "propensity" / "tasks").glob("*.yml")}
DAY = date(2025, 6, 10)

MARTS = """
create schema marts;
create schema ml;
create schema intermediate;
create table intermediate.int_consent_evidence__unioned (
    evidence_id varchar, source varchar, landed_on date, mailbox_hash varchar, channel varchar, topic varchar, statement varchar,
    is_affirmative boolean, legal_basis varchar, occurred_at timestamp
);
create table marts.dim_customers (
    as_of date, customer_id varchar, primary_email varchar, first_name varchar, mailbox_hash varchar, account_id varchar,
    household_id varchar,
    first_seen_on date, consent_status varchar, consent_evidence_id varchar, consent_basis varchar,
    lifecycle_stage varchar, value_tier varchar,
    timezone varchar, is_identity_uncertain boolean
);
create table marts.topic_preferences (as_of date, mailbox_hash varchar, topic varchar, consent_status varchar);
create table marts.suppressions (
    as_of date, scope varchar, customer_id varchar, mailbox_hash varchar, household_id varchar, account_id varchar, reason varchar,
    starts_at timestamp, expires_at timestamp, evidence varchar
);
create table marts.segment_membership (
    as_of date, customer_id varchar, segment varchar, entered_on date, is_new boolean, held_by_stability boolean
);
create table marts.flow_triggers (as_of date, flow varchar, customer_id varchar, occurrence varchar, triggered_at timestamp);
create table marts.flow_exits (
    as_of date, customer_id varchar, last_ordered_at timestamp, lifecycle_stage varchar, stage_entered_on date
);
create table marts.event_freshness (as_of date, source varchar, event varchar, feed_landed_on date);
create table marts.customer_send_hours (as_of date, customer_id varchar, best_hour integer, reaction_count integer);
create table marts.mailbox_cohorts (as_of date, mailbox_hash varchar, provider varchar, engagement varchar);
create table marts.identity_map (
    profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
);
create table ml.customer_scores (
    as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar,
    champion_version varchar, model_state varchar, choice varchar
);
"""


def playbook() -> Playbook:
    """The playbook of the repository, without experiments within flows."""
    book = load_playbook(PLAYBOOK, segments=SEGMENTS, models=MODELS)
    return book.model_copy(update={"experiments": (book.global_holdout,)})


@dataclass
class Shop:
    """A warehouse with a state store."""

    state: StateStore
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.connection.execute("set timezone = 'UTC'")
        self.connection.execute(MARTS)
        self.mirror()

    @classmethod
    def reopen(cls, home: Path) -> "Shop":
        """The shop of another process, whose warehouse is a file."""
        shop = cls.__new__(cls)
        shop.state = StateStore(home / "state")
        shop.connection = duckdb.connect(str(home / "warehouse.duckdb"))
        return shop

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
        basis: str | None = None,
        zone: str | None = "UTC",
        uncertain: bool = False,
        household: str | None = None,
        account: str | None = None,
        profiles: tuple[str, ...] | None = None,
        since: date = date(2025, 1, 1),
    ) -> None:
        """A customer of a day with its profiles; the first one is the root."""
        box = customer_id if mailbox == "" else mailbox
        self.insert(
            "marts.dim_customers", as_of=day, customer_id=customer_id, primary_email=box and f"{box}@shop.example",
            mailbox_hash=box and f"m_{box}", consent_status=consent,
            consent_basis=basis or ("subscribed" if consent == "subscribed" else None), timezone=zone, is_identity_uncertain=uncertain,
            household_id=household, account_id=account,
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

    def stands(
        self,
        customer_id: str,
        stage: str,
        *,
        since: date = date(2025, 1, 1),
        ordered_at: datetime | None = None,
        day: date = DAY,
    ) -> None:
        """What may end a sequence of a customer."""
        self.insert(
            "marts.flow_exits", as_of=day, customer_id=customer_id, last_ordered_at=ordered_at, lifecycle_stage=stage,
            stage_entered_on=since,
        )  # fmt: skip

    def suppress(
        self,
        reason: str,
        *,
        customer_id: str | None = None,
        mailbox: str | None = None,
        household: str | None = None,
        account: str | None = None,
        day: date = DAY,
        expires_at: datetime | None = None,
    ) -> None:
        keys = {"person": customer_id, "mailbox": mailbox, "household": household, "account": account}
        (scope,) = (name for name, key in keys.items() if key is not None)
        self.insert(
            "marts.suppressions", as_of=day, scope=scope, customer_id=customer_id, mailbox_hash=mailbox, household_id=household,
            account_id=account, reason=reason, starts_at=datetime.fromisoformat("2025-01-01T00:00"), expires_at=expires_at,
        )  # fmt: skip

    def score(
        self, customer_id: str, score: float, *, tier: str = "model", state: str = "fresh", day: date = DAY
    ) -> None:
        self.insert(
            "ml.customer_scores",
            as_of=day,
            customer_id=customer_id,
            model_name="churn_risk",
            model_version="3",
            score=score,
            tier=tier,
            champion_version="3",
            model_state=state,
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

    def release(self, rechecked: pa.Table | None = None, *, day: date = DAY, **changes: Any) -> ReleaseSummary:
        """Release a day on its send date; everybody is subscribed unless told otherwise."""
        if rechecked is None:
            boxes = self.connection.execute(
                "select distinct mailbox_hash from activation.send_decisions where mailbox_hash is not null"
            )
            rechecked = recheck(*(box.removeprefix("m_") for (box,) in boxes.fetchall()))
        sent_on = day + timedelta(days=1)
        arguments: dict[str, Any] = {
            "as_of": day, "send_date": sent_on, "due_on": sent_on, "allow_past": False, "recheck": rechecked, "run_id": "run_1",
            "directory": self.publish, "released_at": datetime.combine(sent_on, datetime.min.time()),
        }  # fmt: skip
        summary = release(self.connection, self.state, **(arguments | changes))
        self.mirror()
        return summary

    @property
    def publish(self) -> Path:
        return self.state.directory.parent / "publish"

    def files(self, day: date = DAY) -> dict[str, bytes]:
        """Released files of a partition by their path below its folder."""
        folder = self.publish / "send_list" / (day + timedelta(days=1)).isoformat() / "released"
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def ledger(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (
            self.connection.execute("select * from activation.send_ledger order by as_of, idempotency_key")
            .to_arrow_table()
            .to_pylist()
        )
        return rows

    def claimed(
        self, customer_id: str, *, send_at: datetime, kind: str = "send", flow: str = "news", step: str = "1", occurrence: str = "",
        root: str = "", mailbox: str = "", as_of: date | None = None,
    ) -> None:  # fmt: skip
        """A row that an earlier release left in the ledger."""
        row = {
            "idempotency_key": f"{customer_id}{flow}{step}{occurrence}{send_at}", "kind": kind, "status": "published",
            "mailbox_hash": f"m_{mailbox or customer_id}", "customer_id": customer_id, "root_profile_key": root or f"p_{customer_id}",
            "flow": flow, "step": step, "occurrence": occurrence or f"{flow}_{send_at}", "experiment": "global_holdout",
            "arm": "treatment", "as_of": str(as_of or send_at.date() - timedelta(days=1)), "send_date": str(send_at.date()),
            "send_at": str(send_at), "released_at": str(send_at), "run_id": "run_0",
        }  # fmt: skip
        with self.state.transaction() as connection:
            connection.execute(f"insert into ledger values ({', '.join('?' * len(row))})", tuple(row.values()))
        self.mirror()

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


def people(arm: str, count: int, *, prefix: str = "c") -> list[str]:
    """Names whose hash puts them in an arm, computed apart from the code under test."""
    salt = playbook().global_holdout.salt
    names = (f"{prefix}{number}" for number in range(100_000))
    buckets = ((name, int(hashlib.md5(f"{salt}:{name}".encode()).hexdigest()[:13], 16) % 10_000) for name in names)  # noqa: S324
    return list(islice((name for name, bucket in buckets if (bucket < 500) == (arm == "holdout")), count))


def recheck(*mailboxes: str, **statuses: str) -> pa.Table:
    """A recheck in which mailboxes are subscribed unless named otherwise."""
    rows = {f"m_{mailbox}": "subscribed" for mailbox in mailboxes} | {
        f"m_{name}": status for name, status in statuses.items()
    }
    return pa.Table.from_pylist(
        [{"mailbox_hash": key, "status": value} for key, value in rows.items()], schema=RECHECK_SCHEMA
    )
