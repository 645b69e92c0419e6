"""Clusters of interest: planted ones are found, labels keep their meaning, and nobody moves for nothing."""

from datetime import date
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from ml.interests.assign import MARGIN, assign_customers, stay_or_move
from ml.interests.clusters import Cluster, Clusters, distances, name_clusters, nearest
from ml.interests.fit import NotEnoughCustomers, fit_clusters, match
from ml.interests.vectors import Floats, Vectors, make_vectors

CATEGORIES = ("beans", "gifts", "green", "kettles", "tea")
FIRST, SECOND, THIRD = date(2025, 3, 2), date(2025, 3, 9), date(2025, 3, 16)


def shop(seed: int, *, size: int = 1500, concentration: float = 0.3) -> tuple[Vectors, Floats]:
    """Customers who are drawn to one category foremost, and which one that is by their planted taste."""
    rng = np.random.default_rng(seed)
    favourite = rng.integers(0, len(CATEGORIES), size)
    taste = rng.dirichlet(np.full(len(CATEGORIES), concentration), size) * 0.4
    taste[np.arange(size), favourite] += 0.6
    signs = np.array([rng.multinomial(rng.integers(5, 40), row / row.sum()) for row in taste])
    return Vectors(tuple(f"c{at:05d}" for at in range(size)), CATEGORIES, signs / signs.sum(axis=1)[:, None]), favourite


def shuffled(vectors: Vectors, seed: int) -> Vectors:
    order = np.random.default_rng(seed).permutation(len(vectors.customers))
    return Vectors(tuple(vectors.customers[at] for at in order), vectors.categories, vectors.shares[order])


def named(vectors: Vectors, clusters: Clusters) -> dict[str, str]:
    at = nearest(vectors, clusters)
    return {customer: clusters.clusters[number].name for customer, number in zip(vectors.customers, at, strict=True)}


def test_affinities_in_any_order_make_the_same_matrix() -> None:
    rows = [("b", "tea", 0.25), ("a", "beans", 1.0), ("b", "gifts", 0.75)]
    tables = [pa.Table.from_pylist([dict(zip(("customer_id", "category", "affinity_share"), row, strict=True))
                                    for row in order]) for order in permutations(rows)]  # fmt: skip
    for table in tables:
        vectors = make_vectors(table)
        assert vectors.customers == ("a", "b")
        assert vectors.categories == ("beans", "gifts", "tea")
        assert vectors.shares.tolist() == [[1, 0, 0], [0, 0.75, 0.25]]


