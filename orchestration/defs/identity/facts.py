"""What is known of the profiles that are reached, as the solver takes it."""

from typing import Final

import duckdb
import pyarrow as pa

from ml.identity.resolve import Known

PROFILES: Final = """
select profile_no, first_landed_on from identity.profiles semi join reached using (profile_no)
where first_landed_on < date '9999-12-31'
order by first_landed_on, profile_key
"""

LINKS: Final = """
create or replace temp table known_links as
select links.* from identity.links semi join reached using (profile_no)
"""

IDENTIFIERS: Final = """
create or replace temp table known_identifiers as
select identifier_no, identifier_type, rank
from identity.identifiers where identifier_no in (select identifier_no from known_links)
"""

PEOPLE: Final = """
select links.identifier_no, min(greatest(links.first_landed_on, profiles.person_known_on)) as known_on
from known_links as links
inner join identity.profiles using (profile_no)
where profiles.person_hash is not null
group by links.identifier_no, profiles.person_hash
"""

ACCOUNTS: Final = """
create or replace temp table accounts as
select links.profile_no, split_part(profiles.profile_key, ':', 1) as source, links.identifier_no as account,
    links.first_landed_on as known_on, known_identifiers.rank
from known_links as links
inner join known_identifiers using (identifier_no)
inner join identity.profiles as profiles on links.profile_no = profiles.profile_no
where known_identifiers.identifier_type = 'user_id'
"""

# An account's name is the first that landed for any profile of it.
ACCOUNT_NAMES: Final = """
create or replace temp table account_names as
select
    links.identifier_no as account, profiles.first_name, profiles.last_name,
    greatest(links.first_landed_on, profiles.named_on) as known_on
from identity.links
inner join identity.profiles using (profile_no)
where profiles.named_on is not null and links.identifier_no in (
    select identifier_no from known_identifiers where identifier_type = 'user_id'
)
qualify row_number() over (partition by links.identifier_no order by known_on, profiles.profile_key) = 1
"""

# Two accounts of one source at one value are two people when their names differ: by more than a typo, and neither an initial
# of the other nor first and last name swapped. As an account's name does not change, what differs differs for good.
SHARED: Final = """
with uses as (
    select links.identifier_no, accounts.source, accounts.account, min(greatest(links.first_landed_on, accounts.known_on)) as known_on
    from known_links as links
    inner join known_identifiers using (identifier_no)
    inner join accounts on links.profile_no = accounts.profile_no
    where known_identifiers.identifier_type in ('email', 'inbox', 'phone', 'device')
    group by links.identifier_no, accounts.source, accounts.account
),
-- Most values are of one account: names are looked up of the others only.
contested as (
    from uses qualify count(*) over (partition by identifier_no, source) > 1
),
named as (
    select contested.* replace (greatest(contested.known_on, account_names.known_on) as known_on),
        account_names.first_name, account_names.last_name
    from contested inner join account_names using (account)
),
holders as (
    select named.*
    from named inner join identity.identifiers as ranks on named.account = ranks.identifier_no
    qualify row_number() over (partition by named.identifier_no, named.source order by named.known_on, ranks.rank) <= $most
)
select one.identifier_no, min(greatest(one.known_on, other.known_on)) as shared_on
from holders as one
inner join holders as other
    on one.identifier_no = other.identifier_no and one.source = other.source and one.account < other.account
where jaro_winkler_similarity(one.first_name, other.first_name) < 0.85
    and not (length(rtrim(one.first_name, '.')) = 1 and starts_with(other.first_name, one.first_name[1]))
    and not (length(rtrim(other.first_name, '.')) = 1 and starts_with(one.first_name, other.first_name[1]))
    and one.first_name is distinct from other.last_name and other.first_name is distinct from one.last_name
group by one.identifier_no
"""
MOST_ACCOUNTS: Final = 50  # of one value that are compared with each other: beyond, it is a hub by its profiles anyway

MARKS: Final = """
with first_accounts as (
    from accounts qualify row_number() over (partition by profile_no order by known_on, rank) = 1
)
select profile_no, 'user_id ' || source as kind, account as value_no, known_on from first_accounts
union all
select
    first_accounts.profile_no, 'name ' || first_accounts.source,
    cast(dense_rank() over (order by account_names.first_name, account_names.last_name) as integer),
    greatest(first_accounts.known_on, account_names.known_on)
from first_accounts inner join account_names using (account)
"""

PAIRS: Final = """
select pairs.*
from pairs_by_hand as pairs
inner join reached as lefts on pairs.left_no = lefts.profile_no
inner join reached as rights on pairs.right_no = rights.profile_no
inner join identity.profiles as left_profiles on pairs.left_no = left_profiles.profile_no
inner join identity.profiles as right_profiles on pairs.right_no = right_profiles.profile_no
where greatest(left_profiles.first_landed_on, right_profiles.first_landed_on) < date '9999-12-31'
"""

BLOCKED: Final = """
select identifier_no, known_from, known_to from (from blocked_by_decision union all from cut)
where identifier_no in (select identifier_no from known_identifiers)
"""


TABLES: Final = (LINKS, IDENTIFIERS, ACCOUNTS, ACCOUNT_NAMES)  # which the queries above read, in this order


def read_known(connection: duckdb.DuckDBPyConnection) -> Known:
    """Read what is known of the profiles in the table `reached`."""

    def read(query: str, **values: object) -> pa.Table:
        return connection.execute(query, values).to_arrow_table()

    for statement in TABLES:
        connection.execute(statement)
    return Known(
        profiles=read(PROFILES),
        identifiers=read("from known_identifiers"),
        links=read("from known_links"),
        people=read(PEOPLE),
        shared=read(SHARED, most=MOST_ACCOUNTS),
        marks=read(MARKS),
        pairs=read(PAIRS),
        blocked=read(BLOCKED),
    )
