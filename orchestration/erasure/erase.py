"""One erasure from the address to the proof: tombstones first, then files, state and warehouse; each step can be done again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from activation.state.erasure import (
    Erasure,
    Tombstone,
    finish_erasure,
    forget_people,
    record_erasure,
    salted,
    tombstones_of,
)
from orchestration.dbt import DbtProjectRunner
from orchestration.erasure.lineage import LandedColumn, PersonalTable, landed_columns, personal_tables
from orchestration.erasure.person import Person, find_person
from orchestration.erasure.places import Traces, erase_landing, erase_written, residue
from orchestration.erasure.warehouse import compact, erase_rows, files_of
from orchestration.landing_zone.files import pending_files
from orchestration.resources import Settings, Warehouse, open_state


class ResidueFound(Exception):
    """Something of the person is left where the platform cannot rewrite it; the message names the places."""


@dataclass(frozen=True)
class Outcome:
    """What an erasure did, or would do: rows by place, with nothing personal in it.

    Attributes:
        profiles: Profiles of the customer; 0 if the warehouse does not know the address (any more).
        tombstones: Salted hashes that refuse a re-import.
        counts: Rows, or files, by place.
        unreachable: Files that hold something of the person and cannot be rewritten.
    """

    profiles: int
    tombstones: int
    counts: Mapping[str, int]
    unreachable: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For the terminal."""
        width = max((len(place) for place in self.counts), default=0)
        places = [f"  {place:<{width}}  {count:>6}" for place, count in sorted(self.counts.items()) if count]
        head = f"{self.profiles} profiles, {self.tombstones} identifiers that are this person's alone"
        left = [f"  cannot be rewritten: {file} (repair or delete it)" for file in self.unreachable]
        return [head, *(places or ["  nothing is left of this person"]), *left]


@dataclass(frozen=True)
class Lineage:
    """Where personal data are, by the graph."""

    tables: tuple[PersonalTable, ...]
    landed: Mapping[tuple[str, str], tuple[LandedColumn, ...]]


def read_lineage(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lineage:
    """Derive the places from dbt's manifest and Dagster's assets."""
    from orchestration.definitions import defs

    manifest = DbtProjectRunner(settings).manifest_json
    return Lineage(personal_tables(connection, manifest, defs.resolve_all_asset_specs()), landed_columns(manifest))


def preview(settings: Settings, address: str, *, customer: str | None = None) -> Outcome:
    """What an erasure would do; writes nothing.

    Raises:
        UserError: As `find_person`.
    """
    with Warehouse(settings.warehouse).connect() as connection:
        person = find_person(connection, settings, address, customer=customer)
        tombstones = person.tombstones(settings.salt) | tombstones_of(open_state(settings))
        return _erase(connection, settings, person, tombstones, dry_run=True)


def erase(settings: Settings, address: str, *, customer: str | None = None, requested_by: str, reason: str) -> Outcome:
    """Erase a person from every place; the caller holds the warehouse's slot.

    Args:
        settings: Where things are.
        address: Of the person.
        customer: Which customer, where several share the address.
        requested_by: Who asked for it, for the audit log.
        reason: Why, for the audit log; no personal data.

    Raises:
        UserError: As `find_person`.
        ResidueFound: Something is left; the erasure is not marked as complete and can be repeated.
    """
    store = open_state(settings)
    with Warehouse(settings.warehouse).connect() as connection:
        person = find_person(connection, settings, address, customer=customer)
        erasure = Erasure(
            mailbox_hash=salted(settings.salt, person.email),
            effective_on=settings.today(),
            requested_by=requested_by,
            reason=reason,
            at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        )
        record_erasure(store, erasure, person.tombstones(settings.salt))
        store.mirror()
        outcome = _erase(connection, settings, person, tombstones_of(store), dry_run=False)
    compact(settings.warehouse)  # always: an attempt that was killed may have deleted rows whose pages are still there
    traces = Traces((), settings.salt, person.needles)
    left = residue(settings.home, settings.landing, settings.warehouse, traces)
    if left:
        message = f"{len(left)} places still hold something of this person: {', '.join(left[:10])}; remove it there and repeat"
        raise ResidueFound(message)
    finish_erasure(store, erasure, outcome.counts)
    return outcome


def _erase(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    person: Person,
    tombstones: Collection[Tombstone],
    *,
    dry_run: bool,
) -> Outcome:
    """Files and state before the warehouse, which alone knows all identifiers: killed before, the next attempt finds them again."""
    lineage = read_lineage(connection, settings)
    traces = Traces(tombstones, settings.salt, person.needles)
    suspected = files_of(connection, lineage.tables, tombstones, salt=settings.salt)
    suspected |= pending_files(connection, settings.landing)
    landed = erase_landing(settings.landing, lineage.landed, traces, suspected=suspected, dry_run=dry_run)
    pages = [
        *sorted((settings.publish / "preview").glob("*.html")),
        *sorted((settings.publish / "why").rglob("*.html")),
    ]
    if not dry_run:
        for page in pages:  # of whom each is, it does not say; each is made again when asked for
            page.unlink()
    folders = (settings.publish, settings.artifacts)
    written = erase_written(folders, traces, today=settings.today(), dry_run=dry_run)
    state = forget_people(open_state(settings), tombstones, salt=settings.salt, dry_run=dry_run)
    rows = erase_rows(
        connection, lineage.tables, tombstones, salt=settings.salt, needles=person.needles, dry_run=dry_run
    )
    counts = {
        "landing files: rows blanked": landed.rows,
        "published and model files: rows removed": written.rows,
        "published pages about people removed": len(pages),
        "state: rows to publish removed": state.payloads,
        "state: ledger rows made anonymous": state.ledger,
        "state: assignments made anonymous": state.assignments,
        "state: moves between segments made anonymous": state.moves,
        **{f"warehouse {table}": count for table, count in rows.items()},
    }
    return Outcome(person.profiles, len(person.identifiers), counts, landed.unreachable)
