"""Release: claim first, recheck, publish exactly what was claimed. Killed anywhere and repeated, each key leaves once.

A partition is claimed in one SQLite transaction, with the rows to publish beside the claims; from then on its batch is fixed, and a
repeat publishes it again, byte for byte, whatever the warehouse says by then. Only a batch that was not handed over yet (no manifest
of it exists) is rechecked again: who left meanwhile is withdrawn, counted, and never mailed by a later repeat.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.claims import Batch, Claim, Refusal, batch_of, claim, keys_of, mark_published, rows_of, withdraw
from activation.content import Content
from activation.destinations import Destination, Destinations, Esp
from activation.publish import MANIFEST, Manifest, folder_of, sweep, write_files
from activation.state import StateStore
from activation.tables import LIST_COLUMNS, DecisionTables, create_tables, put

MAILABLE = frozenset({"subscribed", "confirmed", "implied"})

RECHECK_SCHEMA = pa.schema([("mailbox_hash", pa.string()), ("status", pa.string())])
BLOCKED_SCHEMA = pa.schema([("customer_id", pa.string()), ("reason", pa.string())])

CLAIMABLE = f"""
with payloads as (
    select decision_id, cast(to_json(listed) as varchar) as payload
    from (select {", ".join(LIST_COLUMNS)} from activation.send_list where as_of = $as_of) as listed
)
select
    decisions.idempotency_key,
    case decisions.outcome when 'sent' then 'send' else 'ghost' end as kind,
    decisions.mailbox_hash,
    decisions.customer_id,
    decisions.root_profile_key,
    decisions.flow,
    decisions.step,
    decisions.occurrence,
    decisions.experiment,
    decisions.arm,
    strftime(decisions.send_after_utc, '%Y-%m-%d %H:%M:%S') as send_at,
    decisions.reentry,
    decisions.reentry_days,
    payloads.payload,
    decisions.approval_expires_on
