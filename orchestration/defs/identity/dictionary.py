"""Schema `identity`: profiles and identifiers as integers that stay, and the links between them, kept from day to day.

Every row has the day on which it first landed, so that a day that lands again replaces what came with it and nothing else.
"""

from datetime import date

import duckdb

CREATE = """
create schema if not exists identity;
create table if not exists identity.profiles (
    profile_no integer, profile_key varchar, first_landed_on date, person_hash varchar, person_known_on date,
    first_name varchar, last_name varchar, named_on date
);
create table if not exists identity.identifiers (
    identifier_no integer, identifier_type varchar, identifier_hash varchar, rank bigint
);
create table if not exists identity.links (
    profile_no integer, identifier_no integer, first_landed_on date, is_role boolean, is_own boolean
);
create table if not exists identity.map (
    profile_no integer, root_no integer, reach_no integer, valid_from date, valid_to date
);
create table if not exists identity.hubs (
    identifier_no integer, identifier_type varchar, identifier_hash varchar, hub_from date, hub_to date,
    profile_count integer, reason varchar
);
create table if not exists identity.solved (first_day date, last_day date, profile_count bigint, identifier_count bigint);
create schema if not exists ml;
create table if not exists ml.identity_matches (
    as_of date, left_profile_key varchar, right_profile_key varchar, probability double, match_weight double,
    identifier_hash varchar
);
"""

# A mailbox that is blocked is nobody: what came with it is of whoever typed a placeholder. A proposal of a day is an identifier of
# both profiles from the day after.
LANDED = """
create or replace temp table placeholders as
select 'mailbox:' || identifier_hash as profile_key
from intermediate.int_identifiers__linked
where landed_on between $start and $end and is_blocked and identifier_type = 'email';
create or replace temp table landed as
select profile_key, identifier_type, identifier_hash, min(landed_on) as landed_on, bool_or(is_role_mailbox) as is_role
from intermediate.int_identifiers__linked
where landed_on between $start and $end and not is_blocked and profile_key not in (select profile_key from placeholders)
group by profile_key, identifier_type, identifier_hash
union all
select profile_key, 'probabilistic', identifier_hash, min(as_of) + 1, false
from (
    select left_profile_key as profile_key, identifier_hash, as_of from ml.identity_matches
    union all
    select right_profile_key, identifier_hash, as_of from ml.identity_matches
)
where as_of + 1 between $start and $end
group by profile_key, identifier_hash
"""

# Blocked values link nobody, but whoever bears one has landed.
SEEN = """
create or replace temp table seen as
select profile_key, min(landed_on) as landed_on
from (
    select profile_key, landed_on from landed where identifier_type <> 'probabilistic'
    union all
    select profile_key, landed_on from intermediate.int_identifiers__linked
    where landed_on between $start and $end and is_blocked
    union all
    select profile_key, landed_on from intermediate.int_profiles__unioned where landed_on between $start and $end
)
group by profile_key
"""

# What the window brought before is taken back; numbers stay, for a day that lands again mostly brings the same.
FORGET = """
create or replace temp table touched as
select profile_no from identity.links where first_landed_on >= $start
union
select profile_no from identity.profiles where greatest(first_landed_on, person_known_on, named_on) >= $start
union
select profile_no from identity.map where valid_from >= $start;
create or replace temp table touched_identifiers as
select distinct identifier_no from identity.links where first_landed_on >= $start;
delete from identity.links where first_landed_on >= $start;
update identity.profiles set first_landed_on = date '9999-12-31'
where first_landed_on >= $start and first_landed_on < date '9999-12-31';
update identity.profiles set person_hash = null, person_known_on = null where person_known_on >= $start;
update identity.profiles set first_name = null, last_name = null, named_on = null where named_on >= $start
"""

LEARN_PROFILES = """
insert into touched select profile_no from identity.profiles inner join seen using (profile_key) where first_landed_on = date '9999-12-31';
update identity.profiles set first_landed_on = seen.landed_on
from seen where profiles.profile_key = seen.profile_key and profiles.first_landed_on = date '9999-12-31';
create or replace temp table new_profiles as
select
    cast((select coalesce(max(profile_no), 0) from identity.profiles) + row_number() over (order by landed_on, profile_key) as integer)
        as profile_no,
    profile_key, landed_on
from seen anti join identity.profiles using (profile_key);
insert into identity.profiles
select profile_no, profile_key, landed_on, null, null, null, null, null from new_profiles order by profile_no;
insert into touched select profile_no from new_profiles
"""

