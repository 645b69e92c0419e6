"""Arms of the global holdout and of the experiments within flows: hash buckets, recorded at first eligibility, kept through merges.

The global holdout is nested outside all others: whom it holds back is in no arm of a flow.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from activation.playbook.experiments import BUCKETS, Experiment
from activation.playbook.playbook import Playbook
from activation.state.tables import DecisionTables, create_tables, put, run

BOUND_SCHEMA = pa.schema(
    [
        ("experiment", pa.string()),
        ("flow", pa.string()),
        ("salt", pa.string()),
        ("baseline_gets", pa.string()),
        ("arm", pa.string()),
        ("gets", pa.string()),
        ("first_bucket", pa.int32()),
        ("next_bucket", pa.int32()),
    ]
)

# Everyone at the mailboxes of an experiment's candidates.
PEOPLE_OF_CANDIDATES = """
create or replace temp table decide_people as
with due as (
    select experiments.experiment, candidates.customer_id, candidates.mailbox_hash
    from decide_candidates as candidates
    inner join (select distinct experiment, flow from decide_bounds) as experiments
        on experiments.flow is null or candidates.flow = experiments.flow
),
customers as (
    select customer_id, mailbox_hash from {customers} where as_of = $as_of
)
select due.experiment, customers.customer_id, customers.mailbox_hash
from due inner join customers on due.customer_id = customers.customer_id
union
select due.experiment, customers.customer_id, customers.mailbox_hash
from due inner join customers on due.mailbox_hash = customers.mailbox_hash and due.customer_id <> customers.customer_id
"""

# Whose arms the snapshot cannot read off what is recorded: whoever shares a mailbox, and whoever is in an arm of a flow.
PEOPLE_TO_WEIGH = """
create or replace temp table decide_people as
with customers as (
    select customer_id, mailbox_hash from {customers} where as_of = $as_of
),
experiments as (
    select distinct experiment, flow from decide_bounds
)
select experiments.experiment, customers.customer_id, customers.mailbox_hash
from customers
cross join experiments
where customers.mailbox_hash in (
        select mailbox_hash from customers where mailbox_hash is not null group by mailbox_hash having count(*) > 1
    )
    or customers.customer_id in (
        select customer_id from decide_recorded where experiment in (select experiment from experiments where flow is not null)
    )
"""

# The earliest assignment of any member profile holds, of one day that of the first key; compared as one text, which is cheaper than two.
RECORDED = """
create or replace temp table decide_recorded as
select
    assignments.experiment,
    profiles.customer_id,
    arg_min(
        {{'arm': assignments.arm, 'bucket': assignments.bucket, 'assigned_on': assignments.assigned_on}},
        cast(assignments.assigned_on as varchar) || assignments.profile_key
    ) as first,
    count(*) as profile_count
from {assignments} as assignments
inner join {identity_map} as profiles
    on assignments.profile_key = profiles.profile_key and profiles.valid_from <= $as_of and $as_of < profiles.valid_to
