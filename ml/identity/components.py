"""Connected components of integer edges, in memory."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def label(left: NDArray[np.int32], right: NDArray[np.int32], *, size: int) -> NDArray[np.int32]:
    """A number for the component of each vertex 0..size-1; left and right are the ends of each edge."""
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels
