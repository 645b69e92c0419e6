"""Claims in the ledger: a partition's batch is claimed in one transaction, and is what every later publication of it shows."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from activation.playbook.destinations import Destination
from activation.state.payloads import payloads_of, put_payloads, remove_payloads
from activation.state.store import StateStore

Kind = Literal["send", "ghost"]
Status = Literal["claimed", "published", "in_doubt", "settled"]
UNSETTLED: tuple[Status, ...] = ("claimed", "published", "in_doubt")


class Claim(NamedTuple):
    """One row that wants into the ledger."""

    idempotency_key: str
    kind: Kind
    mailbox_hash: str
    customer_id: str
    root_profile_key: str
    flow: str
    step: str
    occurrence: str
    experiment: str | None
    arm: str | None
    send_at: str
    reentry: str
    reentry_days: int | None


@dataclass(frozen=True)
class Claims:
    """What a partition's release wants.

    Attributes:
        rows: Those who passed the recheck, in the order of their mailboxes, which is that of the ledger's widest index.
        emails: Rows of the send list to publish, of those who are sends.
        lineage: (idempotency_key, profile_key, flow) of every profile that belongs to the person of a claim now.
        twins: (idempotency_key, other) of claims whose people became one since they were decided, where both would begin the same flow
            or take the same step; the other one has precedence.
        refusals: How many did not pass the recheck.
    """

    rows: Sequence[Claim]
    emails: pa.Table
    lineage: Sequence[tuple[str, str, str]]
    twins: Sequence[tuple[str, str]]
    refusals: Mapping["Refusal", int]


class Refusal(NamedTuple):
    """Why a row is not claimed: counted by kind and reason, never silent."""

    kind: Kind
    reason: str


@dataclass(frozen=True)
class Batch:
    """What a partition's release claimed.

    Attributes:
        as_of: The partition.
        send_date: The day to send on.
        run_id: Run that claimed it.
        released_at: When (UTC).
        dropped: Counts by kind, then reason.
        sends: Emails that are claimed and not withdrawn.
        ghosts: Held-out rows.
        is_published: Whether all of it was handed over.
        destination: Where it goes; a batch goes to one place.
    """

    as_of: date
    send_date: date
    run_id: str
    released_at: datetime
    dropped: Mapping[str, Mapping[str, int]]
    sends: int
    ghosts: int
    is_published: bool
    destination: Destination

    @property
    def is_empty(self) -> bool:
        """Whether nobody was claimed, so that the partition may still be claimed."""
        return self.sends + self.ghosts == 0


INCOMING = {
    "incoming": (
        "idempotency_key text primary key, kind text, mailbox_hash text, customer_id text, root_profile_key text, flow text,"
        " step text, occurrence text, experiment text, arm text, send_at text, reentry text, reentry_days integer"
    ),
    "lineage": "idempotency_key text, profile_key text, flow text",
    "twins": "idempotency_key text, other text",
}
# What the people of the batch were sent of its flows before.
BEGUN = """
create temp table begun as
select lineage.idempotency_key, ledger.step, ledger.occurrence, ledger.as_of
from lineage cross join ledger
where ledger.root_profile_key = lineage.profile_key and ledger.flow = lineage.flow
"""
# Which key an incoming row would break, the narrowest first; one statement per key so that each can use its index.
CONFLICTS = (
    (
        "already_claimed",
        "select incoming.idempotency_key from incoming join ledger on incoming.idempotency_key = ledger.idempotency_key",
    ),
    (
        "mailbox_already_sent_that_day",
        (
            "select incoming.idempotency_key from incoming join ledger on incoming.mailbox_hash = ledger.mailbox_hash"
            " and ledger.send_date = :send_date and incoming.kind = ledger.kind"
        ),
    ),
    (
        "step_already_sent_to_mailbox",
        (
            "select incoming.idempotency_key from incoming join ledger on incoming.mailbox_hash = ledger.mailbox_hash"
            " and incoming.flow = ledger.flow and incoming.step = ledger.step and incoming.occurrence = ledger.occurrence"
        ),
    ),
    (
        "step_already_sent_to_customer",
        (
            "select incoming.idempotency_key from incoming join begun on incoming.idempotency_key = begun.idempotency_key"
            " and incoming.step = begun.step and incoming.occurrence = begun.occurrence"
        ),
    ),
    (
        "flow_already_started_for_customer",
        (
            "select incoming.idempotency_key from incoming join begun on incoming.idempotency_key = begun.idempotency_key"
            " and incoming.occurrence <> begun.occurrence"
            " where incoming.step = '1' and (incoming.reentry = 'once' or incoming.reentry = 'window'"
            " and begun.step = '1' and date(begun.as_of) > date(:as_of, '-' || incoming.reentry_days || ' days'))"
        ),
    ),
    (
        "merged_with_another_of_the_batch",
        "select twins.idempotency_key from twins join incoming as other on twins.other = other.idempotency_key",
    ),
)

INSERT = """
insert or ignore into ledger
select
    idempotency_key, kind, 'claimed', mailbox_hash, customer_id, root_profile_key, flow, step, occurrence, experiment, arm,
    :as_of, :send_date, send_at, :released_at, :run_id
