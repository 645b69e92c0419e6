"""The posterior holds what it promises on people drawn from the process itself."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from simulator.arrays import Bools, Floats
from simulator.instants import DAY
from simulator.people import draw_people, engagement_by_day
from simulator.purchases import season_by_day
from simulator.scoreboard.posterior import Process, Seen, chance_of_no_purchase, engagement_levels
from simulator.scoreboard.ranking import area_under_curve
from simulator.world import World

DAYS, HORIZON, PEOPLE = 150, 30, 6_000
WORLD = World()
PROCESS = Process(
    purchase_shape=WORLD.purchase_shape, purchase_mean=WORLD.purchase_mean, dropout_shape=WORLD.dropout_shape,
    dropout_scale=WORLD.dropout_scale, fading_days=WORLD.fading_days, faded_level=WORLD.faded_level,
    gone_level=WORLD.gone_level, open_mean=WORLD.open_mean, visit_base=0.016, visit_slope=0.9,
    season=season_by_day(DAYS + HORIZON, 0),
)  # fmt: skip


class Lives(NamedTuple):
    seen: Seen
    buys_nothing: Bools
    days_since_purchase: Floats


def draw_lives(seed: int) -> Lives:
    """People straight from the process: no shop, no files."""
    rng = np.random.default_rng(seed)
    customer_from = np.where(rng.random(PEOPLE) < 0.45, 0.0, rng.uniform(0, DAYS, PEOPLE))
    rate = rng.gamma(WORLD.purchase_shape, WORLD.purchase_mean / WORLD.purchase_shape, PEOPLE)
    leaving = rng.gamma(WORLD.dropout_shape, 1 / WORLD.dropout_scale, PEOPLE)
    dropout = customer_from + rng.exponential(1.0, PEOPLE) / leaving
    day = np.arange(DAYS + HORIZON)
    alive = np.clip(np.minimum(day + 1, dropout[:, None]) - np.maximum(day, customer_from[:, None]), 0, 1)
    bought = rng.poisson(alive * rate[:, None] * PROCESS.season)
    level = engagement_levels(PROCESS, dropout[:, None] - (day[:DAYS] + 0.5))
    is_known = day[:DAYS] > np.floor(customer_from)[:, None]
    visits = rng.poisson(level * (0.016 + 0.9 * rate[:, None])) * is_known
    mailed = is_known & (day[:DAYS] % 7 == 1)
    open_rate = rng.beta(2.0, 2.0 / WORLD.open_mean - 2.0, PEOPLE)
    opens = mailed & (rng.random((PEOPLE, DAYS)) < open_rate[:, None] * level)
    purchases = bought[:, :DAYS] * is_known
    last = np.where(purchases.any(axis=1), DAYS - 1 - np.argmax(purchases[:, ::-1] > 0, axis=1), -999)
    nothing = np.zeros(PEOPLE)
    return Lives(
        Seen(
            is_known=is_known, purchases=purchases.astype(float), visits=visits.astype(float), opens=opens.astype(float),
            unopened=(mailed & ~opens).astype(float), customer_from=customer_from, alive_at=nothing,
            gone_by=nothing + np.inf, renews_on=nothing + np.inf,
        ),
        bought[:, DAYS:].sum(axis=1) == 0,
        (DAYS - last).astype(float),
    )  # fmt: skip


@pytest.fixture(scope="module")
def lives() -> Lives:
    return draw_lives(seed=3)


def test_forecast_is_calibrated_in_every_tenth(lives: Lives) -> None:
    chances = chance_of_no_purchase(PROCESS, lives.seen)

    for rows in np.array_split(np.argsort(chances), 10):
        expected = chances[rows].mean()
        error = np.sqrt((chances[rows] * (1 - chances[rows])).sum()) / len(rows)
        assert abs(lives.buys_nothing[rows].mean() - expected) < 3.5 * error


def test_forecast_ranks_better_than_recency(lives: Lives) -> None:
    chances = chance_of_no_purchase(PROCESS, lives.seen)

    best = area_under_curve(lives.buys_nothing, chances)
    recency = area_under_curve(lives.buys_nothing, lives.days_since_purchase)

    assert best is not None
    assert recency is not None
    assert best > recency + 0.03


@pytest.mark.parametrize("unseen", ["visits", "opens"])
def test_each_observation_adds_to_the_forecast(lives: Lives, unseen: str) -> None:
    def log_score(seen: Seen, process: Process) -> float:
        chances = np.clip(chance_of_no_purchase(process, seen), 1e-6, 1 - 1e-6)
        return float(np.mean(np.log(np.where(lives.buys_nothing, chances, 1 - chances))))

    nothing = np.zeros_like(lives.seen.visits)
    blind = {"visits": {"visits": nothing}, "opens": {"opens": nothing, "unopened": nothing}}[unseen]
    # Whoever cannot see visits must not take them for absent.
    process = replace(PROCESS, visit_base=1e-12, visit_slope=0.0) if unseen == "visits" else PROCESS

    assert log_score(lives.seen, PROCESS) > log_score(replace(lives.seen, **blind), process)


def test_renewals_bound_the_dropout(lives: Lives) -> None:
    seen = replace(lives.seen.part(slice(0, 200)), customer_from=np.zeros(200))
    due_soon = replace(seen, alive_at=np.full(200, DAYS - 1.0), renews_on=np.full(200, DAYS + 0.6))
    gone = replace(seen, gone_by=np.full(200, 60.0), purchases=np.zeros_like(seen.purchases))

    plain = chance_of_no_purchase(PROCESS, seen)

    assert (chance_of_no_purchase(PROCESS, due_soon) < np.minimum(plain, 0.3)).all()
    assert chance_of_no_purchase(PROCESS, gone) == pytest.approx(1.0)


def test_engagement_is_the_simulators() -> None:
    people = draw_people(np.random.default_rng(5), WORLD, block=0, size=300, days=90, start=20_000 * DAY)
    noon = np.arange(90) + 0.5

    levels = engagement_levels(PROCESS, people.alive_until[:, None] - noon)
    theirs = engagement_by_day(people, WORLD, 90)

    is_customer = noon >= np.floor(people.alive_from)[:, None]
    assert np.allclose(levels[is_customer], theirs[is_customer])