from activation.send_decisions as decisions
left join payloads on decisions.decision_id = payloads.decision_id
where decisions.as_of = $as_of and decisions.outcome in ('sent', 'held_out')
order by decisions.decision_id
"""

# Everyone who belongs to a claiming customer by the newest identity map, whoever they were when the day was decided.
LINEAGE = """
with today as (
    select profile_key, customer_id from {identity_map} where valid_to = date '9999-12-31'
),
claiming as (
    select distinct decisions.customer_id as decided_customer_id, today.customer_id
    from activation.send_decisions as decisions
    inner join today on decisions.root_profile_key = today.profile_key
    where decisions.as_of = $as_of and decisions.outcome in ('sent', 'held_out')
)
select claiming.decided_customer_id, today.profile_key
from claiming
inner join today on claiming.customer_id = today.customer_id
union
select customer_id, root_profile_key
from activation.send_decisions
where as_of = $as_of and outcome in ('sent', 'held_out')
"""

# Who was decided under a name of before a merge is blocked under that name too.
FORMER_NAMES = """
select distinct decisions.customer_id, blocked.reason
from activation.send_decisions as decisions
inner join {identity_map} as today on decisions.root_profile_key = today.profile_key and today.valid_to = date '9999-12-31'
inner join release_blocked as blocked on today.customer_id = blocked.customer_id
where decisions.as_of = $as_of and decisions.customer_id <> today.customer_id
order by all
"""


class ReleaseRefused(Exception):
    """The release is not due; the message is one line that says what to do."""


@dataclass(frozen=True)
class ReleaseSummary:
    """What a release left behind.

    Attributes:
        as_of: The partition.
        send_date: The day to send on.
        sends: Emails in the released files, or claimed for the relay.
        ghosts: Held-out rows in the ledger.
        dropped: Decided rows that were not released, by kind (send, ghost), then reason.
        is_repeat: Whether the batch was claimed by an earlier release.
        outside_batch: Rows of the send list as it is now that are not in the batch: dropped ones, and ones that a later decision
            added. They are never added to a claimed batch; they come back while their step is due.
        manifest: What was published.
    """

    as_of: date
    send_date: date
    sends: int
    ghosts: int
    dropped: Mapping[str, Mapping[str, int]]
    is_repeat: bool
    outside_batch: int
    manifest: Manifest


@dataclass(frozen=True)
class _Recheck:
    statuses: Mapping[str, str]
    blocked: Mapping[str, str]
    closed_flows: frozenset[tuple[str, str]]
    stopped_flows: frozenset[str]
    due_on: date

    def refuses(self, mailbox_hash: str, customer_id: str, flow: str, *, expires_on: date | None) -> str | None:
        """Why a person may not be mailed now of a flow whose approval ends on a day (None: it has none), or None."""
        if expires_on is None or expires_on < self.due_on:
            return "approval_expired"
        if flow in self.stopped_flows:
            return "now_stopped_by_override"
        if customer_id in self.blocked:
            return f"now_{self.blocked[customer_id]}"
        if (mailbox_hash, flow) in self.closed_flows:
            return "now_unsubscribed_topic"
        status = self.statuses.get(mailbox_hash, "unknown")
        return None if status in MAILABLE else f"now_{status}"


def release(
    connection: duckdb.DuckDBPyConnection,
    store: StateStore,
    *,
    as_of: date,
    send_date: date,
    due_on: date,
    allow_past: bool,
    recheck: pa.Table,
    directory: Path,
    run_id: str,
    released_at: datetime,
    blocked: pa.Table | None = None,
    closed_flows: pa.Table | None = None,
    stopped_flows: frozenset[str] = frozenset(),
    contents: Mapping[str, Content] | None = None,
    destination: Destination = "files",
    destinations: Destinations | None = None,
    tables: DecisionTables | None = None,
) -> ReleaseSummary:
    """Release a partition's send list to `<directory>/send_list/<send_date>/released/`, or claim it for a relay.

    What is claimed for a relay is handed over by `activation.deliver`; until then the folder shows nobody.

    Args:
        connection: The warehouse.
        store: The state store.
        as_of: The partition.
        send_date: Its send date, the day after.
        due_on: Today, as a business day; also the day against which approvals expire.
        allow_past: Whether a send date before today may be released.
        recheck: mailbox_hash and status now, for every mailbox of the partition's sent and held-out decisions; a mailbox that is
            missing counts as unknown and is not mailed. Sends and ghosts are rechecked alike, or the arms would differ.
        directory: The publish folder.
        run_id: For ledger and manifest.
        released_at: Now (UTC).
        blocked: customer_id, as it is now, and reason of people who became blocked since the decision.
        closed_flows: mailbox_hash and flow, where the mailbox has left the flow's topic.
        stopped_flows: Flows that a person has stopped since the decision.
        contents: What emails are made of, by version of the playbook; a claimed batch takes those of the version that decided it.
        destination: Where the batch goes. One that was claimed goes where it was claimed for.
        destinations: For which ESPs files are written.
        tables: Where the identity map is.

    Raises:
        ReleaseRefused: If the send date is not due, or the batch was claimed for another destination.
    """
    _refuse_undue(as_of=as_of, send_date=send_date, due_on=due_on, allow_past=allow_past)
    create_tables(connection)
    checked = _Recheck(
        statuses=dict(zip(recheck["mailbox_hash"].to_pylist(), recheck["status"].to_pylist(), strict=True)),
        blocked={} if blocked is None else _blocked_by_name(connection, blocked, as_of=as_of, tables=tables),
        closed_flows=frozenset()
        if closed_flows is None
        else frozenset(zip(closed_flows["mailbox_hash"].to_pylist(), closed_flows["flow"].to_pylist(), strict=True)),
        stopped_flows=stopped_flows,
        due_on=due_on,
    )
    folder = folder_of(directory, send_date) / "released"
    earlier = batch_of(store, as_of)
    if earlier is None or earlier.is_empty:
        claims, refusals = _screen(connection, checked, as_of=as_of)
        query = LINEAGE.format_map(vars(tables or DecisionTables()))
        lineage = connection.execute(query, {"as_of": as_of}).fetchall()
        batch = claim(
            store, claims, lineage=lineage, refusals=refusals, as_of=as_of, send_date=send_date, run_id=run_id,
            released_at=released_at, destination=destination,
        )  # fmt: skip
    else:
        _refuse_other_destination(earlier, destination)
        batch = _withdraw_who_left(store, checked, earlier, folder)
    if destination == "smtp":
        mark_published(store, as_of, kinds=["ghost"])
        manifest = publish_delivered(store, batch, directory)
    else:
        esps = (destinations or Destinations()).esp_files
        manifest = _publish(store, batch, folder, esps=esps, contents=contents or {})
        mark_published(store, as_of)
    store.mirror()
    return ReleaseSummary(
        as_of=as_of,
        send_date=send_date,
        sends=manifest.rows if destination == "files" else batch.sends,
        ghosts=batch.ghosts,
        dropped=batch.dropped,
        is_repeat=earlier is not None and not earlier.is_empty,
        outside_batch=_outside(connection, store, as_of),
        manifest=manifest,
    )


def _refuse_undue(*, as_of: date, send_date: date, due_on: date, allow_past: bool) -> None:
    if send_date != as_of + timedelta(days=1):
        message = f"partition {as_of} sends on {as_of + timedelta(days=1)}, not on {send_date}"
        raise ReleaseRefused(message)
    if send_date > due_on:
        message = (
            f"the send list of {as_of} is for {send_date}, which is after today ({due_on}): release it on that day"
        )
        raise ReleaseRefused(message)
    if send_date < due_on and not allow_past:
        message = f"the send list of {as_of} was for {send_date}, today is {due_on}: say --allow-past to release it all the same"
        raise ReleaseRefused(message)


def _refuse_other_destination(batch: Batch, destination: Destination) -> None:
    if batch.destination != destination:
        message = (
            f"the send list of {batch.as_of} was released to {batch.destination} on {batch.released_at:%Y-%m-%d}:"
            f" whoever gets it there must not get it again; say --to {batch.destination} to go on"
        )
        raise ReleaseRefused(message)


def _screen(
    connection: duckdb.DuckDBPyConnection, checked: _Recheck, *, as_of: date
) -> tuple[list[Claim], list[Refusal]]:
    """Split the partition's sent and held-out decisions into those who may still be mailed and those who may not."""
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    for *fields, expires_on in connection.execute(CLAIMABLE, {"as_of": as_of}).fetchall():
        row = Claim(*fields)
        reason = checked.refuses(row.mailbox_hash, row.customer_id, row.flow, expires_on=expires_on)
        if reason is None:
            claims.append(row)
        else:
            refusals.append(Refusal(row.kind, reason))
    return claims, refusals


