"""Parts of the reached profiles that nothing joins, so that Python never holds more links than fit in memory."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from ml.identity.components import label
from orchestration.defs.identity.contraction import label_components
from orchestration.defs.identity.dictionary import execute


class Most(NamedTuple):
    """What Python holds at once.

    Attributes:
        links: Of a part that is solved, at some 150 bytes each; more only where all of them could be one customer.
        edges: Between integers, to find the parts, at some 40 bytes each; where there are more, SQL alone finds them.
    """

    links: int = 8_000_000
    edges: int = 40_000_000


MOST = Most()

LINKS = "select count(*) from identity.links semi join reached using (profile_no)"

# Whatever could join two profiles on any of the days, or on the day before.
EDGES = """
create or replace temp table joined as
with bearers as (
    select profile_no, identifier_no from identity.links semi join reached using (profile_no)
    where identifier_no not in (select identifier_no from cut where known_from < $start and known_to > $end)
),
firsts as (
    select identifier_no, min(profile_no) as first_no from bearers
    group by identifier_no having first_no < max(profile_no)
)
select bearers.profile_no as left_no, firsts.first_no as right_no
from bearers inner join firsts using (identifier_no)
where bearers.profile_no <> firsts.first_no
union all
select left_no, right_no from pairs_by_hand
where left_no in (select profile_no from reached) and right_no in (select profile_no from reached)
"""

BATCHES = """
create or replace temp table batches as
with parts as (
    select reached.profile_no, coalesce(components.component, reached.profile_no) as component
    from reached left join components on reached.profile_no = components.vertex
),
sizes as (
    select parts.component, count(links.identifier_no) as links
    from parts left join identity.links as links using (profile_no)
    group by parts.component
),
numbered as (
    select component, (sum(links) over (order by component) - 1) // $most as batch_no
    from sizes
)
select parts.profile_no, numbered.batch_no
from parts inner join numbered using (component)
"""

NUMBERS = "select distinct batch_no from batches order by batch_no"
BATCH = "create or replace temp table reached as select profile_no from batches where batch_no = $batch_no"
ALL = "create or replace temp table reached as select profile_no from batches"


def batches(connection: duckdb.DuckDBPyConnection, *, start: date, end: date, most: Most) -> Iterator[None]:
    """Narrow the table `reached` to one part after the other; at the end it holds all of them again.

    Args:
        connection: The warehouse, with the tables reached, cut and pairs_by_hand.
        start: First day that is solved.
        end: Last day, inclusive.
        most: What is held at once; a part goes beyond it by less than the links of one reach.
    """
    if connection.execute(LINKS).fetchall()[0][0] <= most.links:
        yield
        return
    execute(connection, EDGES, start=start, end=end)
    if connection.execute("select count(*) from joined").fetchall()[0][0] <= most.edges:
        _label_in_memory(connection)
    else:
        label_components(connection, edges="joined", into="components")
    execute(connection, BATCHES, most=most.links)
    for (number,) in connection.execute(NUMBERS).fetchall():
        execute(connection, BATCH, batch_no=number)
        yield
    execute(connection, ALL)


def _label_in_memory(connection: duckdb.DuckDBPyConnection) -> None:
    edges = connection.execute("from joined").to_arrow_table()
    left, right = (edges[name].to_numpy() for name in ("left_no", "right_no"))
    size = 1 + int(max(left.max(initial=0), right.max(initial=0)))
    vertices, oldest = np.arange(size, dtype=np.int32), np.full(size, size, dtype=np.int32)
    labels = label(left, right, size=size)
    np.minimum.at(oldest, labels, vertices)
    connection.register("labelled", pa.table({"vertex": vertices, "component": oldest[labels]}))
    connection.execute("create or replace temp table components as from labelled")
    connection.unregister("labelled")
