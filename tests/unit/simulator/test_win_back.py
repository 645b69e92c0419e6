"""The recorded experiment is fair, and both outcomes of everybody in it are known."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.arrays import NONE
from simulator.emails import is_listed
from simulator.histories import History
from simulator.instants import DAY, HOUR
from simulator.purchases import OWN
from simulator.response import group_effects
from simulator.scenarios import SCENARIOS
from simulator.win_back import ASSIGNED_HOUR, FLOW, OUTCOME_DAYS, SENT_HOUR
from simulator.world import RESPONSE_GROUPS, World
from tests.unit.simulator.samples import START, live_once, within

WORLD = World()


@pytest.fixture(scope="module")
def harmful() -> History:
    """Emails drive away those who prefer the phone."""
    return live_once(SCENARIOS["one_negative_segment"].world, days=365)


def assigned_at(history: History) -> np.ndarray:
    return START + history.experiment.assigned_on * DAY + ASSIGNED_HOUR * HOUR


def buyers(history: History, happens: np.ndarray) -> np.ndarray:
    experiment, orders = history.experiment, history.potential
    at = np.full(len(history.people), np.iinfo(np.int64).max // 2)
    at[experiment.person] = assigned_at(history)
    since = orders.ordered_at - at[orders.person]
    counted = happens & ~orders.is_test & (since >= 0) & (since < OUTCOME_DAYS * DAY)
    return np.isin(experiment.person, orders.person[counted])


def test_arms_are_drawn_by_the_planned_share(history: History) -> None:
    experiment = history.experiment
    assert within(experiment.is_treated.mean(), WORLD.win_back_share, len(experiment.person))
    assert len(set(experiment.person.tolist())) == len(experiment.person) > 1_000


def test_arms_are_alike_before_the_assignment(history: History) -> None:
    people, experiment = history.people, history.experiment
    for trait in (people.purchase_rate, people.open_rate, people.alive_until.clip(0, 400), people.prefers_phone):
        values = trait[experiment.person].astype(float)
        arms = values[experiment.is_treated], values[~experiment.is_treated]
        error = sum(arm.var() / len(arm) for arm in arms) ** 0.5
        assert abs(arms[0].mean() - arms[1].mean()) < 4 * error


def test_only_lapsed_subscribers_are_assigned(history: History) -> None:
    experiment, purchases = history.experiment, history.purchases
    assert history.selves.is_mailbox_owner[experiment.person].all()
    assert history.opt_ins.can_be_mailed[experiment.person].all()
    day = np.full(len(history.people), NONE)
    day[experiment.person] = experiment.assigned_on
    since = day[purchases.person] - (purchases.bought_at - START) // DAY
    before = purchases.if_control & (since > 0) & (day[purchases.person] != NONE)
    last = np.full(len(history.people), 10_000)
    np.minimum.at(last, purchases.person[before], since[before])
    assert last[experiment.person].min() >= WORLD.win_back_after
    assert last[experiment.person].max() < 10_000


def test_what_happens_is_the_outcome_of_the_own_arm(history: History) -> None:
    experiment, outcomes = history.experiment, history.outcomes
    expected = np.where(experiment.is_treated, outcomes.buys_if_treated, outcomes.buys_if_control)
    assert (buyers(history, history.potential.happens) == expected).all()
    assert (buyers(history, history.potential.if_treated) == outcomes.buys_if_treated).all()
    assert (buyers(history, history.potential.if_control) == outcomes.buys_if_control).all()
    orders = history.orders
    assert history.potential.happens.sum() == len(orders)
    assert set(orders.id.tolist()) < set(history.potential.id.tolist())
    assert (np.diff(orders.ordered_at) >= 0).all()
    assert (np.diff(orders.id) > 0).all()


def test_revenue_is_that_of_the_orders_of_either_arm(history: History) -> None:
    outcomes, orders = history.outcomes, history.potential
    at = np.full(len(history.people), np.iinfo(np.int64).max // 2)
    at[history.experiment.person] = assigned_at(history)
    since = orders.ordered_at - at[orders.person]
    counted = ~orders.is_test & (since >= 0) & (since < OUTCOME_DAYS * DAY)
    net = (orders.total_cents - orders.refund_cents) / 100
    for happens, revenue in (
        (orders.if_treated, outcomes.revenue_if_treated),
        (orders.if_control, outcomes.revenue_if_control),
    ):
        assert net[counted & happens].sum() == pytest.approx(revenue.sum())
    spent = outcomes.revenue_if_treated != outcomes.revenue_if_control
    assert spent.mean() < 0.3
    assert (outcomes.revenue_if_treated >= 0).all()


def test_only_the_email_tells_the_arms_apart_before_it_leaves(history: History) -> None:
    purchases, experiment = history.purchases, history.experiment
    differs = purchases.if_treated != purchases.if_control
    sent_at = np.full(len(history.people), np.iinfo(np.int64).max)
    sent_at[experiment.person] = START + experiment.assigned_on * DAY + SENT_HOUR * HOUR
    assert (purchases.bought_at[differs] > sent_at[purchases.person[differs]]).all()
    assert differs.sum() > 50


@pytest.mark.parametrize("name", ["history", "harmful"])
def test_planted_effects_are_the_difference_of_both_outcomes(name: str, request: pytest.FixtureRequest) -> None:
    history: History = request.getfixturevalue(name)
    world = WORLD if name == "history" else SCENARIOS["one_negative_segment"].world
    people, experiment, purchases = history.people, history.experiment, history.purchases
    group = people.response_group[experiment.person]
    gone = people.alive_until[experiment.person] < experiment.assigned_on
    added = np.isin(experiment.person, purchases.person[purchases.if_treated & (purchases.cause == FLOW)])
    for number, planted in enumerate(group_effects(world, FLOW)):
        rows = group == number
        most = planted * np.where(gone[rows], world.win_back_gone_factor, 1.0)
        effect = history.outcomes.effect[rows]
        # Another email of the week weakens the effect, nothing else does.
        weakened = np.isclose(effect, most) | np.isclose(effect, most * world.tired_response)
        assert weakened.all()
        if planted > 0:
            error = (effect * (1 - effect)).sum() ** 0.5
            assert abs(added[rows].sum() - effect.sum()) < 4 * error + 0.004 * rows.sum()
        else:
            assert not added[rows].any()


def test_a_negative_effect_prevents_purchases_of_its_group_alone(harmful: History) -> None:
    people, purchases = harmful.people, harmful.purchases
    prevented = purchases.if_control & ~purchases.if_treated & (purchases.cause == OWN)
    groups = people.response_group[purchases.person[prevented]]
    assert {RESPONSE_GROUPS[group] for group in groups.tolist()} == {"phone"}
    experiment, outcomes = harmful.experiment, harmful.outcomes
    by_phone = people.response_group[experiment.person] == RESPONSE_GROUPS.index("phone")
    assert not (outcomes.buys_if_treated & ~outcomes.buys_if_control)[by_phone].mean() > 0.01
    # Of those who would buy anyway within 14 days, about the planted share does not.
    assert prevented.sum() > 5


def test_the_randomised_arms_find_the_true_effect(history: History) -> None:
    experiment, outcomes = history.experiment, history.outcomes
    bought = np.where(experiment.is_treated, outcomes.buys_if_treated, outcomes.buys_if_control).astype(float)
    group = history.people.response_group[experiment.person]
    for rows in (np.ones(len(group), dtype=np.bool_), *(group == number for number in (0, 1))):
        arms = bought[rows & experiment.is_treated], bought[rows & ~experiment.is_treated]
        error = sum(arm.var() / len(arm) for arm in arms) ** 0.5
        truly = outcomes.buys_if_treated[rows].mean() - outcomes.buys_if_control[rows].mean()
        assert truly > 0.02
        assert abs(arms[0].mean() - arms[1].mean() - truly) < 4 * error


def test_without_effects_both_outcomes_are_equal() -> None:
    history = live_once(SCENARIOS["no_effect"].world, days=120)
    outcomes = history.outcomes
    assert (outcomes.buys_if_treated == outcomes.buys_if_control).all()
    assert (outcomes.revenue_if_treated == outcomes.revenue_if_control).all()
    assert history.purchases.happens.all()


def test_the_treated_are_mailed_and_the_others_are_not(history: History) -> None:
    experiment, sends = history.experiment, history.mailing.sends
    mailed = sends.person[sends.flow == FLOW]
    assert sorted(mailed.tolist()) == sorted(experiment.person[experiment.is_treated].tolist())


def test_more_treatment_changes_nothing_before_the_first_email() -> None:
    world = replace(WORLD, win_back_share=0.9)
    one, other = (live_once(each, days=120, size=4_000) for each in (WORLD, world))
    assert (one.experiment.person == other.experiment.person).all()
    assert (one.experiment.assigned_on == other.experiment.assigned_on).all()
    assert (one.outcomes.buys_if_treated == other.outcomes.buys_if_treated).all()
    assert (one.outcomes.buys_if_control == other.outcomes.buys_if_control).all()


def test_listed_means_on_the_list_at_that_instant(history: History) -> None:
    listing = history.mailing.listing
    left = np.flatnonzero((listing.unsubscribed_at != NONE) & (listing.resubscribed_at != NONE))
    mailed = history.mailing
    assert len(left) > 3
    for at, expected in ((listing.unsubscribed_at[left] - 1, True), (listing.unsubscribed_at[left] + 1, False)):
        assert (is_listed(mailed, left, at) == expected).all()
    assert is_listed(mailed, left, listing.resubscribed_at[left] + 1).all()
