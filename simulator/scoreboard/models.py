"""How well each model ranks, beside the recency rule and beside the best that anyone could do with what was seen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import duckdb
import numpy as np

from simulator.arrays import Bools, Floats, Ints
from simulator.scoreboard.observed import observe, read_process
from simulator.scoreboard.planted import Planted
from simulator.scoreboard.posterior import chance_of_no_purchase
from simulator.scoreboard.ranking import area_under_curve, standard_error
from simulator.scoreboard.sections import Bar, Chart, Line, Section

Tractability = Literal["exact", "approximate", "none"]

TRACTABLE, INTRACTABLE = frozenset({"calm"}), frozenset({"drift"})
MOST_CUSTOMERS = 20_000
"""Customers that the posterior is computed for; a larger shop is judged by that many of them, drawn by their hash."""
DEFAULT_HORIZON = 30
BINS = 10


@dataclass(frozen=True)
class Question:
    """A task whose answer the truth knows: whether buyers stay away, or order, in the horizon."""

    task: str
    is_absence: bool
    words: str


QUESTIONS = (
    Question("churn_risk", is_absence=True, words="no purchase"),
    Question("repeat_purchase", is_absence=False, words="a purchase"),
)

HORIZON = (
    "select max_by(horizon_days, trained_on) from marts.training_outcomes where trained_on <= $day and task = $task"
)

# A customer is whoever its profiles belong to; what several persons share says nothing.
SCORED = f"""
create or replace temp table scored_customers as
with judged as (
    select distinct customer_id from ml.customer_scores where as_of = $day and model_name = $task
),
persons as (
    select distinct resolved.customer_id, truth_keys.person
    from marts.identity_map as resolved
    inner join truth_keys on resolved.profile_key = truth_keys.profile_key
    inner join judged on resolved.customer_id = judged.customer_id
    where resolved.valid_from <= $day and $day < resolved.valid_to and not truth_keys.is_shared
),
numbered as (
    select customer_id, row_number() over (order by md5(customer_id)) - 1 as customer
    from (select distinct customer_id from persons) as known
    qualify customer < {MOST_CUSTOMERS}
)
select numbered.customer, customer_id, persons.person, dense_rank() over (order by persons.person) - 1 as place
from numbered
inner join persons using (customer_id)
"""
FORECAST = "create or replace temp table forecast_people as select distinct person, place from scored_customers"

LABELS = """
with buyers as (
    select distinct person from truth_purchases
    where happened and not is_test and bought_at >= cast($first as timestamp) and bought_at < cast($until as timestamp)
)
select customer, not bool_or(buyers.person is not null) as is_churned, any_value(features.days_since_last_order) as recency
from scored_customers
left join buyers using (person)
left join marts.customer_features as features
    on scored_customers.customer_id = features.customer_id and features.as_of = $day
group by customer
order by customer
"""

SCORES = """
select model_name, any_value(model_version), max(tier), list(score order by customer), list(customer order by customer)
from (select distinct customer, customer_id from scored_customers) as customers
inner join ml.customer_scores as scores on customers.customer_id = scores.customer_id and scores.as_of = $day
where model_name = $task
group by model_name
"""

LEFT_OUT = """
select count(distinct customer_id) - (select count(distinct customer_id) from scored_customers)
from ml.customer_scores
where as_of = $day and model_name = $task
"""


@dataclass(frozen=True)
class ModelArea:
    """The area under the ROC curve of one scorer, with its standard error.

    Attributes:
        calibration_error: Mean distance of probability and share over tenths of the customers; None for what gives no probability.
    """

    name: str
    version: str
    tier: str
    area: float
    error: float
    calibration_error: float | None = None


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by the posterior: the chance that it gives and the share that came true."""

    expected: float
    observed: float
    customers: int


