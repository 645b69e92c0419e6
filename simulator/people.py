"""Who they are: when they join and leave, how often they buy, what they like."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Floats, Ints
from simulator.catalogue import CATEGORIES
from simulator.instants import DAY, HOUR, draw_time_of_day
from simulator.world import RESPONSE_GROUPS, World

BLOCK_SIZE = 10_000
NEVER = 2**62
"""An instant after all others."""
DESKTOP, PHONE, LOYAL, OFFICE = range(len(RESPONSE_GROUPS))


@dataclass(frozen=True)
class People:
    """One block of people; every array has one entry per person, shape (n,) unless noted."""

    block: int
    number: Ints
    """Unique over all blocks."""
    store: Ints
    """Index into `STORES`."""
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
    company: Ints
    """Unique over all blocks; `NONE` for those who buy for themselves."""
    is_in_office: Bools
    """Uses the mailbox `info@` of the block's office."""
    chain: Ints
    """The chain of people who share phones and computers, `NONE` for most."""
    prefers_phone: Bools
    """For visits; else a computer."""
    favourite_hour: Ints
    """When they read email, UTC."""
    open_rate: Floats
    click_rate: Floats
    """Chance of a click per open."""
    response_group: Ints
    """Index into `RESPONSE_GROUPS`."""
    has_machine_opens: Bools
    has_scanner: Bools
    scans_all: Bools
    """The scanner clicks every link, the one to unsubscribe included."""
    mailbox_dies_at: Ints
    """From then on emails bounce; `NEVER` for most."""

    def __len__(self) -> int:
        """Count the people."""
        return len(self.number)


class _Groups(NamedTuple):
    company: Ints
    chain: Ints


def draw_people(
    rng: np.random.Generator, world: World, *, block: int, size: int, days: int, start: int, future: int = 0
) -> People:
    """Draw one block.

    Args:
        rng: The block's own stream.
        world: Rates.
        block: Number of the block, from 0.
        size: People in it, at most `BLOCK_SIZE`.
        days: Length of the window.
        start: First millisecond of the window.
        future: Days after the window in which people join too.

    Returns:
        The people, in the order of their numbers.
    """
    store = (rng.random(size) < world.eu_share).astype(np.int64)
    is_existing = rng.random(size) < world.existing_share
    before = -np.ceil(rng.exponential(200.0, size))
    joined_on = np.where(is_existing, before, np.floor(rng.random(size) * (days + future))).astype(np.int64)
    joined_at = start + joined_on * DAY + draw_time_of_day(rng, store)
    alive_from = np.maximum((joined_at - start) / DAY, 0.0)
    dropout_rate = rng.gamma(world.dropout_shape, 1 / world.dropout_scale, size)
    purchase_rate = rng.gamma(world.purchase_shape, world.purchase_mean / world.purchase_shape, size)
    groups = _draw_groups(rng, world, block, size)
    is_guest = (rng.random(size) < world.guest_share) & (groups.company == NONE) & (groups.chain == NONE)
    is_in_office = _draw_office(rng, world, ~is_guest & (groups.company == NONE) & (groups.chain == NONE))
    prefers_phone = rng.random(size) < world.prefers_phone_share
    is_office = (groups.company != NONE) | is_in_office
    is_loyal = purchase_rate > world.loyal_rate
    favourite = draw_time_of_day(rng, store)
    return People(
        block=block,
        number=block * BLOCK_SIZE + np.arange(size),
        store=store,
        joined_at=joined_at,
        is_existing=is_existing,
        purchase_rate=purchase_rate,
        dropout_rate=dropout_rate,
        alive_from=alive_from,
        alive_until=alive_from + rng.exponential(1.0, size) / np.maximum(dropout_rate, 1e-9),
        taste=np.cumsum(rng.dirichlet(np.full(len(CATEGORIES), 0.6), size), axis=1),
        price_level=rng.beta(1.5, 4.0, size),
        has_consented=rng.random(size) < world.consent_share,
        is_guest=is_guest,
        has_subscription=(rng.random(size) < world.subscription_share) & ~is_guest,
        # Nobody becomes known to the shop as a guest but by buying.
        buys_at_sign_up=((rng.random(size) < world.buys_at_sign_up_share) | is_guest) & ~is_existing,
        company=groups.company,
        is_in_office=is_in_office,
        chain=groups.chain,
        prefers_phone=prefers_phone,
        favourite_hour=favourite // HOUR,
        open_rate=rng.beta(2.0, 2.0 / world.open_mean - 2.0, size),
        click_rate=rng.beta(3.0, 3.0 / world.click_share - 3.0, size),
        response_group=np.select([prefers_phone, is_office, is_loyal], [PHONE, OFFICE, LOYAL], DESKTOP),
        has_machine_opens=rng.random(size) < world.machine_open_share,
        has_scanner=rng.random(size) < world.scanner_share,
        scans_all=rng.random(size) < world.scanner_all_share,
        mailbox_dies_at=np.where(
            rng.random(size) < world.dead_mailbox_share, start + (rng.random(size) * days * DAY).astype(np.int64), NEVER
        ),
    )


def _draw_groups(rng: np.random.Generator, world: World, block: int, size: int) -> _Groups:
    """Companies and chains of neighbours by number; nobody is in both, nor in the groups that a bridge joins."""
    first = 2 * bridge_size(world, block, size)
    span = max(world.company_size, world.chain_length)
    heads = first + rng.permutation(max(size - first, 0) // span) * span
    companies = round(world.company_share * size / world.company_size)
    chains = round(world.chain_share * size / world.chain_length)
    company, chain = np.full(size, NONE), np.full(size, NONE)
    for head, group in zip(heads[:companies].tolist(), range(companies), strict=False):
        company[head : head + world.company_size] = block * BLOCK_SIZE + group
    for head, group in zip(heads[companies : companies + chains].tolist(), range(chains), strict=False):
        chain[head : head + world.chain_length] = group
    return _Groups(company, chain)


def bridge_size(world: World, block: int, size: int) -> int:
    """People in each of the two groups that a bridge joins: the first and the next of the first block."""
    return min(world.bridge_people, size // 4) if block == 0 else 0


def _draw_office(rng: np.random.Generator, world: World, may_be: Bools) -> Bools:
    office = np.zeros(len(may_be), dtype=np.bool_)
    candidates = np.flatnonzero(may_be)
    office[rng.choice(candidates, min(world.info_people, len(candidates) // 3), replace=False)] = True
    return office


def engagement_at(people: People, world: World, person: Ints, day: Ints) -> Floats:
    """How present a person is on a day: 1 when well, fading before the dropout, 0 before joining.

    Args:
        people: The block.
        world: Rates.
        person: Index into the block, shape (m,).
        day: Days since the start of the window, shape (m,).

    Returns:
        Between 0 and 1, shape (m,).
    """
    noon = day + 0.5
    left = people.alive_until[person] - noon
    level = np.minimum(np.maximum(left / world.fading_days, world.faded_level), 1.0)
    level = np.where(left > 0, level, world.gone_level)
    return np.where(noon >= np.floor(people.alive_from[person]), level, 0.0)


def engagement_by_day(people: People, world: World, days: int) -> Floats:
    """`engagement_at` of everybody on every day, shape (n, days)."""
    person, day = np.divmod(np.arange(len(people) * days), days)
    return engagement_at(people, world, person, day).reshape(len(people), days)
