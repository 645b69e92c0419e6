"""Which variant of each block a candidate gets: rules as rows, the first that holds by priority, else the fallback."""

import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from activation.decision.deliverability import RAMP_VALUES, in_ramp
from activation.playbook.flows import Block, Rule
from activation.playbook.governance import Item, Override, Pin
from activation.playbook.playbook import Playbook
from activation.state.tables import DecisionTables, put, run

RULE_SCHEMA = pa.schema(
    [
        ("flow", pa.string()),
        ("step", pa.string()),
        ("block", pa.string()),
        ("block_position", pa.int32()),
        ("priority", pa.int32()),
        ("variant", pa.string()),
        ("rule", pa.string()),
        ("segment", pa.string()),
        ("model", pa.string()),
        ("min_score", pa.float64()),
        ("minimum_size", pa.int32()),
        ("field", pa.string()),
        ("stale_source", pa.string()),
        ("governance", pa.string()),
        ("salt", pa.string()),
        ("is_fallback", pa.bool_()),
        ("is_pinned", pa.bool_()),
        ("has_variants", pa.bool_()),
    ]
)

CONSTANT_SCHEMA = pa.schema([("flow", pa.string()), ("step", pa.string()), ("choices", pa.string())])

# A recommendation is of what can be had, so that who has one is shown nothing that is out of stock.
FIELDS = {
    "first_name": "select customer_id from {customers} where as_of = $as_of and trim(first_name) <> ''",
    "recommendation": "select distinct customer_id from {recommendations} where as_of = $as_of",
}

SCORED = """
create or replace temp table decide_scored as
with day_scores as (
    select customer_id, model_name, model_version, score, tier from {scores} where as_of = $as_of
),
used as (
    select flow, step, model from decide_steps where model is not null
    union
    select flow, step, model from decide_rules where model is not null
),
versions as (
    select
        candidates.number,
        list_sort(list(to_json(day_scores.model_name) || ':' || to_json(day_scores.model_version))) as versions
    from decide_candidates as candidates
    inner join used on candidates.flow = used.flow and candidates.step = used.step
    inner join day_scores
        on candidates.customer_id = day_scores.customer_id and used.model = day_scores.model_name
    group by candidates.number
)
select
    candidates.number,
    steps.amount * coalesce(own.score, steps.weight) as expected_value,
    '{{' || coalesce(array_to_string(versions.versions, ','), '') || '}}' as model_versions
from decide_candidates as candidates
inner join decide_steps as steps on candidates.step_id = steps.step_id
left join versions on candidates.number = versions.number
left join day_scores as own
    on candidates.customer_id = own.customer_id and steps.model = own.model_name and own.tier = 'model'
"""

# Why a variant was refused, as a digit: a candidate's digits make one number, and only the few numbers that occur are put into words.
CHOSEN = """
create or replace temp table decide_chosen as
with reached as (
    select candidates.number, candidates.customer_id, candidates.flow, candidates.step
    from decide_candidates as candidates
    anti join decide_reasons as reasons on candidates.number = reasons.number
),
tried as (
    select
        reached.number,
        rules.block_position,
        rules.priority,
        rules.is_fallback,
        scores.score,
        case
            when rules.is_fallback or rules.is_pinned then 0
            when generic.customer_id is not null then 7
            when cells.is_rolled_back then 10
            when rules.governance is not null then 6
            when rules.stale_source is not null then 1
            when rules.segment is not null and membership.customer_id is null then 2
            when sizes.member_count < rules.minimum_size then 11
            when rules.field is not null and fields.customer_id is null then 12
            when rules.model is not null and scores.score is null then 3
            when rules.model is not null and scores.champion_version is not null and scores.model_state = 'degraded' then 8
            when rules.model is not null and scores.champion_version is not null and scores.model_state = 'stale' then 9
            when rules.model is not null and scores.tier <> 'model' then 4
            when rules.model is not null and scores.score < rules.min_score then 5
            {unless_reached}
            else 0
        end as refusal
    from reached
    inner join {rules} as rules on reached.flow = rules.flow and reached.step = rules.step
    left join (select customer_id, segment from {membership} where as_of = $as_of) as membership
        on reached.customer_id = membership.customer_id and rules.segment = membership.segment
    left join (select segment, count(*) as member_count from {membership} where as_of = $as_of group by segment) as sizes
        on rules.segment = sizes.segment
    left join decide_fields as fields on reached.customer_id = fields.customer_id and rules.field = fields.field
    left join (select customer_id, flow from decide_arms where gets = 'generic') as generic
        on reached.customer_id = generic.customer_id and reached.flow = generic.flow
    left join decide_cells as cells on reached.number = cells.number
    left join (select * from {scores} where as_of = $as_of) as scores
        on reached.customer_id = scores.customer_id and rules.model = scores.model_name
)
select
    number,
    block_position,
    min(priority) filter (where refusal = 0) as priority,
    arg_min(score, priority) filter (where refusal = 0) as score,
    cast(sum(cast(refusal as hugeint) << (4 * priority)) as hugeint) as refusals
from tried
group by number, block_position
"""

# Only where a variant has a ramp is anybody's asked.
RAMPED_RULES = """(
        select rules.*, states.engagement_rank, states.next_bucket
        from decide_rules as rules
        left join (select * from {ramps} where as_of = $as_of) as states
            on rules.flow = states.flow and rules.salt = states.salt
    )"""
UNLESS_REACHED = f"""when rules.salt is null then 0
            when not {in_ramp("rules", "reached.customer_id")} then 13"""

CHOICES = """
create or replace temp table decide_choices as
with kinds as (
    select distinct block_position, priority, refusals from decide_chosen
),
refused as (
    select
        kinds.*,
        rules.priority as refused_priority,
        case (kinds.refusals >> (4 * rules.priority)) & 15
            when 1 then 'stale_' || rules.stale_source
            when 2 then 'not_in_' || rules.segment
            when 3 then 'no_score_of_' || rules.model
            when 4 then 'fallback_tier_of_' || rules.model
            when 5 then 'low_score_of_' || rules.model
            when 6 then rules.governance
            when 7 then 'arm_without_personalisation'
            when 8 then 'degraded_model_of_' || rules.model
            when 9 then 'stale_model_of_' || rules.model
            when 10 then 'rolled_back_by_breaker'
            when 11 then 'too_few_in_' || rules.segment
            when 12 then 'without_' || rules.field
            when 13 then 'not_in_ramp'
        end as reason
    from kinds
    inner join decide_rules as rules on kinds.block_position = rules.block_position
),
fallbacks as (
    select block_position, priority, refusals, string_agg(reason, ', ' order by refused_priority) as fallback_reason
    from refused
    group by block_position, priority, refusals
),
worded as (
    select
        fallbacks.*,
        rules.segment,
        rules.model,
        to_json(rules.block) || ':{{"variant":' || to_json(rules.variant) || ',"rule":' || to_json(rules.rule)
            || ',"confidence":' as opening,
        ',"fallback_used":' || to_json(rules.is_fallback and rules.has_variants) || ',"fallback_reason":'
            || coalesce(to_json(case when rules.is_fallback then fallbacks.fallback_reason end), 'null') || '}}' as closing
    from fallbacks
    inner join decide_rules as rules
        on fallbacks.block_position = rules.block_position and fallbacks.priority = rules.priority
),
blocks as (
    select
        chosen.number,
        chosen.block_position,
        worded.segment,
        worded.opening || coalesce(cast(case when worded.model is not null then round(chosen.score, 6) end as varchar), 'null')
            || worded.closing as choice
    from decide_chosen as chosen
    inner join worded
        on chosen.block_position = worded.block_position and chosen.priority = worded.priority
        and chosen.refusals = worded.refusals
),
gathered as (
    select
        number,
        arg_min(segment, block_position) as segment,
        array_to_string(list_transform(list_sort(list({{'position': block_position, 'choice': choice}})), lambda one: one.choice), ',')
            as choices
    from blocks
    group by number
),
reached as (
    select candidates.number, candidates.flow, candidates.step
    from decide_candidates as candidates
    anti join decide_reasons as reasons on candidates.number = reasons.number
)
select
    reached.number,
    gathered.segment,
    '{{' || concat_ws(',', gathered.choices, constants.choices) || '}}' as block_choices
from reached
left join gathered on reached.number = gathered.number
left join decide_constants as constants on reached.flow = constants.flow and reached.step = constants.step
"""


def choose_blocks(
    connection: duckdb.DuckDBPyConnection,
    playbook: Playbook,
    *,
    tables: DecisionTables,
    ages: Mapping[str, int],
    values: Mapping[str, Any],
) -> None:
    """Fill `decide_scored` (expected value, model versions) and `decide_choices` (blocks of those who got this far).

    The expected value of an email is the flow's amount times the score of the flow's model for this person, or times the flow's
    weight where there is no model, or no probability of it (a fallback's score is a rank).

    Args:
        connection: The warehouse, after `refuse_ineligible`, `assign_arms` and `find_cells`.
        playbook: What is in force on the day.
        tables: Where the marts and the states of the ramps are.
        ages: Days since the newest landing, by source.
        values: as_of.
    """
    rules = pa.Table.from_pylist(list(_rules(playbook, ages, values["as_of"])), schema=RULE_SCHEMA)
    put(connection, "decide_rules", rules)
    put(connection, "decide_constants", pa.Table.from_pylist(list(_constants(playbook)), schema=CONSTANT_SCHEMA))
    is_ramped = rules["salt"].null_count < rules.num_rows
    relations = {
        **vars(tables),
        "rules": RAMPED_RULES.format_map(vars(tables)) if is_ramped else "decide_rules",
        "unless_reached": UNLESS_REACHED if is_ramped else "",
    }
    for statement in (_fields(playbook), SCORED, CHOSEN, CHOICES):
        run(connection, statement.format_map(relations), {**values, **RAMP_VALUES})


