"""What the legacy policy mailed, and how people and their machines reacted."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Bools, Floats, Ints, Texts, stack, take, texts
from simulator.instants import DAY, HOUR, MINUTE, SECOND, draw_wait
from simulator.people import People
from simulator.selves import NONE, Selves, draw_ids
from simulator.world import World

NEWSLETTER_WEEKDAY = 1
"""Tuesday."""
DELIVERED, OPENED, CLICKED, UNSUBSCRIBED, COMPLAINED, BOUNCED, BLOCKED = range(7)


class Sends(NamedTuple):
    """Emails that left the house, shape (m,) each."""

    person: Ints
    sent_at: Ints
    flow: Texts
    arm: Texts


class Responses(NamedTuple):
    """What the ESP reported, by time, shape (m,) each."""

    send: Ints
    """Row in the sends."""
    kind: Ints
    happened_at: Ints
    is_machine_open: Bools
    """What the ESP flags."""
    is_machine: Bools
    """What is true: scanners bear no flag."""


class Mailing(NamedTuple):
    """Sends, their responses, and when each person ended it (`NONE`: never)."""

    sends: Sends
    responses: Responses
    unsubscribed_at: Ints
    ended_at: Ints


class _Ends(NamedTuple):
    """Which of the newsletters, shape (n, weeks), ended in what."""

    is_bounced: Bools
    is_blocked: Bools
    is_unsubscribed: Bools
    is_complained: Bools


def send_newsletters(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    *,
    engagement: Floats,
    can_be_mailed: Bools,
    start: int,
) -> Mailing:
    """Mail every subscriber each Tuesday until they leave the list.

    Args:
        rng: Source of the draws.
        world: Rates.
        people: The block.
        selves: Their mailboxes; only owners are mailed, so that no mailbox hears twice.
        engagement: Shape (n, days).
        can_be_mailed: Who gave a valid consent when joining, shape (n,).
        start: First millisecond of the window.

    Returns:
        The sends with their responses.
    """
    size, days = engagement.shape
    day = np.arange(days)
    day = day[(start // DAY + day + 3) % 7 == NEWSLETTER_WEEKDAY]
    sent_at = start + day * DAY + 9 * HOUR + rng.integers(0, 2 * HOUR, (size, 1))
    is_due = (can_be_mailed & selves.is_mailbox_owner)[:, None] & (sent_at > people.joined_at[:, None] + HOUR)
    ends = _draw_ends(rng, world, engagement[:, day])
    is_final = ends.is_bounced | ends.is_unsubscribed | ends.is_complained
    is_sent = is_due & (np.cumsum(is_final & is_due, axis=1) - (is_final & is_due) == 0)
    person, week = np.nonzero(is_sent)
    flow = texts(["newsletter"] * len(person))
    sends = Sends(person=person, sent_at=sent_at[person, week], flow=flow, arm=texts(["treatment"] * len(person)))
    sent_ends = take(_Ends(*(end.reshape(-1) for end in ends)), person * len(day) + week)
    responses, left_at = _respond(rng, world, people, sends, level=engagement[person, day[week]], ends=sent_ends)
    unsubscribed_at = np.full(size, NONE)
    unsubscribed_at[person[sent_ends.is_unsubscribed]] = left_at[sent_ends.is_unsubscribed]
    ended_at = np.full(size, NONE)
    ended = is_final[person, week]
    ended_at[person[ended]] = left_at[ended]
    return Mailing(sends=sends, responses=responses, unsubscribed_at=unsubscribed_at, ended_at=ended_at)


def answer_sends(rng: np.random.Generator, world: World, people: People, sends: Sends, *, level: Floats) -> Responses:
    """Opens and clicks of sends that end nothing; `level` is the engagement on the day, shape (m,)."""
    nothing = np.zeros(len(sends.person), dtype=np.bool_)
    return _respond(rng, world, people, sends, level=level, ends=_Ends(nothing, nothing, nothing, nothing))[0]


def _draw_ends(rng: np.random.Generator, world: World, level: Floats) -> _Ends:
    size, weeks = level.shape
    # A mailbox dies at one moment of the window: every newsletter from then on bounces.
    dies_in = np.where(rng.random(size) < world.dead_mailbox_share, rng.integers(0, max(weeks, 1), size), weeks)
    is_bounced = np.arange(weeks) >= dies_in[:, None]
    is_blocked = ~is_bounced & (rng.random(level.shape) < world.blocked_share)
    is_read = ~is_bounced & ~is_blocked
    chance = world.unsubscribe_share + world.fatigue_share * (1 - level)
    is_unsubscribed = is_read & (rng.random(level.shape) < chance)
    is_complained = is_read & ~is_unsubscribed & (rng.random(level.shape) < world.complaint_share)
    return _Ends(is_bounced, is_blocked, is_unsubscribed, is_complained)


def _respond(
    rng: np.random.Generator, world: World, people: People, sends: Sends, *, level: Floats, ends: _Ends
) -> tuple[Responses, Ints]:
    """All reports on the sends, by time, and the instant at which each send would have been left."""
    size = len(sends.person)
    arrived_at = sends.sent_at + rng.integers(SECOND, 6 * SECOND, size)
    is_delivered = ~ends.is_bounced & ~ends.is_blocked
    leaves = ends.is_unsubscribed | ends.is_complained
    opens = is_delivered & (leaves | (rng.random(size) < people.open_rate[sends.person] * level))
    opened_at = arrived_at + draw_wait(rng, 4 * HOUR, size) + 20 * SECOND
    clicks = opens & ~leaves & (rng.random(size) < world.click_share * level)
    clicked_at = opened_at + draw_wait(rng, 40 * SECOND, size) + 2 * SECOND
    left_at = np.where(leaves, opened_at + draw_wait(rng, MINUTE, size) + 3 * SECOND, arrived_at)
    preloads = is_delivered & people.has_machine_opens[sends.person]
    preloaded_at = arrived_at + draw_wait(rng, 10 * MINUTE, size)
    scans = is_delivered & people.has_scanner[sends.person]
    scanned_at = arrived_at + np.rint(np.exp(rng.normal(np.log(43.0), 0.4, size)) * SECOND).astype(np.int64)
    groups = (
        (DELIVERED, is_delivered, arrived_at, False, False),
        (BOUNCED, ends.is_bounced, arrived_at, False, False),
        (BLOCKED, ends.is_blocked, arrived_at, False, False),
        (OPENED, opens, opened_at, False, False),
        (OPENED, preloads, preloaded_at, True, True),
        (CLICKED, clicks, clicked_at, False, False),
        (CLICKED, scans, scanned_at, False, True),
        (CLICKED, scans, scanned_at + SECOND, False, True),
        (UNSUBSCRIBED, ends.is_unsubscribed, left_at, False, False),
        (COMPLAINED, ends.is_complained, left_at, False, False),
    )
    rows = [np.flatnonzero(group[1]) for group in groups]
    counts = [len(row) for row in rows]
    responses = Responses(
        send=np.concatenate(rows),
        kind=np.repeat([group[0] for group in groups], counts),
        happened_at=np.concatenate([group[2][row] for group, row in zip(groups, rows, strict=True)]),
        is_machine_open=np.repeat([group[3] for group in groups], counts),
        is_machine=np.repeat([group[4] for group in groups], counts),
    )
    return responses, left_at


def join_mailings(first: Mailing, sends: Sends, responses: Responses) -> Mailing:
    """One mailing of both: rows of the second follow the first's."""
    moved = responses._replace(send=responses.send + len(first.sends.person))
    return first._replace(
        sends=stack(first.sends, sends),
        responses=stack(first.responses, moved),
    )


def draw_event_ids(rng: np.random.Generator, responses: Responses) -> list[str]:
    """The ESP's id of each report."""
    return draw_ids(rng, len(responses.send), 22)
