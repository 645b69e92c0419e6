"""An email as it goes over the wire: headers of the sender, of one-click unsubscribing and of the decision, text and HTML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final, Protocol

# A header is left on its line up to the 998 characters of RFC 5322: folded, a long link would be encoded, and no client could follow it.
ON_THE_WIRE: Final = SMTP.clone(max_line_length=998)

Row = Mapping[str, Any]


class Rendered(Protocol):
    """What one person reads."""

    @property
    def subject(self) -> str:
        """One line."""

    @property
    def html(self) -> str:
        """The whole document."""

    @property
    def text(self) -> str:
        """The same for those who read plain text."""


class UnsendableAddress(Exception):
    """An address that SMTP without its extension for other scripts (RFC 6531) cannot name."""


@dataclass(frozen=True)
class Sender:
    """Who writes, and who is answered."""

    name: str
    email: str
    reply_to: str | None = None

    @property
    def domain(self) -> str:
        """Domain of the address that readers see."""
        return self.email.rpartition("@")[2]


def compose(
    row: Row, rendered: Rendered, *, sender: Sender, feedback_sender: str, sent_at: datetime, for_sendgrid: bool
) -> EmailMessage:
    """Write an email; the same arguments give the same bytes.

    Args:
        row: A row of the send list.
        rendered: What its person reads.
        sender: Who writes.
        feedback_sender: How Gmail's Postmaster Tools name us.
        sent_at: For the header Date (UTC).
        for_sendgrid: Whether SendGrid is told the decision, which its events name then.

    Raises:
        UnsendableAddress: If the address cannot be written in ASCII.
        ValueError: If a value would begin a header or an email of its own.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(sender.name, addr_spec=sender.email)
    message["To"] = Address(addr_spec=ascii_address(row["email"]))
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(sent_at.replace(tzinfo=UTC))
    message["Message-ID"] = f"<{row['decision_id']}@{sender.domain}>"
    if sender.reply_to:
        message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["List-Unsubscribe"] = row["list_unsubscribe"]
    message["List-Unsubscribe-Post"] = row["list_unsubscribe_post"]
    # https://support.google.com/a/answer/6254652: up to three parts of our own, then who we are; nothing about the person.
    message["Feedback-ID"] = f"{row['flow']}_{row['step']}:{row['arm'] or 'none'}:lifecycle:{feedback_sender}"
    message["X-Decision-Id"] = row["decision_id"]
    if for_sendgrid:
        # https://www.twilio.com/docs/sendgrid/for-developers/sending-email/unique-arguments: text only, and nothing personal.
        told = {name: str(row[name] or "") for name in ("decision_id", "flow", "step", "arm")}
        message["X-SMTPAPI"] = json.dumps({"unique_args": told, "category": [row["flow"]]})
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{row['decision_id']}")
    return message


def on_the_wire(message: EmailMessage) -> bytes:
    """The bytes that are handed over."""
    return message.as_bytes(policy=ON_THE_WIRE)


def ascii_address(email: str) -> str:
    """An address with its domain as DNS knows it.

    Raises:
        UnsendableAddress: If it cannot be written in ASCII.
    """
    local, _, domain = email.rpartition("@")
    try:
        return f"{local.encode('ascii').decode()}@{domain.encode('idna').decode()}"
    except UnicodeError:
        message = "the address cannot be written in ASCII"
        raise UnsendableAddress(message) from None
