"""The state store: what was decided and done, in one SQLite file that outlives the warehouse.

Personal data are in one table only, `payloads`: the rows to publish, kept so that a release that died publishes the same
bytes without the warehouse. `activation.state.erasure` removes a person's; the ledger itself knows mailboxes by their salted hash.
"""

import io
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from activation.playbook.content import Content
from activation.playbook.playbook import Playbook
from activation.state.payloads import PAYLOADS, payloads_of, take_over_payloads

BEGINNING = date(1, 1, 1)
LINES = 200_000  # that are read at a time
GATE = "gate"  # who promotes a model where no person does

LEDGER_SCHEMA = pa.schema(
    [
        ("idempotency_key", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("mailbox_hash", pa.string()),
        ("customer_id", pa.string()),
        ("root_profile_key", pa.string()),
        ("flow", pa.string()),
        ("step", pa.string()),
        ("occurrence", pa.string()),
        ("experiment", pa.string()),
        ("arm", pa.string()),
        ("as_of", pa.date32()),
        ("send_date", pa.date32()),
        ("send_at", pa.timestamp("us")),
        ("released_at", pa.timestamp("us")),
        ("run_id", pa.string()),
        ("segment", pa.string()),
        ("variants", pa.string()),
    ]
)
ASSIGNMENT_SCHEMA = pa.schema(
    [
        ("experiment", pa.string()),
        ("profile_key", pa.string()),
        ("customer_id", pa.string()),
        ("arm", pa.string()),
        ("bucket", pa.int32()),
        ("assigned_on", pa.date32()),
    ]
)
PROMOTION_SCHEMA = pa.schema(
    [
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("training_partition", pa.date32()),
        ("effective_on", pa.date32()),
        ("reason", pa.string()),
        ("promoted_at", pa.timestamp("us")),
        ("promoted_by", pa.string()),
        ("evidence", pa.string()),
    ]
)
TOMBSTONE_SCHEMA = pa.schema([("kind", pa.string()), ("hash", pa.string()), ("effective_on", pa.date32())])
READMISSION_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("row_number", pa.int32()),
        ("readmitted_as", pa.string()),
        ("readmitted_at", pa.timestamp("us")),
    ]
)
TRIP_SCHEMA = pa.schema(
    [
        ("provider", pa.string()),
        ("engagement", pa.string()),
        ("metric", pa.string()),
        ("state", pa.string()),
        ("tripped_on", pa.date32()),
    ]
)
# For which segment its content was chosen, and what it showed, says what a release published; of a person who was erased that is gone
# too.
CLAIMS = "(select *, null as segment, null as variants from ledger) as claims"
MIRRORS = {
    "send_ledger": ("ledger", CLAIMS, "as_of, idempotency_key", LEDGER_SCHEMA),
    "assignments": ("assignments", "assignments", "experiment, assigned_on, profile_key", ASSIGNMENT_SCHEMA),
    "promotions": ("promotions", "promotions", "effective_on, number", PROMOTION_SCHEMA),
    "tombstones": ("tombstones", "tombstones", "kind, hash", TOMBSTONE_SCHEMA),
    "breaker_trips": ("breaker_trips", "breaker_trips", "tripped_on, number", TRIP_SCHEMA),
    "readmissions": ("readmitted", "readmitted", "file, row_number", READMISSION_SCHEMA),
}
# These grow every day and are mirrored in a file for each day, so that a day costs what it has. `<table>.parquet` beside them is empty.
CUT_BY_DAY = {"send_ledger": "as_of", "assignments": "assigned_on"}
DAYS = """
with recursive days(day) as (
    select min({day}) from {table}
    union all
    select (select min({day}) from {table} where {day} > days.day) from days where days.day is not null
)
select day from days where day is not null
"""

