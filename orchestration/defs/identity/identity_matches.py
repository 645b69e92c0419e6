"""Table `ml.identity_matches`: links that the probabilistic pass proposes, week by week."""

from datetime import date
from typing import TYPE_CHECKING

import duckdb

from activation.playbook.identity import Identity

if TYPE_CHECKING:  # Splink takes a second to import, and most runs do without
    from ml.identity.match import Proposals

SUNDAY = 7

# Values are the newest that are not null. Who has neither a name nor a date of birth cannot be told from others. An address or a
# phone that links nobody is shared by people who differ: that it agrees tells nothing.
PROFILES = """
with shared as (
    select
        profiles.profile_key, bool_or(hubs.identifier_type in ('email', 'inbox')) as is_email,
        bool_or(hubs.identifier_type = 'phone') as is_phone
    from identity.hubs as hubs
    inner join identity.links using (identifier_no)
    inner join identity.profiles using (profile_no)
    where hubs.hub_from <= $as_of and $as_of < hubs.hub_to and links.first_landed_on <= $as_of
    group by profiles.profile_key
)
select
    facts.profile_key, any_value(facts.source) as source, any_value(map.customer_id) as customer_id,
    arg_max(first_name, landed_on) as first_name, arg_max(last_name, landed_on) as last_name,
    arg_max(date_of_birth, landed_on) as date_of_birth,
    arg_max(email, landed_on) filter (is_email is not true) as email,
    arg_max(phone, landed_on) filter (is_phone is not true) as phone, arg_max(address, landed_on) as address,
    arg_max(postcode, landed_on) as postcode, arg_max(city, landed_on) as city, arg_max(region, landed_on) as region
from intermediate.int_profiles__unioned as facts
inner join marts.identity_map as map
    on facts.profile_key = map.profile_key and map.valid_from <= $as_of and $as_of < map.valid_to
left join shared on facts.profile_key = shared.profile_key
where facts.landed_on <= $as_of
group by facts.profile_key
having coalesce(max(first_name), max(last_name), max(date_of_birth)) is not null
order by facts.profile_key
"""

DECIDED = """
select left_profile_key as left_key, right_profile_key as right_key from ml.identity_matches where as_of < $as_of
"""

APART = """
select one.profile_key as left_key, other.profile_key as right_key
from pairs_by_hand
inner join identity.profiles as one on pairs_by_hand.left_no = one.profile_no
inner join identity.profiles as other on pairs_by_hand.right_no = other.profile_no
where not is_same and known_from <= $as_of and $as_of < known_to
"""

# What no customer has two of, as its guard knows it: user ids of some sources, and profiles of others.
ACCOUNTS = """
select profiles.profile_key, split_part(profiles.profile_key, ':', 1) as source, identifiers.identifier_hash as account
from identity.links
inner join identity.identifiers using (identifier_no)
inner join identity.profiles using (profile_no)
where identifiers.identifier_type = 'user_id' and links.first_landed_on <= $as_of
    and split_part(profiles.profile_key, ':', 1) in (select unnest($user_ids))
union all
select profile_key, 'profiles of ' || split_part(profile_key, ':', 1), profile_key
from identity.profiles
where first_landed_on <= $as_of and split_part(profile_key, ':', 1) in (select unnest($profiles))
"""

RECORD = """
insert into ml.identity_matches
select $as_of, left_key, right_key, probability, match_weight, sha256(left_key || '|' || right_key) from proposed
order by match_weight desc, left_key, right_key
"""


def is_due(as_of: date) -> bool:
    """Whether the pass runs on a day: once a week, when the week has ended."""
    return as_of.isoweekday() == SUNDAY


def propose(connection: duckdb.DuckDBPyConnection, identity: Identity, as_of: date) -> "Proposals":
    """Propose links between the customers of a day, from what had landed by then; nothing is written.

    Args:
        connection: The warehouse, whose map is solved up to the day, with the table pairs_by_hand.
        identity: Threshold, and what no customer has two of.
        as_of: The day.
    """
    from splink import DuckDBAPI

    from ml.identity.match import propose_links

    one_each = {
        "as_of": as_of,
        "user_ids": identity.guards.one_user_id_per_person,
        "profiles": identity.probabilistic.one_profile_per_person,
    }
    accounts = connection.execute(ACCOUNTS, one_each).to_arrow_table()
    decided = connection.execute(f"{DECIDED} union all {APART}", {"as_of": as_of}).to_arrow_table()
    profiles = connection.execute(PROFILES, {"as_of": as_of}).to_arrow_table()
    with duckdb.connect() as engine:
        return propose_links(
            profiles,
            DuckDBAPI(engine),
            probability=identity.probabilistic.probability,
            accounts=accounts,
            decided=decided,
        )


def record(connection: duckdb.DuckDBPyConnection, proposals: "Proposals", as_of: date) -> None:
    """Replace a day's proposals; they link from the day after."""
    connection.execute("delete from ml.identity_matches where as_of = ?", [as_of])
    connection.register("proposed", proposals.links)
    connection.execute(RECORD, {"as_of": as_of})
    connection.unregister("proposed")
