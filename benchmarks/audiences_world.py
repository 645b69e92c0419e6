"""Made-up customers as the marts that a decision reads, day by day, and what was released to them before; SQL with fixed hashes.

Whoever was released to, as a send or a ghost, was assigned to the global holdout on the first day of the history with all profiles, in the
arm of the ledger; whoever of them was sent the flow of an experiment is in an arm of that too. Triggers, candidates and releases know
nothing of the assignments: a day has as much to decide as without them, and assigns only those whom no earlier release met.
"""

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import duckdb

from activation.state.store import StateStore

FLOWS = (
    "welcome", "first_purchase", "browse_abandonment", "cart_abandonment", "post_purchase_education", "replenishment", "renewal",
    "win_back", "nurture",
)  # fmt: skip
KEPT_DAYS = 31  # of triggers, in the marts
# By how much a first step follows its trigger.
DELAYS = {"first_purchase": 3, "post_purchase_education": 8}

# Eight in ten may be mailed; one mailbox in fifty has two customers, one household in five two people. Six in ten have ordered.
PEOPLE = """
create or replace macro dice(a, b) as (hash(a, b) % 1000003 + 0.5) / 1000003;
create schema marts;
create schema ml;
create temp table people as
select
    i, customer_id, root_profile_key, if(mailbox is null, null, sha256('mailbox ' || mailbox)) as mailbox_hash,
    if(mailbox is null, null, 'reader' || mailbox || '@mail.example') as primary_email,
    if(dice(i // 2, 3) < 0.2, 'h_' || md5('household ' || i // 2), null) as household_id,
    if(dice(i, 4) < 0.05, 'a_' || i // 200, null) as account_id,
    case
        when dice(i, 5) < 0.80 then 'subscribed' when dice(i, 5) < 0.90 then 'unknown' when dice(i, 5) < 0.97 then 'unsubscribed'
        when dice(i, 5) < 0.99 then 'bounced' else 'complained'
    end as consent_status,
    ['Europe/Berlin', 'Europe/London', 'America/New_York', 'Asia/Tokyo', null][1 + cast(floor(dice(i, 6) * 5) as integer)] as timezone
from (
    select
        cast(range as bigint) as i, 'c_' || substr(md5('customer ' || range), 1, 16) as customer_id,
        'shopify:' || 6100000000000 + range as root_profile_key,
        case when dice(range, 1) < 0.03 then null when dice(range, 2) < 0.02 then range // 2 * 2 else range end as mailbox
    from range($customers)
);
create temp table days as select $day - cast(range as integer) as as_of from range($days)
"""

