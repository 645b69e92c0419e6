"""How people and machines react to emails: what they open, click and end, and what they buy because of it.

Every draw depends on the key, the person, the day and the flow of the send alone. So a send is answered the same among any other
sends, but for what those do by right: other emails of the last 7 days tire. Both arms of an experiment share their draws.
"""

from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import NONE, Bools, Floats, Ints, Texts
from simulator.catalogue import CATEGORIES
from simulator.instants import DAY, HOUR, MINUTE, SECOND, time_of_day, wait
from simulator.mixing import fold, uniforms
from simulator.people import People, engagement_at
from simulator.purchases import OWN, Purchases
from simulator.world import ANY_FLOW, RESPONSE_GROUPS, World

DELIVERED, OPENED, CLICKED, UNSUBSCRIBED, COMPLAINED, BOUNCED, BLOCKED = range(7)
LINK_SHARES = (0.6, 0.3, 0.1)
"""Where people click: the collection of all, that of the email's category, the journal."""
UNSUBSCRIBE_LINK = len(LINK_SHARES)
RECENT_DAYS = 7
EFFECT_DAYS = 14
SCANNER_DEVIATION = 0.4
(
    BLOCKS, LEAVES, COMPLAINS, OPENS, CLICKS, MOVES, MOVES_ON, MOVES_AT, ARRIVES, OPENS_SOON, OPENS_AT, CLICKS_AT, LEAVES_AT,
    PRELOADS_AT, SCANS_RADIUS, SCANS_ANGLE, SCANS_PACE, CHOOSES_LINK,
) = range(18)  # fmt: skip


class Sends(NamedTuple):
    """Emails that left the house, shape (m,) each."""

    person: Ints
    sent_at: Ints
    flow: Texts
    arm: Texts
    theme: Ints
    """The category that the email is about, `NONE` where it suits everybody."""
    step: Texts
    id: Texts
    """The decision that the email comes from; says nothing about the person."""


class Responses(NamedTuple):
    """What the ESP reported, shape (k,) each."""

    send: Ints
    """Row in the sends."""
    kind: Ints
    happened_at: Ints
    is_machine_open: Bools
    """What the ESP flags."""
    is_machine: Bools
    """What is true: scanners bear no flag."""
    link: Ints
    """Of a click: index into `LINK_SHARES`, or `UNSUBSCRIBE_LINK`; `NONE` of all else."""


class Reactions(NamedTuple):
    """What each send does, shape (m,) each."""

    end: Ints
    """`UNSUBSCRIBED`, `COMPLAINED` or `BOUNCED`, after which the mailbox is off the list; `BLOCKED`; `NONE` for most."""
    ended_at: Ints
    """When, `NONE` without an end."""
    effect: Floats
    """The chance that the email adds a purchase (or, below 0, prevents one), with everything that weakens it."""
    moves: Bools
    """It does: adds one at `buys_at`, or prevents the next own purchase within 14 days."""
    buys_at: Ints


class Response(NamedTuple):
    """All that follows from a set of sends."""

    reactions: Reactions
    responses: Responses
    caused: Purchases
    """What the emails add, each with its flow as cause."""
    prevented: Bools
    """Which of the given purchases the emails prevent, shape (purchases,)."""


def respond(
    world: World, people: People, sends: Sends, *, key: int, start: int, earlier: Sends, purchases: Purchases
) -> Response:
    """What follows from any set of sends to people of one block: what a closed loop needs for the emails of a day.

    It sends nothing by itself and refuses nothing: whoever is off the list and mailed all the same is a recipient like others.
    The emails of a mailbox that several people use are its owner's (`Selves.is_mailbox_owner`), as in the legacy policy.

    Args:
        world: Rates.
        people: The block, as `live` drew it.
        sends: The emails, in any order; `flow` may be any name, those that `World.effects` does not know count as `ANY_FLOW`.
        key: `History.response_key` of the block.
        start: First millisecond of the window.
        earlier: Emails that left before, at least those of the last 7 days; none of them is answered again.
        purchases: The block's potential purchases (`History.purchases`), own ones at least up to 14 days after the sends.

    Returns:
        Reactions by send; the ESP's reports, which may lie on later days; purchases that were added, at most 14 days after
        their send; and which own ones were prevented. To make orders of them, place all purchases of the block again, those of
        `History.purchases` and the added ones, by `place_orders` with `History.order_key`: orders up to the day of the sends stay
        what they were, their ids included.
    """
    recent = count_recent(sends, earlier)
    reactions = react(world, people, sends, recent, key=key, start=start)
    return Response(
        reactions,
        report(world, people, sends, recent, reactions, key=key, start=start),
        add_purchases(sends, reactions),
        prevent_purchases(purchases, sends, reactions),
    )


