"""Compares what was released with what the ESP says became of it, and settles emails in doubt that it names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from activation.release.attempts import record
from activation.state.payloads import payloads_of
from activation.state.store import StateStore
from activation.state.tables import put

TABLE: Final = "activation.reconciliation"
# Days after which an email of which nobody says anything is something to look at.
SILENCE: Final = 2
# Days within which an event that names no decision is taken for one of the email that its mailbox was sent.
NEAR: Final = 2

STATES: Final = ("delivered", "bounced", "blocked", "dropped", "deferred", "processed", "silent")
OTHERS: Final = ("doubled", "in_doubt", "waiting", "unreleased")

CREATE = f"""
create schema if not exists activation;
create table if not exists {TABLE} (
    as_of date, flow varchar, released_count integer, {", ".join(f"{name}_count integer" for name in (*STATES, *OTHERS))},
    events_landed_on date
);
"""

CLAIMS = """
select
    idempotency_key, mailbox_hash, flow, step, status, send_date, released_at
from ledger
where as_of = ? and kind = 'send'
"""
CLAIM_SCHEMA = pa.schema(
    [
        ("idempotency_key", pa.string()),
        ("decision_id", pa.string()),
        ("mailbox_hash", pa.string()),
        ("flow", pa.string()),
        ("step", pa.string()),
        ("status", pa.string()),
        ("send_date", pa.date32()),
        ("released_at", pa.timestamp("us")),
    ]
)

# An event is of an email if it names its decision. One that names none is of the email that its mailbox was sent about then, unless it
# names another flow or step; it is of the same message as the first event of its message id.
MATCHED = """
create or replace temp table reconciled_events as
with claims as (
    select *, send_date - 1 as opens_on, greatest(send_date, cast(released_at as date)) + $near as closes_on
    from reconciled_claims
    where status <> 'settled'
),
named as (
    select claims.idempotency_key, events.event, events.message, true as is_certain
    from claims inner join reconciled_reports as events on claims.decision_id = events.decision_id
),
begun as (
    select message, min(occurred_at) as begun_at from reconciled_reports where decision_id is null group by message
),
unnamed as (
    select
        claims.idempotency_key, events.event, events.message,
        coalesce(events.flow = claims.flow and events.step = claims.step, false) as is_certain
    from claims
    inner join reconciled_reports as events
        on claims.mailbox_hash = events.mailbox_hash and events.decision_id is null
        and coalesce(events.flow = claims.flow, true) and coalesce(events.step = claims.step, true)
    inner join begun on events.message = begun.message
    where cast(begun.begun_at as date) between claims.opens_on and claims.closes_on
)
select * from named
union all
select * from unnamed
"""

REPORTS = """
create or replace temp table reconciled_reports as
select
    event, occurred_at, occurred_on, landed_on, mailbox_hash, decision_id, flow, step, coalesce(message_id, event_key) as message
from intermediate.int_email_events__unioned
where occurred_on >= $as_of
"""

IN_DOUBT_AND_NAMED = """
select distinct claims.idempotency_key
from reconciled_claims as claims
inner join reconciled_events as events on claims.idempotency_key = events.idempotency_key
where claims.status = 'in_doubt' and events.is_certain
order by claims.idempotency_key
"""

# The worst that was said last counts: an email that was accepted and then bounced was not delivered.
INSERT = f"""
insert into {TABLE} by name
with told as (
    select
        idempotency_key,
        case
            when bool_or(event = 'bounced') then 'bounced'
            when bool_or(event = 'blocked') then 'blocked'
            when bool_or(event = 'dropped') then 'dropped'
            when bool_or(event not in ('processed', 'deferred')) then 'delivered'
            when bool_or(event = 'deferred') then 'deferred'
            else 'processed'
        end as state,
        count(distinct message) filter (where event = 'delivered') > 1 as is_doubled
    from reconciled_events
    group by idempotency_key
),
stands as (
    select
        claims.flow, claims.status, coalesce(told.is_doubled, false) as is_doubled,
        claims.status in ('published', 'in_doubt') as is_released, coalesce(told.state, 'silent') as state
    from reconciled_claims as claims
    left join told on claims.idempotency_key = told.idempotency_key
),
unreleased as (
    select decisions.flow, count(distinct decisions.decision_id) as decision_count
    from activation.send_decisions as decisions
    inner join reconciled_reports as events on decisions.decision_id = events.decision_id
    anti join (select decision_id from reconciled_claims where status in ('published', 'in_doubt')) as released
        on decisions.decision_id = released.decision_id
    where decisions.as_of = $as_of
    group by decisions.flow
),
counted as (
    select
        flow,
        count(*) filter (where is_released) as released_count,
        {", ".join(f"count(*) filter (where is_released and state = '{state}') as {state}_count" for state in STATES)},
        count(*) filter (where is_doubled) as doubled_count,
        count(*) filter (where status = 'in_doubt') as in_doubt_count,
        count(*) filter (where status = 'claimed') as waiting_count
    from stands
    group by flow
)
select
    $as_of as as_of, flow, coalesce(columns(counted.* exclude (flow)), 0), coalesce(unreleased.decision_count, 0) as unreleased_count,
    (select max(landed_on) from reconciled_reports) as events_landed_on
