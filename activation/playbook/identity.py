"""`identity.yml`: what makes two profiles one customer, what does not, and whose word counts about a customer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from activation.playbook.located import Place
from activation.playbook.parts import Name, Part, Share

IdentifierType = Literal["user_id", "alias", "email", "inbox", "phone", "device", "probabilistic"]
Trait = Literal["first_name", "country", "timezone", "company", "address"]
Limit = Annotated[int, Field(ge=1)]
ValueHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
ProfileKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*:.+$")]


class IdentifierPolicy(Part):
    """One type of identifier and its limits; a value beyond one of them is a hub, which links nobody.

    Attributes:
        type: Its name.
        most_profiles: Most profiles of a value.
        most_people: Most people (by name and address) of a value; None: however many.
        most_people_if_role: The same for the mailbox of a role.
        needs_same_name: Whether accounts of one source with different names make a value a hub.
        is_weak: Whether one value alone may not hold two halves of a large customer together.
    """

    type: IdentifierType
    most_profiles: Limit = 50
    most_people: Limit | None = None
    most_people_if_role: Limit | None = None
    needs_same_name: bool = False
    is_weak: bool = False


class BlockedValue(Part):
    """A value that never links."""

    type: IdentifierType
    value_hash: ValueHash


class Guards(Part):
    """When a customer, or a run, is too odd to go on with.

    Attributes:
        bridge_above: A customer of more profiles is not held together by one weak value.
        most_profiles: A customer of more profiles is uncertain.
        most_changed: Largest share of yesterday's customers that a run may give another id.
        one_user_id_per_person: Sources in which two user ids are two people.
        one_name_per_person: Sources in which two user ids are two people if their names differ.
    """

    bridge_above: Limit
    most_profiles: Limit
    most_changed: Share
    one_user_id_per_person: tuple[Name, ...] = ()
    one_name_per_person: tuple[Name, ...] = ()


class AcceptedChange(Part):
    """A day whose changes someone looked at: it may give so large a share of the customers of the day before another id."""

    day: date
    most_changed: Share
    owner: Annotated[str, StringConstraints(min_length=1)]
    reason: Annotated[str, StringConstraints(min_length=1)]


class Probabilistic(Part):
    """The pass that proposes links between profiles that share no identifier.

    Attributes:
        is_on: Whether proposals link.
        probability: Least match probability of a proposal.
        one_profile_per_person: Sources of which a customer has at most one profile by a proposal.
    """

    is_on: bool
    probability: Annotated[float, Field(gt=0.5, lt=1)]
    one_profile_per_person: tuple[Name, ...] = ()


class PairByHand(Part):
    """What a person decided of two profiles; wins over everything else from `decided_on` until before `expires_on`."""

    profiles: tuple[ProfileKey, ProfileKey]
    are: Literal["one", "different"]
    owner: Annotated[str, StringConstraints(min_length=1)]
    reason: Annotated[str, StringConstraints(min_length=1)]
    decided_on: date
    expires_on: date


class Identity(Part):
    """`identity.yml`."""

    identifiers: tuple[IdentifierPolicy, ...]
    blocked: tuple[BlockedValue, ...] = ()
    guards: Guards
    accepted_changes: tuple[AcceptedChange, ...] = ()
    probabilistic: Probabilistic
    survivorship: dict[Trait, tuple[Name, ...]] = Field(default_factory=dict)
    pairs: tuple[PairByHand, ...] = ()


def identity_faults(identity: Identity, *, sources: frozenset[str] | None) -> Iterator[tuple[Place, str]]:
    """What is wrong beyond the shape: types twice or missing, sources twice or unknown, days twice, pairs that contradict each other.

    Args:
        identity: As read.
        sources: Sources that declare a service level; None if these cannot be read.
    """
    seen: set[str] = set()
    for at, rule in enumerate(identity.identifiers):
        if rule.type in seen:
            yield ("identifiers", at, "type"), f"type {rule.type} is written twice"
        seen.add(rule.type)
    for missing in sorted(set(IdentifierType.__args__) - seen):  # type: ignore[attr-defined]
        yield ("identifiers",), f"type {missing} has no limits"
    for place, source in _named_sources(identity):
        if sources is not None and source not in sources:
            yield place, f"source {source} declares no service level"
    accepted = Counter(each.day for each in identity.accepted_changes)
    for at, each in enumerate(identity.accepted_changes):
        if accepted[each.day] > 1:
            yield ("accepted_changes", at, "day"), f"day {each.day} is accepted twice"
    for trait, ranked in identity.survivorship.items():
        twice = (at for at, source in enumerate(ranked) if source in ranked[:at])
        yield from ((("survivorship", trait, at), f"source {ranked[at]} is written twice") for at in twice)
    yield from _pair_faults(identity.pairs)


def _pair_faults(pairs: Sequence[PairByHand]) -> Iterator[tuple[Place, str]]:
    decided: dict[frozenset[str], int] = {}
    for at, pair in enumerate(pairs):
        both = frozenset(pair.profiles)
        if len(both) == 1:
            yield ("pairs", at, "profiles"), "a pair is two different profiles"
        elif both in decided:
            yield ("pairs", at, "profiles"), f"pair {decided[both] + 1} decides about these two profiles already"
        decided.setdefault(both, at)
        if pair.expires_on <= pair.decided_on:
            yield ("pairs", at, "expires_on"), "expires_on is not after decided_on"


def _named_sources(identity: Identity) -> Iterator[tuple[Place, str]]:
    for guard in ("one_user_id_per_person", "one_name_per_person"):
        for at, source in enumerate(getattr(identity.guards, guard)):
            yield ("guards", guard, at), source
    for at, source in enumerate(identity.probabilistic.one_profile_per_person):
        yield ("probabilistic", "one_profile_per_person", at), source
    for trait, sources in identity.survivorship.items():
        for at, source in enumerate(sources):
            yield ("survivorship", trait, at), source
