"""`holdfast promote`: a person makes a version of a task's model champion, or lets held clusters of interest take force."""

import getpass
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from activation.state.interests import fit_of, record_fit
from activation.state.store import Promotion
from ml.propensity.task import load_tasks
from orchestration.resources import Settings, UserError, Warehouse, open_state

INTERESTS: Final = "interests"  # stands for a task; its versions are the Sundays on which clusters were fitted

COMPARED = ("auc", "average_precision", "brier", "calibration_error")

SCORED = "select max(as_of) from ml.customer_scores where model_name = $task"
ASSIGNED = "select max(as_of) from ml.customer_interests"
EXISTS = "select count(*) from duckdb_tables() where schema_name = 'ml' and table_name = $table"


def promote(settings: Settings, task: str, version: str, *, because: str, effective: date | None) -> str:
    """Record a promotion with its evidence and move the aliases.

    Args:
        settings: Where state, models and warehouse are.
        task: Name of the task, or `interests`.
        version: Version of its registered model; of interests the Sunday of the fit.
        because: Why, in words.
        effective: First partition that the version scores; by default the first that is not scored yet.

    Returns:
        What was done, for people.

    Raises:
        UserError: The task or version is unknown, or the day is too early: it was scored, or the version was trained on it.
    """
    from ml.tracking import UnknownVersion, describe_version, note_verdict, point_aliases

    if task == INTERESTS:
        return accept_clusters(settings, version, because=because, effective=effective)
    _require_task(task)
    try:
        found = describe_version(task, version, tracking_uri=settings.tracking_uri)
    except UnknownVersion as fault:
        raise UserError(str(fault)) from fault
    trained_on = date.fromisoformat(found.partition)
    scored = _last_day(settings, "customer_scores", SCORED, task=task)
    day = _effective_day(version, trained_on, effective, scored=scored)
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


def accept_clusters(settings: Settings, version: str, *, because: str, effective: date | None) -> str:
    """Let the clusters of interest that were fitted on a Sunday take force; arguments and errors as of `promote`."""
    store = open_state(settings)
    try:
        fit = fit_of(store, date.fromisoformat(version))
    except ValueError as fault:
        raise UserError(f"{version!r} is no day: name the Sunday of the fit, YYYY-MM-DD") from fault
    if fit is None:
        raise UserError(f"no clusters of interest were fitted on {version}")
    day = _effective_day(version, fit.trained_on, effective, scored=_last_day(settings, "customer_interests", ASSIGNED))
    record_fit(store, replace(fit, effective_on=day, reason=because, said_by=getpass.getuser()))
    return (
        f"interests: the clusters of {version} are in force from partition {day} on\nheld before because: {fit.reason}"
    )


def _require_task(task: str) -> None:
    known = [*(each.task for each in load_tasks()), INTERESTS]
    if task not in known:
        message = f"there is no task {task!r}: choose one of {', '.join(known)}"
        raise UserError(message)


def _effective_day(version: str, trained_on: date, asked: date | None, *, scored: date | None) -> date:
    first = max(trained_on, scored or trained_on) + timedelta(days=1)
    if asked is None or asked >= first:
        return asked or first
    if asked <= trained_on:
        message = f"version {version} was trained on facts of {trained_on}: it may score from {first} on"
    else:
        message = f"partition {scored} is scored, and a backfill must repeat it: name {first} or a later day"
    raise UserError(message)


def _last_day(settings: Settings, table: str, query: str, **values: str) -> date | None:
    """The last day of which a table of models has rows; None without one."""
    with Warehouse(settings.warehouse).connect() as connection:
        if connection.execute(EXISTS, {"table": table}).fetchall() == [(0,)]:
            return None
        row = connection.execute(query, values).fetchone()
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
