"""Attempts at emails: each is written to the ledger before it is made, and moves its claim by what the relay answers.

claimed -> in_doubt -> published (accepted), settled (refused for good), claimed (asked to come again), or in_doubt (no answer).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from activation.release.relay import Answer
from activation.state.payloads import payloads_of
from activation.state.store import StateStore

Event = Literal["begun", "accepted", "deferred", "refused", "lost", "found_sent", "found_not_sent"]

# From which statuses an event may move a claim, and where to.
MOVES: Mapping[Event, tuple[tuple[str, ...], str]] = {
    "begun": (("claimed",), "in_doubt"),
    "accepted": (("in_doubt",), "published"),
    "deferred": (("claimed", "in_doubt"), "claimed"),
    "refused": (("claimed", "in_doubt"), "settled"),
    "lost": (("in_doubt",), "in_doubt"),
    "found_sent": (("in_doubt",), "published"),
    "found_not_sent": (("in_doubt",), "settled"),
}


class Claimed(NamedTuple):
    """An email that waits to be sent: its claim and the row of the send list."""

    idempotency_key: str
    row: Mapping[str, Any]


def waiting(store: StateStore, as_of: date) -> list[Claimed]:
    """Emails of a partition that are claimed and were not attempted, or are to be attempted again, by the hour they may go out."""
    connection = store.connect()
    try:
        keys = connection.execute(
            "select idempotency_key from ledger"
            " where as_of = ? and kind = 'send' and status = 'claimed' order by send_at, idempotency_key",
            (as_of.isoformat(),),
        ).fetchall()
        rows = {row["idempotency_key"]: row for row in payloads_of(connection, as_of.isoformat()).to_pylist()}
    finally:
        connection.close()
    return [Claimed(key, rows[key]) for (key,) in keys if key in rows]


def statuses(store: StateStore, as_of: date) -> dict[str, int]:
    """How many emails of a partition stand how in the ledger."""
    connection = store.connect()
    try:
        return dict(
            connection.execute(
                "select status, count(*) from ledger where as_of = ? and kind = 'send' group by status order by status",
                (as_of.isoformat(),),
            ).fetchall()
        )
    finally:
        connection.close()


def record(
    store: StateStore, idempotency_key: str, event: Event, *, at: datetime, run_id: str, answer: Answer | None = None
) -> bool:
    """Write an event of an attempt and move its claim, in one transaction.

    Args:
        store: The state store.
        idempotency_key: Of the claim.
        event: What is about to happen or has happened.
        at: When (UTC).
        run_id: In which run.
        answer: What the relay said.

    Returns:
        Whether the claim stood where the event may move it from; otherwise nothing is written. So of two processes one sends.
    """
    sources, target = MOVES[event]
    marks = ", ".join("?" * len(sources))
    with store.transaction() as connection:
        moved = connection.execute(
            f"update ledger set status = ? where idempotency_key = ? and kind = 'send' and status in ({marks})",
            (target, idempotency_key, *sources),
        ).rowcount
        if moved:
            connection.execute(
                "insert into send_attempts"
                " select null, idempotency_key, as_of, ?, ?, ?, ?, ? from ledger where idempotency_key = ?",
                (event, *(answer or (None, None)), at.isoformat(sep=" "), run_id, idempotency_key),
            )
    return bool(moved)
