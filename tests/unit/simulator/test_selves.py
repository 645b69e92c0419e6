"""Every planted pathology of identity is there at its rate, and nothing real can be hit by an address or a phone."""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from simulator.arrays import NONE
from simulator.histories import History
from simulator.instants import DAY
from simulator.names import GMAIL_TAIL
from simulator.scenarios import SCENARIOS
from simulator.selves import PLACEHOLDER_EMAILS, PLACEHOLDER_PHONE
from simulator.world import World
from tests.unit.simulator.samples import SIZE, live_once, within

WORLD = World()
HUBS = SCENARIOS["hubs"].world


@pytest.fixture(scope="module")
def hubs() -> History:
    return live_once(HUBS, days=120)


def is_alone(history: History) -> np.ndarray:
    people = history.people
    return (people.company == NONE) & (people.chain == NONE)


@pytest.mark.parametrize("name", ["everyday", "hubs"])
def test_mailboxes_are_shared_at_the_planted_rates(name: str, request: pytest.FixtureRequest) -> None:
    history: History = request.getfixturevalue("history" if name == "everyday" else "hubs")
    world = SCENARIOS[name].world
    people, selves = history.people, history.selves
    may_share = ~people.is_guest & (people.company == NONE) & ~people.is_in_office
    pairs = may_share[1::2] & may_share[::2]
    joins = selves.mailbox_kind[1::2] == "household"
    assert within(joins[pairs].mean(), 2 * world.household_share, int(pairs.sum()))
    assert not joins[~pairs].any()
    hosts = np.flatnonzero(selves.mailbox_kind == "household") - 1
    assert (selves.mailbox[hosts] == selves.mailbox[hosts + 1]).all()
    assert (selves.street[hosts] == selves.street[hosts + 1]).all()
    users = Counter(selves.mailbox.tolist())
    assert users[f"info@office-{people.block}.example"] == world.info_people
    assert {count for address, count in users.items() if not address.startswith("info@")} == {1, 2}


@pytest.mark.parametrize("name", ["everyday", "hubs"])
def test_companies_share_a_domain_and_a_phone(name: str, request: pytest.FixtureRequest) -> None:
    history: History = request.getfixturevalue("history" if name == "everyday" else "hubs")
    world = SCENARIOS[name].world
    people, selves = history.people, history.selves
    companies = np.unique(people.company[people.company != NONE]).tolist()
    assert len(companies) == round(world.company_share * SIZE / world.company_size)
    for company in companies:
        members = people.company == company
        assert members.sum() == world.company_size
        assert len(set(selves.phone[members].tolist())) == 1
        assert {address.rpartition("@")[2] for address in selves.mailbox[members]} == {f"company-{company}.example"}
        assert len(set(selves.mailbox[members].tolist())) == world.company_size


@pytest.mark.parametrize("name", ["everyday", "hubs"])
def test_chains_link_strangers_by_phone_and_computer_in_turn(name: str, request: pytest.FixtureRequest) -> None:
    history: History = request.getfixturevalue("history" if name == "everyday" else "hubs")
    world = SCENARIOS[name].world
    people, selves = history.people, history.selves
    chains = np.unique(people.chain[people.chain != NONE]).tolist()
    assert len(chains) == round(world.chain_share * SIZE / world.chain_length)
    for chain in chains:
        members = np.flatnonzero(people.chain == chain)
        assert len(members) == world.chain_length
        for place, (one, other) in enumerate(pairwise(members)):
            has_phone, has_computer = (
                selves.phone[one] == selves.phone[other] != "",
                selves.device[one, 0] == selves.device[other, 0],
            )
            assert (has_phone, has_computer) == (place % 2 == 0, place % 2 == 1)


def test_the_bridge_joins_two_groups_by_one_change_of_phone(hubs: History, history: History) -> None:
    phones = defaultdict(set)
    for person, (phone, later) in enumerate(zip(hubs.selves.phone, hubs.selves.second_phone, strict=True)):
        for number in {phone, later} - {""}:
            phones[number].add(person)
    first, second = (phones[hubs.selves.phone[place]] for place in (0, HUBS.bridge_people))
    assert (len(first), len(second)) == (HUBS.bridge_people, HUBS.bridge_people + 1)
    assert first & second == {1}
    assert hubs.selves.phone_changed_at[1] > hubs.people.joined_at[1]
    largest = max(Counter(history.selves.phone[history.selves.phone != ""].tolist()).values())
    assert largest == WORLD.company_size


def test_other_selves_are_planted_at_their_rates(history: History) -> None:
    people, selves = history.people, history.selves
    may_have = ~people.is_guest & selves.is_mailbox_owner & (people.company == NONE)
    assert within((selves.second_account_id[may_have] != NONE).mean(), WORLD.second_mailbox_share, int(may_have.sum()))
    assert not (selves.second_account_id[~may_have] != NONE).any()
    has_phone = (selves.phone != "") & is_alone(history)
    assert within((selves.phone_changed_at[has_phone] != NONE).mean(), WORLD.changed_phone_share, int(has_phone.sum()))
    assert selves.uses_kiosk.sum() == round(SIZE * WORLD.kiosk_share)
    kiosk = history.sessions.device == selves.kiosk_device
    assert set(history.sessions.person[kiosk].tolist()) == set(np.flatnonzero(selves.uses_kiosk).tolist())