@dataclass(frozen=True)
class ModelScore:
    """One task: what its model knew of the horizon after the day.

    Attributes:
        question: The task.
        horizon_days: What the model was trained for.
        customers: Customers compared.
        came_true: Those for whom the answer is yes.
        left_out: Scored customers that no planted person could be found for, or beyond the limit.
        models: The model of the day.
        recency: The rule that ranks by days since the last order.
        best: The posterior of the process that made the people, given purchases, visits, opens and renewals.
        tractability: Whether `best` is the optimum, an approximation of it, or not there.
        tenths: Calibration of the posterior.
    """

    question: Question
    horizon_days: int
    customers: int
    came_true: int
    left_out: int
    models: tuple[ModelArea, ...]
    recency: ModelArea | None
    best: ModelArea | None
    tractability: Tractability
    tenths: tuple[Tenth, ...]

    def share_of_best(self, model: ModelArea) -> float | None:
        """How much of what can be known above chance a model knows; None without the optimum."""
        if self.best is None or self.best.area <= 0.5:
            return None
        return (model.area - 0.5) / (self.best.area - 0.5)


def score_models(connection: duckdb.DuckDBPyConnection, planted: Planted, day: date) -> tuple[ModelScore, ...]:
    """Compare the scores of a day with what happened afterwards; tasks without scores, or whose horizon the truth ends in, are left out."""
    found = (_score_task(connection, planted, day, question) for question in QUESTIONS)
    return tuple(score for score in found if score is not None)


def _score_task(
    connection: duckdb.DuckDBPyConnection, planted: Planted, day: date, question: Question
) -> ModelScore | None:
    horizon = _horizon(connection, day, question)
    if day + timedelta(days=horizon) > planted.last_day:
        return None
    asked = {"day": day, "task": question.task}
    connection.execute(SCORED, asked)
    first, until = day + timedelta(days=1), day + timedelta(days=1 + horizon)
    labels = connection.execute(LABELS, {"day": day, "first": first, "until": until}).fetchnumpy()
    is_churned = np.asarray(labels["is_churned"], dtype=np.bool_)
    if not len(is_churned):
        return None
    is_true = is_churned if question.is_absence else ~is_churned
    recency = np.ma.filled(np.ma.asarray(labels["recency"], dtype=np.float64), 1e6)
    stays_away = _best(connection, planted, day, horizon)
    forecast = stays_away if stays_away is None or question.is_absence else 1 - stays_away
    row = connection.execute(LEFT_OUT, asked).fetchone()
    return ModelScore(
        question=question,
        horizon_days=horizon,
        customers=len(is_true),
        came_true=int(is_true.sum()),
        left_out=int(row[0]) if row else 0,
        models=_models(connection, is_true, asked),
        recency=_area("recency rule", is_true, recency if question.is_absence else -recency),
        best=None if forecast is None else _area("best possible", is_true, forecast, is_probability=True),
        tractability=_tractability(planted),
        tenths=() if forecast is None else _tenths(is_true, forecast),
    )


def _horizon(connection: duckdb.DuckDBPyConnection, day: date, question: Question) -> int:
    row = connection.execute(HORIZON, {"day": day, "task": question.task}).fetchone()
    return int(row[0]) if row and row[0] else DEFAULT_HORIZON


def _tractability(planted: Planted) -> Tractability:
    if planted.scenario in INTRACTABLE:
        return "none"
    return "exact" if planted.scenario in TRACTABLE else "approximate"


def _best(connection: duckdb.DuckDBPyConnection, planted: Planted, day: date, horizon: int) -> Floats | None:
    """The chance that all persons of each customer buy nothing."""
    if _tractability(planted) == "none":
        return None
    connection.execute(FORECAST)
    days = (day - planted.start).days + 1
    chances = chance_of_no_purchase(
        read_process(planted, days=days, horizon=horizon), observe(connection, planted, day)
    )
    members = connection.execute("select customer, place from scored_customers").fetchnumpy()
    customer, place = (np.asarray(members[name], dtype=np.int64) for name in ("customer", "place"))
    return np.exp(np.bincount(customer, weights=np.log(np.maximum(chances[place], 1e-12))))


