"""The decision of a day: every candidate ends in exactly one outcome, with all reasons kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa

from activation.decision.arms import assign_arms, hold_out
from activation.decision.candidates import find_candidates
from activation.decision.contest import arbitrate
from activation.decision.deliverability import find_cells, keep_back
from activation.decision.eligibility import measure_freshness, refuse_ineligible
from activation.decision.slots import choose_blocks
from activation.playbook.playbook import Playbook
from activation.state.tables import DECISION_COLUMNS, LIST_COLUMNS, DecisionTables, create_tables, run

Outcome = Literal["sent", "held_out", "suppressed", "capped", "deferred", "blocked_by_governance"]

WORKING_TABLES = (
    "map", "ledger", "steps", "due", "zones", "candidates", "reasons", "rules", "scored", "chosen", "choices", "caps", "bounds", "people",
    "arms", "mailbox_arms", "recorded", "fields", "cells", "ramps", "paths", "followed", "lineages", "hours", "constants", "decided",
    "listed",
)  # fmt: skip

# Each distinct set of reasons is put into words once: a list per candidate would cost more than the rest of the waterfall.
DECIDED = f"""
create or replace temp table decide_decided as
with ranked as (
    select *, cast(row_number() over (order by stage, position, reason) - 1 as integer) as rank
    from (select distinct stage, position, reason from decide_reasons)
),
gathered as (
    select
        reasons.number,
        min(ranked.rank) as first_rank,
        bit_or(cast(1 as hugeint) << ranked.rank) as reason_set
    from decide_reasons as reasons
    inner join ranked
        on reasons.stage = ranked.stage and reasons.position = ranked.position and reasons.reason = ranked.reason
    group by reasons.number
),
reason_sets as (
    select sets.reason_set, cast(to_json(list(ranked.reason order by ranked.rank)) as varchar) as all_reasons
    from (select distinct reason_set from gathered) as sets
    inner join ranked on (sets.reason_set >> ranked.rank) & 1 = 1
    group by sets.reason_set
),
reasons as (
    select
        gathered.number,
        ranked.stage as first_stage,
        ranked.reason as first_reason,
        reason_sets.all_reasons,
        ranked.stage = 1 as is_ineligible
    from gathered
    inner join ranked on gathered.first_rank = ranked.rank
    inner join reason_sets on gathered.reason_set = reason_sets.reason_set
),
within_flows as (
    select
        candidates.number, arms.experiment, arms.arm, arms.gets,
        arms.assigned_on < $as_of or not coalesce(reasons.is_ineligible, false) as is_assigned
    from decide_candidates as candidates
    inner join decide_arms as arms on candidates.customer_id = arms.customer_id and candidates.flow = arms.flow
    left join reasons on candidates.number = reasons.number
),
decided as (
    select
        candidates.*,
        $as_of as as_of,
        $send_date as send_date,
        case coalesce(reasons.first_stage, 0)
            when 0 then 'sent'
            when 1 then 'suppressed'
            when 2 then 'blocked_by_governance'
            when 3 then 'deferred'
            when 4 then 'deferred'
            when 5 then 'capped'
            when 6 then 'held_out'
        end as outcome,
        reasons.first_reason,
        coalesce(reasons.all_reasons, '[]') as all_reasons,
        $experiment as experiment,
        case when arms.assigned_on < $as_of or not coalesce(reasons.is_ineligible, false) then arms.arm end as arm,
        case when flow_arms.is_assigned then flow_arms.experiment end as flow_experiment,
        case when flow_arms.is_assigned then flow_arms.arm end as flow_arm,
        case when flow_arms.is_assigned then flow_arms.gets end as flow_treatment,
        coalesce(mailboxes.is_mixed, false) as is_contaminated,
        choices.segment,
        scored.expected_value,
        coalesce(choices.block_choices, '{{}}') as block_choices,
        scored.model_versions,
        $data_age as data_age,
        steps.approval_id,
        steps.approval_expires_on,
        steps.reentry,
        steps.reentry_days,
        $playbook_version as playbook_version
    from decide_candidates as candidates
    inner join decide_steps as steps on candidates.step_id = steps.step_id
    inner join decide_scored as scored on candidates.number = scored.number
    left join decide_choices as choices on candidates.number = choices.number
    left join reasons on candidates.number = reasons.number
    left join (select * from decide_arms where flow is null) as arms on candidates.customer_id = arms.customer_id
    left join (select * from decide_mailbox_arms where flow is null) as mailboxes
        on candidates.mailbox_hash = mailboxes.mailbox_hash
    left join within_flows as flow_arms on candidates.number = flow_arms.number
)
select {", ".join(DECISION_COLUMNS)} from decided
"""

# Copied from one table to another, rows are compressed as they come; out of joins they would be written twice.
DECISIONS = "insert into activation.send_decisions by name from decide_decided"

# The address is looked up here and nowhere earlier: only who is sent leaves with one.
LISTED = f"""
create or replace temp table decide_listed as
with sent as (
    select
        decisions.*,
        customers.primary_email as email,
        customers.first_name,
        steps.subject,
        steps.template,
        steps.topic,
        substr(sha256($salt || ':unsubscribe:' || decisions.mailbox_hash), 1, 32) as token
    from decide_decided as decisions
    inner join decide_steps as steps on decisions.flow = steps.flow and decisions.step = steps.step
    inner join {{customers}} as customers
        on customers.as_of = $as_of and decisions.customer_id = customers.customer_id
    where decisions.outcome = 'sent'
),
addressed as (
    select
        *,
        '<' || replace($unsubscribe_url, '{{{{token}}}}', token) || '>, <mailto:' || $unsubscribe_mailto || '?subject=' || token || '>'
            as list_unsubscribe,
        'List-Unsubscribe=One-Click' as list_unsubscribe_post
    from sent
)
select {", ".join(LIST_COLUMNS)} from addressed
"""

SEND_LIST = "insert into activation.send_list by name from decide_listed"

COUNTS = """
select flow, step, outcome, first_reason, count(*) as decisions
from activation.send_decisions where as_of = $as_of
group by flow, step, outcome, first_reason order by flow, step, outcome, first_reason
"""


class OutcomeCount(NamedTuple):
    """How many candidates of a step ended in an outcome, by first reason (None where nothing refused them)."""

    flow: str
    step: str
    outcome: Outcome
    first_reason: str | None
    decisions: int


@dataclass(frozen=True)
class DecisionSummary:
    """What came out of one day's decision.

    Attributes:
        as_of: The partition.
        send_date: The day after it.
        candidates: How many (customer, flow, step, occurrence) were due.
        counts: By flow, step, outcome and first reason; they add up to `candidates`.
        contaminated: Candidates whose mailbox is shared by two arms.
        is_feed_stale: Whether nobody is sent because unsubscribes may be missing.
        ages: Days since the newest landing, by source.
        playbook_version: The version that decided.
        new_assignments: To be recorded by the state store.
    """

    as_of: date
    send_date: date
    candidates: int
    counts: tuple[OutcomeCount, ...]
    contaminated: int
    is_feed_stale: bool
    ages: Mapping[str, int]
    playbook_version: str
    new_assignments: pa.Table

    def outcome(self, outcome: Outcome) -> int:
        """How many candidates ended in an outcome."""
        return sum(count.decisions for count in self.counts if count.outcome == outcome)


class WaterfallDoesNotAddUp(Exception):
    """Candidates and outcomes differ: a row was lost or counted twice, and nothing was written."""


def decide(
    connection: duckdb.DuckDBPyConnection,
    playbook: Playbook,
    *,
    as_of: date,
    timezone: str,
    salt: str,
    tables: DecisionTables | None = None,
) -> DecisionSummary:
    """Decide one partition: replaces it in `activation.send_decisions` and `activation.send_list`, in one transaction.

    It reads only what partition `as_of` may know: marts of that day, ledger rows with `send_date <= as_of`, assignments with
    `assigned_on <= as_of`. The same inputs give the same rows.

    Args:
        connection: The warehouse, in no transaction.
        playbook: The version in force on the day.
        as_of: The partition; the send list is for the day after.
        timezone: The brand's zone, whose midnight ends a business day.
        salt: Keys the unsubscribe tokens, so that nobody can guess another's.
        tables: Where the marts and the mirrors of the state are.

    Raises:
        WaterfallDoesNotAddUp: If candidates and outcomes differ.
    """
    tables = tables or DecisionTables()
    connection.begin()
    try:
        create_tables(connection)
        summary = _decide(connection, playbook, as_of=as_of, timezone=timezone, salt=salt, tables=tables)
        for name in WORKING_TABLES:
            connection.execute(f"drop table decide_{name}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return summary


def _decide(
    connection: duckdb.DuckDBPyConnection,
    playbook: Playbook,
    *,
    as_of: date,
    timezone: str,
    salt: str,
    tables: DecisionTables,
) -> DecisionSummary:
    freshness = measure_freshness(connection, playbook, as_of=as_of, tables=tables)
    values = {
        **_values(playbook, as_of=as_of, timezone=timezone),
        "salt": salt,
        "is_feed_stale": freshness.is_feed_stale,
        "data_age": json.dumps(freshness.ages, sort_keys=True, separators=(",", ":")),
    }
    find_candidates(connection, playbook, tables=tables, values=values)
    refuse_ineligible(connection, tables=tables, values=values)
    assign_arms(connection, playbook, tables=tables, as_of=as_of)
    find_cells(connection, tables=tables, values=values)
    choose_blocks(connection, playbook, tables=tables, ages=freshness.ages, values=values)
    keep_back(connection, playbook, tables=tables, values=values)
    arbitrate(connection, playbook)
    assignments = hold_out(connection, tables=tables, as_of=as_of)
    for table in ("send_list", "send_decisions"):
        connection.execute(f"delete from activation.{table} where as_of = $as_of", {"as_of": as_of})
    for statement in (DECIDED, DECISIONS, LISTED.format_map(vars(tables)), SEND_LIST):
        run(connection, statement, values)
    counts = tuple(OutcomeCount(*row) for row in connection.execute(COUNTS, {"as_of": as_of}).fetchall())
    candidates = _add_up(connection, counts, as_of=as_of)
    contaminated = "select count(*) from activation.send_decisions where as_of = $as_of and is_contaminated"
    return DecisionSummary(
        as_of=as_of,
        send_date=as_of + timedelta(days=1),
        candidates=candidates,
        counts=counts,
        contaminated=_count(connection, contaminated, as_of),
        is_feed_stale=freshness.is_feed_stale,
        ages=freshness.ages,
        playbook_version=playbook.version,
        new_assignments=assignments,
    )


def _values(playbook: Playbook, *, as_of: date, timezone: str) -> dict[str, Any]:
    policies = playbook.policies
    excluded = playbook.excluded_on(as_of)
    return {
        "as_of": as_of,
        "send_date": as_of + timedelta(days=1),
        "timezone": timezone,
        "fallback_zone": policies.quiet_hours.timezone or timezone,
        "quiet_starts": policies.quiet_hours.starts,
        "quiet_ends": policies.quiet_hours.ends,
        "excluded_mailboxes": [each.mailbox_hash for each in excluded if each.mailbox_hash is not None],
        "excluded_profiles": [each.profile for each in excluded if each.profile is not None],
        "experiment": playbook.global_holdout.experiment,
        "playbook_version": playbook.version,
        "unsubscribe_url": policies.list_unsubscribe.url,
        "unsubscribe_mailto": policies.list_unsubscribe.mailto,
    }


def _add_up(connection: duckdb.DuckDBPyConnection, counts: tuple[OutcomeCount, ...], *, as_of: date) -> int:
    """Compare candidates, decisions and sent rows; returns the number of candidates."""
    due = connection.execute("select count(*), count(distinct decision_id) from decide_candidates").fetchone() or (0, 0)
    decided = sum(count.decisions for count in counts)
    sent = sum(count.decisions for count in counts if count.outcome == "sent")
    listed = _count(connection, "select count(*) from activation.send_list where as_of = $as_of", as_of)
    if not due[0] == due[1] == decided or sent != listed:
        message = (
            f"partition {as_of}: {due[0]} candidates ({due[1]} distinct) gave {decided} outcomes;"
            f" {sent} sent gave {listed} rows of the send list"
        )
        raise WaterfallDoesNotAddUp(message)
    return int(due[0])


def _count(connection: duckdb.DuckDBPyConnection, query: str, as_of: date) -> int:
    row = connection.execute(query, {"as_of": as_of}).fetchone()
    return int(row[0]) if row else 0
