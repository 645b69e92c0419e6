"""The experiment that the legacy policy ran on lapsed customers, with both outcomes of each person known."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Bools, Floats, Ints, texts
from simulator.emails import Mailing, Sends
from simulator.instants import DAY, HOUR, draw_time_of_day
from simulator.people import People
from simulator.purchases import Purchases
from simulator.selves import NONE, Selves
from simulator.world import World

EXPERIMENT = "legacy_win_back"
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
    effect: Floats
    """Added chance of a purchase if treated."""
    buys_if_treated: Bools
    """A purchase within `OUTCOME_DAYS` of the assignment; one uniform draw per person serves both arms."""
    buys_if_control: Bools
    extra: Purchases
    """What the email caused among the treated."""


def run_win_back(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    *,
    purchases: Purchases,
    mailing: Mailing,
    can_be_mailed: Bools,
    start: int,
    days: int,
) -> WinBack:
    """Assign each subscriber at the first lapse and draw what the email changes."""
    person, assigned_on = _find_lapses(world, purchases, start=start, days=days)
    assigned_at = start + assigned_on * DAY + ASSIGNED_HOUR * HOUR
    ended_at = mailing.ended_at[person]
    is_listed = (
        can_be_mailed[person] & selves.is_mailbox_owner[person] & ((ended_at == NONE) | (ended_at > assigned_at + DAY))
    )
    person, assigned_on, assigned_at = person[is_listed], assigned_on[is_listed], assigned_at[is_listed]
    size = len(person)
    is_treated = rng.random(size) < world.win_back_share
    is_gone = people.alive_until[person] < assigned_on
    effect = world.win_back_effect * np.where(is_gone, world.win_back_gone_factor, 1.0)
    responds = rng.random(size) < effect
    extra_at = start + (assigned_on + rng.integers(1, 14, size)) * DAY + draw_time_of_day(rng, size)
    buys_anyway = _buys_within(purchases, person, assigned_at)
    happens = np.flatnonzero(is_treated & responds)
    return WinBack(
        person=person,
        assigned_on=assigned_on,
        is_treated=is_treated,
        effect=effect,
        buys_if_treated=buys_anyway | responds,
        buys_if_control=buys_anyway,
        extra=Purchases(
            person=person[happens], bought_at=extra_at[happens], is_renewal=np.zeros(len(happens), dtype=np.bool_)
        ),
    )


def win_back_sends(experiment: WinBack, start: int) -> Sends:
    """The emails of the treated."""
    treated = experiment.is_treated
    size = int(treated.sum())
    return Sends(
        person=experiment.person[treated],
        sent_at=start + experiment.assigned_on[treated] * DAY + SENT_HOUR * HOUR,
        flow=texts(["win_back"] * size),
        arm=texts([TREATMENT] * size),
    )


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


def _buys_within(purchases: Purchases, person: Ints, assigned_at: Ints) -> Bools:
    assigned = np.full(int(max(purchases.person.max(initial=0), person.max(initial=0))) + 1, NONE)
    assigned[person] = assigned_at
    since = purchases.bought_at - assigned[purchases.person]
    is_counted = (assigned[purchases.person] != NONE) & (since >= 0) & (since < OUTCOME_DAYS * DAY)
    return np.isin(person, purchases.person[is_counted])
