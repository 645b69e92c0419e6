"""When people buy, what is in the basket, and what becomes of the order."""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import NONE, Bools, Floats, Ints, Texts, take, texts
from simulator.catalogue import Catalogue, choose_variants, is_limited, limited_units, substitute
from simulator.instants import DAY, HOUR, MINUTE, draw_time_of_day, draw_wait
from simulator.mixing import fold, hex_ids, uniforms
from simulator.people import People
from simulator.selves import PLACEHOLDER_EMAILS, PLACEHOLDER_PHONE, Selves
from simulator.world import World

ORDER_IDS = 5_200_000_000_000
WEEKDAY = np.array([1.05, 1.0, 0.95, 0.95, 1.0, 0.95, 1.10])
"""From Monday; the mean is 1."""
RENEWAL_EVERY = 30
TAX_RATE = 0.07
FREE_SHIPPING_CENTS = 4_000
SHIPPING_CENTS = 495
DISCOUNT_RATE = 0.10
MORE_LINES, MORE_UNITS = 0.7, 0.35
"""Mean lines of an order beyond the first, and mean units of a line beyond the first: Poisson distributed."""
OWN = "own"
"""The cause of a purchase that needs no email; of any other, the cause is the flow of the email."""


class Purchases(NamedTuple):
    """Decisions to buy, before there is an order, those included that would have been made in the other arm: shape (m,) each."""

    person: Ints
    bought_at: Ints
    is_renewal: Bools
    cause: Texts
    if_treated: Bools
    """Happens if the person gets the email of the recorded experiment; for whoever is not in it, the same as `if_control`."""
    if_control: Bools
    happens: Bools
    """Happens in the arm that the person is in."""


@dataclass(frozen=True)
class Orders:
    """Orders by time, those that do not happen included; one entry per order, shape (m,), or per line where the name says so."""

    id: Ints
    number: Ints
    person: Ints
    ordered_at: Ints
    account_id: Ints
    """`NONE` for a guest checkout."""
    email: Texts
    phone: Texts
    """As of the address; empty for none."""
    is_renewal: Bools
    cause: Texts
    if_treated: Bools
    if_control: Bools
    happens: Bools
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

    def keep(self, rows: Bools) -> "Orders":
        """Some of the orders with their lines; `rows` has shape (m,)."""
        counts = np.diff(self.first_line)
        lines = np.repeat(rows, counts)
        columns = {
            field.name: getattr(self, field.name)[lines if field.name.startswith("line_") else rows]
            for field in fields(self)
            if field.name != "first_line"
        }
        return Orders(first_line=np.concatenate([[0], np.cumsum(counts[rows])]), **columns)


class _Checkout(NamedTuple):
    """What each order bears, shape (m,)."""

    account_id: Ints
    email: Texts
    phone: Texts


class _Baskets(NamedTuple):
    """The lines of all orders."""

    first_line: Ints
    variant: Ints
    quantity: Ints


def season_by_day(days: int, start: int, *, swing: float = World.season_swing) -> Floats:
    """Demand of each day against the mean of a year, shape (days,): weekday times a winter peak."""
    day = start // DAY + np.arange(days)
    weekday = WEEKDAY[(day + 3) % 7]
    season: Floats = weekday * (1 + swing * np.cos(2 * np.pi * ((day % 365.25) + 20) / 365.25))
    return season


def demand_by_day(world: World, *, days: int, until: int, start: int) -> Floats:
    """What the purchase rates are multiplied by on each day: the season, and the drift from its day on, shape (until,)."""
    has_drifted = np.arange(until) >= world.drift_from * days
    drift = np.where(has_drifted & (world.drift_from < 1), world.drift_purchases, 1.0)
    return season_by_day(until, start, swing=world.season_swing) * drift


def draw_purchases(
    rng: np.random.Generator, world: World, people: People, *, days: int, until: int, start: int
) -> Purchases:
    """Purchases that need no email: at sign-up, by the personal rate until the dropout, and subscription renewals.

    Given the demand, purchases are a Poisson process: their number follows from the demand of a person's whole life in the
    window, and each falls where it divides that demand evenly.
    """
    grown = np.concatenate([[0.0], np.cumsum(demand_by_day(world, days=days, until=until, start=start))])
    day = np.arange(until + 1)
    first, last = (np.interp(instant, day, grown) for instant in (people.alive_from, people.alive_until))
    person = np.repeat(np.arange(len(people)), rng.poisson(people.purchase_rate * np.maximum(last - first, 0.0)))
    reached = first[person] + rng.random(len(person)) * (last - first)[person]
    bought_on = np.floor(np.interp(reached, grown, day)).astype(np.int64).clip(0, until - 1)
    bought_at = start + bought_on * DAY + draw_time_of_day(rng, people.store[person])
    bought_at = np.maximum(bought_at, people.joined_at[person] + 20 * MINUTE)
    joining = np.flatnonzero(people.buys_at_sign_up)
    joined_at = people.joined_at[joining] + rng.integers(4 * MINUTE, 25 * MINUTE, len(joining))
    renewing, renewed_at = _draw_renewals(rng, people, until=until, start=start)
    size = len(person) + len(joining) + len(renewing)
    always = np.ones(size, dtype=np.bool_)
    return Purchases(
        person=np.concatenate([person, joining, renewing]),
        bought_at=np.concatenate([bought_at, joined_at, renewed_at]),
        is_renewal=np.arange(size) >= size - len(renewing),
        cause=np.full(size, OWN, dtype=object),
        if_treated=always,
        if_control=always,
        happens=always,
    )


