"""Who is in which segment on a day: the rules of the day and the moves before it, held by dwell time, rhythm and flip budget.

What a person's facts rule out ends a stay at once on a day on which the segment moves; what a rule says is held.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from activation.decision.candidates import MAP
from activation.playbook.segments import Segment
from activation.state.tables import put, run

SETTING_SCHEMA = pa.schema(
    [
        ("number", pa.int32()),
        ("segment", pa.string()),
        ("action", pa.string()),
        ("owner", pa.string()),
        ("refresh", pa.string()),
        ("expires_on", pa.date32()),
        ("minimum_size", pa.int32()),
        ("minimum_days", pa.int32()),
        ("flip_budget", pa.float64()),
        ("is_expired", pa.bool_()),
        ("refreshes", pa.int32()),
    ]
)

MEMBERSHIP_COLUMNS = {
    "as_of": "date",
    "customer_id": "varchar",
    "segment": "varchar",
    "entered_on": "date",
    "is_new": "boolean",
    "held_by_stability": "boolean",
}
DAY_COLUMNS = {
    "as_of": "date",
    "segment": "varchar",
    "member_count": "bigint",
    "entered_count": "bigint",
    "left_count": "bigint",
    "ended_count": "bigint",
    "held_in_count": "bigint",
    "held_out_count": "bigint",
    "over_budget_count": "bigint",
    "flip_limit": "bigint",
    "is_refreshed": "boolean",
    "action": "varchar",
    "owner": "varchar",
    "refresh": "varchar",
    "minimum_size": "integer",
    "expires_on": "date",
}

CREATE = f"""
create schema if not exists marts;
create table if not exists marts.segment_membership ({", ".join(f"{name} {kind}" for name, kind in MEMBERSHIP_COLUMNS.items())});
create table if not exists marts.segment_days ({", ".join(f"{name} {kind}" for name, kind in DAY_COLUMNS.items())});
"""

# Numbers for segments and customers of the day: joins of 400,000 rows by text cost most of the day's work.
PEOPLE = """
create or replace temp table membership_people as
select customer_id, cast(row_number() over () as integer) as person from {customers} where as_of = $as_of
"""

RULES = """
create or replace temp table membership_rules as
select rules.number, people.person, rules.may_enter and rules.may_stay as may_enter, rules.may_stay
from ({rules}) as rules
inner join membership_people as people on rules.customer_id = people.customer_id
"""

# What was moved is followed to whoever the profile belongs to on the day; a stay began with the first entry after the last exit.
LINEAGES = """
create or replace temp table membership_lineages as
with exits as (
    select segment, root_profile_key, max(moved_on) as left_on
    from membership_moves
    where kind = 'left' and moved_on < $until
    group by segment, root_profile_key
),
moves as (
    select
        settings.number,
        moves.root_profile_key,
        any_value(exits.left_on) as left_on,
        min(moves.moved_on) filter (where moves.kind = 'entered' and moves.moved_on > coalesce(exits.left_on, '0001-01-01'))
            as entered_on
    from membership_moves as moves
    inner join membership_settings as settings on moves.segment = settings.segment and not settings.is_expired
    left join exits on moves.segment = exits.segment and moves.root_profile_key = exits.root_profile_key
    where moves.moved_on < $until
    group by settings.number, moves.root_profile_key
)
select moves.*, people.person
from moves
inner join decide_map as map on moves.root_profile_key = map.profile_key
inner join membership_people as people on map.customer_id = people.customer_id
"""

# Of two who were merged, the longer stay goes on. Nobody who is unknown on the day is a member.
WANTED = """
create or replace temp table membership_wanted as
with stays as (
    select number, person, min(entered_on) as entered_on, max(left_on) as left_on
    from membership_lineages
    group by number, person
),
joined as (
    select
        coalesce(rules.number, stays.number) as number,
        coalesce(rules.person, stays.person) as person,
        stays.entered_on,
        stays.left_on,
        coalesce(rules.may_enter, false) as may_enter,
        coalesce(rules.may_stay, false) as may_stay,
        rules.person is not null as is_within
    from membership_rules as rules
    full join stays on rules.number = stays.number and rules.person = stays.person
    where stays.entered_on is not null or rules.may_enter
)
select
    joined.*,
    case
        when entered_on is null then 'entered'
        when not may_stay then 'left'
    end as kind,
    case when is_within then 'rule' else 'facts' end as reason,
    case
        when settings.refreshes = 0 then 'rhythm'
        when is_within and coalesce($as_of - coalesce(entered_on, left_on) < settings.minimum_days, false) then 'dwell'
    end as held_by
