"""Hands claimed emails to a relay: within their hours, at a bearable rate, each once; killed anywhere, the next pass goes on.

A pass ends when the recheck of consent is too old: whoever starts the next one rechecks first.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final, NamedTuple

from activation.emails.compose import Row, UnsendableAddress, on_the_wire
from activation.playbook.destinations import Smtp
from activation.release.attempts import Claimed, record, waiting
from activation.release.relay import Answer, Link, OutcomeUnknown, RelayRefusesUs, RelayUnreachable
from activation.state.store import StateStore

DAY: Final = timedelta(days=1)
# RFC 6531: an address in another script, to a relay that was not asked whether it can.
NOT_ASCII: Final = Answer(553, "5.6.7")
# So many emails in a row without an answer leave too much in doubt to go on.
LOST_IN_A_ROW: Final = 3


class Clock(NamedTuple):
    """The time (UTC, naive), and how to wait for it."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass
class Delivery:
    """What a pass did.

    Attributes:
        accepted: Emails that the relay took.
        refused: Emails that it refused for good, by code.
        deferred: Emails that it asked to be offered again, and that wait for the next pass.
        in_doubt: Emails without an answer.
        unwritten: Emails that could not be written, by what went wrong; they wait.
        stopped: Why the pass ended early, or None.
    """

    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    deferred: int = 0
    in_doubt: int = 0
    unwritten: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None


@dataclass(frozen=True)
class Backlog:
    """What is left of a partition.

    Attributes:
        ready: Emails whose hours are open.
        later: Emails whose hours open later, the first of them at `opens_at`.
        opens_at: When (UTC).
        missed: Emails whose hours are over.
    """

    ready: int
    later: int
    opens_at: datetime | None
    missed: int