@pytest.mark.parametrize("seed", range(3))
def test_planted_tastes_are_recovered_and_named(seed: int) -> None:
    vectors, favourite = shop(seed)
    fit = fit_clusters(vectors, in_force=None, seed=seed)
    found = nearest(vectors, fit.clusters)
    assert adjusted_rand_score(favourite, found) > 0.8
    assert adjusted_rand_score(np.random.default_rng(seed).permutation(favourite), found) < 0.02
    for cluster in fit.clusters.clusters:
        members = favourite[found == cluster.cluster_id - 1]
        assert CATEGORIES[np.bincount(members).argmax()] in cluster.name
        assert cluster.size == len(members)
    assert [each.size for each in fit.clusters.clusters] == sorted(
        (each.size for each in fit.clusters.clusters), reverse=True
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_order_and_seed_of_a_fit_rename_no_cluster_and_move_nobody(order: int, seed: int) -> None:
    vectors, _ = shop(1)
    before = fit_clusters(vectors, in_force=None, seed=1).clusters
    again = fit_clusters(shuffled(vectors, order), in_force=before, seed=seed)
    assert [(each.cluster_id, each.name) for each in again.clusters.clusters] == [
        (each.cluster_id, each.name) for each in before.clusters
    ]
    assert named(vectors, again.clusters) == named(vectors, before)
    assert (again.moved_share, again.least_jaccard, again.finding) == (0, 1, "")


@pytest.mark.parametrize("seed", range(3))
def test_other_customers_of_the_same_tastes_keep_every_label(seed: int) -> None:
    before = fit_clusters(shop(1)[0], in_force=None, seed=1).clusters
    vectors, _ = shop(100 + seed)
    fit = fit_clusters(vectors, in_force=before, seed=seed)
    assert fit.finding == ""
    for old, new in zip(before.clusters, fit.clusters.clusters, strict=True):
        assert (old.cluster_id, old.name) == (new.cluster_id, new.name)
        assert np.argmax(old.centroid) == np.argmax(new.centroid)


def test_a_cold_start_that_is_matched_takes_the_labels_of_the_nearest() -> None:
    vectors, _ = shop(1)
    centroids = fit_clusters(vectors, in_force=None, seed=1).clusters.centroids
    for order in permutations(range(len(centroids))):
        assert np.array_equal(match(centroids[list(order)], centroids), centroids)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_matching_has_the_least_sum_of_distances_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, found = rng.random((4, 3)), rng.random((4, 3))
    sums = [np.linalg.norm(before - found[list(order)], axis=1).sum() for order in permutations(range(4))]
    assert np.linalg.norm(before - match(found, before), axis=1).sum() == pytest.approx(min(sums))


def test_a_change_of_tastes_is_a_finding_with_its_numbers() -> None:
    vectors, favourite = shop(1)
    before = fit_clusters(vectors, in_force=None, seed=1).clusters
    shares = vectors.shares.copy()
    shares[favourite == 0] = np.roll(shares[favourite == 0], 1, axis=1) * 0.5 + shares[favourite == 0] * 0.5
    torn = Vectors(vectors.customers, CATEGORIES, shares)
    fit = fit_clusters(torn, in_force=before, seed=1)
    old, new = named(torn, before), named(torn, fit.clusters)
    moved = sum(old[customer] != new[customer] for customer in old) / len(old)
    members = {
        name: ({c for c in old if old[c] == name}, {c for c in new if new[c] == name}) for name in set(old.values())
    }
    assert fit.moved_share == pytest.approx(moved)
    assert fit.least_jaccard == pytest.approx(min(len(a & b) / len(a | b) for a, b in members.values()))
    assert (fit.finding != "") == (moved > 0.10 or fit.least_jaccard < 0.6)


def test_centroids_far_from_the_customers_are_held_for_a_person() -> None:
    vectors, _ = shop(1)
    before = fit_clusters(vectors, in_force=None, seed=1).clusters
    blurred = [Cluster(each.cluster_id, each.name, tuple(np.full(5, 0.2) + 0.02 * np.roll(np.arange(5), at) / 5), each.size)
               for at, each in enumerate(before.clusters)]  # fmt: skip
    fit = fit_clusters(vectors, in_force=Clusters(CATEGORIES, tuple(blurred)), seed=1)
    assert fit.moved_share > 0.10
    assert "customers would move" in fit.finding


def test_a_category_that_comes_or_goes_is_zero_where_it_is_unknown() -> None:
    vectors, _ = shop(1)
    clusters = fit_clusters(vectors, in_force=None, seed=1).clusters
    wider = Vectors(
        vectors.customers, (*CATEGORIES, "water"), np.hstack([vectors.shares, np.zeros((len(vectors.shares), 1))])
    )
    assert np.array_equal(distances(wider, clusters), distances(vectors, clusters))
    fit = fit_clusters(wider, in_force=clusters, seed=1)
    assert fit.finding == ""
    assert fit.clusters.categories[-1] == "water"
    assert Clusters.from_json(fit.clusters.to_json()) == fit.clusters


def test_distances_are_those_of_the_definition() -> None:
    vectors, _ = shop(2, size=200)
    clusters = fit_clusters(vectors, in_force=None, seed=1).clusters
    plain = [[np.linalg.norm(row - centroid) for centroid in clusters.centroids] for row in vectors.shares]
    assert distances(vectors, clusters) == pytest.approx(np.array(plain), abs=1e-6)


def test_names_are_the_foremost_categories_and_all_different() -> None:
    centroids = np.array([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.45, 0.4, 0.15]])
    names = name_clusters(("beans", "gifts", "tea"), centroids)
    assert names[:2] == ("beans", "beans and gifts")
    assert names[2].startswith("beans and gifts and tea")
    assert len(set(names)) == 3


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(NotEnoughCustomers, match="99 customers"):
        fit_clusters(shop(1, size=99)[0], in_force=None, seed=1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_nobody_leaves_for_a_cluster_that_is_hardly_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    apart, current = rng.random((40, 3)), rng.integers(-1, 3, 40)
    after = stay_or_move(current, apart)
    for was, now, row in zip(current, after, apart, strict=True):
        if was < 0:
            assert now == row.argmin()
        elif now != was:
            assert row[now] == row.min() < row[was] * (1 - MARGIN)
        else:
            assert row.min() >= row[was] * (1 - MARGIN)


def test_a_customer_enters_when_the_other_cluster_is_clearly_nearer() -> None:
    clusters = Clusters(("beans", "tea"), (Cluster(1, "tea", (0.0, 1.0), 1), Cluster(2, "beans", (1.0, 0.0), 1)))

    def known(**tea: float) -> Vectors:
        return Vectors(
            tuple(sorted(tea)), ("beans", "tea"), np.array([[1 - tea[name], tea[name]] for name in sorted(tea)])
        )

    history = {
        FIRST: known(hesitates=0.6, moves=0.9),
        SECOND: known(hesitates=0.49, moves=0.1, new=0.3),
        THIRD: known(hesitates=0.49, moves=0.48, new=0.2),
    }
    rows = {row["customer_id"]: row for row in assign_customers(history, clusters).to_pylist()}
    assert {name: row["cluster_name"] for name, row in rows.items()} == {
        "hesitates": "tea",
        "moves": "beans",
        "new": "beans",
    }
    assert {name: row["entered_on"] for name, row in rows.items()} == {
        "hesitates": None,
        "moves": SECOND,
        "new": SECOND,
    }
    assert assign_customers(dict(reversed(history.items())), clusters).to_pylist() == list(rows.values())
    only_today = {
        row["customer_id"]: row["cluster_id"] for row in assign_customers({THIRD: history[THIRD]}, clusters).to_pylist()
    }
    assert only_today == {"hesitates": 2, "moves": 2, "new": 2}
