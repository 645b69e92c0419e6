"""Tables `ml.model_health` and `ml.feature_drift`: how each champion does on a day, measured before its scores are used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from ml.propensity.task import Task

if TYPE_CHECKING:  # scipy takes half a second to import, and most runs of a graph only define this module
    from ml.propensity.health import Health, Limits, Shift, Signs
    from ml.propensity.pace import Pace
    from ml.propensity.reference import Reference

CREATE = """
create schema if not exists ml;
create table if not exists ml.model_health (
    as_of date, model_name varchar, model_version varchar, state varchar, reason varchar, trained_on date,
    score_psi double, score_psi_by_chance double, score_psi_by_nature double, score_ks double, worst_feature varchar,
    worst_feature_psi double, scored_count bigint, reference_count bigint, estimated_auc double, estimated_auc_reference double,
    estimated_average_precision double, estimated_average_precision_reference double, estimated_brier double,
    estimated_brier_reference double,
    realised_of date, realised_count bigint, realised_auc double, realised_auc_low double, realised_auc_high double,
    realised_auc_reference double, realised_brier double, predicted_share double, outcome_share double, surprise double,
    pace_7 double, pace_7_surprise double, pace_28 double, pace_28_surprise double,
    visits_7 double, visits_7_surprise double, visits_28 double, visits_28_surprise double
);
create table if not exists ml.feature_drift (
    as_of date, model_name varchar, model_version varchar, feature varchar,
    psi double, psi_by_chance double, psi_by_nature double, ks double, unknown_share double, unknown_share_reference double
);
"""

# One pass over the people of the day: values are counted, then both sides are accumulated over the values of the reference.
SHIFTS = """
with people as (
    select {columns}, scores.champion_score as score
    from ml.customer_scores as scores
    inner join ({features}) as features on scores.customer_id = features.customer_id
    where scores.as_of = $day and scores.model_name = $task and scores.champion_score is not null
),
long as (
    select feature, value from people unpivot include nulls (value for feature in ({names}))
),
counted as (
    select feature, value, count(*) as people from long group by feature, value
),
totals as (
    select
        feature,
        cast(sum(people) as double) as people,
        cast(coalesce(sum(people) filter (where value is null), 0) as double) as unknown
    from counted
    group by feature
),
merged as (
    select feature, value, people, false as is_place from counted where value is not null
    union all
    select feature, value, 0 as people, true as is_place from reference_places as places
),
accumulated as (
    select feature, value, is_place, sum(people) over (partition by feature order by value) as at_most from merged
),
steps as (
    select
        places.feature,
        places.value,
        places.bin,
        places.at_most as reference_at_most,
        accumulated.at_most,
        places.at_most - lag(places.at_most, 1, 0) over (partition by places.feature order by places.value) as reference_people,
        accumulated.at_most - lag(accumulated.at_most, 1, 0) over (partition by places.feature order by places.value) as people,
        row_number() over (partition by places.feature order by places.value desc) = 1 as is_last
    from reference_places as places
    inner join accumulated
        on places.feature = accumulated.feature and places.value = accumulated.value and accumulated.is_place
),
-- Who is beyond the highest value of the reference is of the last bin.
bins as (
    select
        steps.feature,
        steps.bin,
        sum(steps.reference_people) as reference_people,
        sum(steps.people + case when steps.is_last then totals.people - totals.unknown - steps.at_most else 0 end) as people
    from steps
    inner join totals on steps.feature = totals.feature
    group by steps.feature, steps.bin
    union all
    select columns.feature, -1 as bin, columns.unknown as reference_people, totals.unknown as people
    from reference_columns as columns
    inner join totals on columns.feature = totals.feature
    where columns.unknown > 0 or totals.unknown > 0
    union all
    select columns.feature, 0 as bin, 0 as reference_people, totals.people - totals.unknown as people
    from reference_columns as columns
    inner join totals on columns.feature = totals.feature
    where columns.unknown = columns.people
),
-- Half a person in each bin, so that an empty one is finite.
smoothed as (
    select
        feature,
        (people + 0.5) / sum(people + 0.5) over (partition by feature) as share,
        (reference_people + 0.5) / sum(reference_people + 0.5) over (partition by feature) as reference_share
    from bins
),
stability as (
    select feature, count(*) as bins, sum((share - reference_share) * ln(share / reference_share)) as psi
    from smoothed
    group by feature
),
gaps as (
    select
        steps.feature,
        max(abs(
            steps.at_most / nullif(totals.people - totals.unknown, 0)
            - steps.reference_at_most / nullif(columns.people - columns.unknown, 0)
        )) as ks
    from steps
    inner join totals on steps.feature = totals.feature
    inner join reference_columns as columns on steps.feature = columns.feature
    group by steps.feature
)
select
    stability.feature,
    round(stability.psi, 6) as psi,
    stability.bins,
    round(coalesce(gaps.ks, 0), 6) as ks,
    cast(totals.people as bigint) as people,
    round(totals.unknown / totals.people, 6) as unknown_share,
    round(columns.unknown / columns.people, 6) as unknown_share_reference