def count_recent(sends: Sends, earlier: Sends | None = None) -> Ints:
    """Other emails to the person on the day, before this one, and on the six days before, shape (m,)."""
    parts = (sends,) if earlier is None else (sends, earlier)
    person = np.concatenate([part.person for part in parts])
    sent_at = np.concatenate([part.sent_at for part in parts])
    # One sortable number per person and instant: instants fit into 43 bits.
    moment = (person << 43) + sent_at
    ordered = np.sort(moment)
    since = (sends.person << 43) + (sends.sent_at // DAY - (RECENT_DAYS - 1)) * DAY
    counts: Ints = np.searchsorted(ordered, moment[: len(sends.person)]) - np.searchsorted(ordered, since)
    return counts


def react(world: World, people: People, sends: Sends, recent: Ints, *, key: int, start: int) -> Reactions:
    """What each send ends and moves; arguments as of `respond`, and the other emails of the last 7 days."""
    person, index = sends.person, _index(people, sends)
    level = engagement_at(people, world, person, _day(sends, start))
    is_bounced = sends.sent_at >= people.mailbox_dies_at[person]
    is_blocked = ~is_bounced & (uniforms(key + BLOCKS, index) < world.blocked_share)
    is_read = ~is_bounced & ~is_blocked
    more = 1 + world.tired_leaving * recent
    leaves = uniforms(key + LEAVES, index) < (world.unsubscribe_share + world.fatigue_share * (1 - level)) * more
    complains = uniforms(key + COMPLAINS, index) < world.complaint_share * more
    end = np.select(
        [is_bounced, is_blocked, is_read & leaves, is_read & complains],
        [BOUNCED, BLOCKED, UNSUBSCRIBED, COMPLAINED],
        NONE,
    )
    arrived_at = _arrival(sends, key, index)
    left_at = _opening(world, people, sends, arrived_at, key, index) + 3 * SECOND
    left_at += wait(uniforms(key + LEAVES_AT, index), MINUTE)
    effect = effects_at_best(world, people, sends) * world.tired_response**recent
    effect *= np.where(people.alive_until[person] < _day(sends, start), world.win_back_gone_factor, 1.0)
    moves = is_read & (uniforms(key + MOVES, index) < np.abs(effect))
    buys_on = sends.sent_at // DAY + 1 + (uniforms(key + MOVES_ON, index) * (EFFECT_DAYS - 1)).astype(np.int64)
    return Reactions(
        end=end,
        ended_at=np.select([end == NONE, is_read], [NONE, left_at], arrived_at),
        effect=effect,
        moves=moves,
        buys_at=buys_on * DAY + time_of_day(uniforms(key + MOVES_AT, index), people.store[person]),
    )


def effects_at_best(world: World, people: People, sends: Sends) -> Floats:
    """The planted effect of each send before anything weakens it, shape (m,)."""
    effect = np.zeros(len(sends.person))
    for flow in set(sends.flow.tolist()):
        rows = sends.flow == flow
        effect[rows] = group_effects(world, flow)[people.response_group[sends.person[rows]]]
    return effect


def group_effects(world: World, flow: str) -> Floats:
    """The planted effect of a flow in each response group, shape (groups,)."""
    named = {(name, group): effect for name, group, effect in world.effects}
    return np.array(
        [named.get((flow, group), named.get((ANY_FLOW, group), 0.0)) for group in RESPONSE_GROUPS], dtype=np.float64
    )


def add_purchases(sends: Sends, reactions: Reactions) -> Purchases:
    """The purchases that the sends cause."""
    rows = np.flatnonzero(reactions.moves & (reactions.effect > 0))
    always = np.ones(len(rows), dtype=np.bool_)
    return Purchases(
        person=sends.person[rows],
        bought_at=reactions.buys_at[rows],
        is_renewal=~always,
        cause=sends.flow[rows],
        if_treated=always,
        if_control=always,
        happens=always,
    )


def prevent_purchases(purchases: Purchases, sends: Sends, reactions: Reactions) -> Bools:
    """Which of the purchases do not happen, shape (purchases,): the next own one within 14 days of a send that prevents."""
    prevented = np.zeros(len(purchases.person), dtype=np.bool_)
    rows = np.flatnonzero(reactions.moves & (reactions.effect < 0))
    own = np.flatnonzero((purchases.cause == OWN) & ~purchases.is_renewal)
    moment = (purchases.person[own] << 43) + purchases.bought_at[own]
    own, moment = own[np.argsort(moment)], np.sort(moment)
    sent = (sends.person[rows] << 43) + sends.sent_at[rows]
    place = np.searchsorted(moment, sent, side="right")
    is_found = place < len(moment)
    place, sent = place[is_found], sent[is_found]
    prevented[own[place[moment[place] <= sent + EFFECT_DAYS * DAY]]] = True
    return prevented


def open_chances(world: World, people: People, sends: Sends, recent: Ints, *, start: int) -> Floats:
    """The chance that the person opens each delivered email, shape (m,)."""
    person = sends.person
    hour = sends.sent_at % DAY / HOUR
    timely = 1 + world.hour_swing * np.cos(2 * np.pi * (hour - people.favourite_hour[person]) / 24)
    chance = people.open_rate[person] * timely * _interest(world, people, sends, recent, start=start)
    return np.minimum(chance, 1.0)


def click_chances(world: World, people: People, sends: Sends, recent: Ints, *, start: int) -> Floats:
    """The chance that whoever opened clicks, shape (m,)."""
    return np.minimum(people.click_rate[sends.person] * _interest(world, people, sends, recent, start=start), 1.0)


def _interest(world: World, people: People, sends: Sends, recent: Ints, *, start: int) -> Floats:
    """What presence, taste and weariness make of a personal rate, shape (m,)."""
    person = sends.person
    shares = np.diff(people.taste[person], axis=1, prepend=0.0)
    liked = np.take_along_axis(shares, np.maximum(sends.theme, 0)[:, None], axis=1)[:, 0]
    suits = np.where(sends.theme == NONE, 1.0, 1 + world.taste_slope * (liked - 1 / len(CATEGORIES)))
    level = engagement_at(people, world, person, _day(sends, start))
    interest: Floats = level * np.maximum(suits, 0.0) * world.tired_response**recent
    return interest


def report(
    world: World, people: People, sends: Sends, recent: Ints, reactions: Reactions, *, key: int, start: int
) -> Responses:
    """All that the ESP reports on the sends, by kind."""
    person, index = sends.person, _index(people, sends)
    arrived_at = _arrival(sends, key, index)
    is_bounced, is_blocked = reactions.end == BOUNCED, reactions.end == BLOCKED
    is_delivered = ~is_bounced & ~is_blocked
    leaves = np.isin(reactions.end, (UNSUBSCRIBED, COMPLAINED))
    opens = uniforms(key + OPENS, index) < open_chances(world, people, sends, recent, start=start)
    opens = is_delivered & (leaves | opens)
    opened_at = _opening(world, people, sends, arrived_at, key, index)
    clicks = uniforms(key + CLICKS, index) < click_chances(world, people, sends, recent, start=start)
    clicks &= opens & ~leaves
    clicked_at = opened_at + 2 * SECOND + wait(uniforms(key + CLICKS_AT, index), 40 * SECOND)
    link = np.searchsorted(np.cumsum(LINK_SHARES)[:-1], uniforms(key + CHOOSES_LINK, index))
    preloads = is_delivered & people.has_machine_opens[person]
    preloaded_at = arrived_at + wait(uniforms(key + PRELOADS_AT, index), 10 * MINUTE)
    scans = is_delivered & people.has_scanner[person]
    scanned_at, pace = _scan(world, sends, key, index)
    none = np.full(len(person), NONE)
    groups = [
        (DELIVERED, is_delivered, arrived_at, False, False, none),
        (BOUNCED, is_bounced, arrived_at, False, False, none),
        (BLOCKED, is_blocked, arrived_at, False, False, none),
        (OPENED, opens, opened_at, False, False, none),
        (OPENED, preloads, preloaded_at, True, True, none),
        (CLICKED, clicks, clicked_at, False, False, link),
        (UNSUBSCRIBED, reactions.end == UNSUBSCRIBED, reactions.ended_at, False, False, none),
        (COMPLAINED, reactions.end == COMPLAINED, reactions.ended_at, False, False, none),
    ]
    for number in range(UNSUBSCRIBE_LINK + 1):
        clicked = scans if number < 2 else scans & people.scans_all[person]
        groups.append((CLICKED, clicked, scanned_at + number * pace, False, True, none + 1 + number))
    rows = [np.flatnonzero(group[1]) for group in groups]
    counts = [len(row) for row in rows]
    return Responses(
        send=np.concatenate(rows),
        kind=np.repeat([group[0] for group in groups], counts),
        happened_at=np.concatenate([group[2][row] for group, row in zip(groups, rows, strict=True)]),
        is_machine_open=np.repeat([group[3] for group in groups], counts),
        is_machine=np.repeat([group[4] for group in groups], counts),
        link=np.concatenate([group[5][row] for group, row in zip(groups, rows, strict=True)]),
    )


def _index(people: People, sends: Sends) -> NDArray[np.uint64]:
    codes = {flow: crc32(flow.encode()) for flow in set(sends.flow.tolist())}
    code = np.array([codes[flow] for flow in sends.flow.tolist()], dtype=np.int64)
    return fold(people.number[sends.person], sends.sent_at // DAY, code)


def _day(sends: Sends, start: int) -> Ints:
    day: Ints = (sends.sent_at - start) // DAY
    return day


def _arrival(sends: Sends, key: int, index: NDArray[np.uint64]) -> Ints:
    """A second or so after the send."""
    return sends.sent_at + 300 + (uniforms(key + ARRIVES, index) * 1_200).astype(np.int64)


def _opening(world: World, people: People, sends: Sends, arrived_at: Ints, key: int, index: NDArray[np.uint64]) -> Ints:
    """Soon after the arrival, or in the next favourite hour."""
    delay = uniforms(key + OPENS_AT, index)
    at_hour = arrived_at // DAY * DAY + people.favourite_hour[sends.person] * HOUR + (delay * HOUR).astype(np.int64)
    at_hour += np.where(at_hour <= arrived_at + 20 * SECOND, DAY, 0)
    is_soon = uniforms(key + OPENS_SOON, index) < world.prompt_share
    return np.where(is_soon, arrived_at + 20 * SECOND + wait(delay, HOUR), at_hour)


def _scan(world: World, sends: Sends, key: int, index: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """When the scanner clicks first, and milliseconds from click to click."""
    radius = np.sqrt(-2 * np.log1p(-uniforms(key + SCANS_RADIUS, index)))
    normal = radius * np.cos(2 * np.pi * uniforms(key + SCANS_ANGLE, index))
    seconds = world.scanner_seconds * np.exp(SCANNER_DEVIATION * normal)
    pace = 200 + (uniforms(key + SCANS_PACE, index) * 700).astype(np.int64)
    return sends.sent_at + np.rint(seconds * SECOND).astype(np.int64), pace
