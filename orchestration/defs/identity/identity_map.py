"""Assets `marts.identity_map` and `marts.identity_log`: who is whom, day by day."""

from datetime import date, timedelta

import dagster as dg
import duckdb
import pyarrow as pa

from ml.identity.resolve import HubLimits, resolve_days
from orchestration.defs.sources.landing_files import facts_window
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Warehouse

OPEN_END = date(9999, 12, 31)

CREATE = """
create schema if not exists marts;
create schema if not exists ops;
create table if not exists ops.identity_days (solved_on date);
create table if not exists marts.identity_map (
    profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
);
create table if not exists marts.identity_log (
    changed_on date, kind varchar, customer_id varchar, other_customer_id varchar,
    cause_type varchar, cause_value_hash varchar
);
"""

LINKS = """
select profile_key, identifier_type, identifier_hash, min(landed_on) as first_landed_on,
    bool_or(is_blocked) as is_blocked, bool_or(is_role_mailbox) as is_role_mailbox
from intermediate.int_identifiers__linked
where landed_on <= $end
group by profile_key, identifier_type, identifier_hash
"""

# A person is known by name and address; the fingerprint counts from the day on which it first landed.
PROFILES = """
with seen as (
    select profile_key, landed_on from intermediate.int_profiles__unioned where landed_on <= $end
    union all
    select profile_key, landed_on from intermediate.int_identifiers__linked where landed_on <= $end
),
persons as (
    select
        profile_key,
        landed_on as person_known_on,
        sha256(lower(concat_ws('|', first_name, last_name, postcode, address))) as person_hash
    from intermediate.int_profiles__unioned
    where landed_on <= $end and coalesce(first_name, last_name, address) is not null
    qualify row_number() over (partition by profile_key order by landed_on) = 1
)
select seen.profile_key, min(seen.landed_on) as first_landed_on,
    any_value(persons.person_hash) as person_hash, any_value(persons.person_known_on) as person_known_on
from seen left join persons using (profile_key)
group by seen.profile_key
"""

# Two accounts of one source at one value are two people when their names differ: by more than a typo, and neither an initial
# of the other nor first and last name swapped. An account's name is the first that landed, so what differs differs for good.
SHARED = """
with links as (
    select profile_key, source, identifier_type, identifier_hash, min(landed_on) as landed_on
    from intermediate.int_identifiers__linked
    where landed_on <= $end and not is_blocked
    group by all
),
named as (
    select profile_key, landed_on, lower(strip_accents(first_name)) as first_name, lower(strip_accents(last_name)) as last_name
    from intermediate.int_profiles__unioned
    where landed_on <= $end and first_name is not null
    qualify row_number() over (partition by profile_key order by landed_on) = 1
),
accounts as (
    select profile_key, source, identifier_hash as account, landed_on from links where identifier_type = 'user_id'
),
account_names as (
    select accounts.account, named.first_name, named.last_name, greatest(accounts.landed_on, named.landed_on) as known_on
    from accounts inner join named using (profile_key)
    qualify row_number() over (partition by accounts.account order by known_on, profile_key) = 1
),
uses as (
    select
        links.identifier_type, links.identifier_hash, accounts.source, accounts.account,
        any_value(account_names.first_name) as first_name,
        any_value(account_names.last_name) as last_name,
        min(greatest(links.landed_on, accounts.landed_on, account_names.known_on)) as known_on
    from links
    inner join accounts using (profile_key)
    inner join account_names on accounts.account = account_names.account
    where links.identifier_type in ('email', 'inbox', 'phone', 'device')
    group by all
),
holders as (
    select * from uses
    qualify row_number() over (
        partition by identifier_type, identifier_hash, source order by known_on, account
    ) <= $most
)
select one.identifier_type, one.identifier_hash, min(greatest(one.known_on, other.known_on)) as shared_on
from holders as one
inner join holders as other
    on one.identifier_type = other.identifier_type and one.identifier_hash = other.identifier_hash
    and one.source = other.source and one.account < other.account
where jaro_winkler_similarity(one.first_name, other.first_name) < 0.85
    and not (length(rtrim(one.first_name, '.')) = 1 and starts_with(other.first_name, one.first_name[1]))
    and not (length(rtrim(other.first_name, '.')) = 1 and starts_with(one.first_name, other.first_name[1]))
    and one.first_name is distinct from other.last_name and other.first_name is distinct from one.last_name
group by all
"""