from stability
inner join totals on stability.feature = totals.feature
inner join reference_columns as columns on stability.feature = columns.feature
left join gaps on stability.feature = gaps.feature
order by stability.feature
"""

SCORES = """
select champion_score from ml.customer_scores
where as_of = $day and model_name = $task and champion_score is not null
order by customer_id
"""

# Everybody is followed by their root profile to whoever they have become, as the examples of a training are.
MATURED = """
with followed as (
    select scores.customer_id, scores.champion_score, later.customer_id as later_customer_id
    from ml.customer_scores as scores
    inner join marts.identity_map as earlier
        on scores.customer_id = earlier.customer_id
        and earlier.profile_key = earlier.root_profile_key
        and earlier.valid_from <= $scored_on
        and $scored_on < earlier.valid_to
    inner join marts.identity_map as later
        on earlier.root_profile_key = later.profile_key and later.valid_from <= $day and $day < later.valid_to
    where scores.as_of = $scored_on and scores.model_name = $task and scores.champion_version = $version
        and scores.champion_score is not null
)
select
    followed.champion_score,
    cast((coalesce(outcomes.last_occurred_on, $scored_on) > $scored_on) = $happens as bigint) as outcome
from followed
left join marts.customer_outcomes as outcomes
    on outcomes.as_of = $day and outcomes.event = $event and followed.later_customer_id = outcomes.customer_id
order by followed.customer_id
"""


VISITS = "product_views"  # move before what they lead to does
SPANS = ((7, 28), (28, 90))  # days: lately, and in all

LATELY = (7, 28)  # days; whole weeks
COUNTS = """
select cast(days.day as date) as day, coalesce(counts.customer_count, 0) as customer_count
from generate_series(cast($first as date), cast($last as date), interval 1 day) as days (day)
left join marts.outcome_counts as counts
    on counts.as_of = $day and counts.event = $event and cast(days.day as date) = counts.occurred_on
order by days.day
"""

# Each customer is one difference of two Poisson rates, whatever their own rate is; so their squares give its variance.
PACE = """
select
    sum(lately) / nullif(sum(before * $weight), 0) as ratio,
    sum(lately - before * $weight) / nullif(sqrt(sum((lately - before * $weight) * (lately - before * $weight))), 0) as surprise
