"""Arms of the global holdout and of the experiments within flows: hash buckets, recorded at first eligibility, kept through merges.

The global holdout is nested outside all others: whom it holds back is in no arm of a flow.
"""

from datetime import date

import duckdb
import pyarrow as pa

from activation.candidates import MAP
from activation.experiments import BUCKETS, Experiment
from activation.playbook import Playbook
from activation.tables import DecisionTables, create_tables, put, run

BOUND_SCHEMA = pa.schema(
    [("arm", pa.string()), ("gets", pa.string()), ("first_bucket", pa.int32()), ("next_bucket", pa.int32())]
)

CREATE = """
create or replace temp table decide_arms (
    experiment varchar, flow varchar, customer_id varchar, mailbox_hash varchar, arm varchar, gets varchar, bucket integer,
    assigned_on date
);
create or replace temp table decide_mailbox_arms (
    experiment varchar, flow varchar, mailbox_hash varchar, is_held_out boolean, is_mixed boolean
)
"""

# Everyone at the mailboxes of an experiment's candidates, but for whom the global holdout, filled first, holds back.
PEOPLE_OF_CANDIDATES = """
create or replace temp table decide_people as
with due as (
    select customer_id, mailbox_hash from decide_candidates where $flow is null or flow = $flow
)
select customer_id, mailbox_hash
from {customers} as customers
where as_of = $as_of
    and (
        mailbox_hash in (select mailbox_hash from due where mailbox_hash is not null)
        or customer_id in (select customer_id from due)
    )
    and customer_id not in (select customer_id from decide_arms where flow is null and gets = 'nothing')
"""

EVERYBODY = """
create or replace temp table decide_people as
select customer_id, mailbox_hash
from {customers}
where as_of = $as_of
    and customer_id not in (select customer_id from decide_arms where flow is null and gets = 'nothing')
"""

# The earliest assignment of any member profile holds.
RECORDED = """
create or replace temp table decide_recorded as
select
    assignments.experiment,
    people.customer_id,
    arg_min(
        {{'arm': assignments.arm, 'bucket': assignments.bucket, 'assigned_on': assignments.assigned_on}},
        {{'assigned_on': assignments.assigned_on, 'profile_key': assignments.profile_key}}
    ) as first
from {assignments} as assignments
inner join decide_map as people on assignments.profile_key = people.profile_key
where assignments.assigned_on <= $as_of
group by assignments.experiment, people.customer_id
"""

# Who has no assignment gets the arm of the hash. Who is in an arm that the playbook no longer has gets what the baseline gets.
ARMS = """
insert into decide_arms
with hashed as (
    select
        people.customer_id,
        people.mailbox_hash,
        recorded.first.arm as arm,
        recorded.first.assigned_on as assigned_on,
        coalesce(
            recorded.first.bucket,
            cast(cast('0x' || substr(md5($salt || ':' || people.customer_id), 1, 13) as bigint) % $buckets as integer)
        ) as bucket
    from decide_people as people
    left join (select * from decide_recorded where experiment = $experiment) as recorded
        on people.customer_id = recorded.customer_id
)
select
    $experiment as experiment,
    $flow as flow,
    hashed.customer_id,
    hashed.mailbox_hash,
    coalesce(hashed.arm, bounds.arm) as arm,
    case when hashed.arm is null then bounds.gets else coalesce(kept.gets, $baseline_gets) end as gets,
    hashed.bucket,
    hashed.assigned_on
from hashed
inner join decide_bounds as bounds on hashed.bucket >= bounds.first_bucket and hashed.bucket < bounds.next_bucket
left join decide_bounds as kept on hashed.arm = kept.arm
"""

MAILBOX_ARMS = """
insert into decide_mailbox_arms
select experiment, flow, mailbox_hash, bool_or(gets = 'nothing') as is_held_out, min(arm) <> max(arm) as is_mixed
from decide_arms
where experiment = $experiment and mailbox_hash is not null
group by experiment, flow, mailbox_hash
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
    case when mailboxes.flow is null then 0 else 1 end as position,
    case when coalesce(arms.gets = 'nothing', false) then '' else 'mailbox_shared_with_' end
        || case when mailboxes.flow is null then 'holdout' else 'flow_holdout' end as reason
from eligible
inner join decide_mailbox_arms as mailboxes
    on eligible.mailbox_hash = mailboxes.mailbox_hash and coalesce(mailboxes.flow = eligible.flow, true)
left join decide_arms as arms on eligible.customer_id = arms.customer_id and mailboxes.experiment = arms.experiment
where mailboxes.is_held_out
"""