from counted full join unreleased using (flow)
"""

ELSEWHERE = """
with messages as (
    select message, any_value(mailbox_hash) as mailbox_hash, min(occurred_on) as first_on, any_value(decision_id) as decision_id
    from reconciled_reports
    where message not in (select message from reconciled_events)
    group by message
)
select count(*) from messages
where first_on = $send_date
    and coalesce(decision_id not in (select decision_id from activation.send_decisions), true)
"""


class FlowCounts(NamedTuple):
    """What is known of a flow's emails; each released one is in exactly one of the states delivered to silent."""

    flow: str
    released: int
    delivered: int
    bounced: int
    blocked: int
    dropped: int
    deferred: int
    processed: int
    silent: int
    doubled: int
    in_doubt: int
    waiting: int
    unreleased: int


@dataclass(frozen=True)
class Reconciliation:
    """What came out.

    Attributes:
        as_of: The partition.
        send_date: The day to send on.
        flows: By flow.
        settled: Emails that were in doubt and of which the ESP knows.
        elsewhere: Messages of the send date that are none of ours.
        events_landed_on: Newest day on which an event of then or later landed, or None.
        is_over: Whether the last day on which it was released is over, so that none of it should wait any more.
        is_due: Whether an email of which nothing was said is something to look at by now.
    """

    as_of: date
    send_date: date
    flows: tuple[FlowCounts, ...]
    settled: int
    elsewhere: int
    events_landed_on: date | None
    is_over: bool
    is_due: bool

    def total(self, name: str) -> int:
        """A count over all flows."""
        return sum(getattr(flow, name) for flow in self.flows)

    def troubles(self) -> tuple[str, ...]:
        """What somebody must look at."""
        said = {
            "doubled": "were delivered more than once",
            "unreleased": "were mailed without being released",
            "in_doubt": "are in doubt: nobody knows whether they left",
        }
        if self.is_over:
            said["waiting"] = "are claimed and not handed over"
        found = [f"{count} {words}" for name, words in said.items() if (count := self.total(name))]
        if self.is_due and (silent := self.total("silent")):
            found.append(f"{silent} were released and nothing was heard of them")
        return tuple(found)

    def verdict(self) -> str:
        """One line."""
        released = self.total("released")
        if troubles := self.troubles():
            return f"look at this: {'; '.join(troubles)}"
        if waiting := self.total("waiting"):
            return f"too early: {waiting} wait for their hours"
        if silent := self.total("silent"):
            heard = f"events landed through {self.events_landed_on}" if self.events_landed_on else "no event has landed"
            return f"too early: of {silent} of {released} emails nothing was heard yet, {heard}"
        if not released:
            return "nothing was released"
        return f"all {released} emails are accounted for: {self.total('delivered')} delivered"

    def lines(self) -> Iterator[str]:
        """A table by flow, and the verdict."""
        names = [name for name in FlowCounts._fields[1:] if name == "released" or self.total(name)]
        rows = [
            ("flow", *names),
            *((flow.flow, *(f"{getattr(flow, name):,}" for name in names)) for flow in self.flows),
        ]
        widths = [max(len(str(row[at])) for row in rows) for at in range(len(rows[0]))]
        for first, *others in rows:
            yield "  ".join(
                (first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)))
            )
        if self.settled:
            yield f"{self.settled} emails that were in doubt have left: the ESP names them"
        if self.elsewhere:
            yield f"{self.elsewhere:,} other messages of {self.send_date} are none of ours"
        yield self.verdict()