def opening(row: Row, now: datetime, *, allow_past: bool) -> datetime | None:
    """From when a row may be sent: never in its quiet hours; None if its hours are over, unless a past list may still be sent.

    Then the same hours of the next day that has them count.
    """
    first: datetime = row["send_after_utc"]
    last: datetime = row["send_before_utc"]
    if now < last:
        return first
    return first + ((now - last) // DAY + 1) * DAY if allow_past else None


def backlog(store: StateStore, as_of: date, *, now: datetime, allow_past: bool) -> Backlog:
    """What is left of a partition to hand over."""
    openings = [opening(claimed.row, now, allow_past=allow_past) for claimed in waiting(store, as_of)]
    later = [opens for opens in openings if opens is not None and opens > now]
    missed = sum(opens is None for opens in openings)
    return Backlog(len(openings) - len(later) - missed, len(later), min(later, default=None), missed)


class Pace:
    """Spaces emails evenly, over all and for each domain."""

    def __init__(self, clock: Clock, smtp: Smtp) -> None:
        """Begin with nobody waiting."""
        self._clock = clock
        self._gap = timedelta(seconds=1 / smtp.per_second)
        self._domain_gap = timedelta(seconds=1 / (smtp.per_domain_per_second or smtp.per_second))
        self._next: datetime | None = None
        self._next_of: dict[str, datetime] = {}

    def wait(self, domain: str) -> None:
        """Wait until an email to a domain may go out."""
        now = self._clock.now()
        at = max(self._next or now, self._next_of.get(domain, now), now)
        if at > now:
            self._clock.sleep((at - now).total_seconds())
        self._next, self._next_of[domain] = at + self._gap, at + self._domain_gap


def deliver(
    store: StateStore,
    *,
    as_of: date,
    write: Callable[[Row, datetime], EmailMessage],
    sender: str,
    connect: Callable[[], Link],
    smtp: Smtp,
    clock: Clock,
    until: datetime,
    run_id: str,
    allow_past: bool = False,
    tell: Callable[[Delivery], None] = lambda _: None,
) -> Delivery:
    """Hand over what of a partition may go out now; it waits for whom the relay asked to come again, not for hours to open.

    Args:
        store: The state store.
        as_of: The partition, claimed for a relay.
        write: Makes the email of a row, to be sent at a time (UTC).
        sender: Address that bounces go to.
        connect: Opens a connection.
        smtp: Rates and limits.
        clock: The time.
        until: When the recheck that was made before is too old (UTC).
        run_id: For the attempts.
        allow_past: Whether a row whose hours are over is sent in the same hours of another day.
        tell: Called after each email.
    """
    retries: set[str] = set()
    courier, pace = _Courier(store, write, sender, connect, smtp, clock, run_id), Pace(clock, smtp)
    queue: list[tuple[datetime, int, Claimed]] = []

    def enqueue(position: int, claimed: Claimed, *, not_before: datetime | None = None) -> None:
        opens = opening(claimed.row, clock.now(), allow_past=allow_past)
        if opens is not None:
            heapq.heappush(queue, (max(opens, not_before or opens), position, claimed))

    for position, claimed in enumerate(waiting(store, as_of)):
        enqueue(position, claimed)
    try:
        while queue and courier.done.stopped is None:
            ready_at, now = queue[0][0], clock.now()
            if max(ready_at, now) >= until or (ready_at > now and not retries):
                break
            if ready_at > now:
                clock.sleep((ready_at - now).total_seconds())
                continue
            _, position, claimed = heapq.heappop(queue)
            pace.wait(claimed.row["email"].rpartition("@")[2].lower())
            now = clock.now()
            opens = opening(claimed.row, now, allow_past=allow_past)
            if opens is None or opens > now or now >= until:
                enqueue(position, claimed)
                continue
            retries.discard(claimed.idempotency_key)
            if (again := courier.attempt(claimed)) is not None:
                retries.add(claimed.idempotency_key)
                enqueue(position, claimed, not_before=clock.now() + again)
            tell(courier.done)
    finally:
        courier.leave()
    return courier.done


class _Courier:
    """Makes attempts over one connection, which is opened again where it is lost."""

    def __init__(
        self,
        store: StateStore,
        write: Callable[[Row, datetime], EmailMessage],
        sender: str,
        connect: Callable[[], Link],
        smtp: Smtp,
        clock: Clock,
        run_id: str,
    ) -> None:
        self.done = Delivery()
        self._store, self._write, self._sender, self._connect = store, write, sender, connect
        self._smtp, self._clock, self._run_id = smtp, clock, run_id
        self._link: Link | None = None
        self._attempts: Counter[str] = Counter()
        self._unreached = self._lost = self._refused = 0

    def attempt(self, claimed: Claimed) -> timedelta | None:
        """Attempt an email; returns after which wait to attempt it again in this pass, or None."""
        key = claimed.idempotency_key
        try:
            message = self._write(claimed.row, self._clock.now())
            content, recipient = on_the_wire(message), message["To"].addresses[0].addr_spec
        except UnsendableAddress:
            self._refuse(key, NOT_ASCII)
            return None
        except Exception as fault:  # noqa: BLE001 - one row that cannot be written keeps nobody else waiting; all of them are told
            self.done.unwritten[type(fault).__name__] += 1
            return None
        try:
            return self._hand_over(key, recipient, content)
        except RelayRefusesUs as fault:
            self.done.stopped = str(fault)
            return timedelta(0)

    def leave(self) -> None:
        """End the connection."""
        if self._link is not None and self._link.is_open:
            self._link.quit()

    def _hand_over(self, key: str, recipient: str, content: bytes) -> timedelta | None:
        try:
            link = self._reach()
        except RelayUnreachable as fault:
            return self._stay(str(fault))
        try:
            answer = link.offer(self._sender, recipient)
        except RelayUnreachable:
            return self._defer(key, None)
        if answer.is_accepted:
            if not record(self._store, key, "begun", at=self._clock.now(), run_id=self._run_id):
                link.close()  # somebody else has begun it; a line that awaits content cannot be used for anything else
                return None
            try:
                answer = link.hand_over(content)
            except OutcomeUnknown:
                self._lose(key)
                return None
        return self._take(key, answer)

    def _take(self, key: str, answer: Answer) -> timedelta | None:
        if answer.is_accepted:
            self._accept(key, answer)
        elif answer.is_final:
            self._refuse(key, answer)
        else:
            return self._defer(key, answer)
        return None

    def _reach(self) -> Link:
        if self._link is None or not self._link.is_open:
            self._link = self._connect()
            self._unreached = 0
        return self._link

    def _stay(self, why: str) -> timedelta:
        """Nobody answers: wait, and give up after some attempts."""
        self._unreached += 1
        if self._unreached >= self._smtp.attempts:
            self.done.stopped = why
            return timedelta(0)
        self._clock.sleep(self._pause(self._unreached).total_seconds())
        return timedelta(0)

    def _accept(self, key: str, answer: Answer) -> None:
        self._record(key, "accepted", answer)
        self.done.accepted += 1
        self._lost = self._refused = 0

    def _refuse(self, key: str, answer: Answer) -> None:
        self._record(key, "refused", answer)
        self.done.refused[f"{answer.code} {answer.status_code or ''}".strip()] += 1
        self._count_refusal()

    def _defer(self, key: str, answer: Answer | None) -> timedelta | None:
        self._record(key, "deferred", answer)
        self._attempts[key] += 1
        self._count_refusal()
        if self._attempts[key] >= self._smtp.attempts:
            self.done.deferred += 1
            return None
        return self._pause(self._attempts[key])

    def _lose(self, key: str) -> None:
        self._record(key, "lost", None)
        self.done.in_doubt += 1
        self._lost += 1
        if self._lost >= LOST_IN_A_ROW:
            self.done.stopped = f"{self._lost} emails in a row were handed over and not answered"

    def _count_refusal(self) -> None:
        self._refused += 1
        if self._refused >= self._smtp.refusals_in_a_row:
            self.done.stopped = f"{self._refused} emails in a row were not accepted: the relay seems to refuse us"

    def _pause(self, attempt: int) -> timedelta:
        return timedelta(seconds=self._smtp.retry_seconds * 2 ** (attempt - 1))

    def _record(self, key: str, event: Any, answer: Answer | None) -> None:
        record(self._store, key, event, at=self._clock.now(), run_id=self._run_id, answer=answer)


def as_metadata(delivery: Delivery) -> Mapping[str, Any]:
    """Counts for people to look at."""
    return {
        "accepted": delivery.accepted,
        "refused": dict(delivery.refused),
        "deferred": delivery.deferred,
        "in_doubt": delivery.in_doubt,
        "unwritten": dict(delivery.unwritten),
        "stopped": delivery.stopped or "",
    }
