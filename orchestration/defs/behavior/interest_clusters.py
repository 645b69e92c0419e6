"""Asset `ml.interest_clusters`: clusters of interest, fitted once a week and in force if they keep what their labels mean."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from activation.state.interests import ClusterFit, fit_in_force, fit_of, newest_fit, record_fit
from orchestration.defs.propensity.propensity_tasks import sunday_of
from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import Settings, Warehouse, open_state

if TYPE_CHECKING:  # scikit-learn takes seconds to import, and most runs of a graph only define this module
    from ml.interests.clusters import Clusters

SEED = 20_250_101
CHECK = "interests_keep_their_meaning"

CREATE = """
create schema if not exists ml;
create table if not exists ml.interest_clusters (
    trained_on date, cluster_id integer, cluster_name varchar, category varchar, centroid_share double, customer_count integer,
    effective_on date, reason varchar
);
"""

VECTORS = """
select customer_id, category, affinity_share from marts.training_interests
where trained_on = $day and known_on = $day
order by customer_id, category
"""


def build_interest_clusters(
    settings: Settings, warehouse: Warehouse, weekly: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset and its check."""

    @dg.asset(
        key=["ml", "interest_clusters"],
        description="One row per training partition, cluster of interest and category: the centroid, with name, size and standing.",
        group_name="behavior",
        kinds={"python", "scikitlearn"},
        owners=["team:behavior"],
        deps=[["marts", "training_interests"]],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=["ml", "interest_clusters"],
                description="No fit waits for a person: a tenth of the customers would move, or a cluster loses two fifths of its members.",
            )
        ],
        partitions_def=weekly,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def interest_clusters(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with warehouse.connect() as connection:
            connection.execute(CREATE)
            found = {key: cluster_week(connection, settings, sunday_of(key)) for key in context.partition_keys}
        held = {key: fit.reason for key, fit in found.items() if fit and fit.effective_on is None}
        newest = found[context.partition_keys[-1]]
        yield dg.MaterializeResult(metadata={"weeks": len(found), **describe(newest)})
        yield dg.AssetCheckResult(
            check_name=CHECK, passed=not held, severity=dg.AssetCheckSeverity.WARN, metadata={"held": held}
        )

    return interest_clusters


def cluster_week(connection: duckdb.DuckDBPyConnection, settings: Settings, trained_on: date) -> ClusterFit | None:
    """Fit one Sunday, once, and write what was recorded of it; None where there are too few customers.

    A week before one that was fitted stays without: its fit would change what days after it are assigned by.
    """
    store = open_state(settings)
    known, newest = fit_of(store, trained_on), newest_fit(store)
    if known is None and (newest is None or newest.trained_on < trained_on):
        known = _fit(connection, settings, trained_on)
        if known is not None:
            record_fit(store, known)
    connection.execute("delete from ml.interest_clusters where trained_on = $day", {"day": trained_on})
    if known is not None:
        _write(connection, known)
    return known


def _fit(connection: duckdb.DuckDBPyConnection, settings: Settings, trained_on: date) -> ClusterFit | None:
    from ml.interests.clusters import Clusters
    from ml.interests.fit import NotEnoughCustomers, fit_clusters
    from ml.interests.vectors import make_vectors

    vectors = make_vectors(connection.execute(VECTORS, {"day": trained_on}).to_arrow_table())
    in_force = fit_in_force(open_state(settings), trained_on)
    before = Clusters.from_json(in_force.body) if in_force else None
    try:
        fit = fit_clusters(vectors, in_force=before, seed=SEED)
    except NotEnoughCustomers:
        return None
    moved = f"{fit.moved_share:.2%} of the customers move, the least Jaccard is {fit.least_jaccard:.2f}"
    reason = fit.finding or (moved if before else "the first fit")
    return ClusterFit(
        trained_on, None if fit.finding else trained_on + timedelta(days=1), fit.clusters.to_json(), reason
    )


def _write(connection: duckdb.DuckDBPyConnection, fit: ClusterFit) -> None:
    clusters = _clusters(fit)
    rows = [
        (fit.trained_on, each.cluster_id, each.name, category, share, each.size, fit.effective_on, fit.reason)
        for each in clusters.clusters
        for category, share in zip(clusters.categories, each.centroid, strict=True)
    ]
    connection.executemany("insert into ml.interest_clusters values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def describe(fit: ClusterFit | None) -> dict[str, Any]:
    """Names, sizes and standing of a fit, as Dagster shows them."""
    if fit is None:
        return {"status": "no clusters", "why": "too few customers with signs of interest, or a later week was fitted"}
    rows = [
        dg.TableRecord({"cluster": each.cluster_id, "name": each.name, "customers": each.size})
        for each in _clusters(fit).clusters
    ]
    status = f"in force from {fit.effective_on}" if fit.effective_on else "a person must look"
    return {"status": status, "why": fit.reason, "clusters": dg.MetadataValue.table(rows)}


def _clusters(fit: ClusterFit) -> "Clusters":
    from ml.interests.clusters import Clusters

    return Clusters.from_json(fit.body)
