"""Connected components in SQL alone, by randomised contraction: for engines, and sizes, at which Python must not see the edges.

H. Bögeholz, M. Brand, R.-A. Todor: In-database connected component analysis. ICDE 2020, arXiv:1802.09478.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np

FIELD = 2**31 - 1
"""A prime: h(v) = (a·v + b) mod FIELD permutes the vertices 0..FIELD-1, and no product leaves 63 bits."""

OUTSIDE = f"""
select count(*) from {{edges}}
where (left_no between 0 and {FIELD - 1} and right_no between 0 and {FIELD - 1}) is not true
"""

BOTH_WAYS = """
create or replace temp table contraction_edges as
select cast(left_no as bigint) as vertex, cast(right_no as bigint) as neighbour from {edges}
union
select right_no, left_no from {edges}
"""

# Each vertex picks, of itself and its neighbours, the one with the lowest h; the lowest h names it, for h has an inverse.
PICK = f"""
create or replace temp table contraction_picks_{{number}} as
select
    vertex,
    (least(min(($a * neighbour + $b) % {FIELD}), ($a * vertex + $b) % {FIELD}) + {FIELD} - $b) * $inverse % {FIELD} as picked
from contraction_edges group by vertex
"""

CONTRACT = """
create or replace temp table contraction_edges as
select distinct picks.picked as vertex, others.picked as neighbour
from contraction_edges as edges
inner join contraction_picks_{number} as picks on edges.vertex = picks.vertex
inner join contraction_picks_{number} as others on edges.neighbour = others.vertex
where picks.picked <> others.picked
"""

# Of what a vertex picked, what that picked in the round after, if it still had neighbours.
COMPOSE = """
create or replace temp table contraction_picks_{number} as
select picks.vertex, coalesce(later.picked, picks.picked) as picked
from contraction_picks_{number} as picks
left join contraction_picks_{later} as later on picks.picked = later.vertex
"""

LABEL = """
create or replace temp table {into} as
select cast(vertex as integer) as vertex, cast(min(vertex) over (partition by picked) as integer) as component
from contraction_picks_0
"""


def label_components(connection: duckdb.DuckDBPyConnection, *, edges: str, into: str) -> int:
    """Create the temporary table `into` (vertex, component): each vertex of the edges once, with the lowest of its component.

    A round leaves at most ¾ of the vertices, as an expectation, whatever the graph: chains take as few rounds as stars.
    Which numbers are drawn changes how many rounds there are, never the result.

    Args:
        connection: Where the edges are.
        edges: Table (left_no, right_no) of integers in 0..2³¹-2; order, repetition and loops do not matter.
        into: Name of the result.

    Returns:
        Rounds.

    Raises:
        ValueError: An end of an edge is null or outside of the range.
    """
    if outside := _count(connection, OUTSIDE.format(edges=edges)):
        message = f"{edges}: {outside} edges with an end that is null, negative or above {FIELD - 1}"
        raise ValueError(message)
    random = np.random.default_rng(0)
    number = 0
    with _dropping_tables(connection):
        connection.execute(BOTH_WAYS.format(edges=edges))
        while not number or _count(connection, "select count(*) from contraction_edges"):
            a, b = int(random.integers(1, FIELD)), int(random.integers(FIELD))
            connection.execute(PICK.format(number=number), {"a": a, "b": b, "inverse": pow(a, -1, FIELD)})
            connection.execute(CONTRACT.format(number=number))
            number += 1
        for later in range(number - 1, 0, -1):
            connection.execute(COMPOSE.format(number=later - 1, later=later))
        connection.execute(LABEL.format(into=into))
    return number


@contextmanager
def _dropping_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    try:
        yield
    finally:
        names = connection.execute(
            "select table_name from duckdb_tables() where temporary and starts_with(table_name, 'contraction_')"
        ).fetchall()
        for (name,) in names:
            connection.execute(f"drop table {name}")


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
