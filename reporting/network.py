"""Geometry of a customer: profiles and the values that tie them as a graph, cut values included; units are those of the drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from reporting.data import Tie

EDGE = 84.0
MARGIN = (60.0, 30.0)
SMALLEST = (360.0, 150.0)
HALF_WIDTH = {"profile": 15.0, "value": 32.0, "cut": 38.0}
ROOM = 25.0
ROUNDS = 60

Kind = Literal["profile", "value", "cut"]
Key = tuple[Kind, int]


@dataclass(frozen=True)
class Node:
    """One profile or value; `name` is a source or an identifier type, `key` the start of the value's hash."""

    kind: Kind
    name: str
    key: str
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """A profile bears a value; a value that is cut links nobody."""

    start: Node
    end: Node

    @property
    def is_cut(self) -> bool:
        """Whether it links nobody."""
        return self.end.kind == "cut"


@dataclass(frozen=True)
class Network:
    """One customer, placed on a canvas of that width and height."""

    customer_id: str
    profile_count: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    is_whole: bool
    """Whether the values that are drawn hold it together; else a pair by hand does as well, or what is not drawn."""

    def of(self, kind: Kind) -> list[Node]:
        """Its nodes of a kind."""
        return [node for node in self.nodes if node.kind == kind]


def networks_of(ties: Iterable[Tie]) -> list[Network]:
    """One network per customer, in the order of the ties, whose rows of one customer stand together."""
    return [_network(customer_id, list(mine)) for customer_id, mine in groupby(ties, key=lambda tie: tie.customer_id)]


def _network(customer_id: str, ties: Sequence[Tie]) -> Network:
    graph: nx.Graph[Key] = nx.Graph()
    names: dict[Key, tuple[str, str]] = {}
    for tie in ties:
        profile: Key = ("profile", tie.profile_no)
        names[profile] = (tie.source, "")
        graph.add_node(profile)
        if tie.identifier_no is not None:
            value: Key = ("cut" if tie.hub_reason else "value", tie.identifier_no)
            names[value] = (tie.identifier_type or "", (tie.identifier_hash or "")[:8])
            graph.add_edge(profile, value)
    linked = graph.subgraph(key for key in graph if key[0] != "cut")
    parts = [min(part) for part in nx.connected_components(linked)]
    places, width, height = _place(graph, parts)
    nodes = {key: Node(key[0], *names[key], *places[key]) for key in graph}
    edges = tuple(Edge(nodes[start], nodes[end]) for start, end in map(_from_profile, graph.edges))
    whole = len(parts) == 1
    return Network(customer_id, ties[0].profile_count, tuple(nodes.values()), edges, width, height, whole)


def _from_profile(edge: tuple[Key, Key]) -> tuple[Key, Key]:
    return edge if edge[0][0] == "profile" else (edge[1], edge[0])


def _place(graph: "nx.Graph[Key]", parts: Sequence[Key]) -> tuple[dict[Key, tuple[float, float]], float, float]:
    """Place by Kamada and Kawai, wider than high, with the size of the canvas; parts that no edge joins stand side by side."""
    joined = graph.copy()
    joined.add_edges_from(pairwise(parts))
    found = nx.kamada_kawai_layout(joined)
    points = _lie_down(np.array([found[key] for key in graph]))
    order = {key: at for at, key in enumerate(graph)}
    lengths = [float(np.linalg.norm(points[order[one]] - points[order[other]])) for one, other in graph.edges]
    points *= EDGE / (median(lengths) if lengths else 1.0)
    _uncover(points, np.array([HALF_WIDTH[key[0]] for key in graph]))
    points -= points.min(axis=0)
    size = points.max(axis=0) + 2 * np.array(MARGIN)
    canvas = np.maximum(size, SMALLEST)
    points += MARGIN + (canvas - size) / 2
    placed = {key: (round(float(x), 1), round(float(y), 1)) for key, (x, y) in zip(graph, points, strict=True)}
    return placed, round(float(canvas[0]), 1), round(float(canvas[1]), 1)


def _lie_down(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn points so that they are widest from left to right."""
    if len(points) < 2:
        return points
    axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    return np.asarray((points - points.mean(axis=0)) @ axes.T)


def _uncover(points: NDArray[np.float64], half_widths: NDArray[np.float64]) -> None:
    """Move up and down, in place, what would cover each other."""
    size = len(points)
    first = np.sign(np.subtract.outer(np.arange(size), np.arange(size)))
    widths = np.add.outer(half_widths, half_widths)
    for _ in range(ROUNDS):
        across, down = (np.subtract.outer(points[:, axis], points[:, axis]) for axis in (0, 1))
        covered = (np.abs(across) < widths) & (np.abs(down) < ROOM) & (first != 0)
        if not covered.any():
            return
        side = np.where(down == 0, first, np.sign(down))
        points[:, 1] += np.where(covered, side * (ROOM - np.abs(down)) / 2, 0.0).sum(axis=1)