def _blocked_by_name(
    connection: duckdb.DuckDBPyConnection, blocked: pa.Table, *, as_of: date, tables: DecisionTables | None
) -> dict[str, str]:
    """Reason by every customer_id that a blocked person has now or had on the day."""
    put(connection, "release_blocked", blocked)
    former = connection.execute(FORMER_NAMES.format_map(vars(tables or DecisionTables())), {"as_of": as_of}).fetchall()
    connection.execute("drop table release_blocked")
    return {**dict(former), **dict(zip(blocked["customer_id"].to_pylist(), blocked["reason"].to_pylist(), strict=True))}


def _withdraw_who_left(store: StateStore, checked: _Recheck, batch: Batch, folder: Path) -> Batch:
    """Recheck a claimed batch that was not handed over; one that was stays as it is."""
    if batch.is_published or (batch.destination == "files" and _is_handed_over(batch, folder)):
        return batch
    reasons = {
        key: checked.refuses(mailbox, customer, flow, expires_on=_expires_on(payload))
        for key, mailbox, customer, flow, payload, status in rows_of(store, batch.as_of)
        if status == "claimed"
    }
    withdraw(store, {key: reason for key, reason in reasons.items() if reason is not None}, as_of=batch.as_of)
    return batch_of(store, batch.as_of) or batch


def _expires_on(payload: str | None) -> date | None:
    """Until when a claimed email was approved; of somebody who was erased nothing is known any more."""
    return None if payload is None else date.fromisoformat(json.loads(payload)["approval_expires_on"])


def _is_handed_over(batch: Batch, folder: Path) -> bool:
    """Whether the manifest on disk is that of this batch: then someone may have taken the files."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        return False
    release = json.loads(manifest.read_text(encoding="utf-8"))["release"]
    return bool(release["run_id"] == batch.run_id and release["released_at"] == str(batch.released_at))


def publish_delivered(store: StateStore, batch: Batch, directory: Path) -> Manifest:
    """Show what a relay has accepted of a batch so far, as Parquet: a list that nobody could import and mail again."""
    return _publish(store, batch, folder_of(directory, batch.send_date) / "released", is_importable=False)


def _publish(
    store: StateStore,
    batch: Batch,
    folder: Path,
    *,
    esps: Sequence[Esp] = (),
    contents: Mapping[str, Content] | None = None,
    is_importable: bool = True,
) -> Manifest:
    """Write the batch; the folder appears as a whole the first time, and its files are replaced by the same bytes later."""
    payloads = [
        payload
        for *_, payload, status in rows_of(store, batch.as_of)
        if payload is not None and (is_importable or status == "published")
    ]
    notes = {
        "run_id": batch.run_id,
        "released_at": batch.released_at,
        "dropped": batch.dropped,
        "ghosts": batch.ghosts,
        "destination": batch.destination,
    }
    sweep(folder.parent)
    target = folder if folder.exists() else folder.with_name("released.tmp")
    manifest = write_files(
        _table_of(payloads), target, send_date=batch.send_date, status="released", release=notes, contents=contents,
        is_importable=is_importable, esps=esps,
    )  # fmt: skip
    if target != folder:
        target.replace(folder)
    return manifest


def _table_of(payloads: list[str]) -> pa.Table:
    """The rows of the send list from the JSON that was stored with the claims."""
    structure = json.dumps({name: kind.upper() for name, kind in LIST_COLUMNS.items()})
    with duckdb.connect() as connection:
        connection.register("claimed_payloads", pa.table({"payload": pa.array(payloads, pa.string())}))
        return connection.execute(
            "with listed as (select unnest(from_json(cast(payload as json), $structure)) from claimed_payloads)"
            " select * from listed order by decision_id",
            {"structure": structure},
        ).to_arrow_table()


def _outside(connection: duckdb.DuckDBPyConnection, store: StateStore, as_of: date) -> int:
    put(connection, "claimed_keys", pa.table({"idempotency_key": pa.array(keys_of(store, as_of), pa.string())}))
    row = connection.execute(
        "select count(*) from activation.send_list anti join claimed_keys using (idempotency_key) where as_of = $as_of",
        {"as_of": as_of},
    ).fetchone()
    connection.execute("drop table claimed_keys")
    return int(row[0]) if row else 0
