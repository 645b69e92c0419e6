"""The solver in SQL gives the partition that scipy gives, on every shape of graph."""

from collections.abc import Iterator

import duckdb
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from orchestration.defs.identity.contraction import FIELD, label_components

LARGEST = FIELD - 1
NUMBERS = st.one_of(st.integers(0, 12), st.integers(LARGEST - 2, LARGEST), st.integers(0, LARGEST))
EDGES = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def solve(connection: duckdb.DuckDBPyConnection, edges: np.ndarray) -> tuple[dict[int, int], int]:
    handed_in = pa.table({"left_no": edges[:, 0], "right_no": edges[:, 1]})
    connection.register("edges", handed_in)
    rounds = label_components(connection, edges="edges", into="components")
    found = connection.execute("from components").fetchall()
    assert len(dict(found)) == len(found)
    return dict(found), rounds


def lowest_by_scipy(edges: np.ndarray) -> dict[int, int]:
    vertices, ends = np.unique(edges, return_inverse=True)
    ends = ends.reshape(edges.shape)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(vertices), len(vertices)))
    count, labels = connected_components(graph, directed=False)
    lowest = np.full(count, LARGEST + 1)
    np.minimum.at(lowest, labels, vertices)
    return dict(zip(vertices.tolist(), lowest[labels].tolist(), strict=True))


def chain(length: int) -> np.ndarray:
    order = np.random.default_rng(3).permutation(length)
    return np.column_stack([order[:-1], order[1:]])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=EDGES)
def test_any_graph_gets_the_partition_of_scipy_with_the_lowest_vertex_as_label(
    connection: duckdb.DuckDBPyConnection, edges: list[tuple[int, int]]
) -> None:
    given_edges = np.array(edges, dtype=np.int64).reshape(-1, 2)
    assert solve(connection, given_edges)[0] == lowest_by_scipy(given_edges)


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param(chain(20_000), id="chain of 20,000"),
        pytest.param(np.column_stack([np.arange(19_999), np.arange(1, 20_000)]), id="chain in order"),
        pytest.param(np.column_stack([np.full(20_000, 19_999), np.arange(20_000)]), id="star whose hub is the last"),
        pytest.param(np.random.default_rng(5).integers(0, 20_000, (10_000, 2)), id="many small ones"),
        pytest.param(np.random.default_rng(5).integers(0, 20_000, (40_000, 2)), id="one giant"),
    ],
)
def test_rounds_grow_with_the_logarithm_whatever_the_shape(
    connection: duckdb.DuckDBPyConnection, edges: np.ndarray
) -> None:
    found, rounds = solve(connection, edges)
    assert found == lowest_by_scipy(edges)
    assert rounds <= np.log(20_000) / np.log(4 / 3)


def test_nothing_is_left_behind_and_nothing_permanent_is_written(connection: duckdb.DuckDBPyConnection) -> None:
    solve(connection, chain(50))
    assert connection.execute("select table_name, temporary from duckdb_tables()").fetchall() == [("components", True)]


@pytest.mark.parametrize("end", [-1, LARGEST + 1, None])
def test_a_number_outside_of_the_field_is_refused(connection: duckdb.DuckDBPyConnection, end: int | None) -> None:
    connection.execute("create table edges as select 1 as left_no, $end::bigint as right_no", {"end": end})
    with pytest.raises(ValueError, match="1 edges with an end"):
        label_components(connection, edges="edges", into="components")
