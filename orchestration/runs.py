"""Runs of the graph from the command line: which runs a request needs, in order, with progress."""

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import dagster as dg
import duckdb
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from orchestration.dbt import DbtProjectRunner
from orchestration.defs.propensity.propensity_models import model_keys
from orchestration.defs.schedules import DAILY, DECISION, FACTS, RECONCILE, RELEASE, TRAINING
from orchestration.landing_zone.files import landing_days
from orchestration.partitions import training_week_before
from orchestration.resources import Settings, UserError, Warehouse

PROCESS_TAG = "holdfast/process"
POOL = "warehouse"
Result = TypeVar("Result")
QUIET_LOGS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of the home; two commands that start in a new home at once create its files one after the other."""
    with (settings.home / "dagster" / "being_created.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.get()
        instance.event_log_storage.get_concurrency_info(POOL)
        _ = DbtProjectRunner(settings).manifest_json
    with instance:
        yield instance


class RunFailed(Exception):
    """A run ended in failure; the message names the step and its error in one line."""


@dataclass(frozen=True)
class Request:
    """One run of one job over a range of partitions (both ends inclusive)."""

    job: str
    start: date
    end: date
    title: str
    config: Mapping[str, object] | None = None

    @property
    def tags(self) -> dict[str, str]:
        """Dagster's tags of the partition, or of the range in a single run."""
        own = {PROCESS_TAG: f"{os.uname().nodename}:{os.getpid()}"}
        if self.start == self.end:
            return {**own, "dagster/partition": self.start.isoformat()}
        ends = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return {**own, **{f"dagster/asset_partition_range_{name}": value for name, value in ends.items()}}


def requests_for(settings: Settings, instance: dg.DagsterInstance, *, start: date, end: date) -> list[Request]:
    """What must run so that partitions start..end are exact: their facts, the trainings that they score with, they themselves."""
    days = start.isoformat() if start == end else f"{start} to {end}"
    trainings = requests_for_training(settings, instance, start=start, end=end)
    if not trainings:
        return [Request(DAILY, start, end, f"running {days}")]
    return [
        Request(FACTS, start, end, f"staging {days}"),
        *trainings,
        Request(DECISION, start, end, f"deciding {days}"),
    ]


def requests_for_training(settings: Settings, instance: dg.DagsterInstance, *, start: date, end: date) -> list[Request]:
    """The weekly trainings that partitions start..end score with and that have not run."""
    first = landing_days(settings.landing)[0]
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    weeks = sorted({week for day in days if (week := training_week_before(day)) >= first})
    trained = frozenset.intersection(*(frozenset(instance.get_materialized_partitions(key)) for key in model_keys()))
    wait_for_slot(instance)
    with Warehouse(settings.warehouse).connect() as connection:
        stored = _stored_weeks(connection)
    due = [week for week in weeks if week.isoformat() not in trained or week not in stored]
    return [Request(TRAINING, week, week, f"training on the week of {week}") for week in due]


def _stored_weeks(connection: duckdb.DuckDBPyConnection) -> frozenset[date]:
    """Weeks whose training sets the warehouse holds; none in a new one."""
    known = "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'training_weeks'"
    if connection.execute(known).fetchall() == [(0,)]:
        return frozenset()
    return frozenset(row[0] for row in connection.execute("select week from ops.training_weeks").fetchall())


def request_for_reconciliation(day: date) -> Request:
    """The run that compares one partition's released emails with the events of the ESP."""
    return Request(RECONCILE, day, day, f"reconciling {day}")


def requests_for_release(day: date, *, allow_past: bool, to: str = "") -> Request:
    """The run that releases one partition's send list, or makes another pass at a relay."""
    config = {"ops": {"activation__release": {"config": {"allow_past": allow_past, "to": to}}}}
    return Request(RELEASE, day, day, f"releasing the send list of {day}", config=config)


def execute(requests: list[Request], instance: dg.DagsterInstance) -> None:
    """Run the requests one after the other in this process; each waits for the warehouse's slot.

    Raises:
        UserError: If the slot is held by a run whose process is gone.
        RunFailed: At the first run that fails.
    """
    from orchestration.definitions import defs

    refuse_dead_holders(instance)
    for request in requests:
        job = defs.resolve_job_def(request.job)
        with _progress(instance, request) as (run_id, total):
            total(len(job.graph.node_dict))
            result = job.execute_in_process(
                run_config={**QUIET_LOGS, **(request.config or {})},
                instance=instance,
                tags=request.tags,
                raise_on_error=False,
                run_id=run_id,
            )
        skipped = [event.step_key for event in result.all_events if event.is_step_skipped]
        if not result.success:
            raise RunFailed(_failure(result))
        if skipped:
            raise RunFailed(f"{len(skipped)} steps were skipped, first {skipped[0]}: an asset before it was not built")


