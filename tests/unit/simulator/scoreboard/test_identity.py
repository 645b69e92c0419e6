"""Pairs counted from cell sizes are the pairs counted one by one."""

from collections.abc import Callable
from datetime import date
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.scoreboard.identity import score_identity
from tests.unit.simulator.scoreboard.conftest import DAY, Shop, mailbox_hash

FROM, TO = date(2025, 1, 1), date(9999, 12, 31)


def resolve(shop: Shop, customers: dict[str, str]) -> None:
    shop.land(marts__identity_map=[(key, customer, key, FROM, TO) for key, customer in customers.items()])


# For each profile: its customer, and the one or two persons whose it is.
PROFILES = st.lists(
    st.tuples(st.integers(0, 4), st.sets(st.integers(0, 4), min_size=1, max_size=2)), min_size=1, max_size=14
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(profiles=PROFILES)
def test_pairs_are_those_counted_one_by_one(new_shop: Callable[[], Shop], profiles: list[tuple[int, set[int]]]) -> None:
    shop = new_shop()
    resolve(shop, {f"shopify:{key}": f"c{customer}" for key, (customer, _) in enumerate(profiles)})
    shop.plant(
        profiles=[
            (f"shopify:{key}", person, len(persons) > 1)
            for key, (_, persons) in enumerate(profiles)
            for person in persons
        ]
    )

    score = score_identity(shop.connection, DAY)

    own = [(customer, min(persons)) for customer, persons in profiles if len(persons) == 1]
    pairs = list(combinations(own, 2))
    persons_of = {customer: {person for other, person in own if other == customer} for customer, _ in own}
    customers_of = {person: {customer for customer, other in own if other == person} for _, person in own}
    assert score.found_pairs == sum(one[0] == other[0] for one, other in pairs)
    assert score.true_pairs == sum(one[1] == other[1] for one, other in pairs)
    assert score.right_pairs == sum(one == other for one, other in pairs)
    assert score.false_clusters == sum(len(persons) > 1 for persons in persons_of.values())
    assert score.split_persons == sum(len(customers) > 1 for customers in customers_of.values())
    assert score.worst_persons == max((len(some) for some in persons_of.values() if len(some) > 1), default=0)
    assert score.shared_profiles == len(profiles) - len(own)


def test_mailboxes_of_the_truth_meet_their_hashes(shop: Shop) -> None:
    resolve(shop, {f"mailbox:{mailbox_hash('ada@shop.example')}": "c", "shopify:1": "c"})
    shop.plant(profiles=[("mailbox:ada@shop.example", 1, False), ("shopify:1", 1, False)])

    score = score_identity(shop.connection, DAY)

    assert (score.right_pairs, score.unplanned_profiles, score.unseen_profiles) == (1, 0, 0)


def test_profiles_outside_of_the_day_are_left_out_and_counted(shop: Shop) -> None:
    shop.land(
        marts__identity_map=[
            ("shopify:1", "old", "shopify:1", FROM, DAY),
            ("shopify:1", "new", "shopify:1", DAY, TO),
            ("shopify:2", "new", "shopify:1", DAY, TO),
            ("shopify:3", "later", "shopify:3", date(2025, 3, 11), TO),
            ("plain:anon:x", "new", "shopify:1", DAY, TO),
        ]
    )
    shop.plant(profiles=[(f"shopify:{number}", 1, False) for number in (1, 2, 3)])

    score = score_identity(shop.connection, DAY)

    assert (score.right_pairs, score.true_pairs) == (1, 1)
    assert (score.unseen_profiles, score.unplanned_profiles) == (1, 1)


def test_recall_is_held_against_what_the_files_link(shop: Shop) -> None:
    keys = ["shopify:1", "segment:user:1", "segment:anon:a", "segment:anon:b"]
    resolve(shop, {keys[0]: "c", keys[1]: "c", keys[2]: "d", keys[3]: "e"})
    shop.plant(profiles=[(key, 1, False) for key in keys])
    seen = [
        ("shopify:1", "user", "u"),
        ("segment:user:1", "user", "u"),
        ("segment:user:1", "device", "a"),
        ("segment:anon:a", "device", "a"),
    ]
    later = [("segment:anon:b", "device", "a", date(2025, 3, 11), False), ("segment:anon:b", "phone", "p", DAY, True)]
    shop.land(intermediate__int_identifiers__linked=[*((*row, FROM, False) for row in seen), *later])  # fmt: skip

    score = score_identity(shop.connection, DAY)

    # Of six pairs three are linked by values seen on the day or before, one of them through the third profile.
    assert score.reachable_recall == pytest.approx(3 / 6)
    assert score.recall == pytest.approx(1 / 6)
    assert score.lone_devices == 0


def test_devices_that_nothing_ties_to_anybody_are_left_out_beside(shop: Shop) -> None:
    keys = ["shopify:1", "shopify:2", "segment:anon:a", "segment:anon:b", "segment:anon:c", "segment:anon:d"]
    resolve(shop, {key: "c" if key in keys[:2] else key for key in keys[:5]} | {keys[5]: "c"})
    shop.plant(profiles=[(key, 1, False) for key in keys])
    seen = [
        *((key, "user", "u") for key in keys[:2]),
        ("segment:anon:a", "device", "a"),  # alone
        ("segment:anon:b", "device", "b"),  # seen with the next
        ("segment:anon:c", "device", "b"),
        ("segment:anon:d", "device", "d"),  # alone, but joined to the person
    ]
    shop.land(intermediate__int_identifiers__linked=[(*row, FROM, False) for row in seen])

    score = score_identity(shop.connection, DAY)

    assert (score.right_pairs, score.true_pairs) == (3, 15)
    assert (score.lone_devices, score.tied_pairs, score.tied_recall) == (1, 10, pytest.approx(3 / 10))
    assert score.tied_f1 == pytest.approx(6 / 13)
