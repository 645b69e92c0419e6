"""Many profiles of made-up people: identifiers as they land, with chains and hubs among them."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

DAY = date(2025, 6, 29)
FOLLOWING = DAY + timedelta(days=1)
PER_PERSON = 2.5  # profiles
NEW_SHARE = 0.003  # of a day's links among all
CHAINS = 5
HUBS = 200  # shared phones
PER_HUB = 100  # profiles

# A profile's links: the user id of its person in two of five, its mailbox in nine of ten, its phone and its device in six of ten each.
# The last profiles form chains: each shares one address with the next, and nothing else with anybody.
FACTS = """
create schema intermediate;
create table profiles as
select number, ['shopify', 'hubspot', 'segment', 'zendesk', 'plain'][1 + number % 5] || ':' || number as profile_key,
    cast(floor(number / $per_person) as bigint) as person, number % 5 as kind, number >= $profiles - $chained as is_chained
from (select cast(range as bigint) as number from range($profiles));
create table valued as
select profile_key, 'user_id' as identifier_type, 'user ' || person as value from profiles where kind in (0, 2) and not is_chained
union all
select profile_key, 'email', person || '@example.org' from profiles where hash(number, 1) % 10 < 9 and not is_chained
union all
select profile_key, 'phone', '+1555' || person from profiles where hash(number, 2) % 10 < 6 and not is_chained
union all
select profile_key, 'device', 'device ' || person || ' ' || hash(number, 3) % 2
from profiles where hash(number, 4) % 10 < 6 and not is_chained
union all
select profile_key, 'email', 'chain ' || (number + step) || '@example.org'
from profiles, unnest([0, 1]) as steps(step)
where is_chained and (number + step) % $longest > 0
union all
select profile_key, 'phone', 'shared phone ' || hash(number, 5) % $hubs
from profiles where hash(number, 6) % greatest($profiles // ($hubs * $per_hub), 1) = 0;
create table intermediate.int_identifiers__linked as
select profile_key, split_part(profile_key, ':', 1) as source, identifier_type, sha256(value) as identifier_hash, $day as landed_on,
    false as is_blocked, false as is_role_mailbox
from valued order by hash(profile_key);
create table intermediate.int_profiles__unioned as
select profile_key, 'Name' || hash(person) % 1000 as first_name, 'Family' || hash(person, 1) % 1000 as last_name,
    null::varchar as postcode, null::varchar as address, $day as landed_on
from profiles where kind < 2;
drop table valued
"""

# Half of a day's links are those of new profiles, half are new values that known profiles share with others.
FOLLOWING_DAY = """
insert into intermediate.int_identifiers__linked
select profile_key, split_part(profile_key, ':', 1), 'phone', sha256('new phone ' || number // 2), $following, false, false
from (select profile_key, row_number() over (order by hash(number, 7)) as number from profiles where not is_chained)
where number <= $new // 2;
insert into intermediate.int_identifiers__linked
select 'segment:new ' || number, 'segment', kind, sha256(case kind when 'device' then 'new device ' || number else value end), $following,
    false, false
from (select range as number, hash(range, 8) % ($profiles // 2) || '@example.org' as value from range($new // 4)),
    unnest(['device', 'email']) as kinds(kind);
drop table profiles
"""


def make_world(warehouse: Path, profiles: int, longest_chain: int) -> None:
    """Create a warehouse in which two days of facts have landed and none is solved; a longest chain of 0 is none."""
    with duckdb.connect(str(warehouse)) as connection:
        chained = min(profiles // 10, CHAINS * longest_chain)
        values = {
            "profiles": profiles, "per_person": PER_PERSON, "chained": chained, "longest": max(longest_chain, 1),
            "hubs": HUBS, "per_hub": PER_HUB, "day": DAY, "following": FOLLOWING,
        }  # fmt: skip
        _execute(connection, FACTS, values)
        links = connection.execute("select count(*) from intermediate.int_identifiers__linked").fetchall()[0][0]
        _execute(connection, FOLLOWING_DAY, values | {"new": int(NEW_SHARE * links)})


def _execute(connection: duckdb.DuckDBPyConnection, script: str, values: dict[str, object]) -> None:
    for statement in script.split(";\n"):
        connection.execute(statement, {name: value for name, value in values.items() if f"${name}" in statement})
