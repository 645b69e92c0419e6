"""A relay on this machine that keeps what it accepted and answers as a test wants."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from activation.emails.compose import Row, Sender, compose
from activation.release.deliver import Clock
from activation.release.relay import Link, Relay

SENDER = Sender("Shop Example", "hello@shop.example", reply_to="care@shop.example")
NOON = datetime.fromisoformat("2025-06-11T12:00")


@dataclass
class Inbox:
    """What a relay accepted, and how it answers: `answer(stage, envelope)` is called at mail, rcpt and data."""

    answer: Callable[[str, Any], str | None] = lambda _stage, _envelope: None
    contents: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self._say("mail", envelope) or "250 2.1.0 sender fine"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        said = self._say("rcpt", envelope)
        if said:
            envelope.rcpt_tos.pop()
        return said or "250 2.1.5 recipient fine"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        said = self._say("data", envelope)
        if said == "hang up":
            server.transport.abort()
        if said is None or said == "hang up":
            self.contents.append(envelope.content)
            self.recipients += envelope.rcpt_tos
        return said or "250 2.0.0 taken"

    def _say(self, stage: str, envelope: Any) -> str | None:
        return self.answer(stage, envelope)

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(content, policy=SMTP) for content in self.contents]  # type: ignore[misc]


@contextmanager
def relay(inbox: Inbox, **options: Any) -> Iterator[Relay]:
    """The inbox behind a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield Relay("127.0.0.1", port, is_tls=False, user=None, password=None)
    finally:
        controller.stop()


def only(user: str, password: str) -> Callable[..., AuthResult]:
    """Lets one user in."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=False)

    return authenticate


@dataclass
class Watch:
    """A clock that goes on only when somebody waits for it."""

    time: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


@dataclass(frozen=True)
class Letter:
    """What a person reads, for tests of everything around it."""

    subject: str
    text: str = "Hello.\n.A line that begins with a dot.\nBye.\n"
    html: str = "<p>Hello.</p>\n<p>.A line that begins with a dot.</p>\n"


def write(row: Row, at: datetime) -> EmailMessage:
    return compose(
        row, Letter(row["subject"]), sender=SENDER, feedback_sender="holdfast", sent_at=at, for_sendgrid=False
    )


def connect(to: Relay) -> Callable[[], Link]:
    return lambda: Link.connect(to)
