"""k-means over affinities that starts where the last fit ended, so that a label keeps its meaning."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from ml.interests.clusters import Cluster, Clusters, name_clusters, nearest
from ml.interests.vectors import Floats, Ints, Vectors

MOST_CLUSTERS: Final = 8
FEWEST_CUSTOMERS: Final = 20  # for each cluster
SEEN_SHARE: Final = 0.01  # of all affinity; rarer categories make no cluster of their own
STARTS: Final = 10  # of a fit that has none before it
MOST_MOVED_SHARE: Final = 0.10
LEAST_JACCARD: Final = 0.6


class NotEnoughCustomers(Exception):
    """There are too few customers with affinities to find clusters among."""


@dataclass(frozen=True)
class Fit:
    """Clusters of a week, and how far they are from those in force.

    Attributes:
        clusters: With the numbers and names of those that they continue.
        moved_share: Part of the customers who would be in another cluster; 0 for a first fit.
        least_jaccard: Of the cluster that keeps its members worst: members in both over members in either; 1 for a first fit.
    """

    clusters: Clusters
    moved_share: float
    least_jaccard: float

    @property
    def finding(self) -> str:
        """Why a person must look before these clusters take force; empty if they may."""
        found = []
        if self.moved_share > MOST_MOVED_SHARE:
            found.append(f"{self.moved_share:.1%} of the customers would move, more than {MOST_MOVED_SHARE:.0%}")
        if self.least_jaccard < LEAST_JACCARD:
            found.append(f"one cluster keeps {self.least_jaccard:.2f} of its members, less than {LEAST_JACCARD}")
        return "; ".join(found)


def fit_clusters(vectors: Vectors, *, in_force: Clusters | None, seed: int) -> Fit:
    """Find the clusters of a week.

    Args:
        vectors: Everybody with enough signs of interest.
        in_force: The clusters to continue: k-means starts at their centroids, and each new one takes number and name of the one that it
            is matched to (the assignment with the least sum of distances). None starts afresh.
        seed: Of a fresh start; the largest cluster gets number 1.

    Raises:
        NotEnoughCustomers: Fewer than twenty for each cluster.
    """
    count = len(in_force.clusters) if in_force else _count(vectors)
    if len(vectors.customers) < FEWEST_CUSTOMERS * max(count, 2):
        message = f"{len(vectors.customers)} customers with enough signs of interest, {FEWEST_CUSTOMERS * max(count, 2)} are needed"
        raise NotEnoughCustomers(message)
    if in_force is None:
        return Fit(_first(vectors, count, seed), 0.0, 1.0)
    categories = tuple(sorted({*vectors.categories, *in_force.categories}))
    shares, before = vectors.over(categories), in_force.over(categories)
    model = KMeans(n_clusters=count, init=before, n_init=1, random_state=seed).fit(shares)
    centroids = match(model.cluster_centers_.round(6), before)
    names = [(each.cluster_id, each.name) for each in in_force.clusters]
    clusters = _named(vectors, categories, centroids, names)
    old, new = nearest(vectors, in_force), nearest(vectors, clusters)
    return Fit(clusters, float((old != new).mean()), _least_jaccard(old, new, count))


def match(centroids: Floats, before: Floats) -> Floats:
    """The same centroids in the order of those that they continue; shapes (clusters, categories)."""
    apart = np.linalg.norm(before[:, None, :] - centroids[None, :, :], axis=2)
    _, order = linear_sum_assignment(apart)
    found: Floats = centroids[order]
    return found


def _first(vectors: Vectors, count: int, seed: int) -> Clusters:
    model = KMeans(n_clusters=count, n_init=STARTS, random_state=seed).fit(vectors.shares)
    centroids = model.cluster_centers_.round(6)
    sizes = np.bincount(model.labels_, minlength=count)
    centroids = centroids[np.lexsort((*centroids.T, -sizes))]
    names = name_clusters(vectors.categories, centroids)
    return _named(vectors, vectors.categories, centroids, list(enumerate(names, start=1)))


def _named(vectors: Vectors, categories: tuple[str, ...], centroids: Floats, names: list[tuple[int, str]]) -> Clusters:
    bare = Clusters(categories, tuple(Cluster(0, "", tuple(map(float, row)), 0) for row in centroids))
    sizes = np.bincount(nearest(vectors, bare), minlength=len(names))
    return Clusters(
        categories,
        tuple(
            Cluster(number, name, bare.clusters[at].centroid, int(sizes[at])) for at, (number, name) in enumerate(names)
        ),
    )


def _count(vectors: Vectors) -> int:
    seen = vectors.shares.mean(axis=0) >= SEEN_SHARE if len(vectors.customers) else np.zeros(0, dtype=bool)
    return int(min(MOST_CLUSTERS, seen.sum()))


def _least_jaccard(old: Ints, new: Ints, count: int) -> float:
    """Of clusters that had or have members; shapes (customers,)."""
    shares = []
    for at in range(count):
        either = ((old == at) | (new == at)).sum()
        if either:
            shares.append(((old == at) & (new == at)).sum() / either)
    return float(min(shares))
