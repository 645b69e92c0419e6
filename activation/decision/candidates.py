"""Who is due which step: from triggers for a first step, from the ledger for the steps after it."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from activation.playbook.content import template_of
from activation.playbook.flows import Condition, Flow, Step
from activation.playbook.governance import Item, Standing
from activation.playbook.playbook import Playbook
from activation.state.tables import DecisionTables, put, run

STEP_SCHEMA = pa.schema(
    [
        ("step_id", pa.int32()),
        ("flow", pa.string()),
        ("trigger", pa.string()),
        ("reentry", pa.string()),
        ("reentry_days", pa.int32()),
        ("exits_on_order", pa.bool_()),
        ("exit_stages", pa.list_(pa.string())),
        ("despite", pa.list_(pa.string())),
        ("step", pa.string()),
        ("step_number", pa.int32()),
        ("delay_days", pa.int32()),
        ("due_days", pa.int32()),
        ("subject", pa.string()),
        ("template", pa.string()),
        ("topic", pa.string()),
        ("amount", pa.float64()),
        ("model", pa.string()),
        ("weight", pa.float64()),
        ("approval_id", pa.string()),
        ("approval_expires_on", pa.date32()),
        ("refusal", pa.string()),
    ]
)

LEAST_REACTIONS = 4

PATH_SCHEMA = pa.schema(
    [
        ("flow", pa.string()),
        ("step", pa.string()),
        ("position", pa.int32()),
        ("next_step", pa.string()),
        ("segment", pa.string()),
        ("model", pa.string()),
        ("min_score", pa.float64()),
        ("reach_days", pa.int32()),
        ("is_approved", pa.bool_()),
    ]
)

MAP = """
create or replace temp table decide_map as
select profile_key, customer_id, root_profile_key
from {identity_map}
where valid_from <= $as_of and $as_of < valid_to
"""

# What was released is followed to whoever the profile belongs to on the day, so that a merge carries a person's past with it.
LEDGER = """
create or replace temp table decide_ledger as
select
    ledger.flow, ledger.step, ledger.occurrence, ledger.mailbox_hash, ledger.as_of, ledger.send_at, people.customer_id
from {ledger} as ledger
left join decide_map as people on ledger.root_profile_key = people.profile_key
where ledger.send_date <= $as_of
"""

# Which step follows a released one: the first branch that holds on the day. A branch that was taken is the only one, whatever holds later.
PATHS = """
create or replace temp table decide_followed as
with released as materialized (
    select flow, step, occurrence, customer_id, min(as_of) as as_of, min(send_at) as send_at
    from decide_ledger
    where customer_id is not null and flow in (select flow from decide_paths)
    group by flow, step, occurrence, customer_id
),
taken as (
    select distinct paths.flow, paths.step, released.occurrence, released.customer_id
    from released
    inner join decide_paths as paths on released.flow = paths.flow and released.step = paths.next_step
),
members as (
    select distinct customer_id, segment from {membership}
    where as_of = $as_of and segment in (select segment from decide_paths)
),
day_scores as (
    select customer_id, model_name, score from {scores}
    where as_of = $as_of and tier = 'model' and model_name in (select model from decide_paths)
)
select released.flow, paths.next_step as step, released.customer_id, released.occurrence, released.as_of, released.send_at
from released
inner join decide_paths as paths
    on released.flow = paths.flow and released.step = paths.step and $as_of - released.as_of <= paths.reach_days
    and paths.is_approved
left join members on released.customer_id = members.customer_id and paths.segment = members.segment
left join day_scores on released.customer_id = day_scores.customer_id and paths.model = day_scores.model_name
anti join taken
    on released.flow = taken.flow and released.step = taken.step and released.occurrence = taken.occurrence
    and released.customer_id = taken.customer_id
where (paths.segment is null or members.customer_id is not null)
    and (paths.model is null or coalesce(day_scores.score >= paths.min_score, false))