from joined
inner join membership_settings as settings on joined.number = settings.number
"""

# The first members of a segment all enter at once.
LIMITS = """
create or replace temp table membership_limits as
with sizes as (
    select number, count(*) as size from membership_wanted where entered_on is not null group by number
),
known as (
    select distinct segment from membership_moves where moved_on < $until
)
select
    settings.number,
    case
        when known.segment is not null
            then cast(floor(round(
                settings.flip_budget * greatest(coalesce(sizes.size, 0), settings.minimum_size) * settings.refreshes, 6
            )) as bigint)
    end as flip_limit
from membership_settings as settings
left join sizes on settings.number = sizes.number
left join known on settings.segment = known.segment
"""

# Who moves within the budget: the longest stays leave first, else by a draw of the day, so that nobody waits for ever.
WAITING = """
create or replace temp table membership_waiting as
with ranked as (
    select
        wanted.number,
        wanted.person,
        row_number() over (
            partition by wanted.number, wanted.kind
            order by wanted.entered_on, md5(people.customer_id || cast($as_of as varchar)), people.customer_id
        ) as place
    from membership_wanted as wanted
    inner join membership_people as people on wanted.person = people.person
    where wanted.kind is not null and wanted.reason = 'rule' and wanted.held_by is null
)
select ranked.number, ranked.person
from ranked
inner join membership_limits as limits on ranked.number = limits.number
where ranked.place > limits.flip_limit
"""

JUDGED = """
create or replace temp view membership_judged as
select
    wanted.* exclude (held_by),
    case when waiting.person is not null then 'budget' when wanted.kind is not null then wanted.held_by end as held_by
from membership_wanted as wanted
left join membership_waiting as waiting on wanted.number = waiting.number and wanted.person = waiting.person
"""

# Who leaves does so by every profile that was in, so that a split brings nobody back.
MOVES = """
create or replace temp table membership_today as
with moved as (
    select judged.*, settings.segment, people.customer_id
    from membership_judged as judged
    inner join membership_settings as settings on judged.number = settings.number
    inner join membership_people as people on judged.person = people.person
    where judged.kind is not null and judged.held_by is null
),
roots as (
    select map.customer_id, min(map.root_profile_key) as root_profile_key
    from decide_map as map
    semi join moved on map.customer_id = moved.customer_id and moved.kind = 'entered'
    group by map.customer_id
)
select moved.segment, roots.root_profile_key, moved.customer_id, $as_of as moved_on, moved.kind, moved.reason
from moved
inner join roots on moved.customer_id = roots.customer_id
where moved.kind = 'entered'
union all
select moved.segment, lineages.root_profile_key, moved.customer_id, $as_of as moved_on, moved.kind, moved.reason
from moved
inner join membership_lineages as lineages
    on moved.number = lineages.number and moved.person = lineages.person and lineages.entered_on is not null
where moved.kind = 'left'
order by all
"""

MEMBERS = """
insert into marts.segment_membership by name
select
    $as_of as as_of,
    people.customer_id,
    settings.segment,
    coalesce(judged.entered_on, $as_of) as entered_on,
    judged.entered_on is null as is_new,
    judged.held_by is not null as held_by_stability
from membership_judged as judged
inner join membership_settings as settings on judged.number = settings.number
inner join membership_people as people on judged.person = people.person
where case when judged.entered_on is null then judged.held_by is null else judged.kind is null or judged.held_by is not null end
"""

DAYS = """
insert into marts.segment_days by name
with counted as (
    select
        number,
        count(*) filter (where kind = 'entered' and held_by is null) as entered_count,
        count(*) filter (where kind = 'left' and held_by is null and reason = 'rule') as left_count,
        count(*) filter (where kind = 'left' and held_by is null and reason = 'facts') as ended_count,
        count(*) filter (where kind = 'left' and held_by is not null) as held_in_count,
        count(*) filter (where kind = 'entered' and held_by is not null) as held_out_count,
        count(*) filter (where held_by = 'budget') as over_budget_count
    from membership_judged
    group by number
),
members as (
    select segment, count(*) as member_count from marts.segment_membership where as_of = $as_of group by segment
)
select
    $as_of as as_of,
    settings.segment,
    coalesce(members.member_count, 0) as member_count,
    coalesce(counted.entered_count, 0) as entered_count,
    coalesce(counted.left_count, 0) as left_count,
    coalesce(counted.ended_count, 0) as ended_count,
    coalesce(counted.held_in_count, 0) as held_in_count,
    coalesce(counted.held_out_count, 0) as held_out_count,
    coalesce(counted.over_budget_count, 0) as over_budget_count,
    limits.flip_limit,
    settings.refreshes > 0 and not settings.is_expired as is_refreshed,
    settings.action,
    settings.owner,
    settings.refresh,
    settings.minimum_size,
    settings.expires_on