# A ghost mails nobody, so it holds the day of a mailbox against other ghosts only; a step that a ghost took is taken for sends too.
# The ledger has a rowid: a day is appended, and only the narrow indexes are written in the order of their keys.
TABLES = """
create table if not exists ledger (
    idempotency_key text not null primary key,
    kind text not null check (kind in ('send', 'ghost')),
    status text not null check (status in ('claimed', 'published', 'in_doubt', 'settled')),
    mailbox_hash text not null, customer_id text not null, root_profile_key text not null,
    flow text not null, step text not null, occurrence text not null,
    experiment text, arm text,
    as_of text not null, send_date text not null, send_at text not null, released_at text not null, run_id text not null
);
create unique index if not exists one_send_per_mailbox_and_day on ledger (send_date, kind, mailbox_hash);
create unique index if not exists one_step_per_mailbox on ledger (mailbox_hash, flow, step, occurrence);
create unique index if not exists one_step_per_lineage on ledger (root_profile_key, flow, step, occurrence);
create index if not exists ledger_by_partition on ledger (as_of);
create trigger if not exists the_ledger_forgets_nothing before delete on ledger
    begin select raise(abort, 'the send ledger is append-only'); end;
create trigger if not exists only_the_status_moves before update of
    idempotency_key, kind, mailbox_hash, customer_id, root_profile_key, flow, step, occurrence, experiment, arm, as_of, send_date,
    send_at, released_at, run_id on ledger
    begin select raise(abort, 'the send ledger is append-only'); end;
create table if not exists releases (
    as_of text primary key, send_date text not null, run_id text not null, released_at text not null, counts text not null
) without rowid;
create table if not exists release_destinations (
    as_of text primary key, destination text not null check (destination in ('files', 'smtp'))
) without rowid;
create table if not exists send_attempts (
    number integer primary key, idempotency_key text not null references ledger, as_of text not null,
    event text not null check (event in ('begun', 'accepted', 'deferred', 'refused', 'lost', 'found_sent', 'found_not_sent')),
    code integer, status_code text, at text not null, run_id text not null
);
create index if not exists attempts_by_partition on send_attempts (as_of);
create index if not exists attempts_by_key on send_attempts (idempotency_key);
create trigger if not exists attempts_stand before delete on send_attempts
    begin select raise(abort, 'attempts are append-only'); end;
create trigger if not exists attempts_stay before update of number, as_of, event, code, status_code, at, run_id on send_attempts
    begin select raise(abort, 'attempts are append-only'); end;
create table if not exists assignments (
    experiment text not null, profile_key text not null, customer_id text not null, arm text not null,
    bucket integer not null, assigned_on text not null, primary key (experiment, profile_key)
) without rowid;
create index if not exists assignments_by_day on assignments (assigned_on);
create table if not exists stale_mirrors (folder text not null, day text not null, primary key (folder, day)) without rowid;
create trigger if not exists a_claim_makes_its_day_stale after insert on ledger
    begin insert or ignore into stale_mirrors values ('send_ledger', new.as_of); end;
create trigger if not exists a_move_makes_its_day_stale after update on ledger
    begin insert or ignore into stale_mirrors values ('send_ledger', new.as_of); end;
create trigger if not exists an_arm_makes_its_day_stale after insert on assignments
    begin insert or ignore into stale_mirrors values ('assignments', new.assigned_on); end;
create trigger if not exists a_changed_arm_makes_its_day_stale after update on assignments
    begin insert or ignore into stale_mirrors values ('assignments', new.assigned_on); end;
create table if not exists promotions (
    number integer primary key, model_name text not null, model_version text not null, training_partition text not null,
    effective_on text not null, reason text not null, promoted_at text, promoted_by text not null default 'gate',
    evidence text not null default '{}'
);
create trigger if not exists promotions_stand before delete on promotions
    begin select raise(abort, 'promotions are append-only'); end;
create trigger if not exists promotions_stay before update on promotions
    begin select raise(abort, 'promotions are append-only'); end;
create table if not exists interest_fits (
    number integer primary key, trained_on text not null, effective_on text, body text not null, reason text not null,
    said_by text not null
);
create trigger if not exists interest_fits_stand before delete on interest_fits
    begin select raise(abort, 'fits of interests are append-only'); end;
create trigger if not exists interest_fits_stay before update on interest_fits
    begin select raise(abort, 'fits of interests are append-only'); end;
create table if not exists breaker_trips (
    number integer primary key, provider text not null, engagement text not null, metric text not null,
    state text not null check (state in ('hold', 'rolled_back', 'resumed')), tripped_on text not null,
    email_count integer not null, event_count integer not null,
    unique (provider, engagement, metric, state, tripped_on)
);
create trigger if not exists breaker_trips_stand before delete on breaker_trips
    begin select raise(abort, 'trips of breakers are append-only'); end;
create trigger if not exists breaker_trips_stay before update on breaker_trips
    begin select raise(abort, 'trips of breakers are append-only'); end;
create table if not exists ramp_moves (
    number integer primary key, flow text not null, salt text not null, stage integer not null, moved_on text not null,
    reason text not null, unique (flow, salt, moved_on)
);
create trigger if not exists ramp_moves_stand before delete on ramp_moves
    begin select raise(abort, 'moves of ramps are append-only'); end;
create trigger if not exists ramp_moves_stay before update on ramp_moves
    begin select raise(abort, 'moves of ramps are append-only'); end;
create table if not exists playbook_versions (
    number integer primary key, version text not null, effective_from text not null, body text not null, registered_at text not null
);
create table if not exists tombstones (
    kind text not null, hash text not null, effective_on text not null, primary key (kind, hash)
) without rowid;
create trigger if not exists tombstones_stand before delete on tombstones
    begin select raise(abort, 'tombstones are append-only'); end;
create trigger if not exists tombstones_stay before update on tombstones
    begin select raise(abort, 'tombstones are append-only'); end;
create table if not exists erasures (
    number integer primary key, mailbox_hash text not null, event text not null check (event in ('started', 'completed')),
    effective_on text not null, at text not null, requested_by text not null, reason text not null, counts text not null
);
create table if not exists readmissions (
    content_hash text primary key, file text not null, readmitted_as text not null, readmitted_at text not null
) without rowid;
create table if not exists readmitted_rows (
    file text not null, row_number integer not null, content_hash text not null references readmissions,
    primary key (file, row_number)
) without rowid;
create view if not exists readmitted as
    select file, row_number, readmitted_as, readmitted_at from readmitted_rows join readmissions using (file, content_hash);
"""