qualify row_number() over (
    partition by released.flow, released.step, released.customer_id, released.occurrence order by paths.position
) = 1
"""

# What is due gets a number, by which everything after finds it. A flow that is entered once belongs to the occurrence that was started,
# else to the earliest trigger; one with a window to the newest trigger, unless another began within the window. A sequence that began goes
# on until an order or a stage ends it.
DUE = """
create or replace temp table decide_due as
with first_steps as (
    select
        step_id,
        trigger,
        timezone('UTC', timezone($timezone, cast($as_of - delay_days - due_days as timestamp))) as opens_at,
        timezone('UTC', timezone($timezone, cast($as_of - delay_days + 1 as timestamp))) as closes_at
    from decide_steps
    where step_number = 1
),
started as (
    select first_steps.step_id, triggers.customer_id, triggers.occurrence, triggers.triggered_at as due_since
    from {triggers} as triggers
    inner join first_steps
        on triggers.flow = first_steps.trigger and triggers.triggered_at >= first_steps.opens_at
        and triggers.triggered_at < first_steps.closes_at
    where triggers.as_of = $as_of
    union all
    select steps.step_id, followed.customer_id, followed.occurrence, followed.send_at as due_since
    from decide_followed as followed
    inner join decide_steps as steps on followed.flow = steps.flow and followed.step = steps.step
    where $as_of - followed.as_of between steps.delay_days and steps.delay_days + steps.due_days
),
due as materialized (
    select cast(row_number() over () as integer) as number, started.*, steps.* exclude (step_id)
    from started
    inner join decide_steps as steps on started.step_id = steps.step_id
),
begun as (
    select
        due.number,
        ledger.occurrence,
        min(ledger.as_of) as begun_on,
        min(ledger.send_at) as begun_at,
        bool_or(ledger.occurrence = due.occurrence) as is_same,
        bool_or(ledger.occurrence = due.occurrence and ledger.step = due.step) as is_released
    from due
    inner join decide_ledger as ledger on due.customer_id = ledger.customer_id and due.flow = ledger.flow
    group by due.number, ledger.occurrence
),
histories as (
    select
        number,
        arg_min(occurrence, {{'begun_at': begun_at, 'occurrence': occurrence}}) as first_occurrence,
        max(begun_on) as last_begun_on,
        min(begun_at) filter (where is_same) as begun_at,
        bool_or(is_released) as is_released
    from begun
    group by number
),
waiting as (
    select due.number, arg_min(triggers.occurrence, {{'at': triggers.triggered_at, 'occurrence': triggers.occurrence}}) as first_occurrence
    from due
    inner join (select * from {triggers} where as_of = $as_of) as triggers
        on due.customer_id = triggers.customer_id and due.trigger = triggers.flow
    where due.reentry = 'once'
    group by due.number
),
newest as (
    select number
    from due
    where reentry = 'window' and step_number = 1
    qualify row_number() over (partition by step_id, customer_id order by due_since desc, occurrence) = 1
),
ended as (
    select due.number
    from due
    inner join (select * from {exits} where as_of = $as_of) as exits on due.customer_id = exits.customer_id
    left join histories on due.number = histories.number
    where (due.exits_on_order and exits.last_ordered_at > coalesce(histories.begun_at, due.due_since))
        or case when list_contains(due.exit_stages, exits.lifecycle_stage) then
            exits.stage_entered_on
                > cast(timezone($timezone, timezone('UTC', coalesce(histories.begun_at, due.due_since))) as date)
        end
)
select due.number, due.step_id, due.flow, due.step, due.customer_id, due.occurrence, due.due_since
from due
left join histories on due.number = histories.number
left join waiting on due.number = waiting.number
left join newest on due.number = newest.number
anti join ended on due.number = ended.number
where not coalesce(histories.is_released, false)
    and case due.reentry
        when 'each' then true
        when 'once' then due.occurrence = coalesce(histories.first_occurrence, waiting.first_occurrence)
        else due.step_number > 1
            or (newest.number is not null and coalesce(histories.last_begun_on + due.reentry_days <= $as_of, true))
    end
"""

LINEAGES = """
create or replace temp table decide_lineages as
select customer_id, min(root_profile_key) as root_profile_key, count(*) as profile_count
from decide_map
where customer_id in (select customer_id from decide_due)
group by customer_id
"""

# Local opening hours per zone, once per zone; a zone that nobody knows takes the brand's and is flagged.
ZONES = """
create or replace temp table decide_zones as
with zones as (
    select distinct customers.timezone as written, names.name as zone
    from {customers} as customers
    inner join (select distinct name from pg_timezone_names()) as names on customers.timezone = names.name
    where customers.as_of = $as_of
    union all
    select null as written, $fallback_zone as zone
)
select
    written,
    zone,
    timezone('UTC', timezone(zone, cast($send_date as timestamp) + cast($quiet_ends as interval))) as send_after_utc,
    timezone('UTC', timezone(zone, cast($send_date as timestamp) + cast($quiet_starts as interval))) as send_before_utc
from zones
"""

# The hours outside of quiet hours; a preferred hour within them is none. Of those with four reactions, 87 % react within two hours of
# their best one; below that it is mostly everybody's (docs/affinity.md).
HOURS = """
create or replace temp table decide_hours as
select
    zones.written,
    hours.local_hour,
    timezone('UTC', timezone(zones.zone, cast($send_date as timestamp) + to_hours(hours.local_hour))) as send_after_utc
