"""Under which names a person meets the shop: mailboxes, accounts, phones, devices, and who shares them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, Texts, texts
from simulator.instants import DAY
from simulator.names import (
    CITIES,
    DOMAIN_WEIGHTS,
    DOMAINS,
    FIRST_NAMES,
    GMAIL,
    GMAIL_TAIL,
    LAST_NAMES,
    STORE_CITIES,
    STREETS,
)
from simulator.people import People, bridge_size
from simulator.world import World

ACCOUNT_IDS = 6_100_000_000_000
PLACEHOLDER_PHONE = "0000000000"
PLACEHOLDER_EMAILS = ("test@test.com", "noemail@noemail.com")


@dataclass(frozen=True)
class Selves:
    """One entry per person, shape (n,) unless noted; `NONE` and the empty string say that there is none."""

    first_name: Texts
    last_name: Texts
    street: Texts
    city: Ints
    """Index into `CITIES`."""
    zip_code: Texts
    phone: Texts
    second_phone: Texts
    """The number from `phone_changed_at` on."""
    phone_changed_at: Ints
    mailbox: Texts
    is_mailbox_owner: Bools
    """False for those who use the mailbox of another or of an office."""
    mailbox_kind: Texts
    """own, household or info."""
    second_mailbox: Texts
    variant_mailbox: Texts
    """Another spelling of the mailbox, which the provider takes for the same."""
    typo_mailbox: Texts
    """What the mailbox becomes when one letter is missed: no mailbox of anybody."""
    account_id: Ints
    second_account_id: Ints
    second_joined_at: Ints
    device: Texts
    """Anonymous ids, shape (n, 2): computer and phone."""
    uses_kiosk: Bools
    kiosk_device: str


class _Homes(NamedTuple):
    """Who shares what: the kind of mailbox, and for each person whose home and mailbox, phone and computer it is."""

    kind: Texts
    home: Ints
    phone: Ints
    computer: Ints


def draw_ids(rng: np.random.Generator, size: int, length: int = 32) -> list[str]:
    """Random hexadecimal ids of an even `length`."""
    pool = rng.bytes(size * length // 2).hex()
    return [pool[place : place + length] for place in range(0, size * length, length)]


def draw_selves(rng: np.random.Generator, world: World, people: People, *, days: int, start: int) -> Selves:
    """Give each person of a block their names, mailboxes, accounts and devices."""
    size = len(people)
    homes = _draw_homes(rng, world, people)
    home, is_own = homes.home, homes.kind == "own"
    first = rng.integers(0, len(FIRST_NAMES), size)
    last = rng.integers(0, len(LAST_NAMES), size)[home]
    house = rng.integers(1, 240, size)[home].tolist()
    street = rng.integers(0, len(STREETS), size)[home].tolist()
    first_city, cities = np.array(STORE_CITIES)[people.store].T
    city = (first_city + (rng.random(size) * cities).astype(np.int64))[home]
    own_mailbox, variant = _name_mailboxes(rng, people, first, last)
    mailbox = own_mailbox[home]
    mailbox[homes.kind == "info"] = f"info@office-{people.block}.example"
    has_second = rng.random(size) < world.second_mailbox_share
    has_second &= ~people.is_guest & is_own & (people.company == NONE)
    second_joined_at = people.joined_at + rng.integers(10 * DAY, 60 * DAY, size)
    account_id = ACCOUNT_IDS + people.number * 10
    phone, second_phone, phone_changed_at = _draw_phones(rng, world, people, homes, has_second, days=days, start=start)
    devices = [f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}" for raw in draw_ids(rng, 2 * size + 1)]
    device = texts(devices[1:]).reshape(size, 2)
    device[:, 0] = device[homes.computer, 0]
    zip_heads = [place[3] for place in CITIES]
    return Selves(
        first_name=texts(list(FIRST_NAMES))[first],
        last_name=texts(list(LAST_NAMES))[last],
        street=texts([f"{number} {STREETS[index]}" for number, index in zip(house, street, strict=True)]),
        city=city,
        zip_code=texts([f"{zip_heads[at]}{number % 100:02d}" for at, number in zip(city.tolist(), house, strict=True)]),
        phone=phone,
        second_phone=second_phone,
        phone_changed_at=phone_changed_at,
        mailbox=mailbox,
        is_mailbox_owner=is_own,
        mailbox_kind=homes.kind,
        second_mailbox=np.where(has_second, "home." + own_mailbox, ""),
        variant_mailbox=np.where(is_own, variant, ""),
        typo_mailbox=np.where(is_own, texts([address[0] + address[2:] for address in own_mailbox.tolist()]), ""),
        account_id=np.where(people.is_guest, NONE, account_id),
        second_account_id=np.where(has_second, account_id + 1, NONE),
        second_joined_at=np.where(has_second, second_joined_at, NONE),
        device=device,
        uses_kiosk=_draw_kiosk_users(rng, world, size),
        kiosk_device=devices[0],
    )


def _draw_homes(rng: np.random.Generator, world: World, people: People) -> _Homes:
    size = len(people)
    kind = np.full(size, "own", dtype=object)
    kind[people.is_in_office] = "info"
    home, phone, computer = (np.arange(size) for _ in range(3))
    # Neighbours by number live together: the odd one joins the even one, so that nobody joins a joiner.
    host = np.maximum(np.arange(size) - 1, 0)
    may_share = ~people.is_guest & (kind == "own") & (people.company == NONE)
    joins = (rng.random(size) < 2 * world.household_share) & (np.arange(size) % 2 == 1) & may_share & may_share[host]
    kind[joins] = "household"
    home[joins] = host[joins]
    buyers = np.flatnonzero(people.company != NONE)
    _, head, group = np.unique(people.company[buyers], return_index=True, return_inverse=True)
    phone[buyers] = buyers[head][group]
    # Links of a chain are a phone and a computer in turn.
    linked = np.flatnonzero((people.chain != NONE) & (people.chain == people.chain[host]) & (host < np.arange(size)))
    members = np.flatnonzero(people.chain != NONE)
    _, head, group = np.unique(people.chain[members], return_index=True, return_inverse=True)
    place = np.zeros(size, dtype=np.int64)
    place[members] = members - members[head][group]
    by_phone = place[linked] % 2 == 1
    phone[linked[by_phone]] = host[linked[by_phone]]
    computer[linked[~by_phone]] = host[linked[~by_phone]]
    bridged = bridge_size(world, people.block, size)
    phone[: 2 * bridged] = np.repeat([0, bridged], bridged)
    return _Homes(kind, home, phone, computer)


def _draw_phones(
    rng: np.random.Generator, world: World, people: People, homes: _Homes, has_second: Bools, *, days: int, start: int
) -> tuple[Texts, Texts, Ints]:
    """The phone of each person, the one after a change, and when it changed."""
    size = len(people)
    bridged = bridge_size(world, people.block, size)
    is_shared = np.bincount(homes.phone, minlength=size)[homes.phone] > 1
    has_phone = (rng.random(size) < world.phone_share) | has_second | is_shared
    # Area code 555 is nobody's.
    numbers = texts([f"+1555{2_000_000 + number:07d}" for number in people.number.tolist()])
    phone = np.where(has_phone, numbers[homes.phone], "")
    changed_at = np.maximum(start + (rng.random(size) * days * DAY).astype(np.int64), people.joined_at + DAY)
    changes = (rng.random(size) < world.changed_phone_share) & has_phone & ~is_shared
    new_numbers = texts([f"+1555{6_000_000 + number:07d}" for number in people.number.tolist()])
    if bridged:
        changes[1] = True
        new_numbers[1] = numbers[bridged]
        changed_at[1] = max(start + days // 2 * DAY, int(people.joined_at[1]) + DAY)
    return phone, np.where(changes, new_numbers, ""), np.where(changes, changed_at, NONE)


def _name_mailboxes(rng: np.random.Generator, people: People, first: Ints, last: Ints) -> tuple[Texts, Texts]:
    """The mailbox of each person, and for those at Gmail another spelling: tagged for even numbers, without dots for odd ones."""
    domain = rng.choice(len(DOMAINS), len(people), p=DOMAIN_WEIGHTS)
    domain[people.company != NONE] = NONE
    rows = zip(
        first.tolist(), last.tolist(), people.number.tolist(), domain.tolist(), people.company.tolist(), strict=True
    )
    mailboxes, variants = [], []
    for given, family, number, place, company in rows:
        name, variant = f"{FIRST_NAMES[given].lower()}.{LAST_NAMES[family].lower()}", ""
        if place == GMAIL:
            name = f"{name}.{number:06d}.{GMAIL_TAIL}"
            variant = f"{name}+shop@gmail.com" if number % 2 == 0 else f"{name.replace('.', '')}@gmail.com"
            mailboxes.append(f"{name}@gmail.com")
        else:
            mailboxes.append(f"{name}{number}@{DOMAINS[place] if company == NONE else f'company-{company}.example'}")
        variants.append(variant)
    return texts(mailboxes), texts(variants)


def _draw_kiosk_users(rng: np.random.Generator, world: World, size: int) -> Bools:
    users = np.zeros(size, dtype=np.bool_)
    wanted = min(max(round(size * world.kiosk_share), 8), size) if world.kiosk_share else 0
    users[rng.choice(size, wanted, replace=False)] = True
    return users
