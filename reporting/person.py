"""The page of one person on one day: who they are, what they said, and why they get an email or none; one self-contained file."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from reporting import formats
from reporting.site import own_text, templates

Tone = Literal["good", "bad", "warn", "flat"]


@dataclass(frozen=True)
class Table:
    """Rows as they are to be read; `nothing` is said where there are none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    nothing: str


@dataclass(frozen=True)
class Card:
    """The answer to one question."""

    name: str
    title: str
    lead: str
    table: Table


@dataclass(frozen=True)
class Decided:
    """One candidate decision: what came out, why, what else is known of it, and the blocks that were chosen."""

    title: str
    outcome: str
    tone: Tone
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    blocks: Table


@dataclass(frozen=True)
class PersonPage:
    """Everything that the page says; it names no address."""

    as_of: date
    mailbox: str
    headline: str
    cards: tuple[Card, ...]
    decisions: tuple[Decided, ...]


def render_person(page: PersonPage) -> str:
    """The page as HTML; every value is escaped, and no script runs."""
    return (
        templates()
        .get_template("person.html.j2")
        .render(
            page=page,
            f=formats,
            style=own_text("colours.css") + own_text("page.css"),
            own_style=own_text("person.css"),
        )
    )
