"""When people buy, what is in the basket, and what becomes of the order."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.arrays import Bools, Floats, Ints, Texts, take, texts
from simulator.catalogue import Catalogue, draw_variants
from simulator.instants import DAY, HOUR, MINUTE, OFFSETS, draw_time_of_day, draw_wait
from simulator.people import People, alive_by_day
from simulator.selves import NONE, Selves, draw_ids
from simulator.world import World

ORDER_IDS = 5_200_000_000_000
WEEKDAY = np.array([1.05, 1.0, 0.95, 0.95, 1.0, 0.95, 1.10])
"""From Monday; the mean is 1."""
RENEWAL_EVERY = 30
TAX_RATE = 0.07
FREE_SHIPPING_CENTS = 4_000
SHIPPING_CENTS = 495
DISCOUNT_RATE = 0.10
CAPITALISED_SHARE = 0.3


class Purchases(NamedTuple):
    """Decisions to buy, before there is an order: shape (m,) each."""

    person: Ints
    bought_at: Ints
    is_renewal: Bools


@dataclass(frozen=True)
class Orders:
    """Orders by time; one entry per order, shape (m,), or per line where the name says so."""

    id: Ints
    number: Ints
    person: Ints
    ordered_at: Ints
    offset: Ints
    account_id: Ints
    """`NONE` for a guest checkout."""
    email: Texts
    is_renewal: Bools
    is_test: Bools
    cart_token: Texts
    has_discount: Bools
    items_cents: Ints
    discount_cents: Ints
    shipping_cents: Ints
    tax_cents: Ints
    total_cents: Ints
    fulfilled_at: Ints
    """`NONE` where the order was cancelled first; likewise below."""
    cancelled_at: Ints
    refunded_at: Ints
    refund_cents: Ints
    is_full_refund: Bools
    first_line: Ints
    """Shape (m + 1,): the lines of order k are first_line[k] up to first_line[k + 1]."""
    line_variant: Ints
    line_quantity: Ints
    line_discount_cents: Ints

    def __len__(self) -> int:
        """Count the orders."""
        return len(self.id)


def season_by_day(days: int, start: int) -> Floats:
    """Demand of each day against the mean of a year, shape (days,): weekday times a winter peak."""
    day = start // DAY + np.arange(days)
    weekday = WEEKDAY[(day + 3) % 7]
    season: Floats = weekday * (1 + 0.12 * np.cos(2 * np.pi * ((day % 365.25) + 20) / 365.25))
    return season


def draw_purchases(rng: np.random.Generator, people: People, *, days: int, start: int) -> Purchases:
    """Purchases that need no email: at sign-up, by the personal rate until the dropout, and subscription renewals."""
    rate = alive_by_day(people, days) * people.purchase_rate[:, None] * season_by_day(days, start)
    person, day = np.nonzero(counts := rng.poisson(rate))
    times = counts[person, day]
    person, day = np.repeat(person, times), np.repeat(day, times)
    bought_at = start + day * DAY + draw_time_of_day(rng, len(day))
    bought_at = np.maximum(bought_at, people.joined_at[person] + 20 * MINUTE)
    first = np.flatnonzero(people.buys_at_sign_up)
    first_at = people.joined_at[first] + rng.integers(4 * MINUTE, 25 * MINUTE, len(first))
    renewing, renewed_at = _draw_renewals(rng, people, days=days, start=start)
    return Purchases(
        person=np.concatenate([person, first, renewing]),
        bought_at=np.concatenate([bought_at, first_at, renewed_at]),
        is_renewal=np.repeat([False, False, True], [len(person), len(first), len(renewing)]),
    )


def _draw_renewals(rng: np.random.Generator, people: People, *, days: int, start: int) -> tuple[Ints, Ints]:
    holders = np.flatnonzero(people.has_subscription)
    cycle = np.arange(1, days // RENEWAL_EVERY + 2) * RENEWAL_EVERY
    phase = rng.uniform(-RENEWAL_EVERY, 0, len(holders)) * people.is_existing[holders]
    due = (people.alive_from[holders] + phase)[:, None] + cycle
    happens = (due < people.alive_until[holders][:, None]) & (due < days)
    row, column = np.nonzero(happens)
    # The subscription app charges everyone in one early batch.
    renewed_at = (
        start + np.floor(due[row, column]).astype(np.int64) * DAY + 5 * HOUR + draw_wait(rng, 10 * MINUTE, len(row))
    )
    return holders[row], renewed_at


def place_orders(
    rng: np.random.Generator, world: World, catalogue: Catalogue, people: People, selves: Selves, purchases: Purchases
) -> Orders:
    """Turn purchases into orders with baskets, amounts and a fate; ids follow time."""
    order = np.lexsort((purchases.person, purchases.bought_at))
    person, ordered_at, is_renewal = take(purchases, order)
    size = len(person)
    account_id, email = _draw_checkout_identity(
        rng, world, people, selves, person=person, ordered_at=ordered_at, is_renewal=is_renewal
    )
    has_discount = (rng.random(size) < world.discount_share) & np.logical_not(is_renewal)
    first_line, variant, quantity = _draw_baskets(rng, catalogue, people, person)
    line_cents = catalogue.price_cents[variant] * quantity
    line_discount = np.rint(line_cents * DISCOUNT_RATE * np.repeat(has_discount, np.diff(first_line))).astype(np.int64)
    items, discount = (
        np.add.reduceat(cents, first_line[:-1]) if size else first_line[:0] for cents in (line_cents, line_discount)
    )
    shipping = np.where(items - discount >= FREE_SHIPPING_CENTS, 0, SHIPPING_CENTS)
    tax = np.rint((items - discount) * TAX_RATE).astype(np.int64)
    total = items - discount + shipping + tax
    cancelled_at, fulfilled_at, refunded_at = _draw_fates(rng, world, ordered_at)
    is_full = (rng.random(size) < world.full_refund_share) | (np.diff(first_line) == 1)
    refund = np.where(is_full, total, (line_cents - line_discount)[first_line[:-1]] if size else total)
    refund = np.where(cancelled_at != NONE, total, np.where(refunded_at != NONE, refund, 0))
    return Orders(
        id=ORDER_IDS + people.block * 10_000_000 + np.arange(size),
        number=1001 + people.block * 10_000_000 + np.arange(size),
        person=person,
        ordered_at=ordered_at,
        offset=rng.choice(len(OFFSETS), size, p=(0.85, 0.09, 0.04, 0.02)),
        account_id=account_id,
        email=email,
        is_renewal=is_renewal,
        is_test=rng.random(size) < world.test_order_share,
        cart_token=texts(draw_ids(rng, size)),
        has_discount=has_discount,
        items_cents=items,
        discount_cents=discount,
        shipping_cents=shipping,
        tax_cents=tax,
        total_cents=total,
        fulfilled_at=fulfilled_at,
        cancelled_at=cancelled_at,
        refunded_at=refunded_at,
        refund_cents=refund,
        is_full_refund=is_full | (cancelled_at != NONE),
        first_line=first_line,
        line_variant=variant,
        line_quantity=quantity,
        line_discount_cents=line_discount,
    )


def _draw_checkout_identity(
    rng: np.random.Generator,
    world: World,
    people: People,
    selves: Selves,
    *,
    person: Ints,
    ordered_at: Ints,
    is_renewal: Bools,
) -> tuple[Ints, Texts]:
    """The account (or none) and the address that each order bears."""
    size = len(person)
    second_open = (selves.second_joined_at[person] != NONE) & (ordered_at > selves.second_joined_at[person])
    is_second = second_open & (rng.random(size) < world.second_account_order_share) & ~is_renewal
    is_first_order = ordered_at < people.joined_at[person] + HOUR
    is_guest = (rng.random(size) < world.guest_checkout_share) & ~is_renewal & ~is_first_order
    account = np.where(is_second, selves.second_account_id[person], selves.account_id[person])
    email = np.where(is_second, selves.second_mailbox[person], selves.mailbox[person])
    # Phones capitalise the first letter of what is typed by hand.
    typed = is_guest & (rng.random(size) < CAPITALISED_SHARE)
    email[typed] = [address.capitalize() for address in email[typed]]
    return np.where(is_guest, NONE, account), email


def _draw_baskets(
    rng: np.random.Generator, catalogue: Catalogue, people: People, person: Ints
) -> tuple[Ints, Ints, Ints]:
    lines = 1 + rng.poisson(0.7, len(person))
    first_line = np.concatenate([[0], np.cumsum(lines)])
    buyer = np.repeat(person, lines)
    variant = draw_variants(rng, catalogue, people.taste[buyer], people.price_level[buyer])
    return first_line, variant, 1 + rng.poisson(0.35, len(buyer))


def _draw_fates(rng: np.random.Generator, world: World, ordered_at: Ints) -> tuple[Ints, Ints, Ints]:
    """When each order was cancelled, fulfilled, refunded; `NONE` where it was not."""
    size = len(ordered_at)
    fate = rng.random(size)
    is_cancelled = fate < world.cancelled_share
    is_refunded = ~is_cancelled & (fate < world.cancelled_share + world.refunded_share)
    cancelled_at = ordered_at + rng.integers(HOUR, 20 * HOUR, size)
    fulfilled_at = ordered_at + rng.integers(20 * HOUR, 60 * HOUR, size)
    refunded_at = fulfilled_at + rng.integers(2 * DAY, 11 * DAY, size)
    return (
        np.where(is_cancelled, cancelled_at, NONE),
        np.where(is_cancelled, NONE, fulfilled_at),
        np.where(is_refunded, refunded_at, NONE),
    )
