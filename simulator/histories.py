"""One block of people and all that they do in the window."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Ints, stack
from simulator.browsing import Sessions, WebEvents, draw_sessions, draw_web_events
from simulator.catalogue import Catalogue
from simulator.consents import OptIns, Statements, draw_opt_ins, draw_statements
from simulator.emails import Mailing, answer_sends, join_mailings, send_newsletters
from simulator.instants import DAY
from simulator.people import People, draw_people, engagement_by_day
from simulator.purchases import Orders, draw_purchases, place_orders
from simulator.selves import Selves, draw_selves
from simulator.tickets import Tickets, draw_tickets
from simulator.win_back import WinBack, run_win_back, win_back_sends
from simulator.world import World


class Window(NamedTuple):
    """The simulated days."""

    start: int
    """First millisecond, UTC."""
    days: int


class History(NamedTuple):
    """All that happened to one block."""

    people: People
    selves: Selves
    opt_ins: OptIns
    mailing: Mailing
    experiment: WinBack
    orders: Orders
    sessions: Sessions
    web_events: WebEvents
    statements: Statements
    tickets: Tickets


def live(
    seed: np.random.SeedSequence, world: World, catalogue: Catalogue, window: Window, *, block: int, size: int
) -> History:
    """Draw the history of one block.

    Each part has its own stream, so that a draw more in one leaves the others as they were.

    Args:
        seed: The block's own seed.
        world: Rates.
        catalogue: The assortment.
        window: The simulated days.
        block: Number of the block.
        size: People in it.

    Returns:
        The history; what happens after the window is in it too, and does not land.
    """
    start, days = window
    streams = iter([np.random.default_rng(child) for child in seed.spawn(12)])
    people = draw_people(next(streams), world, block=block, size=size, days=days, start=start)
    selves = draw_selves(next(streams), world, people)
    opt_ins = draw_opt_ins(next(streams), world, people)
    engagement = engagement_by_day(people, world, days)
    mailable = opt_ins.can_be_mailed
    newsletters = send_newsletters(
        next(streams), world, people, selves, engagement=engagement, can_be_mailed=mailable, start=start
    )
    purchases = draw_purchases(next(streams), people, days=days, start=start)
    experiment = run_win_back(
        next(streams),
        world,
        people,
        selves,
        purchases=purchases,
        mailing=newsletters,
        can_be_mailed=mailable,
        start=start,
        days=days,
    )
    sends = win_back_sends(experiment, start)
    level = engagement[sends.person, _day(sends.sent_at, window)]
    mailing = join_mailings(newsletters, sends, answer_sends(next(streams), world, people, sends, level=level))
    orders = place_orders(next(streams), world, catalogue, people, selves, stack(purchases, experiment.extra))
    sessions = draw_sessions(next(streams), world, people, selves, orders, engagement=engagement, start=start)
    web_events = draw_web_events(next(streams), world, catalogue, people, orders, sessions)
    statements = draw_statements(next(streams), people, selves, opt_ins, mailing, start=start, days=days)
    tickets = draw_tickets(next(streams), world, orders)
    return History(people, selves, opt_ins, mailing, experiment, orders, sessions, web_events, statements, tickets)


def _day(instants: Ints, window: Window) -> Ints:
    day: Ints = (instants - window.start) // DAY
    return day
