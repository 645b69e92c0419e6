"""The preview of an email: as an inbox lists it, at two widths, as plain text, and why each block is what it is; one page, no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reporting import formats
from reporting.site import own_text, templates, write_page


@dataclass(frozen=True)
class Choice:
    """One block of the email, and why it is shown.

    Attributes:
        block: Its name.
        tier: core, adaptive or experimental.
        variant: What is shown.
        why: The rule, or why there is a fallback, in words.
    """

    block: str
    tier: str
    variant: str
    why: str


@dataclass(frozen=True)
class Mail:
    """One rendering.

    Attributes:
        title: What sets it apart from the others on the page.
        subject: One line.
        preheader: One line.
        html: The HTML part, whole.
        text: The text part.
        choices: Its blocks, in their order.
    """

    title: str
    subject: str
    preheader: str
    html: str
    text: str
    choices: Sequence[Choice]

    @property
    def kilobytes(self) -> str:
        """Size of the HTML part."""
        return f"{len(self.html.encode()) / 1024:.1f} KB"


@dataclass(frozen=True)
class Preview:
    """Everything that the page says.

    Attributes:
        flow: Name of the flow.
        step: Number of the step.
        sender: The name in the inbox.
        address: The address beside it.
        whom: For whom it is rendered; no name, no address.
        as_of: The partition that the facts are of; None where none were needed.
        remarks: What the reader must know, each a sentence.
        mails: At least one.
    """

    flow: str
    step: str
    sender: str
    address: str
    whom: str
    as_of: date | None
    remarks: Sequence[str]
    mails: Sequence[Mail]


def build_page(preview: Preview, directory: Path) -> Path:
    """Write `<flow>_<step>.html`: no other file, no script, no network.

    Args:
        preview: What to show.
        directory: Folder of the page; created if missing.

    Returns:
        Path of the page.
    """
    return write_page(render(preview), directory, name=f"{preview.flow}_{preview.step}.html")


def render(preview: Preview) -> str:
    """The page as HTML; emails stand in frames that may run nothing and reach nothing."""
    return templates().get_template("preview.html.j2").render(
        preview=preview,
        f=formats,
        style=own_text("colours.css") + own_text("page.css"),
        own_style=own_text("preview.css"),
    )  # fmt: skip