def test_guest_checkouts_bear_what_was_typed(history: History) -> None:
    people, selves, orders = history.people, history.selves, history.potential
    later = ~orders.is_renewal & (orders.ordered_at > people.joined_at[orders.person] + DAY)
    with_account = later & ~people.is_guest[orders.person]
    is_guest = orders.account_id == NONE
    size = int(with_account.sum())
    assert within(is_guest[with_account].mean(), WORLD.guest_checkout_share, size)
    typed = np.flatnonzero(is_guest & later)
    person, email = orders.person[typed], np.array([address.lower() for address in orders.email[typed]], dtype=object)
    is_main = email != selves.second_mailbox[person]
    placeholder = np.isin(email, PLACEHOLDER_EMAILS)
    # Guests check out as guests within and beyond the share.
    draws = int(is_main.sum())
    rolled = with_account[typed] | people.is_guest[person]
    assert rolled.all()
    typo, variant = email == selves.typo_mailbox[person], email == selves.variant_mailbox[person]
    may_typo, may_vary = is_main & (selves.typo_mailbox[person] != ""), is_main & (selves.variant_mailbox[person] != "")
    slips = with_account[typed]
    assert within(placeholder[slips].mean(), WORLD.placeholder_email_share, int(slips.sum()))
    assert within(typo[slips & may_typo].mean(), WORLD.typo_share, int((slips & may_typo).sum()))
    assert within(variant[slips & may_vary].mean(), WORLD.variant_share, int((slips & may_vary).sum()))
    assert draws > 500


def test_orders_bear_the_phone_of_their_time(history: History) -> None:
    selves, orders = history.selves, history.potential
    placeholder = orders.phone == PLACEHOLDER_PHONE
    assert within(placeholder.mean(), WORLD.placeholder_phone_share, len(orders))
    changed = (selves.phone_changed_at[orders.person] != NONE) & ~placeholder
    after = orders.ordered_at >= selves.phone_changed_at[orders.person]
    assert (orders.phone[changed & after] == selves.second_phone[orders.person[changed & after]]).all()
    rest = ~placeholder & ~(changed & after)
    assert (orders.phone[rest] == selves.phone[orders.person[rest]]).all()
    assert (changed & after).sum() > 100


def test_the_crm_knows_companies_and_a_share_of_the_others(history: History) -> None:
    people, selves, contacts = history.people, history.selves, history.contacts
    known = np.zeros(SIZE, dtype=np.bool_)
    known[contacts.person] = True
    may_be = selves.is_mailbox_owner & ~people.is_guest
    buys_alone = may_be & (people.company == NONE)
    assert known[may_be & (people.company != NONE)].all()
    assert within(known[buys_alone].mean(), WORLD.crm_share, int(buys_alone.sum()))
    assert not known[~may_be].any()
    assert len(set(contacts.id.tolist())) == len(contacts.id)
    first, second = contacts.id % 10 == 0, contacts.id % 10 == 1
    assert within((contacts.phone[first] == PLACEHOLDER_PHONE).mean(), WORLD.placeholder_phone_share, int(first.sum()))
    reachable = np.zeros(SIZE, dtype=np.bool_)
    reachable[contacts.person[first]] = True
    reachable &= (selves.second_mailbox != "") | (selves.variant_mailbox != "") | (selves.phone != "")
    assert within(second.sum() / reachable.sum(), WORLD.crm_duplicate_share, int(reachable.sum()))
    assert within((contacts.merged_at[second] != NONE).mean(), WORLD.crm_merged_share, int(second.sum()))


def test_merged_contacts_name_each_other(history: History) -> None:
    contacts = history.contacts
    survivors = np.flatnonzero(contacts.merged_id != NONE)
    by_id = {number: row for row, number in enumerate(contacts.id.tolist())}
    assert len(survivors) > 20
    for row in survivors.tolist():
        other = by_id[int(contacts.merged_id[row])]
        assert contacts.person[row] == contacts.person[other]
        assert contacts.merged_email[row] == contacts.email[other]
        assert (
            contacts.merged_at[row] == contacts.merged_at[other] > contacts.created_at[other] > contacts.created_at[row]
        )
        assert contacts.email[other] or contacts.phone[other]


def test_addresses_and_phones_are_nobodys(history: History) -> None:
    selves, orders = history.selves, history.orders
    addresses = {address.lower() for address in (*selves.mailbox, *selves.second_mailbox, *orders.email)} - {""}
    for address in addresses - set(PLACEHOLDER_EMAILS):
        name, _, domain = address.partition("@")
        if domain == "gmail.com":
            assert len(name.partition("+")[0].replace(".", "")) > 30
        else:
            assert re.fullmatch(r"example\.(com|org|net)|.+\.example", domain), address
    phones = {*selves.phone, *selves.second_phone} - {""}
    assert all(re.fullmatch(r"\+1555\d{7}", phone) for phone in phones)
    assert GMAIL_TAIL.count(".") == 4


def test_spellings_lead_to_the_same_inbox_and_slips_to_none(history: History) -> None:
    selves = history.selves

    def inbox(address: str) -> str:
        return address.partition("@")[0].partition("+")[0].replace(".", "")

    has_variant = np.flatnonzero(selves.variant_mailbox != "")
    pairs = zip(selves.mailbox[has_variant], selves.variant_mailbox[has_variant], strict=True)
    assert all(inbox(one) == inbox(other) and one != other for one, other in pairs)
    assert {"+" in address for address in selves.variant_mailbox[has_variant]} == {True, False}
    taken = Counter([*selves.mailbox[selves.is_mailbox_owner], *selves.typo_mailbox[selves.typo_mailbox != ""]])
    assert max(taken.values()) == 1
