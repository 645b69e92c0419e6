"""Arbitration (one email per mailbox and day) and frequency caps (sliding windows over sends and ghosts)."""

import duckdb
import pyarrow as pa

from activation.playbook.playbook import Playbook
from activation.state.tables import put

CAP_SCHEMA = pa.schema(
    [("position", pa.int32()), ("reason", pa.string()), ("limit_count", pa.int32()), ("hours", pa.int32())]
)

ARBITRATION = """
insert into decide_reasons
with standing as (
    select candidates.number, candidates.decision_id, candidates.mailbox_hash, candidates.due_since, scored.expected_value
    from decide_candidates as candidates
    inner join decide_scored as scored on candidates.number = scored.number
    anti join decide_reasons as reasons on candidates.number = reasons.number
)
select number, 4 as stage, 0 as position, 'lost_arbitration' as reason
from standing
qualify row_number() over (
    partition by mailbox_hash order by expected_value desc, due_since, decision_id
) > 1
"""

# A window is open at its far end: an email exactly 16 hours ago is no longer in the last 16 hours.
CAPS = """
insert into decide_reasons
with recent as (
    select mailbox_hash, customer_id, send_at
    from decide_ledger
    where send_at > (select min(send_after_utc) from decide_candidates) - to_hours((select max(hours) from decide_caps))
),
pressure as (
    select candidates.number, candidates.send_after_utc, recent.send_at, 'mailbox' as scope
    from decide_candidates as candidates
    inner join recent on candidates.mailbox_hash = recent.mailbox_hash
    union all
    select candidates.number, candidates.send_after_utc, recent.send_at, 'customer' as scope
    from decide_candidates as candidates
    inner join recent on candidates.customer_id = recent.customer_id
),
counted as (
    select pressure.number, caps.position, count(*) as email_count
    from pressure
    inner join decide_caps as caps on pressure.send_at > pressure.send_after_utc - to_hours(caps.hours)
    group by pressure.number, pressure.scope, caps.position
)
select distinct counted.number, 5 as stage, counted.position, caps.reason
from counted
inner join decide_caps as caps on counted.position = caps.position and counted.email_count >= caps.limit_count
"""


def arbitrate(connection: duckdb.DuckDBPyConnection, playbook: Playbook) -> None:
    """Add to `decide_reasons` who lost against a better email to the same mailbox, and whom the caps protect.

    Only candidates that nothing refused before take part in arbitration; caps are noted for all.

    Args:
        connection: The warehouse, after `choose_blocks`.
        playbook: What is in force on the day.
    """
    rows = [
        {"position": position, "reason": cap.id, "limit_count": cap.limit, "hours": cap.hours}
        for position, cap in enumerate(playbook.policies.caps)
    ]
    put(connection, "decide_caps", pa.Table.from_pylist(rows, schema=CAP_SCHEMA))
    connection.execute(ARBITRATION)
    connection.execute(CAPS)