NEW_ASSIGNMENTS = """
with eligible as (
    select distinct candidates.customer_id, candidates.flow
    from decide_candidates as candidates
    anti join (select * from decide_reasons where stage = 1) as refused on candidates.decision_id = refused.decision_id
),
concerned as (
    select customer_id, flow from eligible
    union all
    select distinct customer_id, null as flow from eligible
)
select arms.experiment, people.profile_key, arms.customer_id, arms.arm, arms.bucket, $as_of as assigned_on
from decide_arms as arms
semi join concerned on arms.customer_id = concerned.customer_id and arms.flow is not distinct from concerned.flow
inner join decide_map as people on arms.customer_id = people.customer_id
anti join (select * from {assignments} where assigned_on <= $as_of) as recorded
    on people.profile_key = recorded.profile_key and arms.experiment = recorded.experiment
order by arms.experiment, people.profile_key
"""

SNAPSHOT = """
insert into measurement.experiment_assignments
select
    $as_of as as_of, arms.experiment, arms.customer_id, arms.arm, arms.assigned_on, arms.bucket,
    coalesce(mailboxes.is_mixed, false) as is_contaminated
from decide_arms as arms
left join decide_mailbox_arms as mailboxes
    on arms.mailbox_hash = mailboxes.mailbox_hash and arms.experiment = mailboxes.experiment
where arms.assigned_on is not null
order by arms.experiment, arms.customer_id
"""


def assign_arms(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, tables: DecisionTables, as_of: date
) -> None:
    """Fill `decide_arms` and `decide_mailbox_arms`: the arms of everyone at the candidates' mailboxes, by experiment.

    Args:
        connection: The warehouse, after `find_candidates`.
        playbook: What is in force on the day.
        tables: Where the marts are.
        as_of: The partition.
    """
    _fill(connection, playbook, people=PEOPLE_OF_CANDIDATES, tables=tables, as_of=as_of)


def hold_out(connection: duckdb.DuckDBPyConnection, *, tables: DecisionTables, as_of: date) -> pa.Table:
    """Note in `decide_reasons` who is held out.

    Args:
        connection: The warehouse, after `assign_arms` and `refuse_ineligible`.
        tables: Where the marts are.
        as_of: The partition.

    Returns:
        Assignments to record: each member profile of each eligible customer that has none yet.
    """
    connection.execute(HELD_OUT)
    return connection.execute(NEW_ASSIGNMENTS.format_map(vars(tables)), {"as_of": as_of}).to_arrow_table()


def snapshot_assignments(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, as_of: date, tables: DecisionTables | None = None
) -> int:
    """Replace a partition of `measurement.experiment_assignments` by the recorded arms as they hold on that day.

    Run it after `decide` and after its new assignments were recorded and mirrored.

    Args:
        connection: The warehouse.
        playbook: The one in force.
        as_of: The partition.
        tables: Where the marts are.

    Returns:
        Rows: one for each experiment and customer with an arm of it; those whose mailbox is shared with another arm are flagged
        `is_contaminated`.
    """
    tables = tables or DecisionTables()
    day = {"as_of": as_of}
    connection.begin()
    try:
        create_tables(connection)
        run(connection, MAP.format_map(vars(tables)), day)
        _fill(connection, playbook, people=EVERYBODY, tables=tables, as_of=as_of)
        connection.execute("delete from measurement.experiment_assignments where as_of = $as_of", day)
        run(connection, SNAPSHOT, day)
        count = "select count(*) from measurement.experiment_assignments where as_of = $as_of"
        row = connection.execute(count, day).fetchone()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return row[0] if row else 0


def _fill(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, people: str, tables: DecisionTables, as_of: date
) -> None:
    """Arms by experiment, the global holdout first; `people` makes `decide_people` of those concerned."""
    connection.execute(CREATE)
    run(connection, RECORDED.format_map(vars(tables)), {"as_of": as_of})
    for experiment in (playbook.global_holdout, *playbook.flow_experiments):
        put(connection, "decide_bounds", _bounds(experiment))
        values = {
            "as_of": as_of,
            "experiment": experiment.experiment,
            "flow": experiment.flow,
            "salt": experiment.salt,
            "baseline_gets": experiment.treatment_of(experiment.baseline),
            "buckets": BUCKETS,
        }
        for statement in (people, ARMS, MAILBOX_ARMS):
            run(connection, statement.format_map(vars(tables)), values)


def _bounds(experiment: Experiment) -> pa.Table:
    """Bucket ranges of the arms in the order of the playbook; the last one ends at the last bucket."""
    rows = []
    first, share = 0, 0.0
    for arm in experiment.arms:
        share += arm.share
        following = round(share * BUCKETS)
        rows.append(
            {"arm": arm.arm, "gets": experiment.treatment_of(arm), "first_bucket": first, "next_bucket": following}
        )
        first = following
    return pa.Table.from_pylist(rows, schema=BOUND_SCHEMA)