MARTS = """
create table marts.dim_customers as
select
    as_of, customer_id, primary_email, 'Name' || i as first_name, mailbox_hash, account_id, household_id, consent_status,
    if(consent_status = 'subscribed', 'subscribed', null) as consent_basis, timezone, dice(i, 7) < 0.01 as is_identity_uncertain
from days, people;
create table marts.identity_map as
select
    unnest([root_profile_key, 'segment:user:' || i, 'segment:anon:' || i]) as profile_key,
    customer_id, root_profile_key, date '2024-01-01' + cast(dice(i, 8) * 300 as integer) as valid_from, date '9999-12-31' as valid_to
from people;
create table marts.topic_preferences as
select as_of, mailbox_hash, unnest(['offers', 'news']) as topic, if(dice(i, 9) < 0.01, 'unsubscribed', 'subscribed') as consent_status
from days, people where dice(i, 9) < 0.02 and mailbox_hash is not null;
create table marts.suppressions as
select
    as_of, scope, reason, if(scope = 'person', customer_id, null) as customer_id, if(scope = 'mailbox', mailbox_hash, null) as mailbox_hash,
    if(scope = 'household', household_id, null) as household_id, if(scope = 'account', account_id, null) as account_id,
    cast(as_of - 3 as timestamp) as starts_at, cast(as_of + cast(dice(i, 11) * 20 as integer) as timestamp) as expires_at
from days, people, (
    values ('person', 'recently_converted', 12, 0.05), ('person', 'engager_cooldown', 13, 0.03),
        ('person', 'open_support_ticket', 14, 0.01), ('mailbox', 'sunset', 15, 0.03),
        ('household', 'household_complaint', 16, 0.005), ('account', 'account_exclusion', 17, 0.02)
) as rules(scope, reason, die, share)
where dice(i, die) < share;
create table marts.segment_membership as
select as_of, customer_id, segment
from days, people, (
    values ('engaged_browsers_without_order', 20, 0.2), ('first_time_buyers', 21, 0.3), ('high_value_at_risk', 22, 0.05),
        ('lapsed_buyers', 23, 0.2), ('new_subscribers', 24, 0.1), ('repeat_buyers', 25, 0.3),
        ('repeat_buyers_with_replenishment_risk', 26, 0.1)
) as rules(segment, die, share)
where dice(i, die) < share;
create table marts.flow_exits as
select
    as_of, customer_id, if(dice(i, 30) < 0.6, as_of - 1 - cast(dice(i, 31) * 200 as integer), null)::timestamp as last_ordered_at,
    if(dice(i, 30) < 0.6, 'active', 'subscriber') as lifecycle_stage, as_of - cast(dice(i, 32) * 300 as integer) as stage_entered_on
from days, people;
create table marts.customer_send_hours as
select as_of, customer_id, 6 + cast(dice(i, 33) * 16 as integer) as best_hour, cast(dice(i, 34) * 12 as integer) as reaction_count
from days, people where dice(i, 35) < 0.4;
create table marts.mailbox_cohorts as
select distinct
    as_of, mailbox_hash, ['gmail', 'outlook', 'yahoo', 'other'][1 + cast(hash(mailbox_hash) % 4 as integer)] as provider,
    ['new', 'engaged', 'quiet'][1 + cast(hash(mailbox_hash) // 8 % 3 as integer)] as engagement
from days, people where mailbox_hash is not null;
create table marts.customer_recommendations as
select as_of, customer_id from days, people where dice(i, 36) < 0.3;
create table marts.event_freshness as
select as_of, source, event, as_of as feed_landed_on
from days, (values ('sendgrid', 'delivered'), ('sendgrid', 'unsubscribed'), ('segment', 'Product Viewed'), ('shopify', 'order'))
    as feeds(source, event);
create table ml.customer_scores as
select
    as_of, customer_id, model_name, '3' as model_version, round(dice(i, die), 6) as score,
    if(dice(i, die + 1) < 0.95, 'model', 'fallback') as tier, '3' as champion_version, 'fresh' as model_state
from days, people, (values ('churn_risk', 40), ('repeat_purchase', 42), ('customer_value', 44)) as models(model_name, die)
"""

# Day 0 is far in the past; who enters a flow on a day of their own enters it again a cycle later.
TRIGGERED = """
create temp table entries as
select
    i, flow, cast(delay as integer) as delay, customer_id, root_profile_key, mailbox_hash, consent_status,
    cast(floor(dice(i, number + 50) * $cycle) as integer) as phase
from people, (select unnest($flows) as flow, unnest($delays) as delay, unnest(range(len($flows))) as number);
create table marts.flow_triggers as
select
    as_of, flow, customer_id, flow || ':' || i || ':' || as_of - age as occurrence,
    cast(as_of - age as timestamp) + to_minutes(cast(dice(i, 60) * 1400 as integer)) as triggered_at
from (
    select days.as_of, entries.*, (cast(days.as_of - date '2020-01-01' as integer) + $cycle - phase) % $cycle as age
    from days, entries
)
where age < $kept
"""