ADDED_TO_PROMOTIONS = {"promoted_by": "text not null default 'gate'", "evidence": "text not null default '{}'"}


@dataclass(frozen=True)
class Promotion:
    """A model version that became champion, and from which partition on it may score.

    Attributes:
        model_name: Task, which is also the registered name.
        model_version: Version of the registered model.
        training_partition: Last day whose facts it was trained on.
        effective_on: First partition that it scores.
        reason: Why, in words.
        promoted_by: `gate`, or the person who said so.
        evidence: Numbers that it was decided by.
    """

    model_name: str
    model_version: str
    training_partition: date
    effective_on: date
    reason: str
    promoted_by: str
    evidence: Mapping[str, str | float]


class StateStore:
    """What was decided, append-only; every method is one transaction, and none leaves the file open.

    SQLite keeps its rollback journal (not WAL) and syncs fully: a killed process or machine leaves either all of a transaction or
    nothing, and the state is one file that can be copied.
    """

    def __init__(self, directory: Path) -> None:
        """Open the store, and create it where it is missing."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        with self.transaction() as connection:
            for statement in _statements(TABLES + PAYLOADS):
                connection.execute(statement)
            take_over_payloads(connection)
            known = {row[1] for row in connection.execute("pragma table_info(promotions)")}
            for column in [name for name in ADDED_TO_PROMOTIONS if name not in known]:  # a store of an earlier version
                connection.execute(f"alter table promotions add column {column} {ADDED_TO_PROMOTIONS[column]}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that holds the write lock; commits at the end, rolls back on any exception."""
        connection = self.connect()
        try:
            connection.execute("begin immediate")
            yield connection
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        finally:
            connection.close()

    def connect(self) -> sqlite3.Connection:
        """A connection without implicit transactions."""
        connection = sqlite3.connect(self.directory / "state.sqlite", timeout=60, isolation_level=None)
        connection.execute("pragma synchronous = full")
        connection.execute("pragma secure_delete = on")
        connection.execute("pragma temp_store = memory")
        connection.execute(
            "pragma cache_size = -262144"
        )  # KiB at most: what a day of a million customers writes to of the indexes
        return connection

    def record_assignments(self, assignments: pa.Table) -> int:
        """Record first assignments; a profile that has one keeps it.

        Args:
            assignments: Columns of `ASSIGNMENT_SCHEMA`.

        Returns:
            How many were new.
        """
        columns = (assignments[name].to_pylist() for name in ASSIGNMENT_SCHEMA.names)
        rows = [(*row[:5], row[5].isoformat()) for row in zip(*columns, strict=True)]
        with self.transaction() as connection:
            insert = "insert or ignore into assignments values (?, ?, ?, ?, ?, ?)"
            return connection.executemany(insert, rows).rowcount

    def record_promotion(
        self,
        model_name: str,
        model_version: str,
        *,
        training_partition: date,
        effective_on: date,
        reason: str,
        promoted_by: str = GATE,
        evidence: Mapping[str, str | float] | None = None,
        promoted_at: datetime | None = None,
    ) -> None:
        """Record that a model version is champion from a partition on; the same promotion again changes nothing.

        The gate decides a week once: what it said before is not said again over what a person has said since.
        """
        key = (model_name, model_version, training_partition.isoformat(), effective_on.isoformat())
        same = "select model_version from promotions where model_name = ? and effective_on = ? order by number desc"
        with self.transaction() as connection:
            known = [row[0] for row in connection.execute(same, (model_name, effective_on.isoformat()))]
            if model_version not in (known if promoted_by == GATE else known[:1]):
                at = promoted_at.isoformat(sep=" ") if promoted_at else None
                connection.execute(
                    f"insert into promotions ({', '.join(PROMOTION_SCHEMA.names)}) values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, reason, at, promoted_by, json.dumps(dict(evidence or {}), sort_keys=True)),
                )

    def promotion_in_force(self, model_name: str, day: date) -> Promotion | None:
        """The newest promotion that is effective by a partition and was trained before it, or None."""
        row = self._first(
            "select model_name, model_version, training_partition, effective_on, reason, promoted_by, evidence from promotions"
            " where model_name = ? and effective_on <= ? and training_partition < ?"
            " order by effective_on desc, number desc limit 1",
            (model_name, day.isoformat(), day.isoformat()),
        )
        if row is None:
            return None
        trained_on, effective_on = date.fromisoformat(row[2]), date.fromisoformat(row[3])
        return Promotion(row[0], row[1], trained_on, effective_on, row[4], row[5], json.loads(row[6]))

    def register_playbook(self, playbook: Playbook, *, effective_from: date, registered_at: datetime) -> bool:
        """Record a version of the playbook if it differs from the newest one.

        Args:
            playbook: What marketing decided.
            effective_from: First partition that uses it; the very first version is in force from the beginning of time.
            registered_at: When it was registered (UTC).

        Returns:
            Whether it was new.
        """
        with self.transaction() as connection:
            newest = connection.execute("select version from playbook_versions order by number desc limit 1").fetchone()
            if newest is not None and newest[0] == playbook.version:
                return False
            first_day = BEGINNING if newest is None else effective_from
            row = (playbook.version, first_day.isoformat(), playbook.to_json(), registered_at.isoformat(sep=" "))
            connection.execute("insert into playbook_versions values (null, ?, ?, ?, ?)", row)
        return True

    def playbook_in_force(self, day: date) -> Playbook | None:
        """The playbook that partition `day` uses: the newest that is effective by it; None if none was registered."""
        row = self._first(
            "select body from playbook_versions where effective_from <= ?"
            " order by effective_from desc, number desc limit 1",
            (day.isoformat(),),
        )
        return None if row is None else Playbook.from_json(row[0])

    def playbook_history(self) -> list[tuple[date, Playbook]]:
        """All versions with the first partition that uses each, oldest first; of two from one day, only the newer."""
        rows = self._all("select effective_from, body from playbook_versions order by effective_from, number")
        newest = {date.fromisoformat(day): body for day, body in rows}
        return [(day, Playbook.from_json(body)) for day, body in newest.items()]

    def contents(self) -> dict[str, Content]:
        """What emails are made of, by version of the playbook, as decisions and claims name it."""
        rows = self._all("select version, body from playbook_versions order by number")
        books = [(version, Playbook.from_json(body)) for version, body in rows]
        return {
            name: book.mails for version, book in books for name in (version, book.version) if book.mails is not None
        }

    def mirror(self) -> None:
        """Write what dbt reads as Parquet, typed also when empty; a reader sees the old or the new file."""
        for folder, (table, relation, order, schema) in MIRRORS.items():
            target = self.directory / folder / f"{table}.parquet"
            target.parent.mkdir(exist_ok=True)
            day = CUT_BY_DAY.get(folder)
            if day is None:
                _replace(target, self._read(relation, schema, order=order))
            else:
                self._mirror_days(target, relation, schema, day=day, order=order)

    def _mirror_days(self, target: Path, relation: str, schema: pa.Schema, *, day: str, order: str) -> None:
        """Write the days that changed, or whose file is missing; what changes meanwhile waits for the lock, and is stale then."""
        folder, files = target.parent.name, {path.stem for path in target.parent.glob("*.parquet")}
        if target.stem in files and pq.read_table(target) != schema.empty_table():
            files = set()  # of an earlier version, which kept all days in one file, or knew fewer columns
        stale = {known for (known,) in self._all("select day from stale_mirrors where folder = ?", (folder,))}
        days = {known for (known,) in self._all(DAYS.format(table=target.stem, day=day))}
        if stale or days - files:
            with self.transaction() as connection:
                stale |= {
                    known
                    for (known,) in connection.execute("select day from stale_mirrors where folder = ?", (folder,))
                }
                for each in sorted(stale | days - files):
                    rows = _rows(connection, f"{relation} where {day} = ?", schema, order=order, values=(each,))
                    _replace(
                        target.with_stem(each), _with_contents(connection, each, rows) if relation is CLAIMS else rows
                    )
                connection.execute("delete from stale_mirrors where folder = ?", (folder,))
        if target.stem not in files:
            _replace(target, schema.empty_table())

    def _read(self, relation: str, schema: pa.Schema, *, order: str) -> pa.Table:
        connection = self.connect()
        try:
            return _rows(connection, relation, schema, order=order)
        finally:
            connection.close()

    def _first(self, query: str, values: Sequence[Any] = ()) -> Any:
        rows = self._all(query, values)
        return rows[0] if rows else None

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        connection = self.connect()
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


