"""Repaired files that were let in again: each content once, each refused row once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from activation.state.store import StateStore

WHOLE_FILE = 0  # stands for the row number of a file that was refused as a whole


@dataclass(frozen=True)
class Readmission:
    """One repaired file.

    Attributes:
        content_hash: sha256 of what the file holds, uncompressed.
        file: The landed file whose rows were refused, below the landing zone.
        readmitted_as: The repaired file, below the landing zone.
        readmitted_at: When (UTC).
    """

    content_hash: str
    file: str
    readmitted_as: str
    readmitted_at: datetime


def readmission_of(store: StateStore, content_hash: str) -> Readmission | None:
    """The readmission of a content, or None."""
    query = "select content_hash, file, readmitted_as, readmitted_at from readmissions where content_hash = ?"
    connection = store.connect()
    try:
        row = connection.execute(query, (content_hash,)).fetchone()
    finally:
        connection.close()
    return None if row is None else Readmission(row[0], row[1], row[2], datetime.fromisoformat(row[3]))


def readmitted_rows(store: StateStore, file: str) -> frozenset[int]:
    """Numbers of the rows of a landed file that were readmitted."""
    connection = store.connect()
    try:
        found = connection.execute("select row_number from readmitted_rows where file = ?", (file,))
        return frozenset(row[0] for row in found)
    finally:
        connection.close()


def record_readmission(store: StateStore, readmission: Readmission, row_numbers: Sequence[int]) -> None:
    """Write a readmission and the refused rows that it stands for, in one transaction.

    Raises:
        sqlite3.IntegrityError: The content or one of the rows was readmitted before.
    """
    with store.transaction() as connection:
        connection.execute(
            "insert into readmissions values (?, ?, ?, ?)",
            (
                readmission.content_hash,
                readmission.file,
                readmission.readmitted_as,
                readmission.readmitted_at.isoformat(sep=" "),
            ),
        )
        connection.executemany(
            "insert into readmitted_rows values (?, ?, ?)",
            [(readmission.file, number, readmission.content_hash) for number in row_numbers],
        )
