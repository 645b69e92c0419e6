"""Who belongs to which cluster: the nearest, but nobody leaves one for another that is hardly nearer."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from ml.interests.clusters import FOREMOST, Clusters, distances
from ml.interests.vectors import Floats, Ints, Vectors

MARGIN: Final = 0.1  # a cluster must be nearer by this part of the distance

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("cluster_id", pa.int32()),
        ("cluster_name", pa.string()),
        ("affinity_share", pa.float64()),
        ("entered_on", pa.date32()),
    ]
)


def assign_customers(history: Mapping[date, Vectors], clusters: Clusters) -> pa.Table:
    """Walk through the known days and give everybody of the last one a cluster.

    On the first day on which somebody is known the nearest cluster is theirs; on a later one they stay, unless another is nearer by a
    tenth. So what somebody is does not depend on which days were computed before, only on these.

    Args:
        history: What customers were drawn to on a few days; at least one.
        clusters: Those in force on the last of them.

    Returns:
        customer_id (ascending), cluster_id, cluster_name, affinity_share (part of the customer's affinity that lies in the foremost
        categories of the cluster), entered_on (first of the days since which they have been in it; null if that is the first of all).
    """
    days = sorted(history)
    last = history[days[-1]]
    at = {customer: row for row, customer in enumerate(last.customers)}
    current = np.full(len(last.customers), -1)
    since = np.full(len(last.customers), -1)
    for number, day in enumerate(days):
        known = history[day]
        rows = np.array([at.get(customer, -1) for customer in known.customers], dtype=int)
        here = rows >= 0
        if not here.any():
            continue
        chosen = stay_or_move(current[rows[here]], distances(known, clusters)[here])
        moved = chosen != current[rows[here]]
        current[rows[here]] = chosen
        since[rows[here][moved]] = number
    return _table(last, clusters, current, [None, *days[1:]], since)


def stay_or_move(current: Ints, apart: Floats) -> Ints:
    """The cluster of everybody after a day.

    Args:
        current: Position of the cluster so far, -1 for none; shape (customers,).
        apart: Distance to every cluster, shape (customers, clusters).
    """
    best = apart.argmin(axis=1)
    own = np.take_along_axis(apart, np.maximum(current, 0)[:, None], axis=1)[:, 0]
    is_nearer = apart.min(axis=1) < own * (1 - MARGIN)
    found: Ints = np.where((current < 0) | is_nearer, best, current)
    return found


def _table(last: Vectors, clusters: Clusters, current: Ints, days: list[date | None], since: Ints) -> pa.Table:
    if not last.customers:
        return SCHEMA.empty_table()
    foremost = np.argsort(-clusters.centroids, axis=1, kind="stable")[:, :FOREMOST]
    shares = np.take_along_axis(last.over(clusters.categories), foremost[current], axis=1).sum(axis=1)
    columns = [
        pa.array(last.customers, pa.string()),
        pa.array([clusters.clusters[at].cluster_id for at in current], pa.int32()),
        pa.array([clusters.clusters[at].name for at in current], pa.string()),
        pa.array(shares.round(6), pa.float64()),
        pa.array([days[at] for at in since], pa.date32()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