def _fields(playbook: Playbook) -> str:
    """Who has which of the fields that a rule asks for; what no rule asks for is not read."""
    asked = {
        variant.when.has
        for flow in playbook.flows
        for step in flow.steps
        for block in step.blocks
        for variant in block.variants
    }
    known = [f"select *, '{name}' as field from ({query})" for name, query in FIELDS.items() if name in asked]
    nobody = "select '' as customer_id, '' as field where $as_of is null"
    return f"create or replace temp table decide_fields as {' union all '.join(known) or nobody}"


def _constants(playbook: Playbook) -> Iterator[dict[str, str]]:
    """What is the same for everybody is put into words once for each step, and weighed for nobody."""
    for flow in playbook.flows:
        for step in flow.steps:
            always = {
                block.block: {
                    "variant": block.fallback, "rule": "always", "confidence": None, "fallback_used": False, "fallback_reason": None,
                }
                for block in step.blocks
                if not block.variants
            }  # fmt: skip
            if always:
                text = json.dumps(always, separators=(",", ":"))
                yield {"flow": flow.flow, "step": str(step.step), "choices": text[1:-1]}


def _rules(playbook: Playbook, ages: Mapping[str, int], day: date) -> Iterator[dict[str, Any]]:
    overrides = playbook.overrides_on(day)
    pins = {
        (pin.flow, pin.step, pin.block): (pin, override) for override in overrides if (pin := override.pin) is not None
    }
    stopped = {(it.block, it.variant): override for override in overrides if (it := override.stop_variant) is not None}
    positions = itertools.count()  # through all steps, so that it names a block of a step
    for flow in playbook.flows:
        for step in flow.steps:
            for block in step.blocks:
                place = {
                    "flow": flow.flow, "step": str(step.step), "block": block.block, "block_position": next(positions),
                }  # fmt: skip
                pinned = pins.get((flow.flow, step.step, block.block))
                if not block.variants:
                    continue
                rows = (
                    [_pinned(*pinned)]
                    if pinned
                    else _rules_of_block(block, stopped, playbook=playbook, ages=ages, day=day)
                )
                for row in rows:
                    yield {**place, "has_variants": bool(block.variants), "is_pinned": False, **row}


def _pinned(pin: Pin, override: Override) -> dict[str, Any]:
    return {
        "priority": 0,
        "variant": pin.variant,
        "rule": f"pinned by {override.override_id}",
        "is_fallback": False,
        "is_pinned": True,
    }


def _rules_of_block(
    block: Block,
    stopped: Mapping[tuple[str, str], Override],
    *,
    playbook: Playbook,
    ages: Mapping[str, int],
    day: date,
) -> Iterator[dict[str, Any]]:
    for priority, variant in enumerate(block.variants):
        source = variant.when.fresh_source
        is_stale = source is not None and playbook.is_stale(source, ages.get(source))
        override = stopped.get((block.block, variant.variant))
        segment = playbook.segment(variant.when.segment) if variant.when.segment else None
        yield {
            "priority": priority,
            "variant": variant.variant,
            "rule": _spell(variant.when),
            "segment": variant.when.segment,
            "model": variant.when.model,
            "min_score": variant.when.min_score,
            "minimum_size": segment.minimum_size if segment else None,
            "field": variant.when.has,
            "stale_source": source if is_stale else None,
            "governance": f"stopped_by_{override.override_id}"
            if override
            else _unapproved(variant.when, playbook, day),
            "salt": variant.ramp.salt if variant.ramp else None,
            "is_fallback": False,
        }
    yield {
        "priority": len(block.variants),
        "variant": block.fallback,
        "rule": "fallback" if block.variants else "always",
        "is_fallback": True,
    }


def _unapproved(rule: Rule, playbook: Playbook, day: date) -> str | None:
    """What the rule builds on that nobody stands for, and why; None where all is approved and holds."""
    asked = [Item("segment", rule.segment)] if rule.segment is not None else []
    asked += [Item("model", rule.model)] if rule.model is not None else []
    faults: list[tuple[Item, str | None]] = [(item, playbook.standing(item, day).fault) for item in asked]
    segment = playbook.segment(rule.segment) if rule.segment is not None else None
    if segment is not None and segment.is_expired(day):
        faults.append((asked[0], "expired"))
    return next((f"{item.kind}_{item.name}_{fault}" for item, fault in faults if fault), None)


def _spell(rule: Rule) -> str:
    """The rule as one line of words."""
    words = []
    if rule.segment is not None:
        words.append(f"segment {rule.segment}")
    if rule.model is not None:
        words.append(f"{rule.model} >= {rule.min_score:g}")
    if rule.fresh_source is not None:
        words.append(f"fresh {rule.fresh_source}")
    if rule.has is not None:
        words.append(f"has {rule.has}")
    return " and ".join(words)