# The window's days are replaced, the days before and after keep what was known on them; equal neighbours become one
# interval, so that day by day and one backfill give the same rows.
MERGE = """
create or replace temp table merged as
with outside as (
    select profile_key, customer_id, root_profile_key, valid_from, least(valid_to, $start) as valid_to
    from marts.identity_map where valid_from < $start
    union all
    select profile_key, customer_id, root_profile_key, greatest(valid_from, $after) as valid_from, valid_to
    from marts.identity_map where valid_to > $after and $is_inside
    union all
    select profile_key, customer_id, root_profile_key, valid_from,
        case when valid_to = $after and not $is_inside then $open_end else valid_to end as valid_to
    from solved
),
islands as (
    select *, sum(case when is_continued then 0 else 1 end)
        over (partition by profile_key order by valid_from) as island
    from (
        select *, coalesce(
            lag(valid_to) over (partition by profile_key order by valid_from) = valid_from
            and lag(customer_id) over (partition by profile_key order by valid_from) = customer_id, false
        ) as is_continued
        from outside
    )
)
select profile_key, customer_id, root_profile_key, min(valid_from) as valid_from, max(valid_to) as valid_to
from islands group by profile_key, customer_id, root_profile_key, island
"""


def build_identity_map(warehouse: Warehouse, daily: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Define the two assets, which one solve produces."""

    @dg.multi_asset(
        name="identity_map",
        specs=[
            _spec("identity_map", "One row per profile and validity: the customer that a profile belonged to."),
            _spec(
                "identity_log",
                "One row per change of a customer: created, merged, split or held, with its cause.",
                personal={"cause_value_hash": "identifier_hash"},
            ),
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def identity_map(
        context: dg.AssetExecutionContext,
    ) -> tuple[dg.MaterializeResult[None], dg.MaterializeResult[None]]:
        with warehouse.connect() as connection:
            start, end = facts_window(connection, **dict(zip(("start", "end"), window(context), strict=True)))
            links = connection.execute(LINKS, {"end": end}).to_arrow_table()
            profiles = connection.execute(PROFILES, {"end": end}).to_arrow_table()
            limits = HubLimits()
            shared = connection.execute(SHARED, {"end": end, "most": limits.profiles}).to_arrow_table()
            resolution = resolve_days(links, profiles, start=start, end=end, limits=limits, shared=shared)
            store_map(connection, resolution.intervals, start=start, end=end)
            store_log(connection, resolution.log, start=start, end=end)
        counts = {"profiles": profiles.num_rows, "links": links.num_rows, "hubs": resolution.hubs.num_rows}
        changes = {"changes": resolution.log.num_rows}
        return (
            dg.MaterializeResult(asset_key=["marts", "identity_map"], metadata=counts),
            dg.MaterializeResult(asset_key=["marts", "identity_log"], metadata=changes),
        )

    return identity_map


def store_map(connection: duckdb.DuckDBPyConnection, intervals: pa.Table, *, start: date, end: date) -> None:
    """Replace the days start..end of `marts.identity_map` by the solved intervals and keep all others.

    Args:
        connection: The warehouse.
        intervals: profile_key, customer_id, root_profile_key, valid_from, valid_to (exclusive), within the window.
        start: First day of the window.
        end: Last day, inclusive. The newest day ever solved stays open until 9999-12-31.
    """
    connection.execute(CREATE)
    connection.register("solved", intervals)
    after = end + timedelta(days=1)
    row = connection.execute("select max(solved_on) > $end from ops.identity_days", {"end": end}).fetchone()
    arguments = {"start": start, "after": after, "open_end": OPEN_END, "is_inside": bool(row and row[0])}
    connection.execute("begin")
    connection.execute(MERGE, arguments)
    connection.execute("delete from marts.identity_map")
    connection.execute("insert into marts.identity_map from merged order by profile_key, valid_from")
    connection.execute(
        "delete from ops.identity_days where solved_on between $start and $end", {"start": start, "end": end}
    )
    connection.execute(
        "insert into ops.identity_days select cast(unnest(generate_series($start, $end, interval 1 day)) as date)",
        {"start": start, "end": end},
    )
    connection.execute("commit")
    connection.unregister("solved")


def store_log(connection: duckdb.DuckDBPyConnection, log: pa.Table, *, start: date, end: date) -> None:
    """Replace the window's rows of `marts.identity_log`."""
    connection.register("changes", log)
    connection.execute("begin")
    connection.execute(
        "delete from marts.identity_log where changed_on between $start and $end", {"start": start, "end": end}
    )
    connection.execute("insert into marts.identity_log by name select * from changes")
    connection.execute("commit")
    connection.unregister("changes")


def _spec(name: str, description: str, *, personal: dict[str, str] | None = None) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=["marts", name],
        description=description,
        group_name="identity",
        kinds={"python", "scipy"},
        owners=["team:identity"],
        deps=[["intermediate", "int_identifiers__linked"], ["intermediate", "int_profiles__unioned"]],
        metadata={"personal": personal} if personal else {},
    )
