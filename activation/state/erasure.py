"""What the state store keeps of an erased person: salted hashes that refuse a re-import and a second email, and nothing else."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from activation.state.moves import forget_moves
from activation.state.payloads import remove_payloads
from activation.state.store import StateStore

Kind = Literal["email", "phone", "device", "user_id", "profile_key", "customer_id", "order_key"]

KEYS = ("idempotency_key", "customer_id", "root_profile_key", "occurrence")
PREFIX = "erased:"

# The ledger is append-only but for this: its raw ids become salted hashes, one to one, so that every key stays unique.
REKEYED = "update ledger set idempotency_key = ?, customer_id = ?, root_profile_key = ?, occurrence = ? where idempotency_key = ?"
GUARD = "only_the_status_moves"


class Tombstone(NamedTuple):
    """One identifier of an erased person: the salted hash of its normalised value."""

    kind: Kind
    hash: str


class StateCounts(NamedTuple):
    """Rows of the state store that an erasure removed or made anonymous."""

    payloads: int
    ledger: int
    assignments: int
    moves: int


class Erasure(NamedTuple):
    """One request, as the audit log names it; `reason` must hold no personal data."""

    mailbox_hash: str
    effective_on: date
    requested_by: str
    reason: str
    at: datetime


def salted(salt: str, value: str) -> str:
    """The hash under which dbt's `hash_identifier` knows a value."""
    return hashlib.sha256(f"{salt}:{value}".encode()).hexdigest()


def record_erasure(store: StateStore, erasure: Erasure, tombstones: Collection[Tombstone]) -> None:
    """Write the tombstones and that the erasure began, in one transaction; tombstones that exist keep their date."""
    with store.transaction() as connection:
        connection.executemany(
            "insert or ignore into tombstones values (?, ?, ?)",
            [(*tombstone, erasure.effective_on.isoformat()) for tombstone in sorted(tombstones)],
        )
        _log(connection, erasure, "started", {})


def finish_erasure(store: StateStore, erasure: Erasure, counts: Mapping[str, int]) -> None:
    """Write that the erasure is complete, with counts per place."""
    with store.transaction() as connection:
        _log(connection, erasure, "completed", counts)


def tombstones_of(store: StateStore) -> frozenset[Tombstone]:
    """All tombstones."""
    connection = store.connect()
    try:
        return frozenset(Tombstone(*row) for row in connection.execute("select kind, hash from tombstones"))
    finally:
        connection.close()


def forget_people(
    store: StateStore, tombstones: Collection[Tombstone], *, salt: str, dry_run: bool = False
) -> StateCounts:
    """Remove the rows to publish of erased people, and turn their raw ids in ledger, assignments and moves into salted hashes.

    Args:
        store: The state store.
        tombstones: Who.
        salt: HOLDFAST_SALT.
        dry_run: Count only.
    """
    is_erased = _matcher(tombstones, salt)
    with store.transaction() as connection:
        ledger = [
            row
            for row in connection.execute(f"select {', '.join(KEYS)}, mailbox_hash, as_of from ledger")
            if not row[2].startswith(PREFIX)
            and (
                ("email", row[4]) in tombstones or is_erased("customer_id", row[1]) or is_erased("profile_key", row[2])
            )
        ]
        assignments = [
            row
            for row in connection.execute("select experiment, profile_key, customer_id from assignments")
            if not row[1].startswith(PREFIX) and is_erased("profile_key", row[1])
        ]
        keys: dict[str, list[str]] = {}
        for row in ledger:
            keys.setdefault(row[5], []).append(row[0])
        payloads = sum(remove_payloads(connection, day, theirs, dry_run=dry_run) for day, theirs in keys.items())
        if not dry_run:
            _rekey(connection, [(*(_hashed(salt, value) for value in row[:4]), row[0]) for row in ledger])
            connection.executemany(
                "update assignments set profile_key = ?, customer_id = ? where experiment = ? and profile_key = ?",
                [(_hashed(salt, row[1]), _hashed(salt, row[2]), row[0], row[1]) for row in assignments],
            )
    moves = forget_moves(
        store.directory,
        lambda key: not key.startswith(PREFIX) and is_erased("profile_key", key),
        lambda value: _hashed(salt, value),
        dry_run=dry_run,
    )
    if not dry_run:
        store.mirror()
    return StateCounts(payloads, len(ledger), len(assignments), moves)


def _matcher(tombstones: Collection[Tombstone], salt: str) -> Callable[[Kind, str], bool]:
    return lambda kind, value: (kind, salted(salt, value)) in tombstones


def _hashed(salt: str, value: str) -> str:
    return PREFIX + salted(salt, value)[:32]


def _rekey(connection: sqlite3.Connection, rows: list[tuple[str, ...]]) -> None:
    guard = connection.execute("select sql from sqlite_master where name = ?", (GUARD,)).fetchone()[0]
    connection.execute(f"drop trigger {GUARD}")
    connection.executemany(REKEYED, rows)
    connection.executemany(
        "update send_attempts set idempotency_key = ? where idempotency_key = ?", [(row[0], row[-1]) for row in rows]
    )
    connection.execute(guard)


def _log(connection: sqlite3.Connection, erasure: Erasure, event: str, counts: Mapping[str, int]) -> None:
    connection.execute(
        "insert into erasures values (null, ?, ?, ?, ?, ?, ?, ?)",
        (
            erasure.mailbox_hash,
            event,
            erasure.effective_on.isoformat(),
            erasure.at.isoformat(sep=" "),
            erasure.requested_by,
            erasure.reason,
            json.dumps(dict(counts), sort_keys=True),
        ),
    )
