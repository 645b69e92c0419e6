"""Assets `ml.customer_scores`, `ml.model_health` and `ml.feature_drift`: populations, scored by the champion of the day if it is fit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pyarrow as pa

from ml.propensity.task import Task, load_tasks
from orchestration.defs.propensity import model_health
from orchestration.defs.propensity.model_health import Champion, Checked, check_champion
from orchestration.defs.propensity.propensity_models import EXPECTED_ORDERS
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

if TYPE_CHECKING:
    from ml.propensity.model import PropensityModel

CREATE = """
create schema if not exists ml;
create table if not exists ml.customer_scores (
    as_of date, customer_id varchar, model_name varchar, model_version varchar, score double, tier varchar,
    champion_version varchar, champion_score double, model_state varchar, choice varchar
);
alter table ml.customer_scores add column if not exists champion_version varchar;
alter table ml.customer_scores add column if not exists champion_score double;
alter table ml.customer_scores add column if not exists model_state varchar;
alter table ml.customer_scores add column if not exists choice varchar;
"""

FEATURES = """
select features.* exclude (as_of), {is_member}{expected_orders}
from marts.customer_features as features
inner join (
    select customer_id, list(population) as populations from marts.customer_populations where as_of = $day group by customer_id
) as members on features.customer_id = members.customer_id
left join ml.customer_value as value on value.as_of = $day and features.customer_id = value.customer_id
where features.as_of = $day
"""

# Of a task with options: each that a customer of its population has.
OPTIONS = """
select features.* exclude (as_of), options.* exclude (as_of, customer_id, options)
from marts.customer_options as options
inner join marts.customer_features as features
    on options.as_of = features.as_of and options.customer_id = features.customer_id
where options.as_of = $day and options.options = $options
order by options.customer_id, options.option
"""

SCORED_OPTIONS = """
create or replace temp table scored_options (customer_id varchar, option varchar, score double, tier varchar, shrunk_share double)
"""

# Calibration makes ties; the option that the customer and everybody choose more often then comes first.
FOREMOST = """
select customer_id, score, tier, option as choice
from scored_options
qualify row_number() over (partition by customer_id order by score desc, shrunk_share desc, option) = 1
"""

WRITE = """
insert into ml.customer_scores by name
select
    cast($day as date) as as_of, $task as model_name, coalesce($version, 'rule') as model_version, scored.*,
    $version as champion_version, case when $version is not null then score end as champion_score
from {scored} as scored
"""

# What the champion says is kept: who has fallen back is still watched, and comes back when the outcomes say so.
FALL_BACK = """
update ml.customer_scores as scores
set score = scored.score, tier = scored.tier, model_version = 'rule'
from scored
where scores.as_of = $day and scores.model_name = $task and scores.customer_id = scored.customer_id
"""

NOTE_STATE = "update ml.customer_scores set model_state = $state where as_of = $day and model_name = $task"

TIERS = "select model_name, tier, count(*) from ml.customer_scores where as_of = $day group by all order by all"

CHECKS = [
    dg.AssetCheckSpec(
        "champions_are_fit_to_score",
        asset=["ml", "model_health"],
        description="No champion is degraded or stale; where one is, the rule scores in its place.",
    ),
    dg.AssetCheckSpec(
        "people_are_like_those_of_the_reference",
        asset=["ml", "feature_drift"],
        description="No feature of a champion moved further than limits.yml allows, beyond chance.",
    ),
]

BATCH = 100_000  # people

LoadModel = Callable[[str, str], "PropensityModel"]


@dataclass(frozen=True)
class Scorer:
    """What scores a task on a day.

    Attributes:
        task: The task.
        champion: The version that is in force; None where none is.
        model: The champion's model; None where it cannot score.
        why: Why the rule scores; empty where a model does.
    """

    task: Task
    champion: Champion | None
    model: "PropensityModel | None"
    why: str


def build_customer_scores(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.multi_asset(
        name="customer_scores",
        specs=[
            _spec(
                "customer_scores",
                "One row per task, customer of its population and day; tier says who scored: model, rule.",
            ),
            _spec("model_health", "One row per task and day: the state of its champion, by which numbers, and why."),
            _spec("feature_drift", "One row per task, day and feature of its champion: how far people moved."),
        ],
        check_specs=CHECKS,
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def customer_scores(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        start, end = window(context)
        load = cache(lambda task, version: _load(settings, task, version))
        states: dict[str, dict[str, int]] = {}
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            connection.execute(model_health.CREATE)
            for offset in range((end - start).days + 1):
                checked = score_day(connection, settings, start + timedelta(days=offset), load)
                for each in checked:
                    counts = states.setdefault(each.task.task, {})
                    counts[each.health.state] = counts.get(each.health.state, 0) + 1
            tiers = connection.execute(TIERS, {"day": end}).fetchall()
        yield dg.MaterializeResult(asset_key=["ml", "customer_scores"], metadata=_described(checked, tiers))
        yield dg.MaterializeResult(
            asset_key=["ml", "model_health"],
            metadata={"states": dg.MetadataValue.table(_health_records(checked)), "days by state": states},
            check_results=[_model_check(checked)],
        )
        yield dg.MaterializeResult(
            asset_key=["ml", "feature_drift"],
            metadata={"dagster/row_count": sum(len(each.drift) for each in checked)},
            check_results=[_feature_check(checked)],
        )

    return customer_scores


def score_day(
    connection: duckdb.DuckDBPyConnection, settings: Settings, day: date, load: LoadModel
) -> tuple[Checked, ...]:
    """Replace one day's scores, and what is known of the champions; returns the latter for each task."""
    from ml.propensity.health import UNUSABLE

    scorers = tuple(_scorer(settings, task, day, load) for task in load_tasks())
    of_customers = [scorer for scorer in scorers if not scorer.task.options]
    with connection.cursor() as writer:
        writer.execute("begin")
        writer.execute("delete from ml.customer_scores where as_of = $day", {"day": day})
        for batch in _batches(connection, of_customers, day):
            of_customers = [_without_missing(scorer, batch) for scorer in of_customers]
            for scorer in of_customers:
                _write(writer, scorer, batch, day)
        of_options = [_choose(connection, writer, scorer, day) for scorer in scorers if scorer.task.options]
        checked = tuple(_check(writer, scorer, day) for scorer in [*of_customers, *of_options])
        fallen = [each.task for each in checked if each.champion and each.health.state in UNUSABLE]
        if fallen:
            for batch in _batches(connection, of_customers, day):
                for task in fallen:
                    _fall_back(writer, task, batch, day)
        for each in checked:
            state = {"day": day, "task": each.task.task, "state": each.health.state}
            writer.execute(NOTE_STATE, state)
        model_health.write_day(writer, checked, day)
        writer.execute("commit")
    return checked