def _models(
    connection: duckdb.DuckDBPyConnection, is_true: Bools, asked: Mapping[str, object]
) -> tuple[ModelArea, ...]:
    areas = []
    for name, version, tier, scores, customers in connection.execute(SCORES, asked).fetchall():
        rows: Ints = np.array(customers)
        is_probability = tier != "fallback"
        area = _area(
            name, is_true[rows], np.array(scores), version=version or "", tier=tier, is_probability=is_probability
        )
        areas += [area] if area else []
    return tuple(areas)


def _area(
    name: str, is_true: Bools, scores: Floats, *, version: str = "", tier: str = "", is_probability: bool = False
) -> ModelArea | None:
    area = area_under_curve(is_true, scores)
    if area is None:
        return None
    gap = _calibration_error(is_true, scores) if is_probability else None
    return ModelArea(name, version, tier, area, standard_error(is_true, area), gap)


def _calibration_error(is_true: Bools, chances: Floats) -> float:
    """Naeini et al., AAAI 2015, over tenths of equal size."""
    tenths = _tenths(is_true, chances)
    return sum(abs(tenth.expected - tenth.observed) * tenth.customers for tenth in tenths) / len(is_true)


def _tenths(is_true: Bools, forecast: Floats) -> tuple[Tenth, ...]:
    parts = np.array_split(np.argsort(forecast, kind="stable"), BINS)
    return tuple(
        Tenth(float(forecast[rows].mean()), float(is_true[rows].mean()), len(rows)) for rows in parts if len(rows)
    )


def show_models(scores: Sequence[ModelScore]) -> Section:
    """The section about models."""
    title = "What the models know"
    if not scores:
        return Section("models", title, "No scores of the day, or the truth ends before the horizon does.", ())
    words = {
        "exact": "The best possible ranking is the posterior of the process that made the people, given purchases, visits, opens "
        "and renewals by the day.",
        "approximate": "Approximation: the posterior of the calm process. Effects of emails, fatigue and shared selves are left out, "
        "so that this is near the best possible ranking and not a bound.",
        "none": "Behaviour shifts in this shop: the best possible ranking is not tractable here.",
    }
    leads = [
        f"{score.question.task}: {score.question.words} within {score.horizon_days} days after the day, true of"
        f" {score.came_true:,} of {score.customers:,} customers."
        for score in scores
    ]
    return Section(
        name="models",
        title=title,
        lead=" ".join(leads),
        lines=tuple(line for score in scores for line in _lines(score)),
        charts=tuple(chart for score in scores for chart in _charts(score)),
        remarks=(words[scores[0].tractability],),
    )


def _ladder(score: ModelScore) -> list[ModelArea]:
    return [area for area in (score.recency, *score.models, score.best) if area is not None]


def _lines(score: ModelScore) -> Iterator[Line]:
    best = score.best.area if score.best else None
    for area in _ladder(score):
        parts = (
            score.question.task if area not in score.models else "",
            area.name,
            area.version,
            f"({area.tier})" if area.tier else "",
        )
        gap = "" if area.calibration_error is None else f", calibration error {area.calibration_error:.3f}"
        note = _share(score, area) + f"standard error {area.error:.3f}{gap}"
        yield Line(" ".join(part for part in parts if part), area.area, best, "area", note=note)
    yield Line(
        f"{score.question.task}: scored customers left out",
        score.left_out,
        note="of no planted person, or beyond the limit",
    )


def _charts(score: ModelScore) -> Iterator[Chart]:
    best = score.best.area if score.best else None
    yield Chart(
        f"{score.question.task}: area under the ROC curve",
        "area",
        mark="the best possible",
        origin=0.5,
        bars=tuple(Bar(area.name, area.area, best, _share(score, area).rstrip("; ")) for area in _ladder(score)),
    )
    if score.tenths:
        bars = tuple(
            Bar(f"tenth {number}", tenth.observed, tenth.expected) for number, tenth in enumerate(score.tenths, 1)
        )
        yield Chart(
            f"{score.question.task}: share with {score.question.words}",
            "share",
            bars,
            mark="what the best possible ranking expects",
        )


def _share(score: ModelScore, area: ModelArea) -> str:
    share = score.share_of_best(area)
    return "" if share is None or area is score.best else f"{share:.0%} of what can be known above chance; "