def _draw_renewals(rng: np.random.Generator, people: People, *, until: int, start: int) -> tuple[Ints, Ints]:
    holders = np.flatnonzero(people.has_subscription)
    cycle = np.arange(1, until // RENEWAL_EVERY + 2) * RENEWAL_EVERY
    phase = rng.uniform(-RENEWAL_EVERY, 0, len(holders)) * people.is_existing[holders]
    due = (people.alive_from[holders] + phase)[:, None] + cycle
    happens = (due < people.alive_until[holders][:, None]) & (due < until)
    row, column = np.nonzero(happens)
    # The subscription app charges everyone in one early batch.
    renewed_at = (
        start + np.floor(due[row, column]).astype(np.int64) * DAY + 5 * HOUR + draw_wait(rng, 10 * MINUTE, len(row))
    )
    return holders[row], renewed_at


class _Dice:
    """Uniform draws of rows that depend on the key, the row's index and the purpose alone."""

    def __init__(self, key: int, index: NDArray[np.uint64]) -> None:
        self._key, self._index, self._purpose = key, index, 0

    def roll(self) -> Floats:
        """The next draw of every row, shape (n,)."""
        self._purpose += 1
        return uniforms(self._key + self._purpose, self._index)


def place_orders(
    key: int, world: World, catalogue: Catalogue, people: People, selves: Selves, purchases: Purchases
) -> Orders:
    """Turn purchases into orders with baskets, amounts and a fate; ids follow time.

    What is drawn for a purchase depends on the key, the person and the time alone, so that the same purchase makes the same
    order among any others, but for the limited roast: what is left of it depends on who bought before.

    Args:
        key: Of the draws.
        world: Rates.
        catalogue: The assortment.
        people: The block.
        selves: Their accounts and addresses.
        purchases: All of them, in any order.

    Returns:
        One order per purchase.
    """
    purchases = take(purchases, np.lexsort((purchases.person, purchases.bought_at)))
    person, ordered_at = purchases.person, purchases.bought_at
    size = len(person)
    index = fold(people.number[person], ordered_at)
    dice = _Dice(key, index)
    checkout = _choose_checkout(dice, world, people, selves, purchases)
    has_discount = (dice.roll() < world.discount_share) & ~purchases.is_renewal
    baskets = _fill_baskets(dice, key, index, world, catalogue, people, purchases)
    first_line, variant, quantity = baskets
    line_cents = catalogue.price_cents[variant] * quantity
    line_discount = np.rint(line_cents * DISCOUNT_RATE * np.repeat(has_discount, np.diff(first_line))).astype(np.int64)
    items, discount = (
        np.add.reduceat(cents, first_line[:-1]) if size else first_line[:0] for cents in (line_cents, line_discount)
    )
    shipping = np.where(items - discount >= FREE_SHIPPING_CENTS, 0, SHIPPING_CENTS)
    tax = np.rint((items - discount) * TAX_RATE).astype(np.int64)
    total = items - discount + shipping + tax
    cancelled_at, fulfilled_at, refunded_at = _choose_fates(dice, world, ordered_at)
    is_full = (dice.roll() < world.full_refund_share) | (np.diff(first_line) == 1)
    refund = np.where(is_full, total, (line_cents - line_discount)[first_line[:-1]] if size else total)
    refund = np.where(cancelled_at != NONE, total, np.where(refunded_at != NONE, refund, 0))
    return Orders(
        id=ORDER_IDS + people.block * 10_000_000 + np.arange(size),
        number=1001 + people.block * 10_000_000 + np.arange(size),
        person=person,
        ordered_at=ordered_at,
        account_id=checkout.account_id,
        email=checkout.email,
        phone=checkout.phone,
        is_renewal=purchases.is_renewal,
        cause=purchases.cause,
        if_treated=purchases.if_treated,
        if_control=purchases.if_control,
        happens=purchases.happens,
        is_test=dice.roll() < world.test_order_share,
        cart_token=texts(hex_ids(key, index)),
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


def _choose_checkout(dice: _Dice, world: World, people: People, selves: Selves, purchases: Purchases) -> _Checkout:
    """The account (or none), the address and the phone that each order bears."""
    person, ordered_at = purchases.person, purchases.bought_at
    second_open = (selves.second_joined_at[person] != NONE) & (ordered_at > selves.second_joined_at[person])
    is_second = second_open & (dice.roll() < world.second_account_order_share) & ~purchases.is_renewal
    is_first_order = ordered_at < people.joined_at[person] + HOUR
    is_guest = (dice.roll() < world.guest_checkout_share) & ~purchases.is_renewal & ~is_first_order
    account = np.where(is_second, selves.second_account_id[person], selves.account_id[person])
    email = np.where(is_second, selves.second_mailbox[person], selves.mailbox[person])
    email = np.where(is_guest, _type_addresses(dice, world, selves, person, email), email)
    phone = np.where(
        (selves.phone_changed_at[person] != NONE) & (ordered_at >= selves.phone_changed_at[person]),
        selves.second_phone[person],
        selves.phone[person],
    )
    phone[dice.roll() < world.placeholder_phone_share] = PLACEHOLDER_PHONE
    return _Checkout(np.where(is_guest, NONE, account), email, phone)


def _type_addresses(dice: _Dice, world: World, selves: Selves, person: Ints, email: Texts) -> Texts:
    """What is typed at a guest checkout: a slip, another spelling, a placeholder, or the address with a capital letter."""
    slip, which, is_capital = dice.roll(), dice.roll(), dice.roll() < world.capitalised_share
    typo, variant = selves.typo_mailbox[person], selves.variant_mailbox[person]
    is_main = email == selves.mailbox[person]
    typed = email.copy()
    edges = np.cumsum([world.placeholder_email_share, world.typo_share, world.variant_share])
    is_placeholder = slip < edges[0]
    typed[is_placeholder] = texts(list(PLACEHOLDER_EMAILS))[(which[is_placeholder] * 2).astype(np.int64)]
    has_typo = ~is_placeholder & (slip < edges[1]) & (typo != "") & is_main
    typed[has_typo] = typo[has_typo]
    is_variant = (slip >= edges[1]) & (slip < edges[2]) & (variant != "") & is_main
    typed[is_variant] = variant[is_variant]
    # Phones capitalise the first letter of what is typed by hand.
    is_capital &= ~is_placeholder
    typed[is_capital] = [address.capitalize() for address in typed[is_capital]]
    return typed


def _fill_baskets(
    dice: _Dice,
    key: int,
    index: NDArray[np.uint64],
    world: World,
    catalogue: Catalogue,
    people: People,
    purchases: Purchases,
) -> _Baskets:
    lines = 1 + _poisson(dice.roll(), MORE_LINES)
    first_line = np.concatenate([[0], np.cumsum(lines)])
    place = np.arange(first_line[-1]) - np.repeat(first_line[:-1], lines)
    buyer = np.repeat(purchases.person, lines)
    by_line = _Dice(key + 100, fold(np.repeat(index, lines), place))
    rolls = by_line.roll(), by_line.roll(), by_line.roll()
    variant = choose_variants(catalogue, people.taste[buyer], people.price_level[buyer], rolls)
    quantity = 1 + _poisson(by_line.roll(), MORE_UNITS)
    stock = limited_units(world.limited_stock, len(people))
    return _Baskets(first_line, *_sell_out(catalogue, stock, variant, quantity, np.repeat(purchases.happens, lines)))


def _poisson(uniform: Floats, mean: float) -> Ints:
    """Poisson numbers up to 12 by inversion, shape (n,)."""
    chances = np.exp(-mean) * np.cumprod(np.concatenate([[1.0], mean / np.arange(1, 13)]))
    numbers: Ints = np.searchsorted(np.cumsum(chances), uniform).clip(0, 12)
    return numbers


def _sell_out(catalogue: Catalogue, stock: int, variant: Ints, quantity: Ints, happens: Bools) -> tuple[Ints, Ints]:
    """Lines in the order of time as the shelf allows: the last units of what is limited, and afterwards something else."""
    variant, quantity = variant.copy(), quantity.copy()
    for scarce in np.flatnonzero(is_limited(catalogue)).tolist():
        wanted = np.flatnonzero(variant == scarce)
        units = quantity[wanted] * happens[wanted]
        left = np.maximum(stock - (np.cumsum(units) - units), 0)
        is_gone = left == 0
        quantity[wanted] = np.where(is_gone, quantity[wanted], np.minimum(quantity[wanted], left))
        variant[wanted[is_gone]] = substitute(catalogue, variant[wanted[is_gone]])
    return variant, quantity


def _choose_fates(dice: _Dice, world: World, ordered_at: Ints) -> tuple[Ints, Ints, Ints]:
    """When each order was cancelled, fulfilled, refunded; `NONE` where it was not."""
    fate = dice.roll()
    is_cancelled = fate < world.cancelled_share
    is_refunded = ~is_cancelled & (fate < world.cancelled_share + world.refunded_share)
    cancelled_at = ordered_at + _between(dice.roll(), HOUR, 20 * HOUR)
    fulfilled_at = ordered_at + _between(dice.roll(), 20 * HOUR, 60 * HOUR)
    refunded_at = fulfilled_at + _between(dice.roll(), 2 * DAY, 11 * DAY)
    return (
        np.where(is_cancelled, cancelled_at, NONE),
        np.where(is_cancelled, NONE, fulfilled_at),
        np.where(is_refunded, refunded_at, NONE),
    )


def _between(uniform: Floats, low: int, high: int) -> Ints:
    return (low + uniform * (high - low)).astype(np.int64)
