"""Purchases follow the process of the world, orders the purchases, and stock runs out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulator.arrays import NONE, take
from simulator.catalogue import build_catalogue, is_limited, limited_units, stock_by_day
from simulator.histories import History
from simulator.instants import DAY
from simulator.people import People, draw_people
from simulator.purchases import OWN, RENEWAL_EVERY, WEEKDAY, Purchases, demand_by_day, draw_purchases, place_orders
from simulator.scenarios import SCENARIOS
from simulator.world import World
from tests.unit.simulator.conftest import Shop
from tests.unit.simulator.landed import records
from tests.unit.simulator.samples import SIZE, START, WINDOW, as_expected, live_once, within

WORLD = World()
IMMORTAL = replace(
    WORLD, existing_share=1.0, dropout_scale=1e9, season_swing=0.0, subscription_share=0.0, guest_share=0.0,
    buys_at_sign_up_share=0.0,
)  # fmt: skip


def draw(world: World, days: int) -> tuple[People, Purchases]:
    people = draw_people(np.random.default_rng(5), world, block=0, size=SIZE, days=days, start=START)
    return people, draw_purchases(np.random.default_rng(6), world, people, days=days, until=days, start=START)


@pytest.fixture(scope="module")
def immortal() -> Purchases:
    """Of people who are there all the time and never leave, for a year of whole weeks."""
    return draw(IMMORTAL, 364)[1]


@pytest.fixture(scope="module")
def unmoved() -> History:
    return live_once(SCENARIOS["no_effect"].world)


@pytest.mark.parametrize("days", [28, 91, 182, 364])
def test_counts_are_negative_binomial_when_nobody_leaves(immortal: Purchases, days: int) -> None:
    inside = immortal.person[immortal.bought_at < START + days * DAY]
    counts = np.bincount(inside, minlength=SIZE)
    rest = 1 / (1 + days * IMMORTAL.purchase_mean / IMMORTAL.purchase_shape)
    expected = stats.nbinom(IMMORTAL.purchase_shape, rest)
    for times in range(4):
        assert within((counts == times).mean(), expected.pmf(times), SIZE), times
    # The repeat rate: who bought at all and bought again.
    buyers = int((counts > 0).sum())
    assert within((counts[counts > 0] > 1).mean(), expected.sf(1) / expected.sf(0), buyers)


def test_times_between_purchases_are_a_gamma_mixture_of_exponentials(immortal: Purchases) -> None:
    order = np.lexsort((immortal.bought_at, immortal.person))
    person, day = immortal.person[order], (immortal.bought_at[order] - START) / DAY
    is_first = np.append(True, person[1:] != person[:-1])
    first = np.flatnonzero(is_first)
    has_next = np.append(~is_first[1:], False)[first]
    gap = np.where(has_next, np.append(day[1:], 0)[first] - day[first], np.inf)
    scale = IMMORTAL.purchase_shape / IMMORTAL.purchase_mean
    for days in (7, 28, 70):
        seen = day[first] < 364 - days
        # Given the first purchase on day x, the rate is gamma with one more purchase and x more days.
        x = day[first][seen]
        longer = ((scale + x) / (scale + x + days)) ** (IMMORTAL.purchase_shape + 1)
        assert as_expected(gap[seen] > days, longer)


def test_own_purchases_follow_rates_lives_and_season(history: History) -> None:
    people, purchases = history.people, history.purchases
    grown = np.concatenate([[0], np.cumsum(demand_by_day(WORLD, days=180, until=WINDOW.until, start=START))])
    days = np.arange(WINDOW.until + 1)
    lived = np.interp(people.alive_until, days, grown) - np.interp(people.alive_from, days, grown)
    mean = people.purchase_rate * np.maximum(lived, 0)
    own = (purchases.cause == OWN) & ~purchases.is_renewal
    counts = np.bincount(purchases.person[own], minlength=SIZE) - people.buys_at_sign_up
    assert abs(counts.sum() - mean.sum()) < 4 * mean.sum() ** 0.5
    assert as_expected(counts == 0, np.exp(-mean))
    assert as_expected(counts > 1, 1 - np.exp(-mean) * (1 + mean))


def test_demand_has_weekdays_and_a_winter() -> None:
    _, purchases = draw(replace(IMMORTAL, season_swing=WORLD.season_swing), 365)
    day, days = purchases.bought_at // DAY, START + np.arange(365) * DAY
    demand = demand_by_day(WORLD, days=365, until=365, start=START)
    by_weekday = np.bincount((day + 3) % 7, minlength=7) / len(day)
    for weekday in range(7):
        share = demand[(START // DAY + np.arange(365) + 3) % 7 == weekday].sum() / demand.sum()
        assert within(by_weekday[weekday], share, len(day))
    months = [
        instants.astype("datetime64[ms]").astype("datetime64[M]").astype(int) % 12
        for instants in (purchases.bought_at, days)
    ]
    shares = [np.bincount(months[0], minlength=12) / len(day), np.bincount(months[1], weights=demand) / demand.sum()]
    assert all(within(found, share, len(day)) for found, share in zip(*shares, strict=True))
    by_day = demand / WEEKDAY[(days // DAY + 3) % 7]
    assert by_day.max() == pytest.approx(1 + WORLD.season_swing, abs=1e-3)
    assert by_day.min() == pytest.approx(1 - WORLD.season_swing, abs=1e-3)
    assert months[1][by_day.argmax()] == 11
    assert WEEKDAY.mean() == pytest.approx(1.0)


def test_drift_lowers_purchases_from_its_day_on() -> None:
    drift = SCENARIOS["drift"].world
    people, purchases = draw(replace(IMMORTAL, drift_from=drift.drift_from, drift_purchases=drift.drift_purchases), 280)
    day = (purchases.bought_at - START) // DAY
    before, after = (day < 196).sum() / 196, (day >= 196).sum() / 84
    assert len(people) == SIZE
    assert after / before == pytest.approx(
        drift.drift_purchases, rel=4 * (1 / (84 * after) + 1 / (196 * before)) ** 0.5
    )


def test_subscriptions_renew_until_the_dropout(history: History) -> None:
    people, orders = history.people, history.orders
    assert within(
        people.has_subscription[~people.is_guest].mean(), WORLD.subscription_share, int((~people.is_guest).sum())
    )
    assert people.has_subscription[orders.person[orders.is_renewal]].all()
    holders = np.flatnonzero(people.has_subscription & (people.alive_until > WINDOW.until) & people.is_existing)
    renewals = np.bincount(orders.person[orders.is_renewal], minlength=SIZE)[holders]
    assert len(holders) > 20
    assert set(renewals.tolist()) <= {WINDOW.until // RENEWAL_EVERY, WINDOW.until // RENEWAL_EVERY + 1}


def test_shares_of_orders_follow_the_world(history: History) -> None:
    orders, size = history.potential, len(history.potential)
    asked = ~orders.is_renewal
    for happened, share in (
        (orders.is_test, WORLD.test_order_share),
        (orders.has_discount[asked], WORLD.discount_share),
        (orders.cancelled_at != NONE, WORLD.cancelled_share),
        (orders.refunded_at != NONE, WORLD.refunded_share),
    ):
        assert within(happened.mean(), share, len(happened))
    lines = np.diff(orders.first_line)
    assert abs(lines.mean() - 1.7) < 4 * (0.7 / size) ** 0.5
    assert (orders.refund_cents[orders.cancelled_at != NONE] == orders.total_cents[orders.cancelled_at != NONE]).all()
    assert (orders.refund_cents <= orders.total_cents).all()


def test_effects_leave_own_purchases_as_they_are(history: History, unmoved: History) -> None:
    one, other = (take(each.purchases, np.flatnonzero(each.purchases.cause == OWN)) for each in (history, unmoved))
    assert (one.person == other.person).all()
    assert (one.bought_at == other.bought_at).all()
    assert other.happens.all()
    assert (~one.happens).sum() < 50
    assert set(unmoved.purchases.cause.tolist()) == {OWN}
    assert {"newsletter", "win_back"} <= set(history.purchases.cause.tolist())


def test_own_orders_are_the_same_in_every_world(history: History, unmoved: History) -> None:
    scarce = np.flatnonzero(is_limited(build_catalogue()))
    totals = []
    for each in (history, unmoved):
        orders = each.potential
        has_scarce = np.isin(orders.line_variant, scarce)
        favourite = np.isin(orders.line_variant, 0)
        touched = np.add.reduceat(has_scarce | favourite, orders.first_line[:-1]) > 0
        rows = np.flatnonzero(orders.cause == OWN)
        totals.append((orders.total_cents[rows], touched[rows], orders.cart_token[rows], orders.email[rows]))
    (one, touched, *identity), (other, also_touched, *other_identity) = totals
    # Only what the shelf decides may differ: the limited roast, and the favourite that stands in for it.
    free = ~touched & ~also_touched
    assert free.mean() > 0.7
    assert (one[free] == other[free]).all()
    assert all((ours == theirs).all() for ours, theirs in zip(identity, other_identity, strict=True))


def test_a_purchase_makes_the_same_order_among_others(history: History) -> None:
    some = take(history.purchases, np.arange(0, len(history.purchases.person), 3))
    plenty = replace(WORLD, limited_stock=10.0)
    full, part = (
        place_orders(history.order_key, plenty, build_catalogue(), history.people, history.selves, purchases)
        for purchases in (history.purchases, some)
    )
    by_token = dict(zip(full.cart_token, full.total_cents, strict=True))
    assert [by_token[token] for token in part.cart_token] == part.total_cents.tolist()


def test_the_limited_roast_runs_out_and_is_not_bought_afterwards(history: History) -> None:
    orders, (scarce,) = history.orders, np.flatnonzero(is_limited(build_catalogue()))
    units = np.where(orders.line_variant == scarce, orders.line_quantity, 0)
    stock = limited_units(WORLD.limited_stock, SIZE)
    assert units.sum() == stock
    gone_at = orders.ordered_at[np.repeat(np.arange(len(orders)), np.diff(orders.first_line))][
        np.flatnonzero(units)[-1]
    ]
    assert gone_at < START + WINDOW.days * DAY
    later = (
        history.potential.ordered_at[
            np.repeat(np.arange(len(history.potential)), np.diff(history.potential.first_line))
        ]
        > gone_at
    )
    assert not (history.potential.line_variant[later] == scarce).any()


def test_stock_falls_by_what_is_sold(history: History) -> None:
    catalogue, orders = build_catalogue(), history.orders
    day = np.repeat((orders.ordered_at - START) // DAY, np.diff(orders.first_line))
    sold = np.zeros((len(catalogue.product), 180), dtype=np.int64)
    rows = day < 180
    np.add.at(sold, (orders.line_variant[rows], day[rows]), orders.line_quantity[rows])
    stock = stock_by_day(catalogue, sold, days=sold.shape[1], limited=limited_units(WORLD.limited_stock, SIZE))
    is_refilled = np.arange(1, 180) % 7 == 0
    fallen = stock[:, :-1] - stock[:, 1:] == sold[:, 1:]
    assert fallen[:, ~is_refilled].all()
    limited = is_limited(catalogue)
    assert fallen[limited].all()
    assert stock[limited, -1] == [0]
    assert stock[~limited].min() > 0


def test_landed_stock_of_the_limited_roast_ends_at_zero(small_shop: Shop) -> None:
    stock = [
        product["variants"][0]["inventory_quantity"]
        for _, product in records(small_shop.landing, "shopify/products")
        if product["tags"] == "limited"
    ]
    assert stock == sorted(stock, reverse=True)
    assert stock[0] > 0
