"""What left the house, judged by files alone: released lists, landed evidence and what is known to be true; no code of what decided it."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

BUCKETS, DIGITS = 10_000, 13
CLOSING = {"unsubscribed", "complained", "bounced"}
FINAL = frozenset({"complained", "bounced"})
SENDGRID = {
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "spamreport": "complained",
    "bounce": "bounced",
}


class Email(NamedTuple):
    """One row of a released list."""

    idempotency_key: str
    send_date: date
    as_of: date
    email: str
    mailbox_hash: str
    customer_id: str
    root_profile_key: str
    flow: str
    step: str
    occurrence: str


class Statement(NamedTuple):
    """What a landed file says of an address."""

    address: str
    statement: str
    stated_at: datetime


@dataclass
class Audit:
    """Everything that was ever taken from complete released lists, and what was wrong with it.

    A list is complete when its manifest describes both of its files. Who imports it takes each key once, so a list that is published
    again adds what is new in it; what is no longer in it was sent all the same.
    """

    handed: dict[str, Email] = field(default_factory=dict)

    def take(self, publish: Path) -> list[Email]:
        """Take what is new in the complete lists.

        Raises:
            AssertionError: A list contradicts its manifest, its folder or its other file.
        """
        new = []
        for folder in sorted(publish.glob("send_list/*/released")):
            for email in read_list(folder) or ():
                assert email == self.handed.get(email.idempotency_key, email), "a key stands for two emails"
                if email.idempotency_key not in self.handed:
                    new.append(email)
                self.handed[email.idempotency_key] = email
        return new


def read_list(folder: Path) -> list[Email] | None:
    """The rows of a released list, or None while it is being written.

    Raises:
        AssertionError: The list contradicts itself.
    """
    manifest_file = folder / "manifest.json"
    if not manifest_file.exists():
        return None
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    for described in manifest["files"]:
        content = (folder / described["name"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != described["sha256"]:
            return None
    columns = ", ".join(Email._fields)
    path = str(folder / "send_list.parquet").replace("'", "''")
    emails = [Email(*row) for row in duckdb.sql(f"select {columns} from read_parquet('{path}')").fetchall()]
    importable = folder / "send_list.csv"
    if importable.exists():  # what a relay was given nobody may import
        with importable.open(encoding="utf-8", newline="") as file:
            keys = Counter(row["idempotency_key"] for row in csv.DictReader(file))
        assert keys == Counter(email.idempotency_key for email in emails), f"{folder}: CSV and Parquet differ"
    assert manifest["rows"] == len(emails), f"{folder}: {manifest['rows']} rows said, {len(emails)} there"
    assert manifest["status"] == "released", f"{folder}: {manifest['status']}"
    assert {str(email.send_date) for email in emails} <= {folder.parent.name}, f"{folder}: another day's emails"
    return emails


def sent_twice(emails: Iterable[Email], person_of: Callable[[str], str]) -> list[str]:
    """Emails that repeat another one: of a mailbox and day, of a mailbox and step, of a person and step."""
    keys: Mapping[str, Callable[[Email], tuple[object, ...]]] = {
        "mailbox and day": lambda email: (email.mailbox_hash, email.send_date),
        "address and day": lambda email: (email.email.strip().lower(), email.send_date),
        "mailbox and step": lambda email: (email.mailbox_hash, email.flow, email.step, email.occurrence),
        "person and step": lambda email: (person_of(email.root_profile_key), email.flow, email.step, email.occurrence),
    }
    emails = list(emails)
    return [
        f"{name}: {count} emails of one key, {key[1:]}"
        for name, of in keys.items()
        for key, count in Counter(of(email) for email in emails).items()
        if count > 1
    ]


def read_statements(landing: Path, *, until: date) -> Iterator[Statement]:
    """What files that landed by a day say of consent: those of the ESP, and plain ones."""
    for path in _landed(landing, "sendgrid/events/*/*.json", until):
        for event in json.loads(path.read_text(encoding="utf-8")):
            statement = SENDGRID.get(str(event.get("event")))
            is_whole = isinstance(event.get("email"), str) and isinstance(event.get("timestamp"), int)
            if statement and is_whole and event.get("type") != "blocked":
                at = datetime.fromtimestamp(event["timestamp"], UTC).replace(tzinfo=None)
                yield Statement(event["email"].strip().lower(), statement, at)
    for path in _landed(landing, "plain/consents/*/*.csv", until):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                address, statement, at = (row.get(name) or "" for name in ("email", "statement", "stated_at"))
                if address and (moment := _instant(at)):
                    yield Statement(address.strip().lower(), statement, moment)


def _instant(text: str) -> datetime | None:
    """An instant in UTC, or None where a file says none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _landed(landing: Path, pattern: str, until: date) -> list[Path]:
    return sorted(path for path in landing.glob(pattern) if path.parent.name.removeprefix("landed_on=") <= str(until))


def standing_of(statements: Iterable[Statement], *, final: frozenset[str] = FINAL) -> dict[str, str]:
    """The newest statement of each address; of two at one instant the closing one, and nothing after one that is final."""
    standing: dict[str, str] = {}
    ordered = sorted(statements, key=lambda each: (each.stated_at, each.statement in CLOSING))
    for each in ordered:
        if standing.get(each.address) not in final:
            standing[each.address] = each.statement
    return standing


def arm_bucket(salt: str, customer_id: str) -> int:
    """The documented bucket of a customer: first 13 hex digits of md5(`salt:customer_id`), modulo 10,000."""
    digest = hashlib.md5(f"{salt}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:DIGITS], 16) % BUCKETS