from (
    select cast({lately} as double) as lately, cast({all} - {lately} as double) as before
    from marts.customer_features as features
    inner join marts.customer_populations as populations
        on features.as_of = populations.as_of and features.customer_id = populations.customer_id
    where features.as_of = $day and populations.population = $population
) as counts
"""


@dataclass(frozen=True)
class Champion:
    """The version that is in force for a task on a day, and what is known of it.

    Attributes:
        task: The task.
        version: Of its registered model.
        trained_on: Training partition.
        judged_on: Training partition of the newest version that it is, or was held against.
        reference: What it was calibrated on; None where its version kept none.
    """

    task: Task
    version: str
    trained_on: date
    judged_on: date
    reference: "Reference | None"


@dataclass(frozen=True)
class Checked:
    """What was found of a task on a day."""

    task: Task
    champion: Champion | None
    health: "Health"
    signs: "Signs | None" = None
    drift: tuple[dict[str, Any], ...] = ()


def check_champion(
    connection: duckdb.DuckDBPyConnection, champion: Champion, day: date, *, features: str, limits: "Limits"
) -> Checked:
    """Measure and judge the champion of a task, whose scores of the day are written.

    Args:
        connection: The warehouse.
        champion: Who scored.
        day: The partition.
        features: Query of the day's features, with the parameter `day`.
        limits: From which values on a person should look, and the model does not score.
    """
    from ml.propensity.estimate import estimate
    from ml.propensity.health import Signs, judge_health

    drift = measure_drift(connection, champion, day, features=features, limits=limits)
    shifts = {row["feature"]: _shift(row) for row in drift}
    found = connection.execute(SCORES, {"day": day, "task": champion.task.task}).to_arrow_table()
    scores = found["champion_score"].to_numpy()
    signs = Signs(
        reference=champion.reference,
        days_since_training=(day - champion.judged_on).days,
        score=shifts.pop("score", None),
        features=tuple(shifts.values()),
        estimated=estimate(scores) if len(scores) else None,
        realised=_realised(connection, champion, day),
        paces=tuple(measure_paces(connection, champion, day)),
    )
    return Checked(champion.task, champion, judge_health(signs, limits), signs, tuple(drift))


def measure_drift(
    connection: duckdb.DuckDBPyConnection, champion: Champion, day: date, *, features: str, limits: "Limits"
) -> list[dict[str, Any]]:
    """Compare each feature and the scores of the day with the reference; nothing where there is none of either."""
    from ml.propensity.health import psi_by_chance

    reference = champion.reference
    if reference is None:
        return []
    _register(connection, reference)
    names = [f'"{name}"' for name in reference.spreads]
    columns = ", ".join(f"cast(features.{name} as double) as {name}" for name in names if name != '"score"')
    query = SHIFTS.format(columns=columns, features=features, names=", ".join(names))
    found = connection.execute(query, {"day": day, "task": champion.task.task}).to_arrow_table()
    connection.unregister("reference_places")
    connection.unregister("reference_columns")
    return [
        {
            **row,
            "psi_by_chance": psi_by_chance(row["bins"], row["people"], reference.rows, quantile=limits.chance_quantile),
            "psi_by_nature": reference.psi_by_nature(row["feature"], day),
        }
        for row in found.to_pylist()
    ]


def write_day(connection: duckdb.DuckDBPyConnection, checked: Sequence[Checked], day: date) -> None:
    """Replace what was found on a day."""
    for table in ("model_health", "feature_drift"):
        connection.execute(f"delete from ml.{table} where as_of = $day", {"day": day})
    rows = [{"as_of": day, **health_row(each, day)} for each in checked]
    drift = [
        {"as_of": day, "model_name": each.task.task, "model_version": each.champion.version, **row}
        for each in checked
        if each.champion
        for row in each.drift
    ]
    for table, found in (("model_health", rows), ("feature_drift", drift)):
        if found:
            columns = [row[0] for row in connection.execute(f"describe ml.{table}").fetchall()]
            connection.register("found", pa.Table.from_pylist(found))
            named = ", ".join(name for name in columns if name in found[0])
            connection.execute(f"insert into ml.{table} by name select {named} from found")
            connection.unregister("found")


def health_row(checked: Checked, day: date) -> dict[str, Any]:
    """One row of `ml.model_health`, but for the day."""
    champion, signs = checked.champion, checked.signs
    row: dict[str, Any] = {
        "model_name": checked.task.task,
        "model_version": champion.version if champion else None,
        "state": checked.health.state,
        "reason": checked.health.reason,
        "trained_on": champion.trained_on if champion else None,
    }
    reference = champion.reference if champion else None
    if signs and signs.score and reference:
        worst = signs.worst_feature
        row |= {
            "score_psi": signs.score.psi,
            "score_psi_by_chance": _rounded(signs.score.psi_by_chance),
            "score_psi_by_nature": _rounded(signs.score.psi_by_nature),
            "score_ks": signs.score.ks,
            "worst_feature": worst.feature if worst else None,
            "worst_feature_psi": worst.psi if worst else None,
            "scored_count": next(found["people"] for found in checked.drift),
            "reference_count": reference.rows,
        }
    if signs and signs.estimated and reference:
        for name in ("auc", "average_precision", "brier"):
            row[f"estimated_{name}"] = round(getattr(signs.estimated, name), 6)
            row[f"estimated_{name}_reference"] = round(getattr(reference.estimated, name), 6)
    if signs and signs.realised and reference:
        found = signs.realised
        row |= {
            "realised_of": day - timedelta(days=reference.horizon_days),
            "realised_count": found.rows,
            "realised_auc": _rounded(found.auc),
            "realised_auc_low": _rounded(found.auc_low),
            "realised_auc_high": _rounded(found.auc_high),
            "realised_auc_reference": _rounded(reference.auc),
            "realised_brier": _rounded(found.brier),
            "predicted_share": _rounded(found.predicted_share),
            "outcome_share": _rounded(found.outcome_share),
            "surprise": _rounded(found.surprise),
        }
    for pace in signs.paces if signs else ():
        name = f"{'pace' if pace.is_outcome else 'visits'}_{pace.days}"
        row |= {name: _rounded(pace.ratio), f"{name}_surprise": _rounded(pace.surprise)}
    return dict.fromkeys(HEALTH_COLUMNS) | row


def measure_paces(connection: duckdb.DuckDBPyConnection, champion: Champion, day: date) -> "Iterator[Pace]":
    """How often what is predicted happens lately, beside the days whose outcomes the champion was calibrated on; and visits."""
    from ml.propensity.pace import Pace, compare_pace

    task, reference = champion.task, champion.reference
    if reference:
        until = reference.cutoff + timedelta(days=reference.horizon_days)
        before = _counts(connection, task, day, reference.cutoff + timedelta(days=1), until)
        for days in LATELY:
            found = compare_pace(
                task.outcome.event, _counts(connection, task, day, day - timedelta(days=days - 1), day), before
            )
            if found:
                yield found
    for days, span in SPANS:
        query = PACE.format(lately=f"features.{VISITS}_{days}", all=f"features.{VISITS}_{span}")
        values = {"day": day, "population": task.population, "weight": days / (span - days)}
        ratio, surprise = connection.execute(query, values).fetchall()[0]
        if ratio is not None and surprise is not None:
            yield Pace(VISITS, days, f"in the {span - days} before", ratio, surprise, is_outcome=False)


def _counts(connection: duckdb.DuckDBPyConnection, task: Task, day: date, first: date, last: date) -> Any:
    values = {"day": day, "event": task.outcome.event, "first": first, "last": last}
    return connection.execute(COUNTS, values).to_arrow_table()["customer_count"].to_numpy()


def _realised(connection: duckdb.DuckDBPyConnection, champion: Champion, day: date) -> Any:
    """How the champion's scores of one horizon ago turned out; None where it scored nobody then."""
    from ml.propensity.estimate import realise

    if champion.reference is None:
        return None
    task = champion.task
    found = connection.execute(
        MATURED,
        {
            "day": day,
            "scored_on": day - timedelta(days=champion.reference.horizon_days),
            "task": task.task,
            "version": champion.version,
            "event": task.outcome.event,
            "happens": task.outcome.happens,
        },
    ).to_arrow_table()
    return realise(found["champion_score"].to_numpy(), found["outcome"].to_numpy()) if len(found) else None


