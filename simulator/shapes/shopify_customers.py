"""Customers as the Shopify Admin API returns them: at sign-up, and again when their consent changes."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, Texts, stack, texts
from simulator.consents import OptIns
from simulator.instants import HOUR, write_local
from simulator.people import People
from simulator.purchases import Orders
from simulator.selves import Selves
from simulator.shapes.shopify_orders import address_texts, store_zones

RECORD = (
    '{"id":%(id)s,"admin_graphql_api_id":"gid://shopify/Customer/%(id)s","email":"%(email)s","phone":%(phone)s,"first_name":"%(first)s",'
    '"last_name":"%(last)s","created_at":"%(created)s","updated_at":"%(updated)s","state":"enabled","verified_email":true,"orders_count":%(orders)s,'
    '"note":null,"multipass_identifier":null,"tax_exempt":false,"currency":"USD","tags":"%(tags)s",'
    '"email_marketing_consent":{"state":"%(state)s","opt_in_level":%(level)s,"consent_updated_at":%(consented)s},'
    '"sms_marketing_consent":null,"default_address":%(address)s}'
)


class CustomerVersions(NamedTuple):
    """Customer records as they stood after each change, shape (m,) each."""

    text: list[str]
    account_id: Ints
    updated_at: Ints


class _Version(NamedTuple):
    """Rows of one kind of change."""

    person: Ints
    account_id: Ints
    email: Texts
    created_at: Ints
    updated_at: Ints
    state: Texts
    consented_at: Ints


def write_customers(
    people: People,
    selves: Selves,
    opt_ins: OptIns,
    orders: Orders,
    *,
    unsubscribed_at: Ints,
    is_synced: Bools,
    start: int,
) -> CustomerVersions:
    """All versions of all accounts.

    Args:
        people: The block.
        selves: Their accounts.
        opt_ins: How they consented.
        orders: For the counts that the record shows.
        unsubscribed_at: When each left the list by an email, `NONE` otherwise, shape (n,).
        is_synced: Whether the ESP tells the shop about it, shape (n,).
        start: First millisecond of the window: the day on which those who were there before are exported.

    Returns:
        The versions; customers of a guest checkout have none.
    """
    versions = [
        _created(people, selves, opt_ins, start),
        _second_accounts(selves),
        _confirmed(people, selves, opt_ins),
        _unsubscribed(people, selves, unsubscribed_at, is_synced),
        _phone_changed(people, selves, opt_ins, np.where(is_synced, unsubscribed_at, NONE)),
    ]
    merged = stack(*versions)
    return CustomerVersions(
        text=_write(people, selves, opt_ins, orders, merged),
        account_id=merged.account_id,
        updated_at=np.maximum(merged.updated_at, start),
    )


def _created(people: People, selves: Selves, opt_ins: OptIns, start: int) -> _Version:
    person = np.flatnonzero(selves.account_id != NONE)
    joined_at, confirmed_at = people.joined_at[person], opt_ins.confirmed_at[person]
    # The first export shows old customers as they stand by then.
    is_confirmed = (confirmed_at != NONE) & (confirmed_at < start)
    state = np.where(people.has_consented[person], "subscribed", "not_subscribed")
    state = np.where(opt_ins.is_double[person] & ~is_confirmed, "pending", state)
    updated_at = np.where(is_confirmed, confirmed_at, joined_at)
    consented_at = np.where(people.has_consented[person], updated_at, NONE)
    return _Version(
        person,
        selves.account_id[person],
        selves.mailbox[person],
        joined_at,
        updated_at,
        texts(state.tolist()),
        consented_at,
    )


def _second_accounts(selves: Selves) -> _Version:
    person = np.flatnonzero(selves.second_account_id != NONE)
    at = selves.second_joined_at[person]
    state = texts(["not_subscribed"] * len(person))
    return _Version(
        person,
        selves.second_account_id[person],
        selves.second_mailbox[person],
        at,
        at,
        state,
        np.full(len(person), NONE),
    )


def _confirmed(people: People, selves: Selves, opt_ins: OptIns) -> _Version:
    person = np.flatnonzero((opt_ins.confirmed_at != NONE) & (selves.account_id != NONE) & ~people.is_existing)
    at = opt_ins.confirmed_at[person]
    state = texts(["subscribed"] * len(person))
    return _Version(person, selves.account_id[person], selves.mailbox[person], people.joined_at[person], at, state, at)


def _unsubscribed(people: People, selves: Selves, unsubscribed_at: Ints, is_synced: Bools) -> _Version:
    person = np.flatnonzero((unsubscribed_at != NONE) & is_synced & (selves.account_id != NONE))
    at = unsubscribed_at[person] + 2 * HOUR
    state = texts(["unsubscribed"] * len(person))
    return _Version(person, selves.account_id[person], selves.mailbox[person], people.joined_at[person], at, state, at)


def _phone_changed(people: People, selves: Selves, opt_ins: OptIns, unsubscribed_at: Ints) -> _Version:
    person = np.flatnonzero((selves.phone_changed_at != NONE) & (selves.account_id != NONE))
    at, left_at, confirmed_at = selves.phone_changed_at[person], unsubscribed_at[person], opt_ins.confirmed_at[person]
    is_confirmed = (confirmed_at != NONE) & (confirmed_at <= at)
    has_left = (left_at != NONE) & (left_at + 2 * HOUR <= at)
    state = np.where(people.has_consented[person], "subscribed", "not_subscribed")
    state = np.where(opt_ins.is_double[person] & ~is_confirmed, "pending", state)
    consented_at = np.where(people.has_consented[person], people.joined_at[person], NONE)
    consented_at = np.where(is_confirmed, confirmed_at, consented_at)
    return _Version(
        person, selves.account_id[person], selves.mailbox[person], people.joined_at[person], at,
        texts(np.where(has_left, "unsubscribed", state).tolist()), np.where(has_left, left_at + 2 * HOUR, consented_at),
    )  # fmt: skip


def phones_at(selves: Selves, person: Ints, at: Ints) -> Texts:
    """The phone that each person has at an instant, shape (m,); empty for none."""
    has_changed = (selves.phone_changed_at[person] != NONE) & (at >= selves.phone_changed_at[person])
    phones: Texts = np.where(has_changed, selves.second_phone[person], selves.phone[person])
    return phones


def _write(people: People, selves: Selves, opt_ins: OptIns, orders: Orders, version: _Version) -> list[str]:
    person = version.person
    zone = store_zones(people)[person]
    level = np.where(opt_ins.is_double, '"confirmed_opt_in"', '"single_opt_in"')
    consented = write_local(version.consented_at, zone).tolist()
    phones = phones_at(selves, person, version.updated_at)
    columns = {
        "id": version.account_id.tolist(),
        "email": version.email.tolist(),
        "phone": [f'"{phone}"' if phone else "null" for phone in phones.tolist()],
        "first": selves.first_name[person].tolist(),
        "last": selves.last_name[person].tolist(),
        "created": write_local(version.created_at, zone).tolist(),
        "updated": write_local(version.updated_at, zone).tolist(),
        "orders": _count_orders(orders, version).tolist(),
        "tags": ["subscription" if value else "" for value in people.has_subscription[person].tolist()],
        "state": version.state.tolist(),
        "level": np.where(version.state == "not_subscribed", '"single_opt_in"', level[person]).tolist(),
        "consented": [
            f'"{text}"' if at != NONE else "null"
            for text, at in zip(consented, version.consented_at.tolist(), strict=True)
        ],
        "address": address_texts(selves, person, phones),
    }
    names = list(columns)
    return [RECORD % dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _count_orders(orders: Orders, version: _Version) -> Ints:
    """Orders of each account up to the version, shape (m,)."""
    # One sortable number per (account, time): times fit into 45 bits, accounts are taken relative to the block's first.
    base = int(version.account_id.min(initial=0)) if len(version.account_id) else 0
    placed = orders.account_id != NONE
    keys = np.sort((orders.account_id[placed] - base) * (1 << 42) + orders.ordered_at[placed])
    account = (version.account_id - base) * (1 << 42)
    return np.searchsorted(keys, account + version.updated_at, side="right") - np.searchsorted(keys, account)