def _statements(script: str) -> Iterator[str]:
    """Statements of a script one by one: `executescript` would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _replace(target: Path, rows: pa.Table) -> None:
    temporary = target.with_suffix(".parquet.tmp")
    pq.write_table(rows, temporary)
    temporary.replace(target)


def _rows(
    connection: sqlite3.Connection, relation: str, schema: pa.Schema, *, order: str, values: Sequence[Any] = ()
) -> pa.Table:
    """Rows as Arrow. SQLite writes a line for each and Arrow reads types from the lines: an object a row, not one a cell."""
    line = " || ',' || ".join(f"""coalesce('"' || replace({name}, '"', '""') || '"', '')""" for name in schema.names)
    found = connection.execute(f"select {line} from {relation} order by {order}", values)
    tables = [schema.empty_table()]
    while lines := found.fetchmany(LINES):
        tables.append(_parsed("".join(f"{line}\n" for (line,) in lines), schema))
    return pa.concat_tables(tables).combine_chunks()


SHOWN = """
select
    claims.* replace (
        emails.segment as segment,
        case when emails.block_choices is not null then cast(to_json(list_transform(
            list_zip(json_keys(emails.block_choices), json_extract_string(emails.block_choices, '$.*.variant')),
            lambda choice: choice[1] || ':' || choice[2]
        )) as varchar) end as variants
    )
from claims left join emails on claims.idempotency_key = emails.idempotency_key
order by claims.idempotency_key
"""


def _with_contents(connection: sqlite3.Connection, day: str, claims: pa.Table) -> pa.Table:
    """A day's claims with the segment that each email was made for, and the variants that it showed."""
    emails = payloads_of(connection, day, columns=("idempotency_key", "segment", "block_choices"))
    with duckdb.connect(config={"threads": 1}) as memory:  # two of them cost more than they give
        memory.register("claims", claims)
        memory.register("emails", emails)
        return memory.execute(SHOWN).to_arrow_table().cast(claims.schema)


def _parsed(lines: str, schema: pa.Schema) -> pa.Table:
    """Lines of quoted cells; one that is not quoted is null, also the last one if its line ends as the others do."""
    return pa_csv.read_csv(
        io.BytesIO(lines.encode()),
        read_options=pa_csv.ReadOptions(column_names=schema.names),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
