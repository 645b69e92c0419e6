"""Parts of the reached profiles that nothing joins, so that Python never holds more links than fit in memory."""

from collections.abc import Iterator
from datetime import date

import duckdb

from orchestration.defs.identity.contraction import label_components
from orchestration.defs.identity.dictionary import execute

MOST_LINKS = 8_000_000
"""Solved at once; more only where all of them could be one customer."""

LINKS = "select count(*) from identity.links semi join reached using (profile_no)"

# Whatever could join two profiles on any of the days, or on the day before.
EDGES = """
create or replace temp table joined as
select profile_no as left_no, min(profile_no) over (partition by identifier_no) as right_no
from identity.links semi join reached using (profile_no)
where identifier_no not in (select identifier_no from cut where known_from < $start and known_to > $end)
union all
select profile_no, profile_no from reached
union all
select left_no, right_no from pairs_by_hand
where left_no in (select profile_no from reached) and right_no in (select profile_no from reached)
"""

BATCHES = """
create or replace temp table batches as
with sizes as (
    select components.component, count(links.identifier_no) as links
    from components left join identity.links as links on components.vertex = links.profile_no
    group by components.component
),
numbered as (
    select component, (sum(links) over (order by component) - 1) // $most as batch_no
    from sizes
)
select components.vertex as profile_no, numbered.batch_no
from components inner join numbered using (component)
"""

NUMBERS = "select distinct batch_no from batches order by batch_no"
BATCH = "create or replace temp table reached as select profile_no from batches where batch_no = $batch_no"
ALL = "create or replace temp table reached as select profile_no from batches"


def batches(connection: duckdb.DuckDBPyConnection, *, start: date, end: date, most_links: int) -> Iterator[None]:
    """Narrow the table `reached` to one part after the other; at the end it holds all of them again.

    Args:
        connection: The warehouse, with the tables reached, cut and pairs_by_hand.
        start: First day that is solved.
        end: Last day, inclusive.
        most_links: Of one part; it goes beyond by less than the links of one reach.
    """
    if connection.execute(LINKS).fetchall()[0][0] <= most_links:
        yield
        return
    execute(connection, EDGES, start=start, end=end)
    label_components(connection, edges="joined", into="components")
    execute(connection, BATCHES, most=most_links)
    for (number,) in connection.execute(NUMBERS).fetchall():
        execute(connection, BATCH, batch_no=number)
        yield
    execute(connection, ALL)
