"""Whom breakers and ramps keep back on a day: stage 3 of the waterfall, for both arms of every experiment alike."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from activation.playbook.cohorts import METRICS, MOST_ENGAGED_FIRST
from activation.playbook.experiments import BUCKETS
from activation.playbook.playbook import Playbook
from activation.state.tables import DecisionTables, put, run

RAMP_SCHEMA = pa.schema([("flow", pa.string()), ("salt", pa.string())])

CELLS = """
create or replace temp table decide_cells as
with rolled_back as (
    select provider, engagement from {breakers}
    where as_of = $as_of and state = 'rolled_back'
    group by provider, engagement
)
select
    candidates.number,
    cohorts.provider,
    cohorts.engagement,
    rolled_back.provider is not null as is_rolled_back
from decide_candidates as candidates
inner join (select * from {cohorts} where as_of = $as_of) as cohorts on candidates.mailbox_hash = cohorts.mailbox_hash
left join rolled_back on cohorts.provider = rolled_back.provider and cohorts.engagement = rolled_back.engagement
"""


def in_ramp(ramp: str, customer_id: str) -> str:
    """Whether a ramp has reached a person, as SQL, true or false; without a state of the day it has reached nobody.

    Args:
        ramp: Alias of a row with the ramp's salt and, of its state of the day, engagement_rank and next_bucket.
        customer_id: The person; the cohort is that of `cells`.
    """
    return f"""coalesce(
        coalesce(list_position($most_engaged_first, cells.engagement), $least_engaged) <= {ramp}.engagement_rank
            and cast('0x' || substr(md5({ramp}.salt || ':' || {customer_id}), 1, 13) as bigint) % $buckets
                < {ramp}.next_bucket,
        false
    )"""


RAMP_VALUES = {
    "most_engaged_first": list(MOST_ENGAGED_FIRST),
    "least_engaged": len(MOST_ENGAGED_FIRST),
    "buckets": BUCKETS,
}

# Whoever has begun a flow goes on with it: half a sequence is no small ramp.
NOT_IN_RAMP = """
insert into decide_reasons
select candidates.number, 3 as stage, 0 as position, 'not_in_ramp' as reason
from decide_candidates as candidates
inner join (
    select ramps.flow, ramps.salt, states.engagement_rank, states.next_bucket
    from decide_ramps as ramps
    left join (select * from {ramps} where as_of = $as_of) as states
        on ramps.flow = states.flow and ramps.salt = states.salt
) as ramps on candidates.flow = ramps.flow
left join decide_cells as cells on candidates.number = cells.number
where candidates.step = '1' and not {in_ramp}
"""

HELD = """
insert into decide_reasons
select
    cells.number,
    3 as stage,
    list_position($metrics, states.metric) as position,
    'held_by_breaker_' || replace(replace(states.provider, 'mailbox_at_', ''), 'mailbox_', '') || '_' || states.metric as reason
from decide_cells as cells
inner join {breakers} as states on cells.provider = states.provider and cells.engagement = states.engagement
where states.as_of = $as_of and states.is_held
"""


def find_cells(connection: duckdb.DuckDBPyConnection, *, tables: DecisionTables, values: Mapping[str, Any]) -> None:
    """Fill `decide_cells`: provider and engagement cohort of each candidate's mailbox, and whether the cell is rolled back.

    Args:
        connection: The warehouse, after `find_candidates`.
        tables: Where the marts and the states of the breakers are.
        values: as_of.
    """
    run(connection, CELLS.format_map(vars(tables)), values)


def keep_back(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, tables: DecisionTables, values: Mapping[str, Any]
) -> None:
    """Add to `decide_reasons` who is in a cell that holds, and who is not yet in the ramp of the flow.

    A flow whose ramp has no state on the day begins with nobody.

    Args:
        connection: The warehouse, after `choose_blocks`.
        playbook: What is in force on the day.
        tables: Where the states of breakers and ramps are.
        values: as_of.
    """
    rows = [{"flow": flow.flow, "salt": flow.ramp.salt} for flow in playbook.flows if flow.ramp is not None]
    put(connection, "decide_ramps", pa.Table.from_pylist(rows, schema=RAMP_SCHEMA))
    asked = {**values, **RAMP_VALUES, "metrics": list(METRICS)}
    relations = {**vars(tables), "in_ramp": in_ramp("ramps", "candidates.customer_id")}
    for statement in (NOT_IN_RAMP, HELD):
        run(connection, statement.format_map(relations), asked)
