"""Asset `ml.customer_scores`: each customer's score by the model that was champion on the partition's day."""

from datetime import date, timedelta
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

CREATE = """
create schema if not exists ml;
create table if not exists ml.customer_scores (
    as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar
);
"""

FEATURES = (
    "select * exclude (as_of) from marts.customer_features where as_of = $day and has_ordered order by customer_id"
)


def build_customer_scores(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "customer_scores"],
        description="One row per customer, model and day; tier says whether a model or the recency rule gave the score.",
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[["marts", "customer_features"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def customer_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
        load = cache(lambda version: _load(settings, version))
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            tiers = {day.isoformat(): score_day(connection, settings, day, load) for day in days}
        return dg.MaterializeResult(metadata={"tier": tiers[end.isoformat()], "days": len(days)})

    return customer_scores


def score_day(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date, load: Any) -> str:
    """Replace one day's scores; returns the tier that they came from."""
    from ml.propensity.score import recency_score, score_customers

    features = connection.execute(FEATURES, {"day": day}).to_arrow_table()
    promotion = open_state(settings).promotion_in_force("churn_risk", day)
    if promotion is None:
        scores, version, tier = recency_score(features), "recency_rule", "fallback"
    else:
        version, tier = promotion.model_version, "model"
        scores = score_customers(load(version), features)
    connection.register("scores", scores)
    connection.execute("begin")
    connection.execute("delete from ml.customer_scores where as_of = $day", {"day": day})
    connection.execute(
        "insert into ml.customer_scores select $day, customer_id, 'churn_risk', $version, score, $tier from scores",
        {"day": day, "version": version, "tier": tier},
    )
    connection.execute("commit")
    connection.unregister("scores")
    return tier


def _load(settings: Settings, version: str) -> Any:
    from ml.tracking import load_model

    return load_model("churn_risk", version, tracking_uri=settings.tracking_uri)