# Most of those who could be mailed were, on the first day that their step was due; some of them as ghosts.
RELEASED = """
create temp table released as
select
    substr(sha256(concat_ws('|', root_profile_key, flow, '1', occurrence)), 1, 32) as idempotency_key, kind, 'published' as status,
    mailbox_hash, customer_id, root_profile_key, flow, '1' as step, occurrence, 'global_holdout' as experiment,
    if(kind = 'send', 'treatment', 'holdout') as arm, cast(as_of as varchar) as as_of, cast(as_of + 1 as varchar) as send_date,
    cast(as_of + 1 as varchar) || ' 09:00:00' as send_at, cast(as_of + 1 as varchar) || ' 06:00:00' as released_at, 'run' as run_id
from (
    select *, flow || ':' || i || ':' || as_of - delay as occurrence, if(dice(i, 70) < 0.05, 'ghost', 'send') as kind
    from (
        select $day - 1 - cast(range as integer) as as_of from range($history)
    ) as before, entries
    where (cast(as_of - date '2020-01-01' as integer) - delay + 2 * $cycle - phase) % $cycle = 0
        and consent_status = 'subscribed' and mailbox_hash is not null and dice(i * 100 + phase, 71) < 0.7
)
qualify row_number() over (partition by mailbox_hash, as_of order by flow, i) = 1
order by idempotency_key
"""

# The bucket is the die that the arm in the ledger was thrown with.
ASSIGNED = """
with met as (
    select distinct people.i, people.customer_id, released.experiment, released.arm, floor(dice(people.i, 70) * 10000) as bucket
    from released inner join people on released.customer_id = people.customer_id
    union all
    select distinct
        people.i, people.customer_id, 'win_back_personalisation', if(dice(people.i, 72) < 0.5, 'generic', 'personalised'),
        floor(dice(people.i, 72) * 10000)
    from released inner join people on released.customer_id = people.customer_id
    where released.flow = 'win_back' and released.kind = 'send'
)
select
    met.experiment, profiles.profile_key, met.customer_id, met.arm, cast(met.bucket as integer) as bucket,
    cast($day - $history as varchar) as assigned_on
from met inner join marts.identity_map as profiles on met.customer_id = profiles.customer_id
order by met.experiment, profiles.profile_key
"""


def make_world(home: Path, *, customers: int, cycle: int, day: date, days: int, history: int) -> None:
    """Create `warehouse.duckdb` with the marts of some days that end with `day`, and `state` with ledger and arms of the days before.

    Args:
        home: Folder of both.
        customers: How many.
        cycle: Days after which each of them enters each of nine flows again.
        day: The last partition.
        days: How many there are.
        history: Days of released sends and ghosts before the last partition.
    """
    values = {
        "customers": customers, "day": day, "days": days, "history": history, "cycle": cycle, "kept": KEPT_DAYS,
        "flows": list(FLOWS), "delays": [DELAYS.get(flow, 0) for flow in FLOWS],
    }  # fmt: skip
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("set enable_progress_bar = false; set TimeZone = 'UTC'")
        for script in (PEOPLE, MARTS, TRIGGERED):
            for statement in script.split(";\n"):
                connection.execute(statement, _named_in(statement, values))
        store = StateStore(home / "state")
        if history:
            connection.execute(RELEASED, _named_in(RELEASED, values))
            with store.transaction() as ledger:
                _insert(ledger, "ledger", connection.execute("from released"))
                _insert(ledger, "assignments", connection.execute(ASSIGNED, _named_in(ASSIGNED, values)))
                days_before = (((day - timedelta(days=back)).isoformat(),) * 2 for back in range(1, history + 1))
                ledger.executemany(
                    "insert into releases values (?, date(?, '+1 day'), 'run', '2025-01-01', '{}')", days_before
                )
        store.mirror()


def _insert(state: sqlite3.Connection, table: str, rows: duckdb.DuckDBPyConnection) -> None:
    marks = ", ".join("?" * len(rows.description))
    while some := rows.fetchmany(100_000):
        state.executemany(f"insert into {table} values ({marks})", some)


def _named_in(statement: str, values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if f"${name}" in statement}