from membership_settings as settings
left join membership_limits as limits on settings.number = limits.number
left join members on settings.segment = members.segment
left join counted on settings.number = counted.number
order by settings.segment
"""


@dataclass(frozen=True)
class MembershipTables:
    """Relations that membership reads, each as it stands in a `from` clause; never a user's text.

    Attributes:
        rules: as_of, customer_id, may_enter, may_stay, by segment; one row for each customer whose facts do not rule it out.
        customers: as_of, customer_id.
        identity_map: profile_key, customer_id, root_profile_key, valid_from, valid_to (exclusive).
    """

    rules: Mapping[str, str]
    customers: str = "marts.dim_customers"
    identity_map: str = "marts.identity_map"


class SegmentDay(NamedTuple):
    """How a segment moved on a day; `flip_limit` is null on its first."""

    segment: str
    members: int
    entered: int
    left: int
    ended: int
    held_in: int
    held_out: int
    over_budget: int
    flip_limit: int | None


COUNTS = """
select segment, member_count, entered_count, left_count, ended_count, held_in_count, held_out_count, over_budget_count, flip_limit
from marts.segment_days where as_of = $as_of order by segment
"""


def rules_of(segments: Iterable[Segment]) -> dict[str, str]:
    """Where dbt writes the rules of each segment."""
    return {segment.segment: f"segments.{segment.segment}" for segment in segments}


def create_membership(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of the membership where they are missing."""
    connection.execute(CREATE)


def move_members(
    connection: duckdb.DuckDBPyConnection,
    segments: Iterable[Segment],
    *,
    as_of: date,
    before: date | None,
    tables: MembershipTables,
    record: Callable[[pa.Table], None],
) -> tuple[SegmentDay, ...]:
    """Replace a day of `marts.segment_membership` and `marts.segment_days`, in one transaction.

    Args:
        connection: The warehouse, in no transaction; its temporary table `membership_moves` holds what was moved before, and is
            given the moves of the day.
        segments: Those of the playbook in force.
        as_of: The partition.
        before: The newest day before it that was moved; None where there is none.
        tables: Where rules, customers and the identity map are.
        record: Keeps the moves of the day (`activation.state.moves.SCHEMA`); called before the day is committed.

    Returns:
        How each segment moved.
    """
    day = {"as_of": as_of}
    connection.begin()
    try:
        judge_members(connection, segments, as_of=as_of, before=before, tables=tables)
        for table in ("segment_membership", "segment_days"):
            connection.execute(f"delete from marts.{table} where as_of = $as_of", day)
        for statement in (MOVES, MEMBERS, DAYS):
            run(connection, statement.format_map(vars(tables)), day)
        record(connection.execute("select * from membership_today").to_arrow_table())
        connection.execute("insert into membership_moves select * from membership_today")
        counts = tuple(SegmentDay(*row) for row in connection.execute(COUNTS, day).fetchall())
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return counts


def judge_members(
    connection: duckdb.DuckDBPyConnection,
    segments: Iterable[Segment],
    *,
    as_of: date,
    before: date | None,
    tables: MembershipTables,
    is_after: bool = False,
) -> None:
    """Make the temporary view `membership_judged`: who is in, who would enter or leave, and what holds them.

    Args:
        connection: As of `move_members`.
        segments: As there.
        as_of: As there.
        before: As there.
        tables: As there.
        is_after: Whether the moves of the day itself count too: what one more refresh would do.
    """
    values = {"as_of": as_of, "until": as_of + timedelta(days=1) if is_after else as_of}
    segments = tuple(segments)
    put(connection, "membership_settings", _settings(segments, as_of=as_of, before=before))
    rules = " union all ".join(
        f"select {number} as number, customer_id, may_enter, may_stay from {tables.rules[segment.segment]} where as_of = $as_of"
        for number, segment in enumerate(segments)
        if not segment.is_expired(as_of)
    )
    nobody = "select 0 as number, '' as customer_id, false as may_enter, false as may_stay where $as_of is null"
    names = {"rules": rules or nobody, "customers": tables.customers, "identity_map": tables.identity_map}
    for statement in (PEOPLE, RULES, MAP, LINEAGES, WANTED, LIMITS, WAITING, JUDGED):
        run(connection, statement.format_map(names), values)


def _settings(segments: tuple[Segment, ...], *, as_of: date, before: date | None) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            **segment.model_dump(),
            "number": number,
            "is_expired": segment.is_expired(as_of),
            "refreshes": segment.refreshes(as_of, before),
        }
        for number, segment in enumerate(segments)
    ]
    return pa.Table.from_pylist(rows, schema=SETTING_SCHEMA)
