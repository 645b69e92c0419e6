"""A customer as a graph: what is drawn is what was handed in, inside its canvas."""

from itertools import combinations, pairwise
from math import dist

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.data import Tie
from reporting.network import EDGE, networks_of


def key_of(value: int) -> str:
    return f"{value:08x}"


def tie(profile: int, value: int | None, *, cut: bool = False, customer: str = "c_1") -> Tie:
    reason, bearers = ("many_profiles", 9) if cut else (None, None)
    kind, key = (None, None) if value is None else ("email", key_of(value) + "0" * 56)
    return Tie(customer, 3, profile, "shopify", value, kind, key, reason, bearers)


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1), st.sets(st.integers(0, 4)))
def test_each_tie_is_a_line_between_nodes_on_the_canvas(borne: set[tuple[int, int]], cut: set[int]) -> None:
    (network,) = networks_of([tie(profile, value, cut=value in cut) for profile, value in sorted(borne)])

    assert len(network.edges) == len(borne)
    assert sum(edge.is_cut for edge in network.edges) == sum(value in cut for _, value in borne)
    assert {node.key for node in network.of("cut")} == {key_of(value) for _, value in borne if value in cut}
    assert len(network.of("profile")) == len({profile for profile, _ in borne})
    assert all(edge.start.kind == "profile" != edge.end.kind for edge in network.edges)
    assert all(0 < node.x < network.width and 0 < node.y < network.height for node in network.nodes)


def test_chain_lies_in_a_row_with_room_between() -> None:
    (network,) = networks_of([tie(0, 0), tie(1, 0), tie(1, 1), tie(2, 1), tie(2, 2), tie(3, 2)])

    places = [(node.x, node.y) for node in sorted(network.nodes, key=lambda node: node.x)]
    assert [node.kind for node in sorted(network.nodes, key=lambda node: node.x)] == ["profile", "value"] * 3 + [
        "profile"
    ]
    assert all(0.7 * EDGE < dist(*pair) < 1.3 * EDGE for pair in pairwise(places))


def test_same_ties_give_the_same_picture() -> None:
    ties = [tie(0, 0), tie(1, 0), tie(2, 1, cut=True), tie(0, 1, cut=True)]

    assert networks_of(ties) == networks_of(list(ties))


def test_what_only_a_cut_value_joins_is_not_whole() -> None:
    assert networks_of([tie(0, 0), tie(1, 0)])[0].is_whole
    assert not networks_of([tie(0, 0, cut=True), tie(1, 0, cut=True)])[0].is_whole
    assert not networks_of([tie(0, None), tie(1, None)])[0].is_whole


def test_customers_are_drawn_one_by_one_in_order() -> None:
    ties = [tie(0, 0, customer="c_2"), tie(1, 0, customer="c_2"), tie(2, 0), tie(3, 0)]

    assert [(each.customer_id, len(each.nodes)) for each in networks_of(ties)] == [("c_2", 3), ("c_1", 3)]


def test_what_the_same_profiles_bear_does_not_cover_each_other() -> None:
    (network,) = networks_of([tie(profile, value) for profile in range(2) for value in range(4)])

    centres = [(node.x, node.y) for node in network.of("value")]
    assert all(abs(one[0] - other[0]) > 60 or abs(one[1] - other[1]) > 20 for one, other in combinations(centres, 2))
