"""Visits to the storefront: what was looked at, put in the basket and bought, and on which device."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Bools, Floats, Ints, Texts, stack, take
from simulator.catalogue import Catalogue, draw_variants
from simulator.instants import DAY, HOUR, MINUTE, SECOND, draw_time_of_day
from simulator.people import People
from simulator.purchases import Orders
from simulator.selves import NONE, Selves
from simulator.world import World

PAGE, SIGNED_UP, VIEWED, ADDED, CHECKOUT, COMPLETED, IDENTIFIED, RENEWED = range(8)
MOST_VIEWS = 8
LOGIN_SHARE = 0.25
"""Visits of someone signed in that send the identity again."""


class Sessions(NamedTuple):
    """Visits, shape (m,) each."""

    person: Ints
    started_at: Ints
    device: Texts
    """Anonymous id."""
    is_phone: Bools
    is_logged_in: Bools
    """The browser still knows the account from the first page on."""
    order: Ints
    """The order placed, `NONE` without."""
    is_joining: Bools
    """The visit ends with the account form."""


class WebEvents(NamedTuple):
    """What happened in the visits, shape (k,) each; unordered."""

    kind: Ints
    happened_at: Ints
    session: Ints
    """`NONE` for what the shop's server reports."""
    variant: Ints
    quantity: Ints
    order: Ints
    is_known: Bools
    """The event bears the user id."""


def draw_sessions(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    orders: Orders,
    *,
    engagement: Floats,
    start: int,
) -> Sessions:
    """All visits of a block: idle ones by engagement and appetite, some before joining, one per online order."""
    days = engagement.shape[1]
    appetite = 0.016 + 0.9 * people.purchase_rate
    person, day = np.nonzero(counts := rng.poisson(engagement * appetite[:, None]))
    repeat = counts[person, day]
    person, day = np.repeat(person, repeat), np.repeat(day, repeat)
    idle_at = start + day * DAY + draw_time_of_day(rng, len(day))
    is_after = idle_at > people.joined_at[person] + HOUR
    person, idle_at = person[is_after], idle_at[is_after]
    curious = np.repeat(np.arange(len(people)), rng.binomial(2, 0.4, len(people)) * ~people.is_existing)
    curious_at = people.joined_at[curious] - rng.integers(HOUR, 10 * DAY, len(curious))
    kiosk = np.flatnonzero(selves.uses_kiosk)
    kiosk_at = np.maximum(
        people.joined_at[kiosk] + HOUR,
        start + rng.integers(0, days, len(kiosk)) * DAY + draw_time_of_day(rng, len(kiosk)),
    )
    bought = np.flatnonzero(~orders.is_renewal)
    buying_at = orders.ordered_at[bought] - rng.integers(3 * MINUTE, 4 * MINUTE, len(bought))
    joining = np.flatnonzero(~people.is_existing & ~people.is_guest)
    # Eight pages fit in before the form.
    joining_at = people.joined_at[joining] - 270 * SECOND
    who = np.concatenate([person, curious, kiosk, joining, orders.person[bought]])
    sizes = [len(person), len(curious), len(kiosk), len(joining), len(bought)]
    is_kiosk = np.repeat([False, False, True, False, False], sizes)
    is_phone = (rng.random(len(who)) < world.phone_visit_share) & ~is_kiosk
    device = selves.device[who, is_phone.astype(np.int64)]
    device[is_kiosk] = selves.kiosk_device
    remembers = np.repeat([0.6, 0.0, 1.0, 0.0, 0.6], sizes)
    order = np.concatenate([np.full(len(who) - len(bought), NONE), bought])
    started_at = np.concatenate([idle_at, curious_at, kiosk_at, joining_at, buying_at])
    is_logged_in = (rng.random(len(who)) < remembers) & ~people.is_guest[who] & (started_at > people.joined_at[who])
    is_logged_in &= (order == NONE) | (orders.account_id[order] != NONE) if len(orders) else True
    return Sessions(
        person=who,
        started_at=started_at,
        device=device,
        is_phone=is_phone,
        is_logged_in=is_logged_in,
        order=order,
        is_joining=np.repeat([False, False, False, True, False], sizes),
    )


def draw_web_events(
    rng: np.random.Generator, world: World, catalogue: Catalogue, people: People, orders: Orders, sessions: Sessions
) -> WebEvents:
    """What happens in each visit, and what the shop's server reports by itself."""
    views = _draw_views(rng, catalogue, people, sessions)
    idle_adds, idle_checkouts = _draw_abandoned(rng, world, sessions, views)
    parts = [
        _one_each(PAGE, sessions.started_at, np.arange(len(sessions.person)), sessions.is_logged_in),
        views,
        idle_adds,
        idle_checkouts,
        *_follow_orders(rng, people, orders, sessions),
        *_sign_up(rng, people, sessions),
        _renew(orders),
    ]
    return stack(*parts)


