"""One block of people and all that they do in the window and in the days after it."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints
from simulator.browsing import Sessions, WebEvents, draw_sessions, draw_web_events
from simulator.catalogue import Catalogue
from simulator.consents import OptIns, Statements, draw_opt_ins, draw_statements
from simulator.contacts import Contacts, draw_contacts
from simulator.emails import Mailed, Mailing, answer, choose_arms, mail, plan_newsletters
from simulator.mixing import keys_of
from simulator.people import People, draw_people
from simulator.purchases import Orders, Purchases, draw_purchases, place_orders
from simulator.response import Sends, add_purchases, prevent_purchases
from simulator.selves import Selves, draw_selves
from simulator.tickets import Tickets, draw_tickets
from simulator.win_back import Outcomes, WinBack, assign, join_arms, measure_outcomes, win_back_sends
from simulator.world import World

FUTURE = 60


class Window(NamedTuple):
    """The simulated days: those that land, and those after them, of which the truth tells."""

    start: int
    """First millisecond, UTC."""
    days: int
    """Days that land."""
    future: int = FUTURE

    @property
    def until(self) -> int:
        """Days for which everything is drawn."""
        return self.days + self.future


class History(NamedTuple):
    """All that happened to one block."""

    people: People
    selves: Selves
    contacts: Contacts
    opt_ins: OptIns
    mailing: Mailing
    experiment: WinBack
    outcomes: Outcomes
    purchases: Purchases
    """All potential ones."""
    potential: Orders
    """One order per potential purchase."""
    orders: Orders
    """Those that happened; their ids have gaps where others did not."""
    prevented: Bools
    """Those of them that an email kept from happening after all, shape (orders,)."""
    sessions: Sessions
    web_events: WebEvents
    statements: Statements
    tickets: Tickets
    response_key: int
    """For `respond`."""
    order_key: int
    """For `place_orders`."""


class _Emailed(NamedTuple):
    """What the legacy policy mailed, whom it assigned, and what they bought."""

    mailing: Mailing
    treated: Mailed
    experiment: WinBack
    purchases: Purchases


def live(
    seed: np.random.SeedSequence, world: World, catalogue: Catalogue, window: Window, *, block: int, size: int
) -> History:
    """Draw the history of one block.

    Each part has its own stream, so that a draw more in one leaves the others as they were. The legacy policy mails until the
    end of the window; what people do of themselves goes on until the end of the future.

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
    start, days, until = window.start, window.days, window.until
    children = seed.spawn(12)
    streams = iter([np.random.default_rng(child) for child in children[1:]])
    response_key, order_key = keys_of(children[0], 2)
    people = draw_people(next(streams), world, block=block, size=size, days=days, start=start, future=window.future)
    selves = draw_selves(next(streams), world, people, days=days, start=start)
    contacts = draw_contacts(next(streams), world, people, selves)
    opt_ins = draw_opt_ins(next(streams), world, people)
    own = draw_purchases(next(streams), world, people, days=days, until=until, start=start)
    emailed = _email(next(streams), world, people, selves, own, opt_ins.listed_at, response_key, window)
    potential = place_orders(order_key, world, catalogue, people, selves, emailed.purchases)
    orders = potential.keep(potential.happens)
    sessions = draw_sessions(
        next(streams), world, people, selves, orders, emailed.mailing, days=days, until=until, start=start
    )
    web_events = draw_web_events(next(streams), world, catalogue, people, orders, sessions)
    return History(
        people=people,
        selves=selves,
        contacts=contacts,
        opt_ins=opt_ins,
        mailing=emailed.mailing,
        experiment=emailed.experiment,
        outcomes=measure_outcomes(emailed.experiment, emailed.treated, potential, start),
        purchases=emailed.purchases,
        potential=potential,
        orders=orders,
        prevented=np.zeros(len(orders), dtype=np.bool_),
        sessions=sessions,
        web_events=web_events,
        statements=draw_statements(
            next(streams), world, people, selves, opt_ins, emailed.mailing.listing, start=start, days=days
        ),
        tickets=draw_tickets(next(streams), world, orders),
        response_key=response_key,
        order_key=order_key,
    )


def _email(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    own: Purchases,
    consented_at: Ints,
    key: int,
    window: Window,
) -> _Emailed:
    """Mail newsletters and the experiment in both arms; what happens before the assignment is the same in both."""
    start, days = window.start, window.days
    listed_at = np.where(selves.is_mailbox_owner, consented_at, NONE)
    planned = plan_newsletters(world, people, selves, listed_at=listed_at, key=key, days=days, start=start)
    control = mail(world, people, planned, key=key, start=start)
    without = _with_effects(own, control)
    experiment = assign(
        rng, world, people, purchases=without, mailed=control, listed_at=listed_at, start=start, days=days
    )
    among = np.isin(planned.person, experiment.person)
    sends = Sends(
        *(
            np.concatenate([column[among], added])
            for column, added in zip(planned, win_back_sends(experiment, start), strict=True)
        )
    )
    treated = mail(world, people, sends, key=key, start=start)
    is_assigned, is_treated = np.zeros((2, len(people)), dtype=np.bool_)
    is_assigned[experiment.person] = True
    is_treated[experiment.person] = experiment.is_treated
    prevented = [prevent_purchases(own, arm.sends, arm.reactions) for arm in (treated, control)]
    own = own._replace(
        if_treated=~np.where(is_assigned[own.person], prevented[0], prevented[1]), if_control=~prevented[1]
    )
    caused = [add_purchases(arm.sends, arm.reactions) for arm in (treated, control)]
    return _Emailed(
        mailing=answer(world, people, choose_arms(treated, control, is_treated), key=key, start=start),
        treated=treated,
        experiment=experiment,
        purchases=join_arms(own, caused[0], caused[1], experiment, len(people)),
    )


def _with_effects(own: Purchases, mailed: Mailed) -> Purchases:
    """What happens when people are mailed so."""
    stays = ~prevent_purchases(own, mailed.sends, mailed.reactions)
    caused = add_purchases(mailed.sends, mailed.reactions)
    return Purchases(*(np.concatenate([column[stays], added]) for column, added in zip(own, caused, strict=True)))
