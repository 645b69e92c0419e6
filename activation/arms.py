"""Arms of the global holdout: hash buckets, recorded at first eligibility, kept through merges and splits."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from activation.experiments import BUCKETS, Experiment
from activation.tables import DecisionTables, create_tables, put, run

BOUND_SCHEMA = pa.schema([("arm", pa.string()), ("first_bucket", pa.int32()), ("next_bucket", pa.int32())])

# The earliest assignment of any member profile holds; who has none gets the arm of the hash.
ARMS = """
create or replace temp table decide_arms as
with recorded as (
    select people.customer_id, assignments.arm, assignments.bucket, assignments.assigned_on
    from {assignments} as assignments
    inner join decide_map as people on assignments.profile_key = people.profile_key
    where assignments.experiment = $experiment and assignments.assigned_on <= $as_of
    qualify row_number() over (
        partition by people.customer_id order by assignments.assigned_on, assignments.profile_key
    ) = 1
),
hashed as (
    select
        customer_id,
        mailbox_hash,
        cast(cast('0x' || substr(md5($experiment_salt || ':' || customer_id), 1, 13) as bigint) % $buckets as integer) as bucket
    from decide_people
)
select
    hashed.customer_id,
    hashed.mailbox_hash,
    coalesce(recorded.arm, bounds.arm) as arm,
    coalesce(recorded.bucket, hashed.bucket) as bucket,
    recorded.assigned_on
from hashed
inner join decide_bounds as bounds on hashed.bucket >= bounds.first_bucket and hashed.bucket < bounds.next_bucket
left join recorded on hashed.customer_id = recorded.customer_id
"""

MAILBOX_ARMS = """
create or replace temp table decide_mailbox_arms as
select mailbox_hash, bool_or(arm = $baseline_arm) as has_holdout, min(arm) <> max(arm) as is_mixed
from decide_arms
where mailbox_hash is not null
group by mailbox_hash
"""

PEOPLE_OF_CANDIDATES = """
create or replace temp table decide_people as
select customer_id, mailbox_hash
from {customers} as customers
where as_of = $as_of and (
    mailbox_hash in (select mailbox_hash from decide_candidates where mailbox_hash is not null)
    or customer_id in (select customer_id from decide_candidates)
)
"""

# Nobody changes arm for a shared mailbox; the delivery stops and is counted.
HELD_OUT = """
insert into decide_reasons
with eligible as (
    select * from decide_candidates as candidates
    anti join (select * from decide_reasons where stage = 1) as refused on candidates.decision_id = refused.decision_id
)
select
    eligible.decision_id,
    6 as stage,
    0 as position,
    case when arms.arm = $baseline_arm then 'holdout' else 'mailbox_shared_with_holdout' end as reason
from eligible
inner join decide_arms as arms on eligible.customer_id = arms.customer_id
inner join decide_mailbox_arms as mailboxes on eligible.mailbox_hash = mailboxes.mailbox_hash
where mailboxes.has_holdout
"""

NEW_ASSIGNMENTS = """
with eligible as (
    select distinct candidates.customer_id
    from decide_candidates as candidates
    anti join (select * from decide_reasons where stage = 1) as refused on candidates.decision_id = refused.decision_id
)
select
    cast($experiment as varchar) as experiment, people.profile_key, arms.customer_id, arms.arm, arms.bucket, $as_of as assigned_on
from eligible
inner join decide_arms as arms on eligible.customer_id = arms.customer_id
inner join decide_map as people on eligible.customer_id = people.customer_id
anti join (
    select profile_key from {assignments} where experiment = $experiment and assigned_on <= $as_of
) as recorded on people.profile_key = recorded.profile_key
order by people.profile_key
"""

SNAPSHOT = """
insert into measurement.experiment_assignments
select
    $as_of as as_of, $experiment as experiment, arms.customer_id, arms.arm, arms.assigned_on, arms.bucket,
    coalesce(mailboxes.is_mixed, false) as is_contaminated
from decide_arms as arms
left join decide_mailbox_arms as mailboxes on arms.mailbox_hash = mailboxes.mailbox_hash
where arms.assigned_on is not null
order by arms.customer_id
"""


def hold_out(
    connection: duckdb.DuckDBPyConnection, *, tables: DecisionTables, experiment: Experiment, as_of: date
) -> pa.Table:
    """Find the arms of everyone at the candidates' mailboxes and note who is held out.

    Args:
        connection: The warehouse, after `find_candidates` and `refuse_ineligible`.
        tables: Where the marts are.
        experiment: The global holdout.
        as_of: The partition.

    Returns:
        Assignments to record: each member profile of each eligible customer that has none yet.
    """
    values = _values(experiment, as_of)
    put(connection, "decide_bounds", _bounds(experiment))
    for statement in (PEOPLE_OF_CANDIDATES, ARMS, MAILBOX_ARMS, HELD_OUT):
        run(connection, statement.format_map(vars(tables)), values)
    query = NEW_ASSIGNMENTS.format_map(vars(tables))
    return connection.execute(query, {"experiment": experiment.experiment, "as_of": as_of}).to_arrow_table()


def snapshot_assignments(
    connection: duckdb.DuckDBPyConnection, *, experiment: Experiment, as_of: date, tables: DecisionTables | None = None
) -> int:
    """Replace a partition of `measurement.experiment_assignments` by the recorded arms as they hold on that day.

    Run it after `decide` and after its new assignments were recorded and mirrored.

    Args:
        connection: The warehouse.
        experiment: The global holdout of the playbook in force.
        as_of: The partition.
        tables: Where the marts are.

    Returns:
        Customers with an arm; those whose mailbox is shared with another arm are flagged `is_contaminated`.
    """
    tables = tables or DecisionTables()
    values = _values(experiment, as_of)
    people = "create or replace temp table decide_people as select customer_id, mailbox_hash from {customers} where as_of = $as_of"
    members = (
        "create or replace temp table decide_map as select profile_key, customer_id, root_profile_key"
        " from {identity_map} where valid_from <= $as_of and $as_of < valid_to"
    )
    clear = "delete from measurement.experiment_assignments where as_of = $as_of and experiment = $experiment"
    connection.begin()
    try:
        create_tables(connection)
        put(connection, "decide_bounds", _bounds(experiment))
        for statement in (members, people, ARMS, MAILBOX_ARMS, clear, SNAPSHOT):
            run(connection, statement.format_map(vars(tables)), values)
        count = (
            "select count(*) from measurement.experiment_assignments where as_of = $as_of and experiment = $experiment"
        )
        row = connection.execute(count, {"as_of": as_of, "experiment": experiment.experiment}).fetchone()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return row[0] if row else 0


def _values(experiment: Experiment, as_of: date) -> Mapping[str, Any]:
    return {
        "as_of": as_of,
        "experiment": experiment.experiment,
        "experiment_salt": experiment.salt,
        "baseline_arm": experiment.baseline_arm,
        "buckets": BUCKETS,
    }


def _bounds(experiment: Experiment) -> pa.Table:
    """Bucket ranges of the arms in the order of the playbook; the last one ends at the last bucket."""
    rows = []
    first, share = 0, 0.0
    for arm in experiment.arms:
        share += arm.share
        following = round(share * BUCKETS)
        rows.append({"arm": arm.arm, "first_bucket": first, "next_bucket": following})
        first = following
    return pa.Table.from_pylist(rows, schema=BOUND_SCHEMA)