from decide_zones as zones
cross join (select cast(unnest(range(24)) as integer) as local_hour) as hours
where to_hours(hours.local_hour) >= cast($quiet_ends as interval) and to_hours(hours.local_hour) < cast($quiet_starts as interval)
"""

CANDIDATES = """
create or replace temp table decide_candidates as
with described as (
    select
        due.*,
        lineages.root_profile_key,
        customers.customer_id is not null and lineages.root_profile_key is not null as is_known,
        case when customers.primary_email is not null then customers.mailbox_hash end as mailbox_hash,
        customers.household_id,
        customers.account_id,
        customers.consent_status,
        customers.consent_basis,
        coalesce(customers.is_identity_uncertain, false) as is_identity_uncertain,
        coalesce(zones.zone, brand.zone) as timezone,
        zones.zone is null as is_zone_assumed,
        coalesce(hours.send_after_utc, zones.send_after_utc, brand.send_after_utc) as send_after_utc,
        coalesce(zones.send_before_utc, brand.send_before_utc) as send_before_utc
    from decide_due as due
    left join (select * from {customers} where as_of = $as_of) as customers on due.customer_id = customers.customer_id
    left join decide_lineages as lineages on due.customer_id = lineages.customer_id
    left join decide_zones as zones on customers.timezone = zones.written
    cross join (select * from decide_zones where written is null) as brand
    left join (
        select customer_id, best_hour from {send_hours} where as_of = $as_of and reaction_count >= $least_reactions
    ) as preferred
        on due.customer_id = preferred.customer_id
    left join decide_hours as hours
        on zones.written is not distinct from hours.written and preferred.best_hour = hours.local_hour
)
select
    substr(sha256(concat_ws('|', $as_of, described.customer_id, flow, step, occurrence)), 1, 32) as decision_id,
    substr(sha256(concat_ws('|', root_profile_key, flow, step, occurrence)), 1, 32) as idempotency_key,
    described.*
from described
anti join decide_ledger as ledger
    on described.mailbox_hash = ledger.mailbox_hash and described.flow = ledger.flow
    and described.step = ledger.step and described.occurrence = ledger.occurrence
"""


def find_candidates(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, tables: DecisionTables, values: Mapping[str, Any]
) -> None:
    """Fill `decide_candidates`: one row per customer, flow, step and occurrence that is due on the day.

    Args:
        connection: The warehouse, within a transaction.
        playbook: What is in force on the day.
        tables: Where the marts are.
        values: as_of, send_date, timezone, fallback_zone, quiet_starts, quiet_ends.
    """
    put(connection, "decide_steps", _steps(playbook, values["as_of"]))
    put(connection, "decide_paths", pa.Table.from_pylist(list(_paths(playbook, values["as_of"])), schema=PATH_SCHEMA))
    for statement in (MAP, LEDGER, PATHS, DUE, LINEAGES, ZONES, HOURS, CANDIDATES):
        run(connection, statement.format_map(vars(tables)), {**values, "least_reactions": LEAST_REACTIONS})


def _steps(playbook: Playbook, day: date) -> pa.Table:
    stopped = playbook.stopped_flows(day)
    rows = [
        _step_row(
            flow,
            step,
            standing=playbook.standing(Item("flow", flow.flow), day),
            is_stopped=flow.flow in stopped,
            model=playbook.usable_model(flow.value.model, day),
        )
        for flow in playbook.flows
        for step in flow.steps
    ]
    return pa.Table.from_pylist([{"step_id": number, **row} for number, row in enumerate(rows)], schema=STEP_SCHEMA)


def _paths(playbook: Playbook, day: date) -> Iterator[dict[str, Any]]:
    """Branches as rows; one that asks for what is not approved does not hold."""
    for flow in playbook.flows:
        reach = {step.step: step.delay_days + step.due_days for step in flow.steps}
        for step in flow.steps:
            branches = flow.branches_of(step)
            for position, branch in enumerate(branches):
                yield {
                    "flow": flow.flow,
                    "step": str(step.step),
                    "position": position,
                    "next_step": str(branch.step),
                    "reach_days": max(reach[each.step] for each in branches),
                    **_condition(branch.when, playbook, day),
                }


def _condition(when: Condition | None, playbook: Playbook, day: date) -> dict[str, Any]:
    if when is None:
        return {"is_approved": True}
    items = [Item("segment", when.segment)] if when.segment is not None else []
    items += [Item("model", when.model)] if when.model is not None else []
    return {**when.model_dump(), "is_approved": not any(playbook.standing(item, day).fault for item in items)}


def _step_row(flow: Flow, step: Step, *, standing: Standing, is_stopped: bool, model: str | None) -> dict[str, Any]:
    approval = standing.approval
    return {
        "flow": flow.flow,
        "trigger": flow.trigger,
        "reentry": flow.reentry,
        "reentry_days": flow.reentry_days,
        "exits_on_order": flow.exits.ordered,
        "exit_stages": list(flow.exits.stages),
        "despite": list(flow.despite),
        "step": str(step.step),
        "step_number": step.step,
        "delay_days": step.delay_days,
        "due_days": step.due_days,
        "subject": step.subject,
        "template": template_of(flow, step),
        "topic": flow.topic,
        "amount": flow.value.amount,
        "model": model,
        "weight": flow.value.weight_without_score,
        "approval_id": approval.approval_id if approval else None,
        "approval_expires_on": approval.expires_on if approval else None,
        "refusal": "stopped_by_override" if is_stopped else standing.fault,
    }
