"""The jobs and when they run: the send list at six, models once a week. Releases are started by a person."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.gaps import STAGED_DAYS

FACTS = "facts"
DAILY = "daily"
DECISION = "decision"
TRAINING = "training"
RELEASE = "release"
RECONCILE = "reconcile"

RELEASE_KEY = dg.AssetKey(["activation", "release"])
RECONCILIATION_KEY = dg.AssetKey(["activation", "reconciliation"])


def build_jobs(facts: Sequence[dg.AssetKey], weekly: Sequence[dg.AssetKey]) -> dict[str, Any]:
    """One job for each reason to run.

    Args:
        facts: Assets that are kept by landing day; all others are as of a day.
        weekly: What a training is made of, models included.
    """
    landed = dg.AssetSelection.assets(*facts, STAGED_DAYS)
    trained = dg.AssetSelection.assets(*weekly)
    daily = dg.AssetSelection.all() - trained - dg.AssetSelection.assets(RELEASE_KEY, RECONCILIATION_KEY)
    return {
        FACTS: dg.define_asset_job(
            FACTS, selection=landed, description="Stages landed days and everything else that is kept by landing day."
        ),
        DECISION: dg.define_asset_job(
            DECISION, selection=daily - landed, description="Decides business days whose facts are staged."
        ),
        DAILY: dg.define_asset_job(
            DAILY, selection=daily, description="Business days from their landed files to send list and holdout report."
        ),
        TRAINING: dg.define_asset_job(
            TRAINING, selection=trained, description="Trains, compares and registers the models of a week."
        ),
        RELEASE: dg.define_asset_job(
            RELEASE,
            selection=[RELEASE_KEY],
            description="Claims a day's send list in the ledger and publishes what was claimed, or hands it to a relay.",
        ),
        RECONCILE: dg.define_asset_job(
            RECONCILE,
            selection=[RECONCILIATION_KEY],
            description="Compares what was released of a day with what the ESP's events say of it.",
        ),
    }


def build_schedules(jobs: Mapping[str, Any], timezone: str) -> list[dg.ScheduleDefinition]:
    """The send list of yesterday's partition at 06:00, and on Mondays at 07:00 the week's training."""

    def days_before(context: dg.ScheduleEvaluationContext, days: int) -> str:
        """A partition key: the local day of the tick, less some days."""
        today = context.scheduled_execution_time.astimezone(ZoneInfo(timezone)).date()
        return (today - timedelta(days=days)).isoformat()

    @dg.schedule(job=jobs[DAILY], cron_schedule="0 6 * * *", execution_timezone=timezone)
    def send_list_at_six(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = days_before(context, 1)
        return dg.RunRequest(run_key=f"daily-{key}", partition_key=key)

    @dg.schedule(job=jobs[TRAINING], cron_schedule="0 7 * * 1", execution_timezone=timezone)
    def training_on_mondays(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = days_before(context, 7)
        return dg.RunRequest(run_key=f"training-{key}", partition_key=key)

    return [send_list_at_six, training_on_mondays]
