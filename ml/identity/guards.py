"""Links that are not followed although they are no hubs: between people told apart, and weak bridges of large customers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from ml.identity.encode import Bools, Encoded, Ints

Edge = tuple[int, int]


class ApartUnion:
    """A union-find that refuses to join sets of which two members are marked with different values of one group."""

    def __init__(self, marks: Sequence[tuple[int, int, int]]) -> None:
        """Take (member, group, value) of the marked members."""
        self._parent: dict[int, int] = {}
        self._marks: dict[int, dict[int, int]] = defaultdict(dict)
        for member, group, value in marks:
            self._marks[member][group] = value

    def join(self, left: int, right: int) -> bool:
        """Join two sets unless their marks differ; whether they are one set now."""
        left, right = self._find(left), self._find(right)
        if left == right:
            return True
        one, other = self._marks[left], self._marks[right]
        if any(other.get(group, value) != value for group, value in one.items()):
            return False
        self._parent[right] = left
        one |= other
        return True

    def _find(self, member: int) -> int:
        root = member
        while (above := self._parent.get(root, root)) != root:
            root = above
        while member != root:
            self._parent[member], member = root, self._parent.get(member, member)
        return root


def refuse_links(
    rows: Encoded, links: NDArray[np.int64], marks: Sequence[tuple[int, int, int]], same: Sequence[Edge]
) -> NDArray[np.int64]:
    """The links of some components that would join what is told apart; the strongest links are followed first.

    Args:
        rows: What is known.
        links: Numbers of the components' live links.
        marks: (profile, group, value): profiles with different values of one group are different people.
        same: Pairs of profiles that are one by hand, before any identifier.
    """
    identifiers, profiles = rows.link_identifiers[links], rows.link_profiles[links]
    order = np.lexsort((profiles, rows.identifier_ranks[identifiers], rows.identifier_types[identifiers]))
    union = ApartUnion(marks)
    for left, right in same:
        union.join(left, right)
    ends = zip(profiles[order].tolist(), (-1 - identifiers[order]).tolist(), strict=True)
    is_followed = np.array([union.join(profile, identifier) for profile, identifier in ends], dtype=np.bool_)
    return links[order][~is_followed]


def find_bridges(profiles: Ints, identifiers: Ints, is_weak: Bools, labels: Ints) -> Ints:
    """Weak identifiers that alone hold two or more parts of at least two profiles each together.

    Args:
        profiles: Profile of each link of the large components.
        identifiers: Identifier of each link.
        is_weak: For each link, whether its identifier is of a weak type.
        labels: For each link, its component; used to leave out components without a weak identifier.
    """
    suspicious = np.isin(labels, np.unique(labels[is_weak]))
    profiles, identifiers, is_weak = profiles[suspicious], identifiers[suspicious], is_weak[suspicious]
    weak = set((-1 - np.unique(identifiers[is_weak])).tolist())
    graph: nx.Graph[Any] = nx.Graph(zip(profiles.tolist(), (-1 - identifiers).tolist(), strict=True))
    cut = weak & set(nx.articulation_points(graph))
    neighbours = {identifier: list(graph[identifier]) for identifier in cut}
    graph.remove_nodes_from(cut)
    size_of: dict[int, tuple[int, int]] = {}
    for number, part in enumerate(nx.connected_components(graph)):
        people = sum(node >= 0 for node in part)
        size_of |= dict.fromkeys(part, (number, people))
    held = [
        -1 - identifier
        for identifier, around in neighbours.items()
        if len({number for number, people in (size_of[profile] for profile in around) if people > 1}) > 1
    ]
    return np.array(sorted(held), dtype=np.int32)
