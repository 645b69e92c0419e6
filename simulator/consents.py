"""What people said about email: forms, confirmations, and an import that remembers an older time."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, Texts
from simulator.emails import Listing
from simulator.instants import DAY, HOUR, MINUTE, draw_wait
from simulator.people import People
from simulator.response import BOUNCED, COMPLAINED, UNSUBSCRIBED
from simulator.selves import Selves
from simulator.world import World


class OptIns(NamedTuple):
    """How each person of a block consented when joining, shape (n,) each."""

    is_double: Bools
    """A confirmation was asked for."""
    confirmed_at: Ints
    """`NONE` where it was not asked for or never came."""
    can_be_mailed: Bools
    listed_at: Ints
    """When the consent became valid, `NONE` where it never did."""


class Statements(NamedTuple):
    """Rows of the consent export, shape (m,) each."""

    person: Ints
    statement: Texts
    stated_at: Ints
    landed_at: Ints
    source: Texts


class Changes(NamedTuple):
    """True changes of what a person's mailbox may get, shape (m,) each; the import changes nothing."""

    person: Ints
    is_open: Bools
    reason: Texts
    """opted_in, confirmed, unsubscribed, complained, bounced or resubscribed."""
    stated_at: Ints


def draw_opt_ins(rng: np.random.Generator, world: World, people: People) -> OptIns:
    """Who signs up by one click, who must confirm, who does."""
    size = len(people)
    is_double = people.has_consented & (rng.random(size) < world.double_opt_in_share)
    confirms = is_double & (rng.random(size) < world.confirmed_share)
    confirmed_at = np.where(confirms, people.joined_at + 2 * MINUTE + draw_wait(rng, 20 * MINUTE, size), NONE)
    can_be_mailed = people.has_consented & (~is_double | confirms)
    return OptIns(
        is_double=is_double,
        confirmed_at=confirmed_at,
        can_be_mailed=can_be_mailed,
        listed_at=np.where(can_be_mailed, np.where(is_double, confirmed_at, people.joined_at), NONE),
    )


def draw_statements(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    opt_ins: OptIns,
    listing: Listing,
    *,
    start: int,
    days: int,
) -> Statements:
    """The form entries of guests and of those who come back, the confirmations of those asked for one, and one old import.

    A request that was never confirmed is no statement: the shop shows it as pending.

    The import claims that a few people are subscribed, among them all who have left since: it must change nothing.
    """
    owner = selves.is_mailbox_owner
    entered = np.flatnonzero(people.has_consented & people.is_guest & ~opt_ins.is_double & owner)
    confirmed = np.flatnonzero((opt_ins.confirmed_at != NONE) & owner)
    returned = np.flatnonzero(listing.resubscribed_at != NONE)
    import_at = start + int(days * world.import_from) * DAY + 3 * HOUR
    has_left = (listing.unsubscribed_at != NONE) & (listing.unsubscribed_at < import_at)
    is_imported = (has_left | (rng.random(len(people)) < world.import_share)) & (people.joined_at < import_at)
    imported = np.flatnonzero(is_imported & owner & (world.import_from < 1))
    groups = (
        (entered, "subscribed", people.joined_at[entered], "website_form"),
        (confirmed, "confirmed", opt_ins.confirmed_at[confirmed], "double_opt_in"),
        (returned, "subscribed", listing.resubscribed_at[returned], "website_form"),
        (imported, "subscribed", np.full(len(imported), import_at), "import"),
    )
    stated_at = np.concatenate([group[2] for group in groups])
    return Statements(
        person=np.concatenate([group[0] for group in groups]),
        statement=_repeat(groups, 1),
        stated_at=stated_at,
        # What was said before the window is in the first export.
        landed_at=np.maximum(stated_at, start),
        source=_repeat(groups, 3),
    )


def _repeat(groups: tuple[tuple[Ints, str, Ints, str], ...], place: int) -> Texts:
    return np.concatenate([np.full(len(group[0]), group[place], dtype=object) for group in groups])


def find_changes(people: People, opt_ins: OptIns, listing: Listing) -> Changes:
    """When people really opened and closed their mailbox to the shop."""
    is_single = opt_ins.can_be_mailed & ~opt_ins.is_double
    confirmed = opt_ins.can_be_mailed & opt_ins.is_double
    left, back, last = listing.unsubscribed_at, listing.resubscribed_at, listing.ended_at
    is_last = (last != NONE) & ((back != NONE) | (listing.end != UNSUBSCRIBED))
    groups = [
        (np.flatnonzero(is_single), True, "opted_in", people.joined_at),
        (np.flatnonzero(confirmed), True, "confirmed", opt_ins.confirmed_at),
        (np.flatnonzero(left != NONE), False, "unsubscribed", left),
        (np.flatnonzero(back != NONE), True, "resubscribed", back),
    ]
    for end, reason in ((UNSUBSCRIBED, "unsubscribed"), (COMPLAINED, "complained"), (BOUNCED, "bounced")):
        groups.append((np.flatnonzero(is_last & (listing.end == end)), False, reason, last))
    counts = [len(group[0]) for group in groups]
    return Changes(
        person=np.concatenate([group[0] for group in groups]),
        is_open=np.repeat([group[1] for group in groups], counts),
        reason=np.concatenate([np.full(len(group[0]), group[2], dtype=object) for group in groups]),
        stated_at=np.concatenate([group[3][group[0]] for group in groups]),
    )
