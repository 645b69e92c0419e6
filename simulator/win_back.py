"""The experiment that the legacy policy ran on lapsed customers, with both outcomes of each person known."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Floats, Ints
from simulator.emails import ONLY_STEP, Mailed, is_listed
from simulator.instants import DAY, HOUR
from simulator.people import People
from simulator.purchases import Orders, Purchases
from simulator.response import Sends
from simulator.world import World

EXPERIMENT = "legacy_win_back"
FLOW = "win_back"
TREATMENT, CONTROL = "treatment", "control"
ASSIGNED_HOUR, SENT_HOUR = 6, 10
LAUNCH_SHARE = 0.3
RIPENING_DAYS = 15
"""No one is assigned in the last days of the window, so that the effect (14 days) is seen in full."""
OUTCOME_DAYS = 28


class WinBack(NamedTuple):
    """One entry per assigned person, shape (m,)."""

    person: Ints
    assigned_on: Ints
    """Days since the start of the window."""
    is_treated: Bools


class Outcomes(NamedTuple):
    """What each assigned person does within `OUTCOME_DAYS` of the assignment in either arm, shape (m,); test orders do not count."""

    effect: Floats
    """The chance that the email adds a purchase, or below 0 prevents one, with everything that weakens it."""
    buys_if_treated: Bools
    buys_if_control: Bools
    revenue_if_treated: Floats
    """Net of what was paid back."""
    revenue_if_control: Floats


def assign(
    rng: np.random.Generator,
    world: World,
    people: People,
    *,
    purchases: Purchases,
    mailed: Mailed,
    listed_at: Ints,
    start: int,
    days: int,
) -> WinBack:
    """Assign each subscriber at the first lapse; one uniform draw per person of the block decides on the arm.

    Args:
        rng: Source of the draws.
        world: Rates.
        people: The block.
        purchases: All that would happen without the experiment.
        mailed: The newsletters without the experiment.
        listed_at: When each person gave a valid consent, `NONE` for never or without a mailbox of their own, shape (n,).
        start: First millisecond of the window.
        days: Length of the window.

    Returns:
        The assigned.
    """
    draws = rng.random(len(people))
    person, assigned_on = _find_lapses(world, purchases, start=start, days=days)
    sent_at = start + assigned_on * DAY + SENT_HOUR * HOUR
    may_be = (listed_at[person] != NONE) & (listed_at[person] < sent_at) & is_listed(mailed, person, sent_at)
    person, assigned_on = person[may_be], assigned_on[may_be]
    return WinBack(person, assigned_on, draws[person] < world.win_back_share)


def win_back_sends(experiment: WinBack, start: int) -> Sends:
    """The emails of all assigned, as if all were treated."""
    size = len(experiment.person)
    return Sends(
        person=experiment.person,
        sent_at=start + experiment.assigned_on * DAY + SENT_HOUR * HOUR,
        flow=np.full(size, FLOW, dtype=object),
        arm=np.full(size, TREATMENT, dtype=object),
        theme=np.full(size, NONE),
        step=np.full(size, ONLY_STEP, dtype=object),
        id=np.full(size, "", dtype=object),
    )


def measure_outcomes(experiment: WinBack, treated: Mailed, orders: Orders, start: int) -> Outcomes:
    """Both outcomes of each assigned person.

    Args:
        experiment: The assigned.
        treated: What was mailed if all assigned are treated.
        orders: All potential ones.
        start: First millisecond of the window.
    """
    size = int(max(orders.person.max(initial=0), experiment.person.max(initial=0))) + 1
    assigned_at = np.full(size, NONE)
    assigned_at[experiment.person] = start + experiment.assigned_on * DAY + ASSIGNED_HOUR * HOUR
    since = orders.ordered_at - assigned_at[orders.person]
    counts = (assigned_at[orders.person] != NONE) & (since >= 0) & (since < OUTCOME_DAYS * DAY) & ~orders.is_test
    net = (orders.total_cents - orders.refund_cents) / 100
    effect = np.zeros(size)
    of_flow = treated.sends.flow == FLOW
    effect[treated.sends.person[of_flow]] = treated.reactions.effect[of_flow]
    rows = [np.flatnonzero(counts & happens) for happens in (orders.if_treated, orders.if_control)]
    buys = [np.bincount(orders.person[arm], minlength=size)[experiment.person] > 0 for arm in rows]
    spent: list[Floats] = [
        np.bincount(orders.person[arm], weights=net[arm], minlength=size)[experiment.person].astype(np.float64)
        for arm in rows
    ]
    return Outcomes(effect[experiment.person], buys[0], buys[1], spent[0], spent[1])


def _find_lapses(world: World, purchases: Purchases, *, start: int, days: int) -> tuple[Ints, Ints]:
    """Each person's first day, after the launch, on which the last purchase is `win_back_after` days old."""
    order = np.lexsort((purchases.bought_at, purchases.person))
    person = purchases.person[order]
    bought_on = (purchases.bought_at[order] - start) // DAY
    is_last = np.append(person[1:] != person[:-1], True)[: len(person)]
    next_on = np.where(is_last, days, np.append(bought_on[1:], days)[: len(person)])
    lapses_on = np.maximum(bought_on + world.win_back_after, int(days * LAUNCH_SHARE))
    lapses = (lapses_on < next_on) & (lapses_on < days - RIPENING_DAYS) & (bought_on < days)
    lapsed, first = np.unique(person[lapses], return_index=True)
    return lapsed, lapses_on[lapses][first]


def join_arms(own: Purchases, treated: Purchases, control: Purchases, experiment: WinBack, size: int) -> Purchases:
    """The potential purchases of a block of `size` people.

    Args:
        own: Those that need no email, with what happens in either arm.
        treated: Those that emails cause if all assigned are treated; of the others nothing is said.
        control: Those that emails cause if nobody is.
        experiment: The assigned.
        size: People in the block.

    Returns:
        Each purchase once.
    """
    is_assigned, is_treated = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    is_assigned[experiment.person] = True
    is_treated[experiment.person] = experiment.is_treated
    moments = [(arm.person << 43) + arm.bought_at for arm in (treated, control)]
    _, first = np.unique(np.concatenate(moments), return_index=True)
    person = np.concatenate([treated.person, control.person])[first]
    bought_at = np.concatenate([treated.bought_at, control.bought_at])[first]
    moment = (person << 43) + bought_at
    if_control = np.isin(moment, moments[1])
    if_treated = np.where(is_assigned[person], np.isin(moment, moments[0]), if_control)
    added = Purchases(
        person=person,
        bought_at=bought_at,
        is_renewal=np.zeros(len(person), dtype=np.bool_),
        cause=np.concatenate([treated.cause, control.cause])[first],
        if_treated=if_treated,
        if_control=if_control,
        happens=if_control,
    )
    both = Purchases(*(np.concatenate(columns) for columns in zip(own, added, strict=True)))
    return both._replace(happens=np.where(is_treated[both.person], both.if_treated, both.if_control))
