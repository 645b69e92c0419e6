"""What links profiles and what does not: limits of identifiers, and guards of customers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IdentifierRule:
    """One type of identifier.

    Attributes:
        type: Its name, such as `email`.
        most_profiles: Beyond so many profiles a value is a hub: it links nobody.
        most_people: Beyond so many distinct people (by name and address) a value is a hub; None: however many.
        most_people_if_role: The same for shared-role mailboxes (`info@`).
        needs_same_name: Whether a value that people with different names share is a hub.
        is_weak: Whether one value of the type may not hold two halves of a large customer together.
    """

    type: str
    most_profiles: int = 50
    most_people: int | None = None
    most_people_if_role: int | None = None
    needs_same_name: bool = True
    is_weak: bool = False


@dataclass(frozen=True)
class IdentityRules:
    """All types, strongest first, and the guards.

    Attributes:
        identifiers: Types; where links contradict each other, those of earlier types stay.
        bridge_above: A customer of more profiles is not held together by one weak identifier.
        told_apart: Kinds of marks (`user_id shopify`, `name shopify`): profiles with different ones are never one customer.
    """

    identifiers: tuple[IdentifierRule, ...]
    bridge_above: int = 20
    told_apart: frozenset[str] = frozenset()

    @property
    def types(self) -> tuple[str, ...]:
        """The types, strongest first."""
        return tuple(rule.type for rule in self.identifiers)
