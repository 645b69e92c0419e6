"""How well each model ranks, beside the recency rule and beside the best that anyone could do with what was seen."""

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

HORIZON = "select max_by(horizon_days, trained_on) from marts.churn_training_set where trained_on <= $day"

# A customer is whoever its profiles belong to; what several persons share says nothing.
SCORED = f"""
create or replace temp table scored_customers as
with judged as (
    select distinct customer_id from ml.customer_scores where as_of = $day
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
select model_name, any_value(model_version), any_value(tier), list(score order by customer), list(customer order by customer)
from (select distinct customer, customer_id from scored_customers) as customers
inner join ml.customer_scores as scores on customers.customer_id = scores.customer_id and scores.as_of = $day
group by model_name
order by model_name
"""

LEFT_OUT = """
select count(distinct customer_id) - (select count(distinct customer_id) from scored_customers) from ml.customer_scores where as_of = $day
"""


@dataclass(frozen=True)
class ModelArea:
    """The area under the ROC curve of one scorer, with its standard error."""

    name: str
    version: str
    tier: str
    area: float
    error: float


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by the posterior: the chance that it gives and the share that came true."""

    expected: float
    observed: float
    customers: int


@dataclass(frozen=True)
class ModelScore:
    """Models of churn: no purchase in the horizon after the day.

    Attributes:
        horizon_days: What the models were trained for.
        customers: Customers compared.
        churned: Those who bought nothing.
        left_out: Scored customers that no planted person could be found for, or beyond the limit.
        models: The models of the day.
        recency: The rule that ranks by days since the last order.
        best: The posterior of the process that made the people, given purchases, visits, opens and renewals.
        tractability: Whether `best` is the optimum, an approximation of it, or not there.
        tenths: Calibration of the posterior.
    """

    horizon_days: int
    customers: int
    churned: int
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


def score_models(connection: duckdb.DuckDBPyConnection, planted: Planted, day: date) -> ModelScore | None:
    """Compare the scores of a day with what happened afterwards; None if there are none or the truth ends too soon."""
    horizon = _horizon(connection, day)
    if day + timedelta(days=horizon) > planted.last_day:
        return None
    connection.execute(SCORED, {"day": day})
    first, until = day + timedelta(days=1), day + timedelta(days=1 + horizon)
    labels = connection.execute(LABELS, {"day": day, "first": first, "until": until}).fetchnumpy()
    is_churned = np.asarray(labels["is_churned"], dtype=np.bool_)
    if not len(is_churned):
        return None
    recency = np.ma.filled(np.ma.asarray(labels["recency"], dtype=np.float64), 1e6)
    forecast = _best(connection, planted, day, horizon)
    row = connection.execute(LEFT_OUT, {"day": day}).fetchone()
    return ModelScore(
        horizon_days=horizon,
        customers=len(is_churned),
        churned=int(is_churned.sum()),
        left_out=int(row[0]) if row else 0,
        models=_models(connection, is_churned, day),
        recency=_area("recency rule", is_churned, recency),
        best=None if forecast is None else _area("best possible", is_churned, forecast),
        tractability=_tractability(planted),
        tenths=() if forecast is None else _tenths(is_churned, forecast),
    )


def _horizon(connection: duckdb.DuckDBPyConnection, day: date) -> int:
    row = connection.execute(HORIZON, {"day": day}).fetchone()
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


def _models(connection: duckdb.DuckDBPyConnection, is_churned: Bools, day: date) -> tuple[ModelArea, ...]:
    areas = []
    for name, version, tier, scores, customers in connection.execute(SCORES, {"day": day}).fetchall():
        rows: Ints = np.array(customers)
        area = _area(name, is_churned[rows], np.array(scores), version=version or "", tier=tier)
        areas += [area] if area and "churn" in name else []
    return tuple(areas)


def _area(name: str, is_churned: Bools, scores: Floats, *, version: str = "", tier: str = "") -> ModelArea | None:
    area = area_under_curve(is_churned, scores)
    return None if area is None else ModelArea(name, version, tier, area, standard_error(is_churned, area))


def _tenths(is_churned: Bools, forecast: Floats) -> tuple[Tenth, ...]:
    parts = np.array_split(np.argsort(forecast, kind="stable"), 10)
    return tuple(
        Tenth(float(forecast[rows].mean()), float(is_churned[rows].mean()), len(rows)) for rows in parts if len(rows)
    )


def show_models(score: ModelScore | None) -> Section:
    """The section about models."""
    title = "What the models know"
    if score is None:
        return Section("models", title, "No scores of the day, or the truth ends before the horizon does.", ())
    words = {
        "exact": "The best possible ranking is the posterior of the process that made the people, given purchases, visits, opens "
        "and renewals by the day.",
        "approximate": "Approximation: the posterior of the calm process. Effects of emails, fatigue and shared selves are left out, "
        "so that this is near the best possible ranking and not a bound.",
        "none": "Behaviour shifts in this shop: the best possible ranking is not tractable here.",
    }
    ladder = [area for area in (score.recency, *score.models, score.best) if area is not None]
    best = score.best.area if score.best else None
    lines = [
        Line(
            " ".join(part for part in (area.name, area.version, f"({area.tier})" if area.tier else "") if part),
            area.area, best, "area", note=_share(score, area) + f"standard error {area.error:.3f}",
        )
        for area in ladder
    ]  # fmt: skip
    charts = [
        Chart(
            "Area under the ROC curve",
            "area",
            mark="the best possible",
            origin=0.5,
            bars=tuple(Bar(area.name, area.area, best, _share(score, area).rstrip("; ")) for area in ladder),
        )
    ]
    if score.tenths:
        bars = tuple(
            Bar(f"tenth {number}", tenth.observed, tenth.expected) for number, tenth in enumerate(score.tenths, 1)
        )
        charts.append(Chart("Share who bought nothing", "share", bars, mark="what the best possible ranking expects"))
    return Section(
        name="models",
        title=title,
        lead=f"Churn: no purchase within {score.horizon_days} days after the day. {score.churned:,} of {score.customers:,} customers.",
        lines=(*lines, Line("Scored customers left out", score.left_out, note="of no planted person, or beyond the limit")),
        charts=tuple(charts),
        remarks=(words[score.tractability],),
    )  # fmt: skip


def _share(score: ModelScore, area: ModelArea) -> str:
    share = score.share_of_best(area)
    return "" if share is None or area is score.best else f"{share:.0%} of what can be known above chance; "