def _scorer(settings: Settings, task: Task, day: date, load: LoadModel) -> Scorer:
    """The champion of a day, or the rule; of a choice nothing is watched that its scores are needed for."""
    from ml.propensity.health import UNUSABLE, judge_age, read_limits
    from ml.tracking import load_reference, newest_training

    promotion = open_state(settings).promotion_in_force(task.task, day)
    if promotion is None:
        return Scorer(task, None, None, "no model is in force")
    uri, version = settings.tracking_uri, promotion.model_version
    judged_on = newest_training(task.task, before=day, tracking_uri=uri)
    champion = Champion(
        task=task,
        version=version,
        trained_on=promotion.training_partition,
        judged_on=max(judged_on or promotion.training_partition, promotion.training_partition),
        reference=load_reference(task.task, version, tracking_uri=uri),
    )
    age = judge_age((day - champion.judged_on).days, read_limits())
    if task.options and age.state in UNUSABLE:
        return Scorer(task, None, None, age.reason)
    return Scorer(task, champion, load(task.task, version), "")


def _without_missing(scorer: Scorer, batch: pa.Table) -> Scorer:
    """Let the rule score where the model needs a feature that the warehouse no longer has."""
    missing = sorted(set(scorer.model.feature_names) - set(batch.column_names)) if scorer.model else []
    if not missing or scorer.champion is None:
        return scorer
    return Scorer(scorer.task, None, None, f"version {scorer.champion.version} needs {', '.join(missing)}")


def _check(writer: duckdb.DuckDBPyConnection, scorer: Scorer, day: date) -> Checked:
    from ml.propensity.health import judge_age, no_champion, read_limits

    if scorer.champion is None:
        return Checked(scorer.task, None, no_champion(scorer.why))
    if scorer.task.options:
        age = (day - scorer.champion.judged_on).days
        return Checked(scorer.task, scorer.champion, judge_age(age, read_limits()))
    features = _features([])
    return check_champion(writer, scorer.champion, day, features=features, limits=read_limits())


def _batches(connection: duckdb.DuckDBPyConnection, scorers: Sequence[Scorer], day: date) -> Iterator[pa.Table]:
    query = f"{_features(sorted({scorer.task.population for scorer in scorers}))} order by features.customer_id"
    for batch in connection.execute(query, {"day": day}).to_arrow_reader(BATCH):
        yield pa.Table.from_batches([batch])


def _features(populations: Sequence[str]) -> str:
    """The query of a day's features, with a column that says who is of each population."""
    is_member = "".join(f"list_contains(members.populations, '{name}') as is_of_{name}, " for name in populations)
    return FEATURES.format(is_member=is_member, expected_orders=EXPECTED_ORDERS)


