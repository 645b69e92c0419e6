"""The truth as tables of a connection: temporary, and with mailboxes under the platform's hashes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

TABLES = ("people", "profiles", "purchases", "consent", "effects", "sends", "experiments", "machine_events", "faults")
HASHED = "sha256($salt || ':' || lower(trim({address})))"

KEYS = f"""
create or replace temp table truth_keys as
select
    case
        when starts_with(profile_key, 'mailbox:') then 'mailbox:' || {HASHED.format(address="substr(profile_key, 9)")}
        else profile_key
    end as profile_key,
    person,
    is_shared
from truth_profiles
"""

MAILBOXES = f"""
create or replace temp table truth_mailboxes as
with addresses as (
    select distinct lower(substr(profile_key, 9)) as address from truth_profiles where starts_with(profile_key, 'mailbox:')
    union
    select distinct lower(mailbox) from truth_people where mailbox <> ''
),
parts as (
    select address, split_part(address, '@', 1) as local_part, split_part(address, '@', 2) as domain from addresses
)
select
    address,
    {HASHED.format(address="address")} as mailbox_hash,
    -- What one provider delivers to one inbox is one mailbox, however it is written.
    case
        when domain in ('gmail.com', 'googlemail.com')
            then replace(split_part(local_part, '+', 1), '.', '') || '@gmail.com'
        else split_part(local_part, '+', 1) || '@' || domain
    end as inbox
from parts
"""

CONSENT = f"""
create or replace temp table truth_states as
select {HASHED.format(address="mailbox")} as mailbox_hash, is_open, reason, stated_at, landed_on
from truth_consent
"""


class TruthUnreadable(Exception):
    """The folder holds no truth that can be compared; the message says what is missing."""


@dataclass(frozen=True)
class Planted:
    """What `world.json` says about the shop."""

    scenario: str
    start: date
    days: int
    future: int
    parameters: Mapping[str, Any]
    """Every parameter of the world, by name."""

    @property
    def last_day(self) -> date:
        """The last day that anything is known about, the future included."""
        return date.fromordinal(self.start.toordinal() + self.days + self.future - 1)


def open_truth(connection: duckdb.DuckDBPyConnection, folder: Path, *, salt: str) -> Planted:
    """Make the truth readable as temporary tables `truth_<name>`; nothing is written to the warehouse.

    Besides the tables as they were written there are `truth_keys` (profile_key as the platform writes it, person, is_shared),
    `truth_mailboxes` (address, mailbox_hash, inbox) and `truth_states` (consent by mailbox_hash).

    Args:
        connection: The warehouse; read-only will do.
        folder: What `simulate` wrote as truth.
        salt: Of the platform's mailbox hashes.

    Raises:
        TruthUnreadable: A table or `world.json` is missing or cannot be read.
    """
    missing = [name for name in TABLES if not (folder / f"{name}.parquet").is_file()]
    missing += [] if (folder / "world.json").is_file() else ["world.json"]
    if missing:
        raise TruthUnreadable(f"{folder} lacks {', '.join(missing)}: simulate the shop again with --truth")
    try:
        for name in TABLES:
            path = str(folder / f"{name}.parquet").replace("'", "''")
            connection.execute(f"create or replace temp view truth_{name} as from read_parquet('{path}')")
        for statement in (KEYS, MAILBOXES, CONSENT):
            connection.execute(statement, {"salt": salt})
        return read_world(folder)
    except (duckdb.Error, ValueError, KeyError) as fault:
        raise TruthUnreadable(f"{folder} is not a truth of this version: {str(fault).splitlines()[0]}") from fault


def read_world(folder: Path) -> Planted:
    """What `world.json` of a truth folder says.

    Raises:
        KeyError: A field is missing.
        ValueError: The file is no JSON or the start no date.
    """
    written = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    return Planted(
        scenario=written["scenario"],
        start=date.fromisoformat(written["start"]),
        days=written["days"],
        future=written["future"],
        parameters=written.get("world", written),
    )
