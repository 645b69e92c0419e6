"""Asset `ml.customer_scores`: everybody of each task's population, scored by the model that was champion on the partition's day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pyarrow as pa

from ml.propensity.task import Task, load_tasks
from orchestration.defs.propensity.propensity_models import EXPECTED_ORDERS
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

if TYPE_CHECKING:
    from ml.propensity.model import PropensityModel

CREATE = """
create schema if not exists ml;
create table if not exists ml.customer_scores (
    as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar
);
"""

FEATURES = """
select features.* exclude (as_of), {is_member}, {expected_orders}
from marts.customer_features as features
inner join (
    select customer_id, list(population) as populations from marts.customer_populations where as_of = $day group by customer_id
) as members on features.customer_id = members.customer_id
left join ml.customer_value as value on value.as_of = $day and features.customer_id = value.customer_id
where features.as_of = $day
order by features.customer_id
"""

WRITE = """
insert into ml.customer_scores
select $day, customer_id, $task, $version, score, tier from scored
"""

BATCH = 100_000  # people
RULE = "rule"  # as the version of scores that no model gave

LoadModel = Callable[[str, str], "PropensityModel"]


@dataclass(frozen=True)
class Scorer:
    """What scores a task on a day.

    Attributes:
        task: The task.
        version: Of the model, or `rule`.
        model: None where the rule scores.
        why: Why the rule scores; empty where a model does.
    """

    task: Task
    version: str
    model: "PropensityModel | None"
    why: str


def build_customer_scores(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "customer_scores"],
        description="One row per task, customer of its population and day; tier says whether a model is sure, abstains, or a rule scored.",
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[["marts", "customer_features"], ["marts", "customer_populations"], ["ml", "customer_value"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def customer_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        load = cache(lambda task, version: _load(settings, task, version))
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            for offset in range((end - start).days + 1):
                day = start + timedelta(days=offset)
                scorers = score_day(connection, settings, day, load)
            tiers = connection.execute(
                "select model_name, tier, count(*) from ml.customer_scores where as_of = $day group by all order by all",
                {"day": end},
            ).fetchall()
        rows = [dg.TableRecord({"task": task, "tier": tier, "people": people}) for task, tier, people in tiers]
        metadata: dict[str, Any] = {
            "versions": {scorer.task.task: scorer.version for scorer in scorers},
            "rules": {scorer.task.task: scorer.why for scorer in scorers if scorer.why},
            "days": (end - start).days + 1,
        }
        tables = {"tiers": dg.MetadataValue.table(rows)} if rows else {}
        return dg.MaterializeResult(metadata={**metadata, **tables})

    return customer_scores


def score_day(
    connection: duckdb.DuckDBPyConnection, settings: Settings, day: date, load: LoadModel
) -> tuple[Scorer, ...]:
    """Replace one day's scores; returns what scored each task."""
    scorers = tuple(_scorer(settings, task, day, load) for task in load_tasks())
    with connection.cursor() as writer:
        writer.execute("begin")
        writer.execute("delete from ml.customer_scores where as_of = $day", {"day": day})
        for batch in _batches(connection, scorers, day):
            scorers = tuple(_fall_back(scorer, batch) for scorer in scorers)
            for scorer in scorers:
                _write(writer, scorer, batch, day)
        writer.execute("commit")
    return scorers


def _scorer(settings: Settings, task: Task, day: date, load: LoadModel) -> Scorer:
    """The champion of a day, or the rule."""
    promotion = open_state(settings).promotion_in_force(task.task, day)
    if promotion is None:
        return Scorer(task, RULE, None, "no model is in force")
    return Scorer(task, promotion.model_version, load(task.task, promotion.model_version), "")


def _fall_back(scorer: Scorer, batch: pa.Table) -> Scorer:
    """Let the rule score where the model needs a feature that the warehouse no longer has."""
    missing = sorted(set(scorer.model.feature_names) - set(batch.column_names)) if scorer.model else []
    if not missing:
        return scorer
    return replace(scorer, version=RULE, model=None, why=f"version {scorer.version} needs {', '.join(missing)}")


def _batches(connection: duckdb.DuckDBPyConnection, scorers: Sequence[Scorer], day: date) -> Iterator[pa.Table]:
    populations = sorted({scorer.task.population for scorer in scorers})
    is_member = ", ".join(f"list_contains(members.populations, '{name}') as is_of_{name}" for name in populations)
    query = FEATURES.format(is_member=is_member, expected_orders=EXPECTED_ORDERS)
    for batch in connection.execute(query, {"day": day}).to_arrow_reader(BATCH):
        yield pa.Table.from_batches([batch])


def _write(writer: duckdb.DuckDBPyConnection, scorer: Scorer, batch: pa.Table, day: date) -> None:
    from ml.propensity.score import score_by_rule, score_people

    task = scorer.task
    members = batch.filter(batch[f"is_of_{task.population}"])
    model = scorer.model
    scored = score_people(task, model, members) if model else score_by_rule(task.rule, members)
    writer.register("scored", scored)
    writer.execute(WRITE, {"day": day, "task": task.task, "version": scorer.version})
    writer.unregister("scored")


def _load(settings: Settings, task: str, version: str) -> "PropensityModel":
    from ml.tracking import load_model

    return load_model(task, version, tracking_uri=settings.tracking_uri)
