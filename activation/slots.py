"""Which variant of each block a candidate gets: rules as rows, the first that holds by priority, else the fallback."""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from activation.flows import Block, Rule
from activation.playbook import Playbook
from activation.tables import DecisionTables, put, run

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
        ("stale_source", pa.string()),
        ("is_fallback", pa.bool_()),
        ("has_variants", pa.bool_()),
    ]
)

SCORED = """
create or replace temp table decide_scored as
select
    candidates.decision_id,
    steps.amount * coalesce(own.score, steps.weight) as expected_value,
    coalesce(
        '{{' || string_agg(to_json(used.model) || ':' || to_json(scores.model_version), ',' order by used.model)
            filter (where scores.customer_id is not null) || '}}',
        '{{}}'
    ) as model_versions
from decide_candidates as candidates
inner join decide_steps as steps on candidates.flow = steps.flow and candidates.step = steps.step
left join (
    select flow, step, model from decide_steps where model is not null
    union
    select flow, step, model from decide_rules where model is not null
) as used on candidates.flow = used.flow and candidates.step = used.step
left join (select * from {scores} where as_of = $as_of) as scores
    on candidates.customer_id = scores.customer_id and used.model = scores.model_name
left join (select * from {scores} where as_of = $as_of) as own
    on candidates.customer_id = own.customer_id and steps.model = own.model_name
group by candidates.decision_id, steps.amount, own.score, steps.weight
"""

CHOICES = """
create or replace temp table decide_choices as
with reached as (
    select * from decide_candidates as candidates
    anti join decide_reasons as reasons on candidates.decision_id = reasons.decision_id
),
tried as (
    select
        reached.decision_id,
        rules.*,
        scores.score,
        case
            when rules.is_fallback then null
            when rules.stale_source is not null then 'stale_' || rules.stale_source
            when rules.segment is not null and membership.customer_id is null then 'not_in_' || rules.segment
            when rules.model is not null and scores.score is null then 'no_score_of_' || rules.model
            when rules.model is not null and scores.tier <> 'model' then 'fallback_tier_of_' || rules.model
            when rules.model is not null and scores.score < rules.min_score then 'low_score_of_' || rules.model
        end as refusal
    from reached
    inner join decide_rules as rules on reached.flow = rules.flow and reached.step = rules.step
    left join (select distinct customer_id, segment from {membership} where as_of = $as_of) as membership
        on reached.customer_id = membership.customer_id and rules.segment = membership.segment
    left join (select * from {scores} where as_of = $as_of) as scores
        on reached.customer_id = scores.customer_id and rules.model = scores.model_name
),
explained as (
    select
        *,
        string_agg(refusal, ', ' order by priority) over (partition by decision_id, block_position) as refusals,
        row_number() over (partition by decision_id, block_position order by refusal is not null, priority) as rank
    from tried
)
select
    decision_id,
    arg_min(segment, block_position) filter (where segment is not null) as segment,
    '{{' || string_agg(
        to_json(block) || ':' || json_object(
            'variant', variant, 'rule', rule, 'confidence', case when model is not null then round(score, 6) end,
            'fallback_used', is_fallback and has_variants, 'fallback_reason', case when is_fallback then refusals end
        ),
        ',' order by block_position
    ) || '}}' as block_choices
from explained
where rank = 1
group by decision_id
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
    weight where there is no model or no score.

    Args:
        connection: The warehouse, after `refuse_ineligible`.
        playbook: What is in force on the day.
        tables: Where the marts are.
        ages: Days since the newest landing, by source.
        values: as_of.
    """
    put(connection, "decide_rules", pa.Table.from_pylist(list(_rules(playbook, ages)), schema=RULE_SCHEMA))
    for statement in (SCORED, CHOICES):
        run(connection, statement.format_map(vars(tables)), values)


def _rules(playbook: Playbook, ages: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for flow in playbook.flows:
        for step in flow.steps:
            for position, block in enumerate(step.blocks):
                for row in _rules_of_block(block, ages=ages, max_age_days=playbook.policies.views.max_age_days):
                    yield {"flow": flow.flow, "step": str(step.step), "block_position": position, **row}


def _rules_of_block(block: Block, *, ages: Mapping[str, int], max_age_days: int) -> Iterator[dict[str, Any]]:
    shared = {"block": block.block, "has_variants": bool(block.variants)}
    for priority, variant in enumerate(block.variants):
        source = variant.when.fresh_source
        is_stale = source is not None and ages.get(source, max_age_days + 1) > max_age_days
        yield {
            **shared,
            "priority": priority,
            "variant": variant.variant,
            "rule": _spell(variant.when),
            "segment": variant.when.segment,
            "model": variant.when.model,
            "min_score": variant.when.min_score,
            "stale_source": source if is_stale else None,
            "is_fallback": False,
        }
    yield {
        **shared,
        "priority": len(block.variants),
        "variant": block.fallback,
        "rule": "fallback" if block.variants else "always",
        "is_fallback": True,
    }


def _spell(rule: Rule) -> str:
    """The rule as one line of words."""
    words = []
    if rule.segment is not None:
        words.append(f"segment {rule.segment}")
    if rule.model is not None:
        words.append(f"{rule.model} >= {rule.min_score:g}")
    if rule.fresh_source is not None:
        words.append(f"fresh {rule.fresh_source}")
    return " and ".join(words)