from incoming order by rowid
"""
IGNORED = """
select idempotency_key, kind from incoming
where not exists (select 1 from ledger where ledger.idempotency_key = incoming.idempotency_key and ledger.as_of = :as_of)
"""


def claim(
    store: StateStore,
    claims: Claims,
    *,
    as_of: date,
    send_date: date,
    run_id: str,
    released_at: datetime,
    destination: Destination = "files",
) -> Batch:
    """Claim a partition's batch, unless one with rows exists already: then that one stays as it is.

    Args:
        store: The state store.
        claims: What is wanted.
        as_of: The partition.
        send_date: The day to send on.
        run_id: For the ledger.
        released_at: For the ledger (UTC).
        destination: Where the batch goes, and goes again when it is repeated.

    Returns:
        The batch that holds; rows that broke a key of an earlier claim are counted in `dropped` by that key.
    """
    values = {
        "as_of": as_of.isoformat(),
        "send_date": send_date.isoformat(),
        "released_at": released_at.isoformat(sep=" "),
        "run_id": run_id,
    }
    with store.transaction() as connection:
        earlier = _batch(connection, as_of)
        if earlier is not None and not earlier.is_empty:
            return earlier
        _take_in(connection, claims)
        lost = _drop_conflicts(connection, values)
        if connection.execute(INSERT, values).rowcount < len(claims.rows) - len(lost):
            lost |= {key: Refusal(kind, "duplicate_in_batch") for key, kind in connection.execute(IGNORED, values)}
        taken = claims.emails["idempotency_key"]
        emails = claims.emails.filter(pc.invert(pc.is_in(taken, value_set=pa.array(lost, pa.string()))))
        put_payloads(connection, values["as_of"], emails)
        dropped = Counter(lost.values())
        dropped.update(claims.refusals)
        row = (values["as_of"], values["send_date"], run_id, values["released_at"], _counts(dropped))
        connection.execute("insert or replace into releases values (?, ?, ?, ?, ?)", row)
        going = (values["as_of"], destination)
        connection.execute("insert or replace into release_destinations values (?, ?)", going)
        batch = _batch(connection, as_of)
    if batch is None:
        message = f"the batch of partition {as_of} is not in the store right after it was claimed"
        raise RuntimeError(message)
    return batch


def _take_in(connection: sqlite3.Connection, claims: Claims) -> None:
    for table, fields in INCOMING.items():
        connection.execute(f"create temp table {table} ({fields})")
    for table, rows in (("incoming", claims.rows), ("lineage", claims.lineage), ("twins", claims.twins)):
        marks = ", ".join("?" * len(INCOMING[table].split(",")))
        connection.executemany(f"insert into {table} values ({marks})", rows)


def _drop_conflicts(connection: sqlite3.Connection, values: Mapping[str, str]) -> dict[str, Refusal]:
    """Take those out of what came in that break a key of an earlier claim, or of one another."""
    connection.execute(BEGUN)
    lost: dict[str, Refusal] = {}
    for reason, conflict in CONFLICTS:
        drop = f"delete from incoming where idempotency_key in ({conflict}) returning idempotency_key, kind"
        lost |= {key: Refusal(kind, reason) for key, kind in connection.execute(drop, values)}
    return lost


def batch_of(store: StateStore, as_of: date) -> Batch | None:
    """The batch of a partition, or None if it was never claimed."""
    with store.transaction() as connection:
        return _batch(connection, as_of)


def emails_of(store: StateStore, as_of: date, *, statuses: Sequence[Status] = UNSETTLED) -> pa.Table:
    """Rows of the send list of the claimed sends that stand so, in the order of their decisions.

    A settled one was withdrawn, refused or found not to have left: nobody gets it. Of somebody who was erased there is no row.
    """
    with store.transaction() as connection:
        keys = _keys(connection, as_of, statuses)
        emails = payloads_of(connection, as_of.isoformat())
    return emails.filter(pc.is_in(emails["idempotency_key"], value_set=pa.array(keys, pa.string()))).combine_chunks()


def waiting_of(store: StateStore, as_of: date) -> pa.Table:
    """idempotency_key, mailbox_hash, customer_id, flow and approval_expires_on (null: erased) of the sends that are merely claimed."""
    columns = ("idempotency_key", "mailbox_hash", "customer_id", "flow")
    query = f"select {', '.join(columns)} from ledger where as_of = ? and kind = 'send' and status = 'claimed'"
    with store.transaction() as connection:
        rows = connection.execute(query, (as_of.isoformat(),)).fetchall()
        emails = payloads_of(connection, as_of.isoformat(), columns=("idempotency_key", "approval_expires_on"))
    claims = pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [[]] * 4, names=columns)
    found = pc.index_in(claims["idempotency_key"], value_set=emails["idempotency_key"])
    return claims.append_column("approval_expires_on", emails["approval_expires_on"].take(found))


def keys_of(store: StateStore, as_of: date) -> list[str]:
    """Keys of the claimed sends of a partition that nobody took back."""
    with store.transaction() as connection:
        return _keys(connection, as_of, UNSETTLED)


def _keys(connection: sqlite3.Connection, as_of: date, statuses: Sequence[Status]) -> list[str]:
    marks = ", ".join("?" * len(statuses))
    query = f"select idempotency_key from ledger where as_of = ? and kind = 'send' and status in ({marks})"
    return [key for (key,) in connection.execute(query, (as_of.isoformat(), *statuses))]


def withdraw(store: StateStore, withdrawn: Mapping[str, str], *, as_of: date) -> None:
    """Take back claimed sends that were not handed over; the claim stays and is settled, so that nobody gets it later.

    Args:
        store: The state store.
        withdrawn: Reason by idempotency key; of those that are not merely claimed any more nothing changes.
        as_of: The partition.
    """
    if not withdrawn:
        return
    with store.transaction() as connection:
        keys = [
            key
            for key in withdrawn
            if connection.execute(
                "update ledger set status = 'settled' where idempotency_key = ? and status = 'claimed'", (key,)
            ).rowcount
        ]
        remove_payloads(connection, as_of.isoformat(), keys)
        row = connection.execute("select counts from releases where as_of = ?", (as_of.isoformat(),)).fetchone()
        counts = json.loads(row[0])
        sends = Counter(counts.get("send", {}))
        sends.update(withdrawn[key] for key in keys)
        counts["send"] = dict(sends)
        text = json.dumps(counts, sort_keys=True)
        connection.execute("update releases set counts = ? where as_of = ?", (text, as_of.isoformat()))


def mark_published(store: StateStore, as_of: date, *, kinds: Sequence[Kind] = ("send", "ghost")) -> None:
    """Note that all of a partition was handed over: its files are complete; or, of an SMTP batch, that its ghosts need nothing more."""
    with store.transaction() as connection:
        connection.executemany(
            "update ledger set status = 'published' where as_of = ? and status = 'claimed' and kind = ?",
            [(as_of.isoformat(), kind) for kind in kinds],
        )


def _counts(dropped: Mapping[Refusal, int]) -> str:
    counts: dict[str, dict[str, int]] = {}
    for refusal, count in dropped.items():
        if count:
            counts.setdefault(refusal.kind, {})[refusal.reason] = count
    return json.dumps(counts, sort_keys=True)


def _batch(connection: Any, as_of: date) -> Batch | None:
    day = as_of.isoformat()
    row = connection.execute(
        "select send_date, run_id, released_at, counts from releases where as_of = ?", (day,)
    ).fetchone()
    if row is None:
        return None
    going = connection.execute("select destination from release_destinations where as_of = ?", (day,)).fetchone()
    statuses = connection.execute(
        "select kind, status, count(*) from ledger where as_of = ? group by kind, status", (day,)
    ).fetchall()
    return Batch(
        as_of=as_of,
        send_date=date.fromisoformat(row[0]),
        run_id=row[1],
        released_at=datetime.fromisoformat(row[2]),
        dropped=json.loads(row[3]),
        sends=sum(count for kind, status, count in statuses if kind == "send" and status != "settled"),
        ghosts=sum(count for kind, _, count in statuses if kind == "ghost"),
        is_published=bool(statuses) and all(status != "claimed" for _, status, _ in statuses),
        destination=going[0] if going else "files",
    )
