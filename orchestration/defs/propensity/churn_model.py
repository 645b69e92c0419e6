"""Asset `ml.churn_model`: the week's churn model, trained, compared, registered and, if it earned it, promoted."""

import subprocess
from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import ROOT, Settings, Warehouse, open_state

SEED = 20_250_101


class TrainingConfig(dg.Config):
    """What a training may be told."""

    retrain: bool = False


def build_churn_model(
    settings: Settings, warehouse: Warehouse, weekly: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "churn_model"],
        description="The churn model of a training week; out of time, calibrated, beside the recency rule, in MLflow.",
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[["marts", "churn_training_set"]],
        partitions_def=weekly,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def churn_model(context: dg.AssetExecutionContext, config: TrainingConfig) -> dg.MaterializeResult[None]:
        trained = context.instance.get_materialized_partitions(context.asset_key)
        mark_weeks(warehouse, context.partition_keys)
        for key in context.partition_keys:
            if key in trained and not config.retrain:
                found: dict[str, str | float] = {
                    "status": "kept",
                    "why": "this week was trained before; say retrain: true to do it again",
                }
            else:
                sunday = date.fromisoformat(key) + timedelta(days=6)
                found = train_week(settings, warehouse, sunday, run_id=context.run_id)
        return dg.MaterializeResult(metadata={**found, "weeks": len(context.partition_keys)})

    return churn_model


def mark_weeks(warehouse: Warehouse, weeks: Sequence[str]) -> None:
    """Note in the warehouse that it holds the training sets of these weeks (a lost warehouse gets them again)."""
    with warehouse.connect() as connection:
        connection.execute("create schema if not exists ops")
        connection.execute("create table if not exists ops.training_weeks (week date primary key)")
        connection.executemany("insert or ignore into ops.training_weeks values (?)", [[week] for week in weeks])


def train_week(settings: Settings, warehouse: Warehouse, trained_on: date, *, run_id: str) -> dict[str, str | float]:
    """Train on what had landed by one Sunday; too little history gives no model, and scoring falls back."""
    from ml.propensity.train import NotEnoughHistory, train_churn
    from ml.tracking import log_churn_run, promote

    query = "select * exclude (trained_on) from marts.churn_training_set where trained_on = $day"
    with warehouse.connect() as connection:
        examples = connection.execute(query, {"day": trained_on}).to_arrow_table()
    try:
        trained = train_churn(examples, seed=SEED)
    except NotEnoughHistory as reason:
        return {"status": "no model", "why": str(reason)}
    tags = {"partition": trained_on.isoformat(), "dagster_run_id": run_id, "git_revision": git_revision()}
    logged = log_churn_run(trained, tracking_uri=settings.tracking_uri, artifacts=settings.artifacts, tags=tags)
    promoted = promote(logged, tracking_uri=settings.tracking_uri)
    if promoted.is_champion:
        open_state(settings).record_promotion(
            "churn_risk", logged.version, training_partition=trained_on,
            effective_on=trained_on + timedelta(days=1), reason=promoted.reason,
        )  # fmt: skip
    return {"status": "champion" if promoted.is_champion else "challenger", "why": promoted.reason, **logged.summary}


def git_revision() -> str:
    """The commit that is checked out, or `unknown` where this is no checkout."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
