"""What people said about email: forms, confirmations, and an import that remembers an older time."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Bools, Ints, Texts, texts
from simulator.emails import Mailing
from simulator.instants import DAY, HOUR, MINUTE, draw_wait
from simulator.people import People
from simulator.selves import NONE, Selves
from simulator.world import World

IMPORT_SHARE = 0.04
IMPORT_AT_SHARE = 0.55


class OptIns(NamedTuple):
    """How each person of a block consented when joining, shape (n,) each."""

    is_double: Bools
    """A confirmation was asked for."""
    confirmed_at: Ints
    """`NONE` where it was not asked for or never came."""
    can_be_mailed: Bools


class Statements(NamedTuple):
    """Rows of the consent export, shape (m,) each."""

    person: Ints
    statement: Texts
    stated_at: Ints
    landed_at: Ints
    source: Texts


def draw_opt_ins(rng: np.random.Generator, world: World, people: People) -> OptIns:
    """Who signs up by one click, who must confirm, who does."""
    size = len(people)
    is_double = people.has_consented & (rng.random(size) < world.double_opt_in_share)
    confirms = is_double & (rng.random(size) < world.confirmed_share)
    confirmed_at = people.joined_at + 2 * MINUTE + draw_wait(rng, 20 * MINUTE, size)
    return OptIns(
        is_double=is_double,
        confirmed_at=np.where(confirms, confirmed_at, NONE),
        can_be_mailed=people.has_consented & (~is_double | confirms),
    )


def draw_statements(
    rng: np.random.Generator,
    people: People,
    selves: Selves,
    opt_ins: OptIns,
    mailing: Mailing,
    *,
    start: int,
    days: int,
) -> Statements:
    """The form entries of guests, the confirmations of those asked for one, and one old import.

    A request that was never confirmed is no statement: the shop shows it as pending.

    The import claims that a few people are subscribed, among them all who have left since: it must change nothing.
    """
    owner = selves.is_mailbox_owner
    entered = np.flatnonzero(people.has_consented & people.is_guest & ~opt_ins.is_double & owner)
    confirmed = np.flatnonzero((opt_ins.confirmed_at != NONE) & owner)
    import_at = start + int(days * IMPORT_AT_SHARE) * DAY + 3 * HOUR
    has_left = (mailing.unsubscribed_at != NONE) & (mailing.unsubscribed_at < import_at)
    is_imported = (has_left | (rng.random(len(people)) < IMPORT_SHARE)) & (people.joined_at < import_at)
    imported = np.flatnonzero(is_imported & owner)
    groups = (
        (entered, "subscribed", people.joined_at[entered], "website_form"),
        (confirmed, "confirmed", opt_ins.confirmed_at[confirmed], "double_opt_in"),
        (imported, "subscribed", np.full(len(imported), import_at), "import"),
    )
    counts = [len(group[0]) for group in groups]
    stated_at = np.concatenate([group[2] for group in groups])
    return Statements(
        person=np.concatenate([group[0] for group in groups]),
        statement=texts(np.repeat([group[1] for group in groups], counts).tolist()),
        stated_at=stated_at,
        # What was said before the window is in the first export.
        landed_at=np.maximum(stated_at, start),
        source=texts(np.repeat([group[3] for group in groups], counts).tolist()),
    )
