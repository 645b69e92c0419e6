"""One connection to a mail relay: an email is offered, handed over and answered, and an unknown outcome is said to be unknown."""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit

TIMEOUT: Final = 60.0
# How long the answer to the whole email may take: RFC 5321, section 4.5.3.2.6.
LAST_ANSWER: Final = 600.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS: Final = {"smtp": 587, "smtps": 465}
GO_AHEAD: Final = 354
LINE_START_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
STATUS_CODE: Final = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})\b")


class RelayUnreachable(Exception):
    """There is no connection, or it was lost before the email was handed over: nothing has left."""


class RelayRefusesUs(Exception):
    """The relay refuses the login, the sender or an open line: no email will pass."""


class OutcomeUnknown(Exception):
    """The connection was lost after the email was handed over and before it was answered: it may have left."""


class Answer(NamedTuple):
    """What the relay said: its code, and the enhanced one (RFC 3463). Its words are not kept, as they repeat addresses."""

    code: int
    status_code: str | None

    @property
    def is_accepted(self) -> bool:
        """Whether the relay has taken the email, or wants it."""
        return self.code < 400

    @property
    def is_final(self) -> bool:
        """Whether another attempt would be answered alike."""
        return self.code >= 500


@dataclass(frozen=True)
class Relay:
    """Where a relay is and how it is entered; `is_tls`: encrypted from the first byte, else by STARTTLS where it is offered."""

    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None = field(repr=False)


def parse_relay(url: str) -> Relay:
    """Read `smtp://user:password@host:port` or `smtps://...`; a user or password is percent-encoded.

    Raises:
        ValueError: If it is neither; the message names no part of it.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        message = "it must read smtp://user:password@host:port or smtps://..."
        raise ValueError(message)
    return Relay(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Link:
    """An open connection to a relay."""

    def __init__(self, client: smtplib.SMTP) -> None:
        """Take over a client that has greeted and logged in."""
        self._client = client

    @classmethod
    def connect(cls, relay: Relay) -> Self:
        """Connect and log in.

        Raises:
            RelayUnreachable: If nobody answers.
            RelayRefusesUs: If the login is refused, or a password would have to be sent in the clear.
        """
        try:
            client = _open(relay)
        except smtplib.SMTPAuthenticationError as fault:
            message = f"the relay refuses the login ({fault.smtp_code}): check HOLDFAST_SMTP_URL"
            raise RelayRefusesUs(message) from None
        except smtplib.SMTPNotSupportedError:
            message = "the relay takes no login here: leave user and password out of HOLDFAST_SMTP_URL, or use its port for TLS"
            raise RelayRefusesUs(message) from None
        except (smtplib.SMTPException, OSError) as fault:
            message = f"the relay cannot be reached ({type(fault).__name__})"
            raise RelayUnreachable(message) from fault
        return cls(client)

    def offer(self, sender: str, recipient: str) -> Answer:
        """Say from whom and to whom; an answer that accepts means that the content is awaited, and nothing has left yet.

        Raises:
            RelayUnreachable: If the connection is lost.
            RelayRefusesUs: If the sender is refused for good.
        """
        try:
            answer = _answer(*self._client.mail(sender))
            if answer.is_final:
                message = f"the relay refuses the sender ({answer.code} {answer.status_code or ''})".strip()
                raise RelayRefusesUs(message)
            if answer.is_accepted:
                answer = _answer(*self._client.rcpt(recipient))
            if answer.is_accepted:
                answer = _answer(*self._client.docmd("data"))
            if answer.code == GO_AHEAD:
                return answer
            if answer.code == 421:
                self.close()
            else:
                self._client.rset()
        except (smtplib.SMTPException, OSError) as fault:
            self.close()
            message = f"the relay hung up ({type(fault).__name__})"
            raise RelayUnreachable(message) from fault
        return answer

    def hand_over(self, content: bytes) -> Answer:
        """Send the content that was awaited and take the answer, which is the only proof that the relay has it.

        Raises:
            OutcomeUnknown: If none comes.
        """
        try:
            if self._client.sock is not None:
                self._client.sock.settimeout(LAST_ANSWER)
            self._client.send(LINE_START_DOT.sub(b"..", content) + b".\r\n")
            answer = _answer(*self._client.getreply())
            if self._client.sock is not None:
                self._client.sock.settimeout(TIMEOUT)
        except (smtplib.SMTPException, OSError) as fault:
            self.close()
            raise OutcomeUnknown(type(fault).__name__) from fault
        if answer.code == 421:
            self.close()
        return answer

    @property
    def is_open(self) -> bool:
        """Whether another email can be offered."""
        return self._client.sock is not None

    def close(self) -> None:
        """Hang up at once: what was not handed over by then is not delivered."""
        self._client.close()

    def quit(self) -> None:
        """Say goodbye; all emails were answered by then, so a relay that is gone does not matter."""
        with suppress(smtplib.SMTPException, OSError):
            self._client.quit()


def _open(relay: Relay) -> smtplib.SMTP:
    context = ssl.create_default_context()
    client = (
        smtplib.SMTP_SSL(relay.host, relay.port, timeout=TIMEOUT, context=context)
        if relay.is_tls
        else smtplib.SMTP(relay.host, relay.port, timeout=TIMEOUT)
    )
    client.ehlo_or_helo_if_needed()
    is_secret = relay.is_tls
    if not relay.is_tls and client.has_extn("starttls"):
        client.starttls(context=context)
        client.ehlo()
        is_secret = True
    if relay.user is not None:
        if not is_secret and relay.host not in LOOPBACK:
            client.close()
            message = "the relay offers no TLS: a password is not sent in the clear"
            raise RelayRefusesUs(message)
        client.login(relay.user, relay.password or "")
    return client


def _answer(code: int, text: bytes) -> Answer:
    found = STATUS_CODE.match(text)
    return Answer(code, found[1].decode() if found else None)
