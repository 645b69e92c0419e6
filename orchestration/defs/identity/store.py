"""Writes what was solved of the profiles reached; all other rows stay as they are."""

from datetime import date, timedelta

import duckdb

from ml.identity.resolve import Resolution
from orchestration.defs.identity.dictionary import execute

OPEN_END = date(9999, 12, 31)

CREATE = """
create schema if not exists marts;
create table if not exists marts.identity_map (
    profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
);
create table if not exists marts.identity_log (
    changed_on date, kind varchar, customer_id varchar, other_customer_id varchar,
    cause_type varchar, cause_value_hash varchar, match_weight double
)
"""

# The window's days are replaced; what held before and still holds becomes one interval, so that day by day and one backfill
# give the same rows.
MAP = """
create or replace temp table intervals as
with parts as (
    select profile_no, root_no, reach_no, valid_from, least(valid_to, $start) as valid_to
    from identity.map where valid_from < $start and profile_no in (select profile_no from reached)
    union all
    select profile_no, root_no, reach_no, valid_from, valid_to from solved_intervals
    union all
    select profile_no, root_no, reach_no, greatest(valid_from, $after) as valid_from, valid_to
    from identity.map where valid_to > $after and not $is_last and profile_no in (select profile_no from reached)
),
islands as (
    select *, sum(case when is_continued then 0 else 1 end) over (partition by profile_no order by valid_from) as island
    from (
        select *, coalesce(
            lag(valid_to) over (partition by profile_no order by valid_from) = valid_from
            and lag(root_no) over (partition by profile_no order by valid_from) = root_no
            and lag(reach_no) over (partition by profile_no order by valid_from) = reach_no, false
        ) as is_continued
        from parts
    )
)
select profile_no, root_no, reach_no, min(valid_from) as valid_from, max(valid_to) as valid_to
from islands group by profile_no, root_no, reach_no, island;
delete from identity.map where profile_no in (select profile_no from reached);
insert into identity.map select * from intervals order by profile_no, valid_from
"""

# A profile may have been of a customer, on an earlier day, whose root nothing reaches now.
CUSTOMERS = """
create or replace temp table ids as
select profile_no, profile_key, 'c_' || substr(sha256(profile_key), 1, 16) as customer_id
from identity.profiles
where profile_no in (select profile_no from reached);
create or replace temp table roots as
from ids
union all
select profile_no, profile_key, 'c_' || substr(sha256(profile_key), 1, 16)
from identity.profiles
where profile_no in (select root_no from intervals) and profile_no not in (select profile_no from ids)
"""

PUBLIC_MAP = """
delete from marts.identity_map where profile_key in (select profile_key from ids);
insert into marts.identity_map
with islands as (
    select *, sum(case when is_continued then 0 else 1 end) over (partition by profile_no order by valid_from) as island
    from (
        select *, coalesce(
            lag(valid_to) over (partition by profile_no order by valid_from) = valid_from
            and lag(root_no) over (partition by profile_no order by valid_from) = root_no, false
        ) as is_continued
        from intervals
    )
),
joined as (
    select profile_no, root_no, min(valid_from) as valid_from, max(valid_to) as valid_to
    from islands group by profile_no, root_no, island
)
select ids.profile_key, roots.customer_id, roots.profile_key, joined.valid_from, joined.valid_to
from joined
inner join ids using (profile_no)
inner join roots on joined.root_no = roots.profile_no
order by ids.profile_key, joined.valid_from
"""

LOG = """
delete from marts.identity_log
where changed_on between $start and $end
    and (customer_id in (select customer_id from ids) or other_customer_id in (select customer_id from ids));
insert into marts.identity_log
select log.changed_on, log.kind, customers.customer_id, others.customer_id, identifiers.identifier_type,
    identifiers.identifier_hash, weights.match_weight
from solved_log as log
inner join ids as customers on log.root_no = customers.profile_no
left join ids as others on log.other_no = others.profile_no
left join (
    from identity.identifiers where identifier_no in (select cause_no from solved_log)
) as identifiers on log.cause_no = identifiers.identifier_no
left join (
    select identifier_hash, max(match_weight) as match_weight from ml.identity_matches group by identifier_hash
) as weights on identifiers.identifier_type = 'probabilistic' and identifiers.identifier_hash = weights.identifier_hash
order by log.changed_on, log.kind, customers.customer_id, others.customer_id
"""

HUBS = """
create or replace temp table hubs_before as
select hubs.* from identity.hubs
where hub_to >= $start and identifier_no in (select identifier_no from known_identifiers)
    and identifier_no not in (select identifier_no from cut);
delete from identity.hubs
where hub_to >= $start and identifier_no in (select identifier_no from hubs_before);
insert into identity.hubs
select identifier_no, identifier_type, identifier_hash, hub_from, least(hub_to, $start), profile_count, reason
from hubs_before
where hub_from < $start and not exists (
    select 1 from solved_hubs where solved_hubs.identifier_no = hubs_before.identifier_no and solved_hubs.hub_from < $start
);
insert into identity.hubs
select solved.identifier_no, identifiers.identifier_type, identifiers.identifier_hash,
    coalesce(before.hub_from, solved.hub_from), solved.hub_to, solved.profile_count,
    coalesce(before.reason, solved.reason)
from solved_hubs as solved
inner join identity.identifiers as identifiers using (identifier_no)
left join hubs_before as before
    on solved.identifier_no = before.identifier_no and solved.hub_from < $start and before.hub_from < $start
where solved.identifier_no not in (select identifier_no from cut)
"""

# Those of hubs that were not solved again, because they link nobody.
HUB_SIZES = """
update identity.hubs set profile_count = counted.profile_count
from (
    select identifier_no, count(*) as profile_count from identity.links
    where identifier_no in (select identifier_no from touched_identifiers)
        and identifier_no in (select identifier_no from identity.hubs where hub_to > $end)
    group by identifier_no
) as counted
where hubs.identifier_no = counted.identifier_no and hubs.hub_to > $end
"""


def store(connection: duckdb.DuckDBPyConnection, found: Resolution, *, start: date, end: date, last: date) -> None:
    """Replace the days start..end of the profiles in `reached`.

    Args:
        connection: The warehouse, within a transaction.
        found: What was solved of these profiles.
        start: First day solved.
        end: Last day, inclusive.
        last: The newest day ever solved; what holds at its end stays open.
    """
    execute(connection, CREATE)
    after = end + timedelta(days=1)
    open_ended = "* replace (case when valid_to = $after and $is_last then $open_end else valid_to end as valid_to)"
    values = {"after": after, "is_last": end >= last, "open_end": OPEN_END}
    tables = {
        "solved_intervals": (found.intervals, open_ended),
        "solved_hubs": (found.hubs, open_ended.replace("valid_to", "hub_to")),
        "solved_log": (found.log, "*"),
    }
    for name, (table, columns) in tables.items():
        connection.register("handed_in", table)
        execute(connection, f"create or replace temp table {name} as select {columns} from handed_in", **values)
        connection.unregister("handed_in")
    for statement in (MAP, CUSTOMERS, PUBLIC_MAP, LOG, HUBS):
        execute(connection, statement, start=start, end=end, after=after, is_last=end >= last)
