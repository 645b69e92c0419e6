"""Proposals of links: found without labels, the same on each replay, and never two profiles of a source without duplicates."""

from collections.abc import Collection
from itertools import pairwise

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from splink import DuckDBAPI

from ml.identity.match import Proposals, propose_links
from tests.unit.duplicates import World, plant_duplicates, plant_households

PEOPLE = 150
THRESHOLD = 0.8


@pytest.fixture(scope="module")
def world() -> World:
    return plant_duplicates(PEOPLE)


def propose(profiles: pa.Table, *, exclusive: Collection[str] = (), decided: pa.Table | None = None) -> Proposals:
    of_one = pc.is_in(profiles["source"], pa.array(exclusive, pa.string()))
    accounts = profiles.filter(of_one).select(["profile_key", "source", "profile_key"])
    with duckdb.connect() as connection:
        return propose_links(
            profiles,
            DuckDBAPI(connection),
            probability=THRESHOLD,
            accounts=accounts.rename_columns(["profile_key", "source", "account"]),
            decided=decided,
        )


def pairs_of(proposals: Proposals) -> list[tuple[str, str]]:
    return list(zip(proposals.links["left_key"].to_pylist(), proposals.links["right_key"].to_pylist(), strict=True))


def groups_of(links: list[tuple[str, str]]) -> list[set[str]]:
    """Profiles that links make one customer."""
    groups: dict[str, set[str]] = {}
    for left, right in links:
        joined = groups.setdefault(left, {left}) | groups.setdefault(right, {right})
        groups |= dict.fromkeys(joined, joined)
    return list({id(group): group for group in groups.values()}.values())


def test_planted_duplicates_are_found_and_nobody_else(world: World) -> None:
    links = pairs_of(propose(world.profiles))
    assert all(world.person[left] == world.person[right] for left, right in links)
    assert len(links) >= 0.9 * 2 * PEOPLE / 3  # three profiles of a person are two links


def test_nothing_is_proposed_below_the_threshold_and_the_likeliest_first(world: World) -> None:
    links = propose(world.profiles).links
    weights = links["match_weight"].to_pylist()
    assert min(links["probability"].to_pylist()) >= THRESHOLD
    assert all(one >= following for one, following in pairwise(weights))


def test_replay_gives_the_same_rows_whatever_their_order(world: World) -> None:
    first = propose(world.profiles).links
    assert first.num_rows
    assert propose(world.profiles.sort_by("profile_key")).links.equals(first)


def test_proposals_never_make_one_of_two_profiles_of_a_source_without_duplicates(world: World) -> None:
    groups = groups_of(pairs_of(propose(world.profiles, exclusive=["crm"])))
    assert len(groups) >= 0.8 * PEOPLE / 3
    assert all(sum(key.startswith("crm:") for key in group) == 1 for group in groups)


def test_customers_that_are_one_already_count_as_one_in_a_source_without_duplicates(world: World) -> None:
    """A shop profile that shares a customer with a crm profile gets no second one."""
    keys, people = world.profiles["profile_key"].to_pylist(), world.person
    customers = [f"c_{people[key]}" if not key.endswith("-2") else f"c_{key}" for key in keys]
    place = world.profiles.column_names.index("customer_id")
    resolved = world.profiles.set_column(place, "customer_id", pa.array(customers))
    assert pairs_of(propose(resolved))
    assert pairs_of(propose(resolved, exclusive=["crm"])) == []


def test_what_was_decided_is_not_proposed(world: World) -> None:
    links = propose(world.profiles).links
    again = pairs_of(propose(world.profiles, decided=links.select(["left_key", "right_key"])))
    assert not set(again) & set(pairs_of(propose(world.profiles)))


@pytest.mark.parametrize("households", [40, 150])
def test_people_of_one_household_stay_apart_and_duplicates_are_found_all_the_same(
    world: World, households: int
) -> None:
    """Three people of one surname and address, beside those who are there twice."""
    profiles = plant_households(world.profiles, households)
    links = pairs_of(propose(profiles))
    assert [pair for pair in links if world.person.get(pair[0], pair[0]) != world.person.get(pair[1], pair[1])] == []
    assert len(links) >= 0.9 * 2 * PEOPLE / 3


def test_too_few_profiles_propose_nothing_and_say_why(world: World) -> None:
    found = propose(world.profiles.slice(0, 20))
    assert found.links.num_rows == 0
    assert "too few" in found.reason
