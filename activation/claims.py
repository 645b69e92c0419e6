"""Claims in the ledger: a partition's batch is claimed in one transaction, and is what every later publication of it shows."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from activation.destinations import Destination
from activation.state import StateStore

Kind = Literal["send", "ghost"]


class Claim(NamedTuple):
    """One row that wants into the ledger; `payload` is the row to publish (None for a ghost)."""

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
    payload: str | None


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


# Which key an incoming row would break, the narrowest first; one statement per key so that each can use its index.
INCOMING = """
create temp table incoming (
    idempotency_key text primary key, kind text, mailbox_hash text, customer_id text, root_profile_key text, flow text,
    step text, occurrence text, experiment text, arm text, send_at text, reentry text,
    reentry_days integer, payload text
)
"""
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
            "select incoming.idempotency_key from incoming"
            " join lineage on incoming.customer_id = lineage.customer_id"
            " join ledger on lineage.profile_key = ledger.root_profile_key and incoming.flow = ledger.flow"
            " and incoming.step = ledger.step and incoming.occurrence = ledger.occurrence"
        ),
    ),
    (
        "flow_already_started_for_customer",
        (
            "select incoming.idempotency_key from incoming"
            " join lineage on incoming.customer_id = lineage.customer_id"
            " join ledger on lineage.profile_key = ledger.root_profile_key and incoming.flow = ledger.flow"
            " and incoming.occurrence <> ledger.occurrence"
            " where incoming.step = '1' and (incoming.reentry = 'once' or incoming.reentry = 'window'"
            " and ledger.step = '1' and date(ledger.as_of) > date(:as_of, '-' || incoming.reentry_days || ' days'))"
        ),
    ),
    (
        "merged_with_another_of_the_batch",
        (
            "select incoming.idempotency_key from incoming"
            " join lineage on incoming.customer_id = lineage.customer_id"
            " join incoming as other on lineage.profile_key = other.root_profile_key and incoming.flow = other.flow"
            " and incoming.step = other.step and incoming.idempotency_key > other.idempotency_key"
            " where incoming.occurrence = other.occurrence or incoming.step = '1' and incoming.reentry in ('once', 'window')"
        ),
    ),
)

INSERT = """
insert or ignore into ledger
select
    idempotency_key, kind, 'claimed', mailbox_hash, customer_id, root_profile_key, flow, step, occurrence, experiment, arm,
    :as_of, :send_date, send_at, :released_at, :run_id
from incoming order by idempotency_key
"""


def claim(
    store: StateStore,
    claims: Sequence[Claim],
    *,
    lineage: Iterable[tuple[str, str]],
    refusals: Iterable[Refusal],
    as_of: date,
    send_date: date,
    run_id: str,
    released_at: datetime,
    destination: Destination = "files",
) -> Batch:
    """Claim a partition's batch, unless one with rows exists already: then that one stays as it is.

    Args:
        store: The state store.
        claims: Rows that passed the recheck.
        lineage: (customer_id, profile_key) of every profile that belongs to a claiming customer now.
        refusals: Rows that did not pass it.
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
    dropped = Counter(refusals)
    with store.transaction() as connection:
        earlier = _batch(connection, as_of)
        if earlier is not None and not earlier.is_empty:
            return earlier
        connection.execute(INCOMING)
        connection.execute("create index temp.incoming_by_root on incoming (root_profile_key)")
        connection.execute("create temp table lineage (customer_id text, profile_key text)")
        connection.executemany(f"insert or ignore into incoming values ({', '.join('?' * len(Claim._fields))})", claims)
        kept = connection.execute("select count(*) from incoming").fetchone()[0]
        dropped.update([Refusal("send", "duplicate_in_batch")] * (len(claims) - kept))
        connection.executemany("insert into lineage values (?, ?)", lineage)
        for reason, conflict in CONFLICTS:
            arguments = values if ":" in conflict else {}
            lost = connection.execute(
                f"select idempotency_key, kind from incoming where idempotency_key in ({conflict})", arguments
            ).fetchall()
            dropped.update(Refusal(kind, reason) for _, kind in lost)
            connection.executemany("delete from incoming where idempotency_key = ?", [(key,) for key, _ in lost])
        connection.execute(INSERT, values)
        ignored = connection.execute(
            "select kind, count(*) from incoming where idempotency_key not in"
            " (select idempotency_key from ledger where as_of = :as_of) group by kind",
            {"as_of": values["as_of"]},
        ).fetchall()
        for kind, count in ignored:
            dropped[Refusal(kind, "duplicate_in_batch")] += count
        connection.execute(
            "insert into claim_payloads select idempotency_key, mailbox_hash, payload from incoming"
            " where payload is not null and idempotency_key in (select idempotency_key from ledger where as_of = :as_of)",
            {"as_of": values["as_of"]},
        )
        row = (values["as_of"], values["send_date"], run_id, values["released_at"], _counts(dropped))
        connection.execute("insert or replace into releases values (?, ?, ?, ?, ?)", row)
        going = (values["as_of"], destination)
        connection.execute("insert or replace into release_destinations values (?, ?)", going)
        batch = _batch(connection, as_of)
    if batch is None:
        message = f"the batch of partition {as_of} is not in the store right after it was claimed"
        raise RuntimeError(message)
    return batch


def batch_of(store: StateStore, as_of: date) -> Batch | None:
    """The batch of a partition, or None if it was never claimed."""
    with store.transaction() as connection:
        return _batch(connection, as_of)


def rows_of(store: StateStore, as_of: date) -> list[tuple[str, str, str, str, str | None, str]]:
    """(idempotency_key, mailbox_hash, customer_id, flow, payload, status) of the claimed sends that are not settled, in key order.

    A settled one was withdrawn, refused or found not to have left: nobody gets it.
    """
    with store.transaction() as connection:
        return connection.execute(
            "select ledger.idempotency_key, ledger.mailbox_hash, ledger.customer_id, ledger.flow, claim_payloads.payload, ledger.status"
            " from ledger left join claim_payloads on ledger.idempotency_key = claim_payloads.idempotency_key"
            " where ledger.as_of = ? and ledger.kind = 'send' and ledger.status <> 'settled' order by ledger.idempotency_key",
            (as_of.isoformat(),),
        ).fetchall()


def keys_of(store: StateStore, as_of: date) -> list[str]:
    """Keys of the claimed sends of a partition that nobody took back."""
    query = "select idempotency_key from ledger where as_of = ? and kind = 'send' and status <> 'settled'"
    with store.transaction() as connection:
        return [key for (key,) in connection.execute(query, (as_of.isoformat(),))]


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
        connection.executemany("delete from claim_payloads where idempotency_key = ?", [(key,) for key in keys])
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
