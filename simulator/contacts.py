"""Whom the CRM knows, some of them twice until somebody merges the two."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Ints, Texts, stack
from simulator.instants import DAY
from simulator.people import People
from simulator.selves import PLACEHOLDER_PHONE, Selves
from simulator.world import World

CONTACT_IDS = 31_000_000_000


class Contacts(NamedTuple):
    """Contacts of the CRM, shape (c,) each; a contact is exported when created, and again when it takes in another."""

    person: Ints
    id: Ints
    email: Texts
    """Empty where only the phone is known."""
    phone: Texts
    company: Ints
    """`NONE` for people who buy for themselves."""
    created_at: Ints
    merged_id: Ints
    """The contact that this one took in, `NONE` for most."""
    merged_email: Texts
    """The other's address."""
    merged_at: Ints
    """`NONE` where nothing was merged; an absorbed contact has it too, and is not exported from then on."""


def draw_contacts(rng: np.random.Generator, world: World, people: People, selves: Selves) -> Contacts:
    """Everybody who buys for a company and a share of the others with an account; a shared mailbox is no contact."""
    may_be = selves.is_mailbox_owner & ~people.is_guest
    is_known = may_be & ((rng.random(len(people)) < world.crm_share) | (people.company != NONE))
    person = np.flatnonzero(is_known)
    size = len(person)
    phone = selves.phone[person].copy()
    phone[rng.random(size) < world.placeholder_phone_share] = PLACEHOLDER_PHONE
    created_at = people.joined_at[person] + rng.integers(DAY, 4 * DAY, size)
    others = np.where(selves.second_mailbox != "", selves.second_mailbox, selves.variant_mailbox)[person]
    is_twice = (rng.random(size) < world.crm_duplicate_share) & ((others != "") | (selves.phone[person] != ""))
    again_at = np.maximum(created_at, selves.second_joined_at[person]) + rng.integers(5 * DAY, 60 * DAY, size)
    merged_at = again_at + rng.integers(10 * DAY, 60 * DAY, size)
    is_merged = is_twice & (rng.random(size) < world.crm_merged_share)
    none, empty = np.full(size, NONE), np.full(size, "", dtype=object)
    identity = CONTACT_IDS + people.number[person] * 10
    merged_at = np.where(is_merged, merged_at, NONE)
    first = Contacts(
        person=person,
        id=identity,
        email=selves.mailbox[person],
        phone=phone,
        company=people.company[person],
        created_at=created_at,
        merged_id=np.where(is_merged, identity + 1, NONE),
        merged_email=np.where(is_merged, others, ""),
        merged_at=merged_at,
    )
    second = Contacts(
        person=person, id=identity + 1, email=others, phone=selves.phone[person], company=people.company[person],
        created_at=again_at, merged_id=none, merged_email=empty, merged_at=merged_at,
    )  # fmt: skip
    return stack(first, Contacts(*(column[is_twice] for column in second)))
