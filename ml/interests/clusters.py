"""Clusters with names: what is recorded of a fit and compared with the next one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.interests.vectors import Floats, Ints, Vectors

FOREMOST: Final = 2  # categories in a name
NAMED_SHARE: Final = 0.15  # of the centroid; a category below gives no name


@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Attributes:
        cluster_id: Number that it keeps for life.
        name: Its foremost categories when it was first found; kept for life too.
        centroid: Share of each category, in the order of `Clusters.categories`.
        size: Customers nearest to it when it was fitted.
    """

    cluster_id: int
    name: str
    centroid: tuple[float, ...]
    size: int


@dataclass(frozen=True)
class Clusters:
    """The clusters of one fit, by their number."""

    categories: tuple[str, ...]
    clusters: tuple[Cluster, ...]

    @property
    def centroids(self) -> Floats:
        """Shape (clusters, categories)."""
        return np.array([cluster.centroid for cluster in self.clusters], dtype=float)

    def over(self, categories: Sequence[str]) -> Floats:
        """The centroids over other columns; a category that was unknown then is zero."""
        return Vectors(tuple(cluster.name for cluster in self.clusters), self.categories, self.centroids).over(
            categories
        )

    def to_json(self) -> str:
        """As one text, to be recorded."""
        rows = [[each.cluster_id, each.name, list(each.centroid), each.size] for each in self.clusters]
        return json.dumps({"categories": self.categories, "clusters": rows}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Clusters":
        """What `to_json` wrote."""
        found = json.loads(text)
        rows = tuple(Cluster(number, name, tuple(centroid), size) for number, name, centroid, size in found["clusters"])
        return cls(tuple(found["categories"]), rows)


def distances(vectors: Vectors, clusters: Clusters) -> Floats:
    """Euclidean distance of every customer to every centroid over the categories of either, shape (customers, clusters)."""
    categories = sorted({*vectors.categories, *clusters.categories})
    shares, centroids = vectors.over(categories), clusters.over(categories)
    squares = (shares**2).sum(axis=1)[:, None] + (centroids**2).sum(axis=1)[None, :] - 2 * shares @ centroids.T
    found: Floats = np.sqrt(np.maximum(squares, 0)).round(9)
    return found


def nearest(vectors: Vectors, clusters: Clusters) -> Ints:
    """Position of the nearest centroid of every customer; of equal ones the first."""
    found: Ints = distances(vectors, clusters).argmin(axis=1)
    return found


def name_clusters(categories: Sequence[str], centroids: Floats) -> tuple[str, ...]:
    """A name for each centroid: its foremost categories, and more of them where two would be called the same."""
    order = np.argsort(-centroids, axis=1, kind="stable")
    names: list[str] = []
    for centroid, foremost in zip(centroids, order, strict=True):
        wanted = [at for at in foremost[:FOREMOST] if centroid[at] >= NAMED_SHARE] or [foremost[0]]
        name = " and ".join(categories[at] for at in wanted)
        for at in foremost:
            if name not in names:
                break
            if at not in wanted:
                name += f" and {categories[at]}"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return tuple(names)
