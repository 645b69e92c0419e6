"""Which profiles a day's facts, decisions and erasures reach; nobody else is solved again."""

from datetime import date

import duckdb

from orchestration.defs.identity.dictionary import execute

# Decisions that begin or end within the days; what they block or part counts anew, hub or not.
TURNS = """
create or replace temp table turning as
select distinct identifier_no from blocked_by_decision
where known_from between $start and $end or known_to between $start and $end;
insert into touched
select links.profile_no from identity.links inner join turning using (identifier_no)
union
select unnest([left_no, right_no]) from pairs_by_hand
where known_from between $start and $end or known_to between $start and $end
"""

# Identifiers that linked nobody on the day before, and still do not: profiles elsewhere that bear them are not reached.
CUT = """
create or replace temp table cut as
select identifier_no, hub_from as known_from, date '9999-12-31' as known_to
from identity.hubs
where hub_from < $start and hub_to >= $start and identifier_no not in (select identifier_no from turning)
"""

# Whoever shares a new or lost link's identifier, and all that one of these could be one with on the day before, guards aside.
# A name is that of an account, so it reaches everyone with the same user id.
REACHED = """
create or replace temp table near_identifiers as
select identifier_no from touched_identifiers where identifier_no not in (select identifier_no from cut)
union
select links.identifier_no
from identity.links
inner join identity.identifiers using (identifier_no)
where identifiers.identifier_type = 'user_id' and links.profile_no in (select profile_no from touched);
create or replace temp table near as
select profile_no from touched
union
select left_no from pairs_by_hand where right_no in (select profile_no from touched)
union
select right_no from pairs_by_hand where left_no in (select profile_no from touched)
union
select profile_no from identity.links where identifier_no in (select identifier_no from near_identifiers);
create or replace temp table reached as
select profile_no from near
union
select profile_no from identity.map
where valid_from < $start and valid_to >= $start and reach_no in (
    select reach_no from identity.map
    where valid_from < $start and valid_to >= $start and profile_no in (select profile_no from near)
)
"""

EVERYBODY = """
create or replace temp table cut (identifier_no integer, known_from date, known_to date);
create or replace temp table reached as select profile_no from identity.profiles
"""

# An erased profile is no longer in the dictionary, but what it linked is still numbered. A proposal ends with either of its two.
ERASED = """
create or replace temp table erased as
select distinct profile_no from identity.map anti join identity.profiles using (profile_no);
create or replace temp table void_proposals as
select identifier_no from identity.identifiers anti join ml.identity_matches using (identifier_hash)
where identifier_type = 'probabilistic';
create or replace temp table affected as
select distinct identifier_no from identity.links inner join erased using (profile_no)
union
select distinct identifier_no from identity.links anti join identity.identifiers using (identifier_no)
union
select identifier_no from void_proposals;
create or replace temp table reached as
select profile_no from erased
union
select profile_no from identity.links inner join affected using (identifier_no)
"""

# Over all days: who was ever within one reach.
SPREAD = """
create or replace temp table reached as
select distinct profile_no from identity.map
where reach_no in (select reach_no from identity.map inner join reached using (profile_no))
union
select profile_no from reached
"""

FORGOTTEN = """
delete from identity.map where profile_no in (select profile_no from erased);
delete from identity.links
where profile_no in (select profile_no from erased)
    or identifier_no not in (select identifier_no from identity.identifiers)
    or identifier_no in (select identifier_no from void_proposals);
delete from identity.hubs where identifier_no in (select identifier_no from affected);
create or replace temp table left_ids as
select 'c_' || substr(sha256(profile_key), 1, 16) as customer_id from identity.profiles;
delete from marts.identity_log
where customer_id not in (select customer_id from left_ids) or other_customer_id not in (select customer_id from left_ids);
create or replace temp table cut as
select identifier_no, hub_from as known_from, hub_to as known_to from identity.hubs;
delete from reached where profile_no in (select profile_no from erased)
"""


def find_reached(connection: duckdb.DuckDBPyConnection, *, start: date, end: date) -> None:
    """Create the tables reached (profile_no) and cut (identifier_no, known_from, known_to) for the days start..end."""
    for statement in (TURNS, CUT, REACHED):
        execute(connection, statement, start=start, end=end)


def reach_everybody(connection: duckdb.DuckDBPyConnection) -> None:
    """The same, where nothing of the day before can be relied on: rules changed, or there is no day before."""
    execute(connection, EVERYBODY)


def reach_of_erased(connection: duckdb.DuckDBPyConnection) -> None:
    """The same for all days solved, and take out what erased profiles left behind."""
    execute(connection, ERASED)
    size = -1
    while (found := _count(connection)) != size:
        size = found
        execute(connection, SPREAD)
    execute(connection, FORGOTTEN)


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("select count(*) from reached").fetchall()[0][0])
