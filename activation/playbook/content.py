"""What emails are made of: the brand, the variables, and the fragments of `content/`, all as text until they are rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from activation.playbook.flows import Flow, Step
from activation.playbook.parts import Name, Part, Share

Ending = Literal["mjml", "txt"]
ENDINGS: tuple[Ending, ...] = ("mjml", "txt")

BLOCKS = "{% blocks %}"
"""Where a layout shows its blocks."""

# Values of the brand stand in Liquid strings, which know no escape.
Plain = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^'<>{}\r\n]+$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s'<>{}]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
Url = Annotated[str, StringConstraints(pattern=r"^https://[^\s'<>{}\"]+[^\s'<>{}\"/]$")]
TokenUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s'<>{}\"]+\{token\}[^\s'<>{}\"]*$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class Colours(Part):
    """Colours of the layout, as `#rrggbb`.

    Attributes:
        background: Around the email.
        surface: Under the text.
        text: Of the text.
        muted: Of the footer.
        accent: Of buttons and links.
        on_accent: Of the words on a button.
    """

    background: Colour
    surface: Colour
    text: Colour
    muted: Colour
    accent: Colour
    on_accent: Colour


class Brand(Part):
    """`content/brand.yml`: who writes, and how it looks.

    Attributes:
        sender_name: The name in the inbox, and under the email.
        from_email: The address that readers see.
        reply_to: Where answers go.
        postal_address: Of the company, which the law wants in every marketing mail.
        website: Where links begin, without a slash at the end.
        preferences_url: Where somebody chooses topics; `{token}` is the mailbox's.
        logo_text: The words at the head.
        language: BCP 47, for screen readers and translation.
        direction: Of the writing.
        colours: Of the layout.
    """

    sender_name: Plain
    from_email: Email
    reply_to: Email
    postal_address: Plain
    website: Url
    preferences_url: TokenUrl
    logo_text: Plain
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    direction: Literal["ltr", "rtl"] = "ltr"
    colours: Colours


Fact = Literal["dim_customers.first_name", "dim_customers.company", "customer_affinities.category", "products"]
"""Facts that `activation.emails.person` can read: `table.column` of the day's marts, or `products`, the list of what is recommended."""


class Variable(Part):
    """A fact about a person that an email may show.

    Attributes:
        variable: Its name in fragments: `{{ first_name }}`.
        source: Where it is known from.
        fallback: What is shown where the fact is missing, blank or implausible; a list has none: its block must say what it shows then.
        at_most: Longest text, in characters.
        min_share: Least part that a category has of all that somebody likes; below it the fallback is shown.
    """

    variable: Name
    source: Fact
    fallback: Annotated[str, StringConstraints(pattern=r"^[^'<>{}\r\n]*$")] | None = None
    at_most: Annotated[int, Field(ge=1, le=200)] = 40
    min_share: Share | None = None

    @model_validator(mode="after")
    def _is_never_blank(self) -> Self:
        if not self.is_list and not (self.fallback or "").strip():
            message = f"variable {self.variable} has no fallback: say what is shown where it is not known"
            raise ValueError(message)
        if self.is_list and self.fallback is not None:
            message = f"variable {self.variable} is a list: its fragment says what it shows without one, in an if with an else"
            raise ValueError(message)
        return self

    @property
    def is_list(self) -> bool:
        """Whether it is a list of products."""
        return self.source == "products"


class Variables(Part):
    """`content/variables.yml`: every fact that an email may show, each once."""

    variables: tuple[Variable, ...]


@dataclass(frozen=True, eq=False)
class Content:
    """All emails of one version of the playbook.

    Attributes:
        brand: Who writes.
        variables: What may be shown of a person.
        files: Text of each file below `content/`, by its path there.
        flows: Flow by name.
        unsubscribe_url: With `{token}`.
    """

    brand: Brand
    variables: tuple[Variable, ...]
    files: Mapping[str, str]
    flows: Mapping[str, Flow]
    unsubscribe_url: str

    def step(self, flow: str, step: str) -> Step:
        """One email.

        Raises:
            KeyError: There is none.
        """
        return next(each for each in self.flows[flow].steps if str(each.step) == step)

    def places(self) -> tuple[tuple[str, str], ...]:
        """(flow, step) of every email."""
        return tuple((name, str(step.step)) for name, flow in self.flows.items() for step in flow.steps)


def fragment(block: str, variant: str, ending: Ending) -> str:
    """The file of a variant of a block, below `content/`."""
    return f"blocks/{block}/{variant}.{ending}"


def template_of(flow: Flow, step: Step) -> str:
    """How a send list calls the template of an email; the file beside it has this name."""
    return step.template if step.template.endswith(".txt") else f"{flow.flow}_{step.step}"


def files_of(step: Step) -> tuple[str, ...]:
    """The files that an email is made of, below `content/`; one that was stored before there were layouts has its template alone."""
    if step.template.endswith(".txt"):
        return (step.template,)
    shown = ((block.block, variant) for block in step.blocks for variant in block.shown)
    return (
        *(f"{step.template}.{ending}" for ending in ENDINGS),
        *(fragment(block, variant, ending) for block, variant in shown for ending in ENDINGS),
    )
