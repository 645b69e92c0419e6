"""Assets `ml.<task>_model`: each task's model of a week, trained, compared, registered and, if it earned it, promoted."""

import subprocess
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from activation.state.store import GATE
from ml.propensity.task import Task, load_tasks
from orchestration.defs.propensity.propensity_tasks import sunday_of
from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import DAGSTER_UI, ROOT, Settings, Warehouse, open_state

if TYPE_CHECKING:
    from ml.tracking import LoggedModel, Verdict

SEED = 20_250_101

# The logarithm is flat where a rate is small; the floor stands for "never".
EXPECTED_ORDERS = "ln(greatest(value.expected_orders_90_days, 1e-6)) as log_expected_orders"

EXAMPLES = f"""
select
    outcomes.cutoff, outcomes.slice, outcomes.horizon_days, outcomes.customer_id, outcomes.outcome,
    features.* exclude (trained_on, cutoff, customer_id), {EXPECTED_ORDERS}
from marts.training_outcomes as outcomes
inner join marts.training_features as features
    on outcomes.trained_on = features.trained_on
    and outcomes.cutoff = features.cutoff
    and outcomes.customer_id = features.customer_id
left join ml.training_value as value
    on outcomes.trained_on = value.trained_on
    and outcomes.cutoff = value.cutoff
    and outcomes.customer_id = value.customer_id
where outcomes.trained_on = $day and outcomes.task = $task
"""

# The same of each option that a customer had: as many rows as options, of those who chose.
CHOICES = """
select
    outcomes.slice, outcomes.horizon_days, choices.* exclude (trained_on, task),
    features.* exclude (trained_on, cutoff, customer_id)
from marts.training_choices as choices
inner join marts.training_outcomes as outcomes
    on choices.trained_on = outcomes.trained_on
    and choices.task = outcomes.task
    and choices.cutoff = outcomes.cutoff
    and choices.customer_id = outcomes.customer_id
inner join marts.training_features as features
    on choices.trained_on = features.trained_on
    and choices.cutoff = features.cutoff
    and choices.customer_id = features.customer_id
where choices.trained_on = $day and choices.task = $task
"""

Found = dict[str, Any]


class TrainingConfig(dg.Config):
    """What a training may be told."""

    retrain: bool = False


def model_key(task: str) -> dg.AssetKey:
    """The asset of a task's model."""
    return dg.AssetKey(["ml", f"{task}_model"])


def model_keys() -> list[dg.AssetKey]:
    """The assets of all tasks."""
    return [model_key(task.task) for task in load_tasks()]


def build_propensity_models(
    settings: Settings, warehouse: Warehouse, weekly: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the assets, which one step trains: the imports cost more than a task."""
    tasks = {model_key(task.task): task for task in load_tasks()}

    @dg.multi_asset(
        name="propensity_models",
        specs=[_spec(task) for task in tasks.values()],
        partitions_def=weekly,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
        can_subset=True,
    )
    def propensity_models(
        context: dg.AssetExecutionContext, config: TrainingConfig
    ) -> Iterator[dg.MaterializeResult[None]]:
        mark_weeks(warehouse, context.partition_keys)
        revision = git_revision()
        for key in sorted(context.selected_asset_keys):
            trained = context.instance.get_materialized_partitions(key)
            found: Found = {}
            for week in context.partition_keys:
                if week in trained and not config.retrain:
                    found = {"status": "kept", "why": "this week was trained before; say retrain: true to do it again"}
                else:
                    tags = {"dagster_run_id": context.run_id, "git_revision": revision}
                    found = train_week(settings, warehouse, tasks[key], sunday_of(week), tags=tags)
            yield dg.MaterializeResult(asset_key=key, metadata={**found, "weeks": len(context.partition_keys)})

    return propensity_models


def mark_weeks(warehouse: Warehouse, weeks: Sequence[str]) -> None:
    """Note in the warehouse that it holds the training sets of these weeks (a lost warehouse gets them again)."""
    with warehouse.connect() as connection:
        connection.execute("create schema if not exists ops")
        connection.execute("create table if not exists ops.training_weeks (week date primary key)")
        connection.executemany("insert or ignore into ops.training_weeks values (?)", [[week] for week in weeks])


def train_week(
    settings: Settings, warehouse: Warehouse, task: Task, trained_on: date, *, tags: dict[str, str]
) -> Found:
    """Train on what had landed by one Sunday; too little history gives no model, and scoring falls back to the task's rule."""
    from ml.propensity.train import NotEnoughHistory, train_task
    from ml.tracking import log_training

    with warehouse.connect() as connection:
        query = CHOICES if task.options else EXAMPLES
        examples = connection.execute(query, {"day": trained_on, "task": task.task}).to_arrow_table()
    try:
        trained = train_task(task, examples, seed=SEED)
    except NotEnoughHistory as reason:
        return {"status": "no model", "why": str(reason)}
    marks = {
        **tags,
        "partition": trained_on.isoformat(),
        "feature_version": feature_version(examples.schema),
        "dagster_run_url": f"{DAGSTER_UI}/runs/{tags['dagster_run_id']}",
    }
    logged = log_training(
        trained,
        tracking_uri=settings.tracking_uri,
        artifacts=settings.artifacts,
        tags=marks,
        ui_address=settings.mlflow_ui,
    )
    verdict = settle(settings, task, logged, trained_on)
    shown = {**logged.summary, "run_url": dg.MetadataValue.url(logged.run_url)}
    return {"status": "champion" if verdict.is_champion else "challenger", "why": verdict.reason, **shown}


def settle(settings: Settings, task: Task, logged: "LoggedModel", trained_on: date) -> "Verdict":
    """Let a version pass the gate, record its promotion with the evidence, and point the aliases at who is in force."""
    from ml.tracking import judge, note_verdict, point_aliases

    store, uri = open_state(settings), settings.tracking_uri
    incumbent = store.promotion_in_force(task.task, trained_on)
    verdict = judge(logged, incumbent=incumbent.model_version if incumbent else None, tracking_uri=uri)
    if verdict.is_champion:
        store.record_promotion(
            task.task, logged.version, training_partition=trained_on, effective_on=trained_on + timedelta(days=1),
            reason=verdict.reason, evidence=verdict.evidence, promoted_by=GATE,
        )  # fmt: skip
    newest = store.promotion_in_force(task.task, date.max)
    note_verdict(task.task, logged.version, is_champion=verdict.is_champion, reason=verdict.reason, tracking_uri=uri)
    point_aliases(task.task, champion=newest.model_version if newest else None, tracking_uri=uri)
    return verdict


def feature_version(schema: pa.Schema) -> str:
    """First 12 hex digits of the sha256 of the columns and their types: another set of features is another version."""
    return sha256("\n".join(f"{field.name} {field.type}" for field in schema).encode()).hexdigest()[:12]


def git_revision() -> str:
    """The commit that is checked out, or `unknown` where this is no checkout."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _spec(task: Task) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=model_key(task.task),
        description=f"{task.question} Calibrated, out of time, beside the rule, in MLflow.",
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[
            ["marts", "training_outcomes"],
            ["marts", "training_features"],
            ["marts", "training_choices"] if task.options else ["ml", "training_value"],
        ],
        metadata={"task": dg.MetadataValue.json(task.model_dump(mode="json"))},
        skippable=False,
    )
