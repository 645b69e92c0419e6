"""The jobs and when they run: the send list at six, models once a week. Releases are started by a person."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from orchestration.dbt import TRANSLATOR, DbtProjectRunner

FACTS = "facts"
DAILY = "daily"
TRAINING = "training"
RELEASE = "release"

RELEASE_KEY = dg.AssetKey(["activation", "release"])
WEEKLY_KEYS = [dg.AssetKey(["marts", "churn_training_set"]), dg.AssetKey(["ml", "churn_model"])]


def build_jobs(
    dbt: DbtProjectRunner, daily: dg.PartitionsDefinition[str], weekly: dg.PartitionsDefinition[str]
) -> dict[str, dg.UnresolvedAssetJobDefinition]:
    """One job for each reason to run."""
    trained = dg.AssetSelection.assets(*WEEKLY_KEYS)
    released = dg.AssetSelection.assets(RELEASE_KEY)
    return {
        FACTS: dg.define_asset_job(
            FACTS, selection=dg.AssetSelection.assets(*fact_keys(dbt)), partitions_def=daily,
            description="Stages landed days and everything else that is kept by landing day.",
        ),
        DAILY: dg.define_asset_job(
            DAILY, selection=dg.AssetSelection.all() - trained - released, partitions_def=daily,
            description="One business day from its landed files to the send list and the holdout report.",
        ),
        TRAINING: dg.define_asset_job(
            TRAINING, selection=trained, partitions_def=weekly,
            description="Trains, compares and registers the models on all that landed by the end of a week.",
        ),
        RELEASE: dg.define_asset_job(
            RELEASE, selection=released, partitions_def=daily,
            description="Claims a day's send list in the ledger and publishes exactly what was claimed.",
        ),
    }  # fmt: skip


def fact_keys(dbt: DbtProjectRunner) -> list[dg.AssetKey]:
    """Assets that are kept by landing day; all others are as of a day and need the facts of every day before."""
    nodes = dbt.manifest_json["nodes"].values()
    landed = [node for node in nodes if node["config"].get("meta", {}).get("partitioned_by") == "landed_on"]
    python = [["ops", "landing_files"], ["marts", "identity_map"], ["marts", "identity_log"]]
    return [TRANSLATOR.get_asset_key(node) for node in landed] + [dg.AssetKey(key) for key in python]


def build_schedules(jobs: Mapping[str, dg.UnresolvedAssetJobDefinition], timezone: str) -> list[dg.ScheduleDefinition]:
    """The send list of yesterday's partition at 06:00, and on Mondays at 07:00 the week's training."""

    @dg.schedule(job=jobs[DAILY], cron_schedule="0 6 * * *", execution_timezone=timezone)
    def send_list_at_six(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = (context.scheduled_execution_time.date() - timedelta(days=1)).isoformat()
        return dg.RunRequest(run_key=f"daily-{key}", partition_key=key)

    @dg.schedule(job=jobs[TRAINING], cron_schedule="0 7 * * 1", execution_timezone=timezone)
    def training_on_mondays(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = (context.scheduled_execution_time.date() - timedelta(days=7)).isoformat()
        return dg.RunRequest(run_key=f"training-{key}", partition_key=key)

    return [send_list_at_six, training_on_mondays]
