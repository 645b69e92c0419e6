"""Which proposals are made: the likeliest first, and none that the rest of the two customers contradicts."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from ml.identity.score import matching_share

NEVER = -1000.0


class Pair(NamedTuple):
    """The likeliest pair of profiles of two customers.

    Attributes:
        left: Customer.
        right: Customer.
        weight: Match weight: log2 odds that it is one person.
        personal: Evidence of what a household does not share: first name, date of birth, email, phone.
        left_no: Its profile.
        right_no: Its profile.
    """

    left: int
    right: int
    weight: float
    personal: float
    left_no: int
    right_no: int


def accept(
    pairs: Collection[Pair],
    *,
    weight: float,
    accounts: Mapping[int, Mapping[str, AbstractSet[str]]],
    apart: Collection[frozenset[int]] = frozenset(),
) -> list[Pair]:
    """Join customers by falling weight, as average linkage does.

    A pair joins what its two customers have become only if it is heavy enough, and

    - its personal evidence is strong enough for two profiles that agree on the rest: surname and address alone tell a household,
      and how many of such pairs are one person differs from table to table,
    - the customers of both sides are on average more likely one person than not, so that no chain of lookalikes forms,
    - both sides together have at most one account of each source,
    - no two of their customers are held apart.

    Args:
        pairs: Each two customers at most once; those that are missing are certainly two people.
        weight: Least weight of a proposal.
        accounts: For each customer, its accounts of each source in which a person has one.
        apart: Pairs of customers that are never joined.

    Returns:
        One pair for each join.
    """
    heavy = [pair.personal for pair in pairs if pair.weight >= weight]
    if not heavy:
        return []
    groups = {customer: [customer] for pair in pairs for customer in (pair.left, pair.right)}
    weights = {frozenset((pair.left, pair.right)): pair.weight for pair in pairs}
    personal = weight - _household_odds(heavy)
    accepted = []
    for pair in sorted(pairs, key=lambda pair: (-pair.weight, pair.left_no, pair.right_no)):
        left, right = groups[pair.left], groups[pair.right]
        if pair.weight < weight or pair.personal < personal or left is right:
            continue
        across = list(_across(left, right))
        total = sum(weights.get(both, NEVER) for both in across)
        if total < 0 or any(both in apart for both in across) or _is_twice(left, right, accounts):
            continue
        left += right
        for customer in right:
            groups[customer] = left
        accepted.append(pair)
    return accepted


def _household_odds(personal: list[float]) -> float:
    """log2 odds that a pair which is heavy enough is one person, before its personal evidence is looked at."""
    share = matching_share(np.array(personal), np.ones(len(personal), dtype=np.int64), of=len(personal))
    return float(np.log2(share / (1 - share)))


def _across(left: list[int], right: list[int]) -> Iterator[frozenset[int]]:
    return (frozenset((one, other)) for one in left for other in right)


def _is_twice(left: list[int], right: list[int], accounts: Mapping[int, Mapping[str, AbstractSet[str]]]) -> bool:
    one, other = _accounts(left, accounts), _accounts(right, accounts)
    return any(len(one[source] | other[source]) > 1 for source in one.keys() & other.keys())


def _accounts(customers: list[int], accounts: Mapping[int, Mapping[str, AbstractSet[str]]]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = defaultdict(set)
    for customer in customers:
        for source, values in accounts.get(customer, {}).items():
            held[source] |= values
    return held