def _write(writer: duckdb.DuckDBPyConnection, scorer: Scorer, batch: pa.Table, day: date) -> None:
    from ml.propensity.score import score_by_rule, score_people

    task, model, champion = scorer.task, scorer.model, scorer.champion
    members = batch.filter(batch[f"is_of_{task.population}"])
    scored = score_people(task, model, members) if model else score_by_rule(task.rule, members)
    writer.register("scored_people", scored)
    version = champion.version if champion else None
    writer.execute(WRITE.format(scored="scored_people"), {"day": day, "task": task.task, "version": version})
    writer.unregister("scored_people")


def _choose(
    connection: duckdb.DuckDBPyConnection, writer: duckdb.DuckDBPyConnection, scorer: Scorer, day: date
) -> Scorer:
    """Score every option of every customer, and write the likeliest of each; gives who scored in the end."""
    from ml.propensity.score import score_by_rule, score_people

    task = scorer.task
    writer.execute(SCORED_OPTIONS)
    for records in connection.execute(OPTIONS, {"day": day, "options": task.options}).to_arrow_reader(BATCH):
        batch = pa.Table.from_batches([records])
        scorer = _without_missing(scorer, batch)
        scored = score_people(task, scorer.model, batch) if scorer.model else score_by_rule(task.rule, batch)
        writer.register("scored_batch", scored.append_column("shrunk_share", batch["shrunk_share"]))
        writer.execute("insert into scored_options by name select * from scored_batch")
        writer.unregister("scored_batch")
    version = scorer.champion.version if scorer.champion else None
    values = {"day": day, "task": task.task, "version": version}
    writer.execute(WRITE.format(scored=f"({FOREMOST})"), values)
    return scorer


def _fall_back(writer: duckdb.DuckDBPyConnection, task: Task, batch: pa.Table, day: date) -> None:
    from ml.propensity.score import score_by_rule

    writer.register("scored", score_by_rule(task.rule, batch.filter(batch[f"is_of_{task.population}"])))
    writer.execute(FALL_BACK, {"day": day, "task": task.task})
    writer.unregister("scored")


def _load(settings: Settings, task: str, version: str) -> "PropensityModel":
    from ml.tracking import load_model

    return load_model(task, version, tracking_uri=settings.tracking_uri)


def _spec(name: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=["ml", name],
        description=description,
        group_name="propensity",
        kinds={"python", "scikitlearn", "mlflow"},
        owners=["team:propensity"],
        deps=[
            ["marts", "customer_features"],
            ["marts", "customer_populations"],
            ["marts", "customer_options"],
            ["marts", "customer_outcomes"],
            ["marts", "outcome_counts"],
            ["marts", "identity_map"],
            ["ml", "customer_value"],
        ],
    )


def _described(checked: Sequence[Checked], tiers: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    rows = [dg.TableRecord({"task": task, "tier": tier, "people": people}) for task, tier, people in tiers]
    unfit = {each.task.task: each.health.reason for each in checked if each.health.state in {"degraded", "stale"}}
    metadata: dict[str, Any] = {
        "versions": {each.task.task: each.champion.version if each.champion else "rule" for each in checked},
        "rules": unfit,
    }
    return {**metadata, "tiers": dg.MetadataValue.table(rows)} if rows else metadata


def _health_records(checked: Sequence[Checked]) -> list[dg.TableRecord]:
    return [
        dg.TableRecord(
            {
                "task": each.task.task,
                "version": each.champion.version if each.champion else "none",
                "state": each.health.state,
                "reason": each.health.reason,
            }
        )
        for each in checked
    ]


def _model_check(checked: Sequence[Checked]) -> dg.AssetCheckResult:
    unfit = [each for each in checked if each.champion and each.health.state in {"degraded", "stale"}]
    return dg.AssetCheckResult(
        asset_key=["ml", "model_health"],
        check_name="champions_are_fit_to_score",
        passed=not unfit,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{each.task.task} is {each.health.state}: {each.health.reason}" for each in unfit),
        metadata={"champions": sum(each.champion is not None for each in checked)},
    )


def _feature_check(checked: Sequence[Checked]) -> dg.AssetCheckResult:
    from ml.propensity.health import read_limits

    most = read_limits().feature_psi.watch
    moved = [
        f"{each.task.task} {row['feature']}: PSI {row['psi']:.2f}"
        for each in checked
        for row in sorted(each.drift, key=lambda row: -row["psi"])
        if row["psi"] > max(most, row["psi_by_chance"], row["psi_by_nature"])
    ]
    return dg.AssetCheckResult(
        asset_key=["ml", "feature_drift"],
        check_name="people_are_like_those_of_the_reference",
        passed=not moved,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(moved[:10]),
        metadata={"moved": len(moved)},
    )