def reconcile(
    connection: duckdb.DuckDBPyConnection, store: StateStore, *, as_of: date, now: datetime, run_id: str
) -> Reconciliation:
    """Reconcile a partition with all events that have landed by now, and replace its rows of `activation.reconciliation`.

    Args:
        connection: The warehouse.
        store: The state store.
        as_of: The partition.
        now: For what is settled (UTC).
        run_id: For what is settled.
    """
    connection.execute(CREATE)
    _match(connection, store, as_of)
    named = [key for (key,) in connection.execute(IN_DOUBT_AND_NAMED).fetchall()]
    settled = sum(record(store, key, "found_sent", at=now, run_id=run_id) for key in named)
    if settled:
        _match(connection, store, as_of)
        store.mirror()
    send_date = as_of + timedelta(days=1)
    connection.execute(f"delete from {TABLE} where as_of = $as_of", {"as_of": as_of})
    connection.execute(INSERT, {"as_of": as_of})
    counts = ", ".join(f"{name}_count" for name in FlowCounts._fields[1:])
    rows = connection.execute(
        f"select flow, {counts} from {TABLE} where as_of = $as_of order by flow", {"as_of": as_of}
    ).fetchall()
    elsewhere, landed_on, sent_on = connection.execute(
        f"select ({ELSEWHERE}), (select max(landed_on) from reconciled_reports),"
        " (select max(cast(released_at as date)) from reconciled_claims)",
        {"send_date": send_date},
    ).fetchall()[0]
    last_day = max(send_date, sent_on or send_date)
    return Reconciliation(
        as_of=as_of,
        send_date=send_date,
        flows=tuple(FlowCounts(*row) for row in rows),
        settled=settled,
        elsewhere=elsewhere,
        events_landed_on=landed_on,
        is_over=now.date() > last_day,
        is_due=now.date() >= last_day + timedelta(days=SILENCE),
    )


def in_doubt(store: StateStore, as_of: date) -> list[tuple[str, str]]:
    """(decision_id, flow) of the emails in doubt; of an erased person's the key of the claim takes the place of the decision."""
    rows = _claims(store, as_of)
    return [(row[1] or row[0], row[3]) for row in rows if row[5] == "in_doubt"]


def settle(
    store: StateStore, decisions: Sequence[str], *, was_sent: bool, as_of: date, now: datetime, run_id: str
) -> tuple[str, ...]:
    """Take a person's word for emails in doubt.

    Returns:
        Those of the decisions that are in doubt no email of the partition; nothing is settled then.
    """
    keys = {row[1] or row[0]: row[0] for row in _claims(store, as_of) if row[5] == "in_doubt"}
    unknown = tuple(decision for decision in decisions if decision not in keys)
    if not unknown:
        for decision in decisions:
            record(store, keys[decision], "found_sent" if was_sent else "found_not_sent", at=now, run_id=run_id)
    return unknown


def _match(connection: duckdb.DuckDBPyConnection, store: StateStore, as_of: date) -> None:
    columns = list(zip(*_claims(store, as_of), strict=True)) or [()] * len(CLAIM_SCHEMA)
    arrays = [
        pa.array(column, pa.string()).cast(field.type) for column, field in zip(columns, CLAIM_SCHEMA, strict=True)
    ]
    put(connection, "reconciled_claims", pa.Table.from_arrays(arrays, schema=CLAIM_SCHEMA))
    connection.execute(REPORTS, {"as_of": as_of})
    connection.execute(MATCHED, {"near": NEAR})


def _claims(store: StateStore, as_of: date) -> list[tuple[str, str | None, str, str, str, str, str, str]]:
    """The claimed sends of a partition as CLAIM_SCHEMA names them; who was erased has no decision any more."""
    with store.transaction() as connection:
        rows = connection.execute(CLAIMS, (as_of.isoformat(),)).fetchall()
        emails = payloads_of(connection, as_of.isoformat(), columns=("idempotency_key", "decision_id"))
    decisions = dict(zip(*(column.to_pylist() for column in emails.columns), strict=True))
    return [(key, decisions.get(key), *others) for key, *others in rows]
