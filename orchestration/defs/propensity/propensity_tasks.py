"""Asset `ml.propensity_tasks`: what is predicted of whom, as the files in `ml/propensity/tasks` say, where SQL can read it."""

from datetime import date, timedelta

import dagster as dg

from ml.propensity.task import Task, load_tasks
from orchestration.partitions import BACKFILL_IN_ONE_RUN
from orchestration.resources import Warehouse

CREATE = """
create schema if not exists ml;
create table if not exists ml.propensity_tasks (
    trained_on date not null, task varchar not null, population varchar not null, event varchar not null,
    is_absence boolean not null, horizon_days integer not null, short_horizon_days integer not null, options varchar
);
alter table ml.propensity_tasks add column if not exists options varchar;
"""


def build_propensity_tasks(warehouse: Warehouse, weekly: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "propensity_tasks"],
        description="One row per training partition and task: whom it is about, what is looked for, and in how many days.",
        group_name="propensity",
        kinds={"python"},
        owners=["team:propensity"],
        partitions_def=weekly,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def propensity_tasks(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        tasks = load_tasks()
        with warehouse.connect() as connection:
            connection.execute(CREATE)
            for key in context.partition_keys:
                sunday = sunday_of(key)
                connection.execute("delete from ml.propensity_tasks where trained_on = $day", {"day": sunday})
                connection.executemany(
                    "insert into ml.propensity_tasks values (?, ?, ?, ?, ?, ?, ?, ?)",
                    [task_row(task, sunday) for task in tasks],
                )
        questions = {task.task: task.question for task in tasks}
        return dg.MaterializeResult(metadata={"tasks": len(tasks), "questions": questions})

    return propensity_tasks


def sunday_of(week: str) -> date:
    """The training partition of a week's key: its last day."""
    return date.fromisoformat(week) + timedelta(days=6)


def task_row(task: Task, trained_on: date) -> tuple[date, str, str, str, bool, int, int, str | None]:
    """One row of the table."""
    return (
        trained_on,
        task.task,
        task.population,
        task.outcome.event,
        not task.outcome.happens,
        task.horizon_days,
        task.short_horizon_days or task.horizon_days,
        task.options,
    )
