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
from typing import Any

import duckdb
import pyarrow as pa

from activation.playbook.content import Content
from activation.playbook.destinations import Destination, Destinations, Esp
from activation.release.claims import (
    UNSETTLED,
    Batch,
    Claim,
    Claims,
    Refusal,
    batch_of,
    claim,
    emails_of,
    keys_of,
    mark_published,
    waiting_of,
    withdraw,
)
from activation.release.publish import MANIFEST, Manifest, folder_of, sweep, write_files
from activation.state.store import StateStore
from activation.state.tables import LIST_COLUMNS, DecisionTables, create_tables, put

MAILABLE = ("subscribed", "confirmed", "implied")

RECHECK_SCHEMA = pa.schema([("mailbox_hash", pa.string()), ("status", pa.string())])
BLOCKED_SCHEMA = pa.schema([("customer_id", pa.string()), ("reason", pa.string())])
CLOSED_SCHEMA = pa.schema([("mailbox_hash", pa.string()), ("flow", pa.string())])

# Who was decided under a name of before a merge is blocked under that name too.
BLOCKED = """
create or replace temp table release_blocked as
with named as (
    select customer_id, arg_max(reason, rowid) as reason from release_blocked_now group by customer_id
),
former as (
    select decisions.customer_id, max(named.reason) as reason
    from activation.send_decisions as decisions
    inner join {identity_map} as today on decisions.root_profile_key = today.profile_key and today.valid_to = date '9999-12-31'
    inner join named on today.customer_id = named.customer_id
    where decisions.as_of = $as_of and decisions.customer_id <> today.customer_id
    group by decisions.customer_id
)
select customer_id, reason from named
union all
select customer_id, reason from former anti join named using (customer_id)
"""

# Why somebody may not be mailed now, or null: the one rule, for those who are to be claimed and for those who wait. An email whose
# approval ends on no known day is one of somebody who was erased, of whom nothing is known any more.
REFUSED = f"""
create or replace temp table release_refused as
with rechecked as (
    select
        listed.*, blocked.reason as blocked_by, closed.flow is not null as is_closed, coalesce(statuses.status, 'unknown') as consent
    from {{listed}} as listed
    left join release_statuses as statuses on listed.mailbox_hash = statuses.mailbox_hash
    left join release_blocked as blocked on listed.customer_id = blocked.customer_id
    left join release_closed as closed on listed.mailbox_hash = closed.mailbox_hash and listed.flow = closed.flow
)
select
    * exclude (blocked_by, is_closed, consent),
    case
        when approval_expires_on is null or approval_expires_on < $due_on then 'approval_expired'
        when list_contains($stopped_flows, flow) then 'now_stopped_by_override'
        when blocked_by is not null then 'now_' || blocked_by
        when is_closed then 'now_unsubscribed_topic'
        when consent not in {MAILABLE} then 'now_' || consent
    end as refusal
from rechecked
"""

DECIDED = "(from activation.send_decisions where as_of = $as_of and outcome in ('sent', 'held_out'))"
CLAIMED = """
create or replace temp table release_claims as
select
    idempotency_key, if(outcome = 'sent', 'send', 'ghost') as kind, mailbox_hash, customer_id, root_profile_key, flow, step, occurrence,
    experiment, arm, strftime(send_after_utc, '%Y-%m-%d %H:%M:%S') as send_at, reentry, reentry_days, decision_id,
    case
        when refusal is not null then refusal
        when row_number() over (partition by idempotency_key order by refusal is not null, decision_id) > 1 then 'duplicate_in_batch'
    end as refusal
from release_refused
"""
ROWS = f"select {', '.join(Claim._fields)} from release_claims where refusal is null order by mailbox_hash, idempotency_key"
EMAILS = f"""
select {", ".join(LIST_COLUMNS)}
from activation.send_list semi join (select decision_id from release_claims where refusal is null) using (decision_id)
where as_of = $as_of
order by decision_id
"""
REFUSALS = "select kind, refusal, count(*) from release_claims where refusal is not null group by kind, refusal"