where assignments.assigned_on <= $as_of
group by assignments.experiment, profiles.customer_id
"""

RECORDED_OF_PEOPLE = RECORDED.replace(
    "where", "where profiles.customer_id in (select customer_id from decide_people) and"
)

# Who has no assignment gets the arm of the hash. Who is in an arm that the playbook no longer has gets what the baseline gets. Whom the
# global holdout holds back is in no arm of a flow.
ARMS = """
create or replace temp table decide_arms as
with hashed as (
    select
        people.experiment,
        people.customer_id,
        people.mailbox_hash,
        recorded.first.arm as arm,
        recorded.first.assigned_on as assigned_on,
        coalesce(recorded.profile_count, 0) as recorded_count,
        coalesce(
            recorded.first.bucket,
            cast(cast('0x' || substr(md5(salts.salt || ':' || people.customer_id), 1, 13) as bigint) % $buckets as integer)
        ) as bucket
    from decide_people as people
    inner join (select distinct experiment, salt from decide_bounds) as salts on people.experiment = salts.experiment
    left join decide_recorded as recorded
        on people.customer_id = recorded.customer_id and people.experiment = recorded.experiment
),
armed as (
    select
        hashed.* replace (coalesce(hashed.arm, bounds.arm) as arm),
        bounds.flow,
        case when hashed.arm is null then bounds.gets else coalesce(kept.gets, bounds.baseline_gets) end as gets
    from hashed
    inner join decide_bounds as bounds
        on hashed.experiment = bounds.experiment and hashed.bucket >= bounds.first_bucket and hashed.bucket < bounds.next_bucket
    left join decide_bounds as kept on hashed.experiment = kept.experiment and hashed.arm = kept.arm
)
select * from armed
where flow is null or customer_id not in (select customer_id from armed where flow is null and gets = 'nothing')
"""

# Only mailboxes that are held out or shared by two arms.
MAILBOX_ARMS = """
create or replace temp table decide_mailbox_arms as
select experiment, flow, mailbox_hash, bool_or(gets = 'nothing') as is_held_out, min(arm) <> max(arm) as is_mixed
from decide_arms
where mailbox_hash is not null
group by experiment, flow, mailbox_hash
having is_held_out or is_mixed
"""

# Nobody changes arm for a shared mailbox; the delivery stops and is counted.
HELD_OUT = """
insert into decide_reasons
with eligible as (
    select * from decide_candidates as candidates
    anti join (select * from decide_reasons where stage = 1) as refused on candidates.number = refused.number
)
select
    eligible.number,
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
    select candidates.customer_id, candidates.flow
    from decide_candidates as candidates
    anti join (select * from decide_reasons where stage = 1) as refused on candidates.number = refused.number
),
incomplete as (
    select arms.*
    from decide_arms as arms
    inner join decide_lineages as lineages on arms.customer_id = lineages.customer_id
    where arms.recorded_count < lineages.profile_count
),
concerned as (
    select * from incomplete where flow is null and customer_id in (select customer_id from eligible)
    union all
    select incomplete.*
    from incomplete semi join eligible on incomplete.customer_id = eligible.customer_id and incomplete.flow = eligible.flow
)
select arms.experiment, people.profile_key, arms.customer_id, arms.arm, arms.bucket, $as_of as assigned_on
from concerned as arms
inner join decide_map as people on arms.customer_id = people.customer_id
anti join (select * from {assignments} where assigned_on <= $as_of) as recorded
    on people.profile_key = recorded.profile_key and arms.experiment = recorded.experiment
order by arms.experiment, people.profile_key
"""

SNAPSHOT = """
insert into measurement.experiment_assignments
select
    $as_of as as_of, recorded.experiment, recorded.customer_id, recorded.first.arm, recorded.first.assigned_on, recorded.first.bucket,
    coalesce(mailboxes.is_mixed, false) as is_contaminated
from decide_recorded as recorded
inner join (select distinct experiment, flow from decide_bounds) as experiments on recorded.experiment = experiments.experiment
inner join (select customer_id, mailbox_hash from {customers} where as_of = $as_of) as customers
    on recorded.customer_id = customers.customer_id
left join decide_mailbox_arms as mailboxes
    on customers.mailbox_hash = mailboxes.mailbox_hash and recorded.experiment = mailboxes.experiment
where experiments.flow is null
    or (recorded.experiment, recorded.customer_id) in (select (experiment, customer_id) from decide_arms)
order by recorded.experiment, recorded.customer_id
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
    _fill(connection, playbook, (PEOPLE_OF_CANDIDATES, RECORDED_OF_PEOPLE), tables=tables, as_of=as_of)


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
        _fill(connection, playbook, (RECORDED, PEOPLE_TO_WEIGH), tables=tables, as_of=as_of)
        connection.execute("delete from measurement.experiment_assignments where as_of = $as_of", day)
        run(connection, SNAPSHOT.format_map(vars(tables)), day)
        count = "select count(*) from measurement.experiment_assignments where as_of = $as_of"
        row = connection.execute(count, day).fetchone()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return row[0] if row else 0


def _fill(
    connection: duckdb.DuckDBPyConnection,
    playbook: Playbook,
    concerned: tuple[str, str],
    *,
    tables: DecisionTables,
    as_of: date,
) -> None:
    """Arms of those concerned in all experiments: who they are, and what is recorded of them, is made first."""
    bounds = [row for each in (playbook.global_holdout, *playbook.flow_experiments) for row in _bounds(each)]
    put(connection, "decide_bounds", pa.Table.from_pylist(bounds, schema=BOUND_SCHEMA))
    for statement in (*concerned, ARMS, MAILBOX_ARMS):
        run(connection, statement.format_map(vars(tables)), {"as_of": as_of, "buckets": BUCKETS})


def _bounds(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Bucket ranges of the arms in the order of the playbook; the last one ends at the last bucket."""
    first, share = 0, 0.0
    for arm in experiment.arms:
        share += arm.share
        following = round(share * BUCKETS)
        yield {
            "experiment": experiment.experiment,
            "flow": experiment.flow,
            "salt": experiment.salt,
            "baseline_gets": experiment.treatment_of(experiment.baseline),
            "arm": arm.arm,
            "gets": experiment.treatment_of(arm),
            "first_bucket": first,
            "next_bucket": following,
        }
        first = following
