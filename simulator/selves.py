"""Under which names a person meets the shop: mailboxes, accounts, phones, devices, and who shares them."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Bools, Ints, Texts, texts
from simulator.instants import DAY
from simulator.names import CITIES, DOMAIN_WEIGHTS, DOMAINS, FIRST_NAMES, LAST_NAMES, STREETS
from simulator.people import People
from simulator.world import World

NONE = -1
ACCOUNT_IDS = 6_100_000_000_000


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
    mailbox: Texts
    is_mailbox_owner: Bools
    """False for those who use the mailbox of another or of an office."""
    mailbox_kind: Texts
    """own, household or info."""
    second_mailbox: Texts
    account_id: Ints
    second_account_id: Ints
    second_joined_at: Ints
    device: Texts
    """Anonymous ids, shape (n, 2): computer and phone."""
    uses_kiosk: Bools
    kiosk_device: str


def draw_ids(rng: np.random.Generator, size: int, length: int = 32) -> list[str]:
    """Random hexadecimal ids of an even `length`."""
    pool = rng.bytes(size * length // 2).hex()
    return [pool[place : place + length] for place in range(0, size * length, length)]


def draw_selves(rng: np.random.Generator, world: World, people: People) -> Selves:
    """Give each person of a block their names, mailboxes, accounts and devices."""
    size = len(people)
    kind, partner = _draw_sharing(rng, world, people)
    first = rng.integers(0, len(FIRST_NAMES), size)
    last = rng.integers(0, len(LAST_NAMES), size)[partner]
    house = rng.integers(1, 240, size)[partner]
    street = rng.integers(0, len(STREETS), size)[partner]
    city = rng.integers(0, len(CITIES), size)[partner]
    mailbox = _name_mailboxes(rng, people, first, last)
    has_second = (rng.random(size) < world.second_mailbox_share) & ~people.is_guest & (kind == "own")
    second_joined_at = people.joined_at + rng.integers(10 * DAY, 60 * DAY, size)
    shared = mailbox[partner]
    shared[kind == "info"] = f"info@office-{people.block}.example"
    has_phone = (rng.random(size) < world.phone_share) | has_second
    account_id = ACCOUNT_IDS + people.number * 10
    devices = [f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}" for raw in draw_ids(rng, 2 * size + 1)]
    return Selves(
        first_name=texts([FIRST_NAMES[index] for index in first.tolist()]),
        last_name=texts([LAST_NAMES[index] for index in last.tolist()]),
        street=texts(
            [f"{number} {STREETS[index]}" for number, index in zip(house.tolist(), street.tolist(), strict=True)]
        ),
        city=city,
        zip_code=texts(
            [
                f"{CITIES[index][3]}{number % 100:02d}"
                for index, number in zip(city.tolist(), house.tolist(), strict=True)
            ]
        ),
        # Area code 555 is nobody's.
        phone=texts(
            [
                f"+1555{2_000_000 + number:07d}" if has else ""
                for number, has in zip(people.number.tolist(), has_phone.tolist(), strict=True)
            ]
        ),
        mailbox=shared,
        is_mailbox_owner=kind == "own",
        mailbox_kind=kind,
        second_mailbox=np.where(has_second, "home." + mailbox, ""),
        account_id=np.where(people.is_guest, NONE, account_id),
        second_account_id=np.where(has_second, account_id + 1, NONE),
        second_joined_at=np.where(has_second, second_joined_at, NONE),
        device=texts(devices[1:]).reshape(size, 2),
        uses_kiosk=_draw_kiosk_users(rng, world, size),
        kiosk_device=devices[0],
    )


def _draw_sharing(rng: np.random.Generator, world: World, people: People) -> tuple[Texts, Ints]:
    """The kind of mailbox, and the person whose home and mailbox it is (oneself for most)."""
    size = len(people)
    kind = texts(["own"] * size)
    partner = np.arange(size)
    has_account = np.flatnonzero(~people.is_guest)
    kind[rng.choice(has_account, min(world.info_people, len(has_account) // 3), replace=False)] = "info"
    # Neighbours by number live together: the odd one joins the even one, so that nobody joins a joiner.
    joins = rng.random(size) < 2 * world.household_share
    joins &= (np.arange(size) % 2 == 1) & ~people.is_guest & (kind == "own")
    host = np.maximum(np.arange(size) - 1, 0)
    joins &= ~people.is_guest[host] & (kind[host] == "own")
    kind[joins] = "household"
    partner[joins] = host[joins]
    return kind, partner


def _name_mailboxes(rng: np.random.Generator, people: People, first: Ints, last: Ints) -> Texts:
    domain = rng.choice(len(DOMAINS), len(people), p=DOMAIN_WEIGHTS)
    rows = zip(first.tolist(), last.tolist(), people.number.tolist(), domain.tolist(), strict=True)
    return texts([f"{FIRST_NAMES[a].lower()}.{LAST_NAMES[b].lower()}{number}@{DOMAINS[d]}" for a, b, number, d in rows])


def _draw_kiosk_users(rng: np.random.Generator, world: World, size: int) -> Bools:
    users = np.zeros(size, dtype=np.bool_)
    wanted = min(max(round(size * world.kiosk_share), 8), size)
    users[rng.choice(size, wanted, replace=False)] = True
    return users