# Everyone who belongs to a claiming customer by the newest identity map, whoever they were when the day was decided.
LINEAGE = """
create or replace temp table release_lineage as
with today as (
    select profile_key, customer_id from {identity_map} where valid_to = date '9999-12-31'
),
people as (
    select distinct claims.customer_id as decided_customer_id, today.customer_id
    from release_claims as claims
    inner join today on claims.root_profile_key = today.profile_key
),
profiles as (
    select people.decided_customer_id as customer_id, today.profile_key
    from people
    inner join today on people.customer_id = today.customer_id
    union
    select customer_id, root_profile_key from release_claims
)
select claims.idempotency_key, profiles.profile_key, claims.flow
from release_claims as claims
inner join profiles on claims.customer_id = profiles.customer_id
where claims.refusal is null
"""
TWINS = """
select claims.idempotency_key, other.idempotency_key
from release_lineage as lineage
inner join release_claims as claims on lineage.idempotency_key = claims.idempotency_key
inner join release_claims as other
    on lineage.profile_key = other.root_profile_key and claims.flow = other.flow and claims.step = other.step
    and claims.idempotency_key > other.idempotency_key
where other.refusal is null
    and (claims.occurrence = other.occurrence or claims.step = '1' and claims.reentry in ('once', 'window'))
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

    What is claimed for a relay is handed over by `activation.release.deliver`; until then the folder shows nobody.

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
    known = tables or DecisionTables()
    put(connection, "release_statuses", recheck)
    put(connection, "release_blocked_now", BLOCKED_SCHEMA.empty_table() if blocked is None else blocked)
    put(connection, "release_closed", CLOSED_SCHEMA.empty_table() if closed_flows is None else closed_flows)
    connection.execute(BLOCKED.format_map(vars(known)), {"as_of": as_of})
    rule = {"due_on": due_on, "stopped_flows": sorted(stopped_flows)}
    folder = folder_of(directory, send_date) / "released"
    earlier = batch_of(store, as_of)
    if earlier is None or earlier.is_empty:
        batch = claim(
            store, _screen(connection, rule, as_of=as_of, tables=known), as_of=as_of, send_date=send_date, run_id=run_id,
            released_at=released_at, destination=destination,
        )  # fmt: skip
    else:
        _refuse_other_destination(earlier, destination)
        batch = _withdraw_who_left(connection, store, rule, earlier, folder)
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
    connection: duckdb.DuckDBPyConnection, rule: Mapping[str, Any], *, as_of: date, tables: DecisionTables
) -> Claims:
    """Split the partition's sent and held-out decisions into those who may still be mailed and those who may not."""
    day = {"as_of": as_of}
    connection.execute(REFUSED.format(listed=DECIDED), {**rule, **day})
    connection.execute(CLAIMED)
    connection.execute(LINEAGE.format_map(vars(tables)))
    profiles = "select idempotency_key, profile_key, flow from release_lineage order by profile_key, flow"
    return Claims(
        rows=list(map(Claim._make, connection.execute(ROWS).fetchall())),
        emails=connection.execute(EMAILS, day).to_arrow_table(),
        lineage=connection.execute(profiles).fetchall(),
        twins=connection.execute(TWINS).fetchall(),
        refusals={Refusal(kind, why): count for kind, why, count in connection.execute(REFUSALS).fetchall()},
    )


def _withdraw_who_left(
    connection: duckdb.DuckDBPyConnection, store: StateStore, rule: Mapping[str, Any], batch: Batch, folder: Path
) -> Batch:
    """Recheck a claimed batch that was not handed over; one that was stays as it is."""
    if batch.is_published or (batch.destination == "files" and _is_handed_over(batch, folder)):
        return batch
    put(connection, "release_waiting", waiting_of(store, batch.as_of))
    connection.execute(REFUSED.format(listed="release_waiting"), rule)
    left = connection.execute(
        "select idempotency_key, refusal from release_refused where refusal is not null"
    ).fetchall()
    withdraw(store, dict(left), as_of=batch.as_of)
    return batch_of(store, batch.as_of) or batch


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
    emails = emails_of(store, batch.as_of, statuses=UNSETTLED if is_importable else ("published",))
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
        emails, target, send_date=batch.send_date, status="released", release=notes, contents=contents,
        is_importable=is_importable, esps=esps,
    )  # fmt: skip
    if target != folder:
        target.replace(folder)
    return manifest


def _outside(connection: duckdb.DuckDBPyConnection, store: StateStore, as_of: date) -> int:
    put(connection, "claimed_keys", pa.table({"idempotency_key": pa.array(keys_of(store, as_of), pa.string())}))
    row = connection.execute(
        "select count(*) from activation.send_list anti join claimed_keys using (idempotency_key) where as_of = $as_of",
        {"as_of": as_of},
    ).fetchone()
    connection.execute("drop table claimed_keys")
    return int(row[0]) if row else 0