def _one_each(kind: int, happened_at: Ints, session: Ints, is_known: Bools) -> WebEvents:
    size = len(session)
    none = np.full(size, NONE)
    return WebEvents(np.full(size, kind), happened_at, session, none, none, none, is_known)


def _draw_views(rng: np.random.Generator, catalogue: Catalogue, people: People, sessions: Sessions) -> WebEvents:
    """One to eight product pages, about half a minute apart; fewer on the way to an order."""
    size = len(sessions.person)
    most = np.where(sessions.order == NONE, MOST_VIEWS, 3)
    counts = np.minimum(rng.geometric(0.42, size), most)
    session = np.repeat(np.arange(size), counts)
    place = np.arange(len(session)) - np.repeat(np.cumsum(counts) - counts, counts)
    viewed_at = sessions.started_at[session] + (place + 1) * 30 * SECOND + rng.integers(0, 20 * SECOND, len(session))
    person = sessions.person[session]
    variant = draw_variants(rng, catalogue, people.taste[person], people.price_level[person])
    known = sessions.is_logged_in[session]
    return _one_each(VIEWED, viewed_at, session, known)._replace(variant=variant, quantity=np.ones_like(variant))


def _draw_abandoned(
    rng: np.random.Generator, world: World, sessions: Sessions, views: WebEvents
) -> tuple[WebEvents, WebEvents]:
    """Baskets that were filled and left, some of them at the checkout."""
    is_last = np.append(views.session[1:] != views.session[:-1], True)[: len(views.session)]
    is_added = (
        is_last & (sessions.order[views.session] == NONE) & (rng.random(len(is_last)) < world.abandoned_basket_share)
    )
    picked = np.flatnonzero(is_added)
    adds = take(views, picked)
    adds = adds._replace(kind=np.full(len(picked), ADDED), happened_at=adds.happened_at + 15 * SECOND)
    goes_on = rng.random(len(picked)) < world.abandoned_checkout_share
    checkouts = take(adds, goes_on)
    return adds, checkouts._replace(
        kind=np.full(len(checkouts.kind), CHECKOUT), happened_at=checkouts.happened_at + 40 * SECOND
    )


def _follow_orders(rng: np.random.Generator, people: People, orders: Orders, sessions: Sessions) -> list[WebEvents]:
    """Adds, checkout, the login at the checkout and the completed order of each visit that ends in one."""
    session = np.flatnonzero(sessions.order != NONE)
    order = sessions.order[session]
    ordered_at = orders.ordered_at[order]
    known = sessions.is_logged_in[session]
    has_account = orders.account_id[order] != NONE
    counts = np.diff(orders.first_line)[order]
    line = np.repeat(orders.first_line[:-1][order] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    by_line = np.repeat(np.arange(len(order)), counts)
    adds = _one_each(
        ADDED,
        ordered_at[by_line] - rng.integers(70 * SECOND, 110 * SECOND, len(line)),
        session[by_line],
        known[by_line],
    )
    adds = adds._replace(variant=orders.line_variant[line], quantity=orders.line_quantity[line], order=order[by_line])
    checkout = _one_each(CHECKOUT, ordered_at - 60 * SECOND, session, known)._replace(order=order)
    completed = _one_each(COMPLETED, ordered_at, session, has_account)._replace(order=order)
    # A guest tells the form an address; someone with an account who was not known yet signs in.
    is_first = ordered_at < people.joined_at[orders.person[order]] + HOUR
    new = np.flatnonzero(~known & (~has_account | ~is_first))
    identified = _one_each(IDENTIFIED, ordered_at[new] - 30 * SECOND, session[new], has_account[new])
    return [adds, checkout, completed, identified._replace(order=order[new])]


def _sign_up(rng: np.random.Generator, people: People, sessions: Sessions) -> list[WebEvents]:
    """The account form and, with it, the moment at which a device gets its name; and logins on idle visits."""
    session = np.flatnonzero(sessions.is_joining)
    at = people.joined_at[sessions.person[session]]
    known = np.ones(len(session), dtype=np.bool_)
    signed_up = _one_each(SIGNED_UP, at, session, known)
    identified = _one_each(IDENTIFIED, at + 2 * SECOND, session, known)
    logins = np.flatnonzero(sessions.is_logged_in & (rng.random(len(sessions.person)) < LOGIN_SHARE))
    logged_in = _one_each(IDENTIFIED, sessions.started_at[logins] + 5 * SECOND, logins, sessions.is_logged_in[logins])
    return [signed_up, identified, logged_in]


def _renew(orders: Orders) -> WebEvents:
    renewed = np.flatnonzero(orders.is_renewal)
    none = np.full(len(renewed), NONE)
    known = np.ones(len(renewed), dtype=np.bool_)
    return _one_each(RENEWED, orders.ordered_at[renewed] + SECOND, none, known)._replace(order=renewed)
