"""Connected components of the same edges by others, and by the two solvers here."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import networkx as nx
import numpy as np
import pyarrow as pa
from splink import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold

from ml.identity.components import label
from orchestration.defs.identity.contraction import label_components

Solver = Callable[[duckdb.DuckDBPyConnection], None]

# Profiles that share a value which is no hub; each value is a star around its first profile, so that nobody pays for cliques.
STARS = """
with links as (
    select {profile} as profile, {identifier} as identifier from {links}
    qualify count(*) over (partition by {identifier}) between 2 and 50
)
select profile as left_no, min(profile) over (partition by identifier) as right_no from links
qualify left_no <> right_no
"""
SUMMARY = """
select count(distinct component), bit_xor(hash(vertex, least_no))
from (select vertex, component, min(vertex) over (partition by component) as least_no from components)
"""
USING_KEY = """
create table components as
with recursive reached(vertex, component) using key (vertex) as (
    select vertex, vertex from (select left_no as vertex from both_ways union select right_no from both_ways)
    union
    select both_ways.right_no, min(reached.component)
    from reached
    inner join both_ways on reached.vertex = both_ways.left_no
    inner join recurring.reached as before on both_ways.right_no = before.vertex
    where reached.component < before.component
    group by both_ways.right_no
)
select vertex, component from reached
"""


def by_scipy(connection: duckdb.DuckDBPyConnection) -> None:
    """As identity does."""
    edges = connection.execute("from edges").to_arrow_table()
    left, right = (edges[name].to_numpy() for name in ("left_no", "right_no"))
    size = 1 + int(max(left.max(), right.max()))
    labels = label(left, right, size=size)
    _store(connection, pa.table({"vertex": np.arange(size, dtype=np.int32), "component": labels}))


def by_contraction(connection: duckdb.DuckDBPyConnection) -> None:
    """In SQL alone, where links do not fit in memory."""
    label_components(connection, edges="edges", into="components")


def by_networkx(connection: duckdb.DuckDBPyConnection) -> None:
    """Plain Python."""
    graph: nx.Graph[int] = nx.Graph(connection.execute("select left_no, right_no from edges").fetchall())
    parts = enumerate(nx.connected_components(graph))
    labelled = np.array([(vertex, number) for number, part in parts for vertex in part])
    _store(connection, pa.table({"vertex": labelled[:, 0], "component": labelled[:, 1]}))


def by_splink(connection: duckdb.DuckDBPyConnection) -> None:
    """Splink's clustering on the integers."""
    connection.execute("create table nodes as select left_no as vertex from edges union select right_no from edges")
    cluster(connection, node="vertex", left="left_no", right="right_no")
    connection.execute("create table components as select vertex, cluster_id as component from clustered")


def by_using_key(connection: duckdb.DuckDBPyConnection) -> None:
    """DuckDB's recursion with a keyed table: the lowest label wanders from neighbour to neighbour."""
    connection.execute("create table both_ways as from edges union all select right_no, left_no from edges")
    connection.execute(USING_KEY)


def cluster(connection: duckdb.DuckDBPyConnection, *, node: str, left: str, right: str) -> None:
    """Create `clustered` (node, cluster_id) from the tables `nodes` and `edges`."""
    engine = DuckDBAPI(connection)
    clustered = cluster_pairwise_predictions_at_threshold(
        engine.register("nodes"), engine.register("edges"), engine,
        node_id_column_name=node, edge_id_column_name_left=left, edge_id_column_name_right=right,
    )  # fmt: skip
    connection.execute(f"create table clustered as from {clustered.physical_name}")


def summary(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Number of components of the edges, and a value that two equal partitions share."""
    connection.execute(
        "delete from components where vertex not in (select left_no from edges union all select right_no from edges)"
    )
    count, check = connection.execute(SUMMARY).fetchall()[0]
    return int(count), int(check)


def write_edges(warehouse: Path, into: Path) -> int:
    """Write the edges of a solved warehouse as integers; returns how many there are."""
    query = STARS.format(profile="profile_no", identifier="identifier_no", links="identity.links")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"copy ({query}) to '{into}' (format parquet)")
        return int(connection.execute(f"select count(*) from '{into}'").fetchall()[0][0])


def _store(connection: duckdb.DuckDBPyConnection, found: pa.Table) -> None:
    connection.register("found", found)
    connection.execute("create table components as from found")