def _register(connection: duckdb.DuckDBPyConnection, reference: "Reference") -> None:
    spreads = reference.spreads
    places = [
        {"feature": name, "value": value, "at_most": float(at_most), "bin": number}
        for name, found in spreads.items()
        for value, at_most, number in zip(found.values, found.at_most, found.bins, strict=True)
    ]
    columns = [
        {"feature": name, "unknown": float(found.unknown), "people": float(reference.rows)}
        for name, found in spreads.items()
    ]
    connection.register("reference_places", pa.Table.from_pylist(places))
    connection.register("reference_columns", pa.Table.from_pylist(columns))


def _shift(row: dict[str, Any]) -> "Shift":
    from ml.propensity.health import Shift

    return Shift(row["feature"], row["psi"], row["psi_by_chance"], row["psi_by_nature"], row["ks"])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


HEALTH_COLUMNS = (
    "score_psi", "score_psi_by_chance", "score_psi_by_nature", "score_ks", "worst_feature", "worst_feature_psi", "scored_count",
    "reference_count",
    "estimated_auc", "estimated_auc_reference", "estimated_average_precision", "estimated_average_precision_reference",
    "estimated_brier", "estimated_brier_reference", "realised_of", "realised_count", "realised_auc", "realised_auc_low",
    "realised_auc_high", "realised_auc_reference", "realised_brier", "predicted_share", "outcome_share", "surprise",
    "pace_7", "pace_7_surprise", "pace_28", "pace_28_surprise", "visits_7", "visits_7_surprise",
    "visits_28", "visits_28_surprise",
)  # fmt: skip
