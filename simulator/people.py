"""Who they are: when they join and leave, how often they buy, what they like."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Bools, Floats, Ints
from simulator.catalogue import CATEGORIES
from simulator.instants import DAY, draw_time_of_day
from simulator.world import World

BLOCK_SIZE = 10_000


@dataclass(frozen=True)
class People:
    """One block of people; every array has one entry per person, shape (n,) unless noted."""

    block: int
    number: Ints
    """Unique over all blocks."""
    joined_at: Ints
    """Milliseconds UTC; before the window for those who were customers already."""
    is_existing: Bools
    purchase_rate: Floats
    """Purchases per day while alive."""
    dropout_rate: Floats
    """Chance per day of leaving for good."""
    alive_from: Floats
    """Days since the first midnight of the window; 0 for existing customers."""
    alive_until: Floats
    taste: Floats
    """Cumulative chance of the categories, shape (n, categories)."""
    price_level: Floats
    has_consented: Bools
    is_guest: Bools
    has_subscription: Bools
    buys_at_sign_up: Bools
    open_rate: Floats
    has_machine_opens: Bools
    has_scanner: Bools

    def __len__(self) -> int:
        """Count the people."""
        return len(self.number)


def draw_people(rng: np.random.Generator, world: World, *, block: int, size: int, days: int, start: int) -> People:
    """Draw one block.

    Args:
        rng: The block's own stream.
        world: Rates.
        block: Number of the block, from 0.
        size: People in it, at most `BLOCK_SIZE`.
        days: Length of the window.
        start: First millisecond of the window.

    Returns:
        The people, in the order of their numbers.
    """
    is_existing = rng.random(size) < world.existing_share
    before = -np.ceil(rng.exponential(200.0, size))
    joined_on = np.where(is_existing, before, np.floor(rng.random(size) * days)).astype(np.int64)
    joined_at = start + joined_on * DAY + draw_time_of_day(rng, size)
    alive_from = np.maximum((joined_at - start) / DAY, 0.0)
    dropout_rate = rng.gamma(world.dropout_shape, 1 / world.dropout_scale, size)
    preferences = rng.dirichlet(np.full(len(CATEGORIES), 0.6), size)
    is_guest = rng.random(size) < world.guest_share
    return People(
        block=block,
        number=block * BLOCK_SIZE + np.arange(size),
        joined_at=joined_at,
        is_existing=is_existing,
        purchase_rate=rng.gamma(world.purchase_shape, world.purchase_mean / world.purchase_shape, size),
        dropout_rate=dropout_rate,
        alive_from=alive_from,
        alive_until=alive_from + rng.exponential(1.0, size) / np.maximum(dropout_rate, 1e-9),
        taste=np.cumsum(preferences, axis=1),
        price_level=rng.beta(1.5, 4.0, size),
        has_consented=rng.random(size) < world.consent_share,
        is_guest=is_guest,
        has_subscription=(rng.random(size) < world.subscription_share) & ~is_guest,
        # Nobody becomes known to the shop as a guest but by buying.
        buys_at_sign_up=((rng.random(size) < world.buys_at_sign_up_share) | is_guest) & ~is_existing,
        open_rate=rng.beta(2.0, 2.0 / world.open_mean - 2.0, size),
        has_machine_opens=rng.random(size) < world.machine_open_share,
        has_scanner=rng.random(size) < world.scanner_share,
    )


def engagement_by_day(people: People, world: World, days: int) -> Floats:
    """How present each person is on each day: 1 when well, fading before the dropout, 0 before joining.

    Returns:
        Shape (n, days), between 0 and 1.
    """
    noon = np.arange(days) + 0.5
    left = people.alive_until[:, None] - noon
    level = np.clip(left / world.fading_days, world.faded_level, 1.0)
    level = np.where(left > 0, level, world.gone_level)
    return np.where(noon >= np.floor(people.alive_from)[:, None], level, 0.0)


def alive_by_day(people: People, days: int) -> Floats:
    """The share of each day that each person is a living customer, shape (n, days)."""
    midnight = np.arange(days)
    opened = np.maximum(midnight, people.alive_from[:, None])
    closed = np.minimum(midnight + 1, people.alive_until[:, None])
    share: Floats = np.clip(closed - opened, 0.0, 1.0)
    return share
