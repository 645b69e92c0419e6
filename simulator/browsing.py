"""Visits to the storefront: what was looked at, put in the basket and bought, and on which device."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, Texts, stack, take
from simulator.catalogue import Catalogue, choose_variants
from simulator.emails import Mailing
from simulator.instants import DAY, HOUR, MINUTE, SECOND, draw_time_of_day
from simulator.people import People, engagement_at
from simulator.purchases import Orders
from simulator.response import CLICKED
from simulator.selves import Selves
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
    click: Ints
    """The report of the ESP (row in `Mailing.responses`) of the click that led here, `NONE` without."""


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


class _Visits(NamedTuple):
    """Visits of one sort, shape (m,) each."""

    person: Ints
    started_at: Ints


def draw_sessions(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    orders: Orders,
    mailing: Mailing,
    *,
    days: int,
    until: int,
    start: int,
) -> Sessions:
    """All visits of a block: idle ones by engagement and appetite, some before joining, by clicks, and one per online order."""
    bought = np.flatnonzero(~orders.is_renewal)
    joining = np.flatnonzero(~people.is_existing & ~people.is_guest)
    responses = mailing.responses
    leads = (responses.kind == CLICKED) & ~responses.is_machine
    clicks = np.flatnonzero(leads & (rng.random(len(leads)) < world.click_visit_share))
    visits = (
        _idle(rng, world, people, days=days, until=until, start=start),
        _curious(rng, world, people),
        _at_kiosk(rng, people, selves, days=days, start=start),
        _Visits(mailing.sends.person[responses.send[clicks]], responses.happened_at[clicks] + 2 * SECOND),
        # Eight pages fit in before the form.
        _Visits(joining, people.joined_at[joining] - 270 * SECOND),
        _Visits(orders.person[bought], orders.ordered_at[bought] - rng.integers(3 * MINUTE, 4 * MINUTE, len(bought))),
    )
    sizes = [len(sort.person) for sort in visits]
    who, started_at = (np.concatenate(columns) for columns in zip(*visits, strict=True))
    is_kiosk = np.repeat([False, False, True, False, False, False], sizes)
    by_phone = np.where(people.prefers_phone, world.phone_visits_if_preferred, world.phone_visits_if_not)[who]
    has_drifted = (world.drift_from < 1) & (started_at >= start + world.drift_from * days * DAY)
    by_phone += (1 - by_phone) * world.drift_phone_visits * has_drifted
    is_phone = (rng.random(len(who)) < by_phone) & ~is_kiosk
    device = selves.device[who, is_phone.astype(np.int64)]
    device[is_kiosk] = selves.kiosk_device
    remembered = world.remembered_share
    remembers = np.repeat([remembered, 0.0, 1.0, remembered, 0.0, remembered], sizes)
    order = np.concatenate([np.full(len(who) - len(bought), NONE), bought])
    is_logged_in = (rng.random(len(who)) < remembers) & ~people.is_guest[who] & (started_at > people.joined_at[who])
    is_logged_in &= (order == NONE) | (orders.account_id[order] != NONE) if len(orders) else True
    return Sessions(
        person=who,
        started_at=started_at,
        device=device,
        is_phone=is_phone,
        is_logged_in=is_logged_in,
        order=order,
        is_joining=np.repeat([False, False, False, False, True, False], sizes),
        click=np.concatenate([np.full(sum(sizes[:3]), NONE), clicks, np.full(sum(sizes[4:]), NONE)]),
    )


def _idle(rng: np.random.Generator, world: World, people: People, *, days: int, until: int, start: int) -> _Visits:
    """Visits of those who have joined: as many as of people who are fully engaged all the time, thinned by how present they are."""
    appetite = world.visit_base + world.visit_slope * people.purchase_rate
    first = np.floor(people.alive_from)
    length = np.maximum(until - first, 0)
    person = np.repeat(np.arange(len(people)), rng.poisson(appetite * length))
    day = np.floor(first[person] + rng.random(len(person)) * length[person]).astype(np.int64)
    drift = np.where((world.drift_from < 1) & (day >= world.drift_from * days), world.drift_visits, 1.0)
    comes = rng.random(len(person)) < engagement_at(people, world, person, day) * drift
    started_at = start + day * DAY + draw_time_of_day(rng, people.store[person])
    comes &= started_at > people.joined_at[person] + HOUR
    return _Visits(person[comes], started_at[comes])


def _curious(rng: np.random.Generator, world: World, people: People) -> _Visits:
    person = np.repeat(np.arange(len(people)), rng.binomial(2, world.curious_share, len(people)) * ~people.is_existing)
    return _Visits(person, people.joined_at[person] - rng.integers(HOUR, 10 * DAY, len(person)))


def _at_kiosk(rng: np.random.Generator, people: People, selves: Selves, *, days: int, start: int) -> _Visits:
    person = np.flatnonzero(selves.uses_kiosk)
    at = start + rng.integers(0, days, len(person)) * DAY + draw_time_of_day(rng, people.store[person])
    return _Visits(person, np.maximum(people.joined_at[person] + HOUR, at))


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
    rolls = rng.random(len(person)), rng.random(len(person)), rng.random(len(person))
    variant = choose_variants(catalogue, people.taste[person], people.price_level[person], rolls)
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
