"""Who is whom: customers by size, the largest as graphs, and the values that were cut, in words and places."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from reporting import formats
from reporting.data import CutHub, Whom
from reporting.definitions import HUB_REASONS, spoken
from reporting.network import Network, networks_of

TONES = 6
RANGES = (
    ("1 profile", 1, 2),
    *((f"{size} profiles", size, size + 1) for size in range(2, 11)),
    ("11 to 20", 11, 21),
    ("21 to 50", 21, 51),
    ("51 to 100", 51, 101),
    ("101 to 1,000", 101, 1001),
    ("more", 1001, math.inf),
)


@dataclass(frozen=True)
class Bar:
    """Customers of one range of sizes; `share` is 0-1 of the longest bar."""

    label: str
    customer_count: int
    share: float


@dataclass(frozen=True)
class Source:
    """A source of profiles: the letters and the number of the colour that stand for it in every drawing."""

    name: str
    letters: str
    tone: int


@dataclass(frozen=True)
class Portrait:
    """One of the largest customers, drawn, with what the drawing shows."""

    network: Network
    sentence: str
    sources: Mapping[str, Source]
    """By name."""


@dataclass(frozen=True)
class Hub:
    """A cut value as a row of a table."""

    value: str
    key: str
    reason: str
    since: date
    profile_count: int


@dataclass(frozen=True)
class WhomPage:
    """What the section says."""

    profile_count: int
    customer_count: int
    largest: int
    hub_count: int
    bars: tuple[Bar, ...]
    portraits: tuple[Portrait, ...]
    hubs: tuple[Hub, ...]


def page_of(whom: Whom) -> WhomPage:
    """The section, ready for the template."""
    return WhomPage(
        profile_count=sum(size.profile_count * size.customer_count for size in whom.sizes),
        customer_count=sum(size.customer_count for size in whom.sizes),
        largest=max((size.profile_count for size in whom.sizes), default=0),
        hub_count=whom.hub_count,
        bars=tuple(bars_of(whom)),
        portraits=tuple(portraits_of(whom)),
        hubs=tuple(_hub(hub) for hub in whom.hubs),
    )


def bars_of(whom: Whom) -> list[Bar]:
    """Customers by number of profiles: each small size by itself, large ones in ranges, none after the largest customer."""
    found = [
        (label, sum(size.customer_count for size in whom.sizes if first <= size.profile_count < following))
        for label, first, following in RANGES
    ]
    while found and not found[-1][1]:
        found.pop()
    longest = max((count for _, count in found), default=0)
    return [Bar(label, count, count / longest) for label, count in found]


def portraits_of(whom: Whom) -> list[Portrait]:
    """The largest customers, placed and described."""
    names = sorted({tie.source for tie in whom.ties})
    known = [
        Source(name, short, at % TONES) for at, (name, short) in enumerate(zip(names, _abbreviate(names), strict=True))
    ]
    portraits = []
    for network in networks_of(whom.ties):
        drawn = {node.name for node in network.of("profile")}
        portraits.append(
            Portrait(network, _sentence(network, len(drawn)), {each.name: each for each in known if each.name in drawn})
        )
    return portraits


def _abbreviate(names: Sequence[str]) -> list[str]:
    """First letter and the next that tells a name from those before it."""
    found: list[str] = []
    for name in names:
        ends = [name[:1] + letter for letter in name[1:]] or [name]
        found.append(next((short for short in ends if short not in found), name[:2]))
    return found


def _sentence(network: Network, sources: int) -> str:
    drawn, cut = len(network.of("profile")), network.of("cut")
    profiles = _many(network.profile_count, "profile")
    if drawn < network.profile_count:
        profiles = f"{profiles}, the oldest {drawn} drawn,"
    said = f"{profiles} from {_many(sources, 'source')}, tied by {_many(len(network.of('value')), 'shared value')}"
    said += f"; {_many(len(cut), 'value')} cut." if cut else "."
    return (
        said
        if network.is_whole
        else f"{said} What no line joins is joined by a pair of playbook/identity.yml, or by what is not drawn."
    )


def _many(count: int, noun: str) -> str:
    return f"{formats.integer(count)} {noun}{'' if count == 1 else 's'}"


def _hub(hub: CutHub) -> Hub:
    return Hub(
        value=spoken(hub.identifier_type),
        key=hub.identifier_hash[:8],
        reason=HUB_REASONS.get(hub.reason, spoken(hub.reason)),
        since=hub.hub_from,
        profile_count=hub.profile_count,
    )