# A person is known by name and address; both count from the day on which they first landed.
LEARN_PEOPLE = """
create or replace temp table new_people as
select profiles.profile_no, facts.landed_on,
    sha256(lower(concat_ws('|', facts.first_name, facts.last_name, facts.postcode, facts.address))) as person_hash
from intermediate.int_profiles__unioned as facts
inner join identity.profiles using (profile_key)
where facts.landed_on between $start and $end and profiles.person_known_on is null
    and coalesce(facts.first_name, facts.last_name, facts.address) is not null
qualify row_number() over (partition by profiles.profile_no order by facts.landed_on) = 1;
update identity.profiles set person_hash = new_people.person_hash, person_known_on = new_people.landed_on
from new_people where profiles.profile_no = new_people.profile_no;
insert into touched select profile_no from new_people;
create or replace temp table new_names as
select profiles.profile_no, facts.landed_on,
    lower(strip_accents(facts.first_name)) as first_name, lower(strip_accents(facts.last_name)) as last_name
from intermediate.int_profiles__unioned as facts
inner join identity.profiles using (profile_key)
where facts.landed_on between $start and $end and profiles.named_on is null and facts.first_name is not null
qualify row_number() over (partition by profiles.profile_no order by facts.landed_on) = 1;
update identity.profiles set first_name = new_names.first_name, last_name = new_names.last_name, named_on = new_names.landed_on
from new_names where profiles.profile_no = new_names.profile_no;
insert into touched select profile_no from new_names
"""

LEARN_LINKS = """
create or replace temp table new_values as
select distinct identifier_type, identifier_hash
from landed anti join identity.identifiers using (identifier_type, identifier_hash);
insert into identity.identifiers
select
    cast((select coalesce(max(identifier_no), 0) from identity.identifiers) + row_number() over () as integer),
    identifier_type, identifier_hash, coalesce(try_cast('0x' || substr(identifier_hash, 1, 15) as bigint), 0)
from new_values;
create or replace temp table new_links as
select profiles.profile_no, identifiers.identifier_no, landed.landed_on, landed.is_role,
    landed.identifier_type = 'email' and landed.profile_key = 'mailbox:' || landed.identifier_hash as is_own
from landed
inner join identity.profiles using (profile_key)
inner join identity.identifiers using (identifier_type, identifier_hash)
anti join identity.links
    on links.profile_no = profiles.profile_no and links.identifier_no = identifiers.identifier_no
where landed.identifier_type <> 'probabilistic' or profiles.first_landed_on < landed.landed_on;
insert into identity.links select * from new_links order by profile_no;
insert into touched select profile_no from new_links;
insert into touched_identifiers select identifier_no from new_links
"""

# A value that no longer lands is nowhere; solving sees values with links only.
FORGET_HUBS = """
delete from identity.hubs
where hub_from >= $start
    and identifier_no in (select identifier_no from touched_identifiers)
    and identifier_no not in (select identifier_no from identity.links)
"""

# What solving needs the memory for.
DROP = """
drop table landed;
drop table placeholders;
drop table seen;
drop table new_profiles;
drop table new_people;
drop table new_names;
drop table new_values;
drop table new_links
"""


def land(connection: duckdb.DuckDBPyConnection, *, start: date, end: date) -> None:
    """Replace what the days start..end brought; nothing later is known.

    Leaves the temporary tables touched (profile_no) and touched_identifiers (identifier_no): of what was taken back, or is new.
    """
    for statement in (LANDED, SEEN, FORGET, LEARN_PROFILES, LEARN_PEOPLE, LEARN_LINKS, FORGET_HUBS, DROP):
        execute(connection, statement, start=start, end=end)


def execute(connection: duckdb.DuckDBPyConnection, script: str, **values: object) -> None:
    """Execute statements that stand in one text, each with those of the values that it names."""
    for statement in script.split(";\n"):
        connection.execute(statement, {name: value for name, value in values.items() if f"${name}" in statement})
