"""What the legacy policy mailed: newsletters on fixed weekdays to everybody on the list."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, stack, take, texts
from simulator.catalogue import CATEGORIES
from simulator.instants import DAY, HOUR
from simulator.mixing import fold, mix, uniforms
from simulator.people import NEVER, People
from simulator.response import (
    BOUNCED,
    COMPLAINED,
    UNSUBSCRIBED,
    Reactions,
    Responses,
    Sends,
    count_recent,
    react,
    report,
)
from simulator.selves import Selves
from simulator.world import World

NEWSLETTER = "newsletter"
TREATMENT = "treatment"
ONLY_STEP = "1"
SENT_HOUR = 9
RETURN_DAYS = (10, 60)
"""Days after an unsubscribe in which some enter the form again."""
RETURNS, RETURNS_ON, SENT_LATER = range(1_000, 1_003)


class Listing(NamedTuple):
    """How long each person stayed on the list, shape (n,) each; `NONE`: it never happened."""

    unsubscribed_at: Ints
    """The first time."""
    resubscribed_at: Ints
    ended_at: Ints
    """Off the list for good, by an unsubscribe, a complaint or a bounce."""
    end: Ints
    """How."""


class Mailing(NamedTuple):
    """Sends with their reactions, the reports on them, and how long people stayed on the list."""

    sends: Sends
    reactions: Reactions
    responses: Responses
    listing: Listing

    @property
    def unsubscribed_at(self) -> Ints:
        """When each person first unsubscribed, `NONE` for most, shape (n,)."""
        return self.listing.unsubscribed_at


class Mailed(NamedTuple):
    """Sends by person and time, with what each does."""

    sends: Sends
    reactions: Reactions
    listing: Listing


def plan_newsletters(
    world: World, people: People, selves: Selves, *, listed_at: Ints, key: int, days: int, start: int
) -> Sends:
    """A newsletter to everybody on each of its days who had consented by then, whether or not they have left since.

    Only owners of a mailbox are mailed, so that no mailbox hears twice. `listed_at` says when each person gave a valid consent,
    `NONE` for never, shape (n,).
    """
    day = np.arange(days)
    day = day[np.isin((start // DAY + day + 3) % 7, world.newsletter_weekdays)]
    listed = np.flatnonzero((listed_at != NONE) & selves.is_mailbox_owner)
    later = uniforms(key + SENT_LATER, fold(np.repeat(people.number[listed], len(day)), np.tile(day, len(listed))))
    sent_at = np.tile(start + day * DAY + SENT_HOUR * HOUR, len(listed)) + (later * 2 * HOUR).astype(np.int64)
    person = np.repeat(listed, len(day))
    due = sent_at > listed_at[person] + HOUR
    person, sent_at = person[due], sent_at[due]
    return Sends(
        person=person,
        sent_at=sent_at,
        flow=np.full(len(person), NEWSLETTER, dtype=object),
        arm=np.full(len(person), TREATMENT, dtype=object),
        theme=theme_of(sent_at // DAY),
        step=np.full(len(person), ONLY_STEP, dtype=object),
        id=np.full(len(person), "", dtype=object),
    )


def theme_of(day: Ints) -> Ints:
    """The category that the newsletter of a day (since 1970) is about, shape (n,)."""
    return (mix(0, day) % np.uint64(len(CATEGORIES))).astype(np.int64)


def mail(world: World, people: People, planned: Sends, *, key: int, start: int) -> Mailed:
    """Send what was planned to each person until they leave the list, and again once they came back.

    Args:
        world: Rates.
        people: The block.
        planned: The emails, in any order.
        key: Of the responses.
        start: First millisecond of the window.

    Returns:
        The emails that were sent, by person and time.
    """
    planned = take(planned, np.lexsort((planned.sent_at, planned.person)))
    reactions = react(world, people, planned, count_recent(planned), key=key, start=start)
    first = _first_ends(len(people), planned, reactions)
    resubscribed_at = _return(world, people, first, key)
    # Nothing is sent between the end and the return; what was sent before is answered as it was.
    left_at, back_at = first.ended_at[planned.person], resubscribed_at[planned.person]
    is_sent = (left_at == NONE) | (planned.sent_at <= left_at)
    is_sent |= (back_at != NONE) & (planned.sent_at > back_at)
    is_back = (back_at != NONE) & (planned.sent_at > back_at)
    planned, is_back = take(planned, is_sent), is_back[is_sent]
    reactions = react(world, people, planned, count_recent(planned), key=key, start=start)
    second = _first_ends(len(people), planned, reactions, among=is_back)
    ended_at = np.where(is_back, second.ended_at[planned.person], first.ended_at[planned.person])
    kept = ~is_back | (ended_at == NONE) | (planned.sent_at <= ended_at)
    # Whoever has left by one email does not leave by the next that was already there.
    end = np.where((ended_at != NONE) & (reactions.ended_at > ended_at), NONE, reactions.end)
    reactions = reactions._replace(end=end, ended_at=np.where(end == NONE, NONE, reactions.ended_at))
    returned = resubscribed_at != NONE
    listing = Listing(
        unsubscribed_at=first.unsubscribed_at,
        resubscribed_at=resubscribed_at,
        ended_at=np.where(returned, second.ended_at, first.ended_at),
        end=np.where(returned, second.end, first.end),
    )
    return Mailed(take(planned, kept), take(reactions, kept), listing)


def _first_ends(size: int, sends: Sends, reactions: Reactions, *, among: Bools | None = None) -> Listing:
    """The first end of each person."""
    ends = np.isin(reactions.end, (UNSUBSCRIBED, COMPLAINED, BOUNCED))
    rows = np.flatnonzero(ends if among is None else ends & among)
    rows = rows[np.argsort(reactions.ended_at[rows], kind="stable")]
    person, first = np.unique(sends.person[rows], return_index=True)
    rows = rows[first]
    listing = Listing(*(np.full(size, NONE) for _ in Listing._fields))
    listing.ended_at[person], listing.end[person] = reactions.ended_at[rows], reactions.end[rows]
    left = reactions.end[rows] == UNSUBSCRIBED
    listing.unsubscribed_at[person[left]] = reactions.ended_at[rows][left]
    return listing


def _return(world: World, people: People, first: Listing, key: int) -> Ints:
    """When those who unsubscribed subscribe again, `NONE` for most, shape (n,)."""
    returns = (first.unsubscribed_at != NONE) & (uniforms(key + RETURNS, people.number) < world.resubscribed_share)
    low, high = RETURN_DAYS
    after = ((low + uniforms(key + RETURNS_ON, people.number) * (high - low)) * DAY).astype(np.int64)
    return np.where(returns, first.unsubscribed_at + after, NONE)


def choose_arms(treated: Mailed, control: Mailed, is_treated: Bools) -> Mailed:
    """Of each person what happens in their arm; `is_treated` has shape (n,)."""
    of_treated, of_control = is_treated[treated.sends.person], ~is_treated[control.sends.person]
    return Mailed(
        stack(take(treated.sends, of_treated), take(control.sends, of_control)),
        stack(take(treated.reactions, of_treated), take(control.reactions, of_control)),
        Listing(
            *(np.where(is_treated, one, other) for one, other in zip(treated.listing, control.listing, strict=True))
        ),
    )


def answer(world: World, people: People, mailed: Mailed, *, key: int, start: int) -> Mailing:
    """The mailing, by time, with the ESP's reports; only now do emails get their ids."""
    order = np.lexsort((mailed.sends.person, mailed.sends.sent_at))
    ids = texts([f"legacy-{people.block:05d}-{number:08x}" for number in range(len(order))])
    sends, reactions = take(mailed.sends, order)._replace(id=ids), take(mailed.reactions, order)
    responses = report(world, people, sends, count_recent(sends), reactions, key=key, start=start)
    return Mailing(sends, reactions, responses, mailed.listing)


def is_listed(mailed: Mailed, person: Ints, at: Ints) -> Bools:
    """Whether each person who had consented was still, or again, on the list at an instant, shape (m,)."""
    listing = mailed.listing
    first = np.where(listing.unsubscribed_at != NONE, listing.unsubscribed_at, listing.ended_at)[person]
    first = np.where(first == NONE, NEVER, first)
    back, last = listing.resubscribed_at[person], listing.ended_at[person]
    is_back = (back != NONE) & (back < at) & ((last == NONE) | (last > at))
    listed: Bools = (first > at) | is_back
    return listed
