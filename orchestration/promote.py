"""`holdfast promote`: a person makes a version of a task's model champion, from a day on, for a reason."""

import getpass
from datetime import UTC, date, datetime, timedelta

from activation.state import Promotion
from ml.propensity.task import load_tasks
from orchestration.resources import Settings, UserError, Warehouse, open_state

COMPARED = ("auc", "average_precision", "brier", "calibration_error")

SCORED = "select max(as_of) from ml.customer_scores where model_name = $task"
EXISTS = "select count(*) from duckdb_tables() where schema_name = 'ml' and table_name = 'customer_scores'"


def promote(settings: Settings, task: str, version: str, *, because: str, effective: date | None) -> str:
    """Record a promotion with its evidence and move the aliases.

    Args:
        settings: Where state, models and warehouse are.
        task: Name of the task.
        version: Version of its registered model.
        because: Why, in words.
        effective: First partition that the version scores; by default the first that is not scored yet.

    Returns:
        What was done, for people.

    Raises:
        UserError: The task or version is unknown, or the day is too early: it was scored, or the version was trained on it.
    """
    from ml.tracking import UnknownVersion, describe_version, note_verdict, point_aliases

    _require_task(task)
    try:
        found = describe_version(task, version, tracking_uri=settings.tracking_uri)
    except UnknownVersion as fault:
        raise UserError(str(fault)) from fault
    trained_on = date.fromisoformat(found.partition)
    day = _effective_day(settings, task, version, trained_on, effective)
    store = open_state(settings)
    incumbent = store.promotion_in_force(task, day)
    evidence: dict[str, str | float] = {
        "run_id": found.run_id,
        **{name: found.metrics[name] for name in COMPARED},
        **_evidence_of(settings, incumbent),
    }
    store.record_promotion(
        task, version, training_partition=trained_on, effective_on=day, reason=because, evidence=evidence,
        promoted_by=getpass.getuser(), promoted_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
    )  # fmt: skip
    store.mirror()
    newest = store.promotion_in_force(task, date.max)
    note_verdict(task, version, is_champion=True, reason=because, tracking_uri=settings.tracking_uri)
    point_aliases(task, champion=newest.model_version if newest else None, tracking_uri=settings.tracking_uri)
    before = f"version {incumbent.model_version}" if incumbent else "the rule"
    numbers = ", ".join(f"{name.replace('_', ' ')} {found.metrics[name]:.3f}" for name in COMPARED)
    return f"{task}: version {version} scores from partition {day} on, in place of {before}\n{numbers} (test cohort of {trained_on})"


def _require_task(task: str) -> None:
    known = [each.task for each in load_tasks()]
    if task not in known:
        message = f"there is no task {task!r}: choose one of {', '.join(known)}"
        raise UserError(message)


def _effective_day(settings: Settings, task: str, version: str, trained_on: date, asked: date | None) -> date:
    scored = _last_scored(settings, task)
    first = max(trained_on, scored or trained_on) + timedelta(days=1)
    if asked is None or asked >= first:
        return asked or first
    if asked <= trained_on:
        message = f"version {version} was trained on facts of {trained_on}: it may score from {first} on"
    else:
        message = f"partition {scored} is scored, and a backfill must repeat it: name {first} or a later day"
    raise UserError(message)


def _last_scored(settings: Settings, task: str) -> date | None:
    with Warehouse(settings.warehouse).connect() as connection:
        if connection.execute(EXISTS).fetchall() == [(0,)]:
            return None
        row = connection.execute(SCORED, {"task": task}).fetchone()
    return row[0] if row else None


def _evidence_of(settings: Settings, incumbent: Promotion | None) -> dict[str, str | float]:
    """The incumbent's figures on its own test cohort, for whoever asks later."""
    from ml.tracking import describe_version

    if incumbent is None:
        return {}
    found = describe_version(incumbent.model_name, incumbent.model_version, tracking_uri=settings.tracking_uri)
    return {
        "incumbent": incumbent.model_version,
        **{f"{name}_incumbent": found.metrics[name] for name in COMPARED},
    }