def run_alone(instance: dg.DagsterInstance, name: str, work: Callable[[], Result]) -> Result:
    """Do something that is no asset as a run of its own: it waits for the warehouse's slot and holds it to the end.

    What the work is told and what it returns stay in this process: Dagster stores neither.

    Raises:
        UserError: If the slot is held by a run whose process is gone.
        RunFailed: If the run ended before the work; what the work itself raises comes out as it is.
    """
    refuse_dead_holders(instance)
    results: list[Result] = []
    faults: list[Exception] = []

    @dg.op(name=name, pool=POOL)
    def hold() -> None:
        try:
            results.append(work())
        except Exception as fault:  # noqa: BLE001 - raised again outside of the run, whose log must not hold its message
            faults.append(fault)

    @dg.job(name=f"{name}_alone", executor_def=dg.in_process_executor)
    def alone() -> None:
        hold()

    tags = {PROCESS_TAG: f"{os.uname().nodename}:{os.getpid()}"}
    done = alone.execute_in_process(run_config=QUIET_LOGS, instance=instance, tags=tags, raise_on_error=False)
    if faults:
        raise faults[0]
    if not results:
        raise RunFailed(_failure(done))
    return results[0]


@contextmanager
def _progress(instance: dg.DagsterInstance, request: Request) -> Iterator[tuple[str, Callable[[int], None]]]:
    """A progress bar that follows the steps of one run."""
    run_id = str(uuid.uuid4())
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(request.title, total=None, step="")

        def follow(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            if event is not None and event.is_step_start:
                progress.update(task, step=(event.step_key or "").replace("__", "."))
            elif event is not None and event.event_type is dg.DagsterEventType.ASSET_OBSERVATION:
                told = event.asset_observation_data.asset_observation.metadata
                progress.update(task, step=" ".join(f"{name} {said.value}" for name, said in told.items()))
            elif event is not None and (event.is_step_success or event.is_step_failure):
                progress.advance(task)

        instance.add_event_listener(run_id, follow)
        yield run_id, lambda steps: progress.update(task, total=steps)
        progress.update(task, step="")


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """One line about the checks that stopped the run, or about the first failed step."""
    if stopped := _stopping_checks(result):
        return "stopped by " + "; ".join(stopped)
    for event in result.all_events:
        if event.is_step_failure:
            fault = event.step_failure_data.error
            while fault is not None and fault.cause is not None:
                fault = fault.cause
            text = fault.message.strip().splitlines()[0] if fault is not None else "no message"
            return f"{event.step_key}: {text}"
    return "the run failed before its first step: see `make dev`"


def _stopping_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        f"{check.asset_key.to_user_string().replace('/', '.')}: {check.check_name}"
        + (f" ({check.description})" if check.description else "")
        for check in result.get_asset_check_evaluations()
        if check.blocking and not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]


def held_slots(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Unfinished or dead runs that hold the warehouse's slot."""
    info = instance.event_log_storage.get_concurrency_info(POOL)
    runs = (instance.get_run_by_id(run_id) for run_id in info.active_run_ids)
    return [run for run in runs if run is not None]


def wait_for_slot(instance: dg.DagsterInstance) -> None:
    """Wait while a run holds the warehouse's slot.

    Raises:
        UserError: If the run that holds it is dead.
    """
    while held_slots(instance):
        refuse_dead_holders(instance)
        time.sleep(0.5)


def is_dead(run: dg.DagsterRun) -> bool:
    """Whether the process that executed a run on this machine is gone (False where that cannot be known)."""
    node, _, process = run.tags.get(PROCESS_TAG, "").partition(":")
    if run.is_finished:
        return True
    if node != os.uname().nodename or not process:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def refuse_dead_holders(instance: dg.DagsterInstance) -> None:
    """Refuse to wait forever behind a killed run.

    Raises:
        UserError: Naming the run and the command that frees what it holds.
    """
    for run in held_slots(instance):
        if is_dead(run):
            message = f"run {run.run_id[:8]} was killed and still holds the warehouse: run `holdfast unlock`"
            raise UserError(message)


def free(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Mark a killed run as failed and free the slots that it held."""
    if not run.is_finished:
        instance.report_run_failed(run, "freed by holdfast unlock: its process is gone")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
