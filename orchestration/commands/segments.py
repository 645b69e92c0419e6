"""`holdfast segments`: all segments with how they stand, and the preview of one before somebody approves it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from io import StringIO
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from activation.decision.membership import MembershipTables
from activation.decision.preview import MOST_EMAILS, Preview, preview_segment
from activation.playbook.governance import Item
from activation.playbook.playbook import Playbook
from activation.playbook.segments import Segment
from activation.state.moves import read_moves
from orchestration.dbt import DbtProjectRunner
from orchestration.preflight import load_valid_playbook
from orchestration.resources import Settings, UserError, Warehouse, open_state

WIDTH = 160
HELD = {
    "entered_by_dwell": "would enter and left too lately",
    "entered_by_budget": "would enter, over the flip budget",
    "left_by_dwell": "would leave and entered too lately",
    "left_by_budget": "would leave, over the flip budget",
}
SIZES = "select segment, member_count from marts.segment_days where as_of = $day"
NEWEST = "select max(as_of) from marts.segment_days"
EXISTING = "select count(*) from duckdb_tables() where schema_name = 'marts' and list_contains($names, table_name)"
KNOWN = "select 1 from marts.dim_customers where as_of = $day limit 1"


def list_segments(settings: Settings, day: date | None, *, as_json: bool) -> str:
    """Every segment of the project: rhythm, size, stability, expiry, approval and action.

    Raises:
        PlaybookError: The playbook or a segment has faults.
        UserError: The warehouse is held.
    """
    playbook = load_valid_playbook()
    sizes: Mapping[str, int] = {}
    if settings.warehouse.exists():
        with Warehouse(settings.warehouse).connect(read_only=True) as connection:
            sizes = _sizes(connection, day)
    rows = [_listed(segment, playbook, sizes, settings.today()) for segment in playbook.segments]
    if as_json:
        return json.dumps(rows, indent=2, default=str)
    table = Table(title="Segments", title_justify="left")
    names = ("segment", "refresh", "members", "minimum", "days", "budget", "expires", "approval", "action")
    for name in names:
        is_number = name in {"members", "minimum", "days", "budget"}
        table.add_column(name, justify="right" if is_number else "left", no_wrap=name != "action")
    for row in rows:
        table.add_row(
            row["segment"], row["refresh"], "" if row["members"] is None else f"{row['members']:,}", f"{row['minimum_size']:,}",
            str(row["minimum_days"]), f"{row['flip_budget']:.0%}", str(row["expires_on"]), row["approval"], row["action"],
        )  # fmt: skip
    return _printed(table)


def preview(settings: Settings, name: str, day: date | None, *, with_ids: bool, as_json: bool) -> str:
    """What one more refresh of a segment would do on a day, with its rule as it reads now.

    Raises:
        PlaybookError: The playbook or a segment has faults.
        UserError: There is no such segment, the day was not computed, or the warehouse is held.
        DbtFailed: The rule does not compile.
    """
    playbook = load_valid_playbook()
    segment = playbook.segment(name)
    if segment is None:
        message = f"there is no segment {name!r}: `holdfast segments` lists all"
        raise UserError(message)
    if not settings.warehouse.exists():
        message = "nothing was computed yet: `holdfast run --date D` first"
        raise UserError(message)
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        on = _decided(connection, day)
    rule = DbtProjectRunner(settings).compile(name, on)
    store = open_state(settings)
    store.mirror()
    pattern = str(settings.state / "send_ledger" / "*.parquet").replace("'", "''")
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        read_moves(connection, settings.state, before=on + timedelta(days=1))
        found = preview_segment(
            connection,
            playbook,
            segment,
            as_of=on,
            today=settings.today(),
            salt=settings.salt,
            tables=MembershipTables({name: f"({rule})"}),
            ledger=f"read_parquet('{pattern}')",
        )
    return as_text(found, with_ids=with_ids) if not as_json else json.dumps(_plain(found, with_ids), indent=2)


def as_text(found: Preview, *, with_ids: bool) -> str:
    """A preview as people read it."""
    segment = found.segment
    table = Table(title=f"{segment.segment} as of {found.as_of}", title_justify="left", show_header=False)
    for name, text in {
        "action": f"{segment.action} ({segment.owner})",
        "approval": found.standing,
        "refresh": f"{segment.refresh}, {segment.minimum_days} days at least, expires {segment.expires_on}",
        "members in force": f"{found.in_force:,}",
        "members after a refresh": f"{found.members:,} ({found.enters:,} enter, {found.leaves:,} leave)",
        "members by the rule alone": f"{found.by_rule:,}",
        "held": ", ".join(f"{count:,} {HELD[name]}" for name, count in found.held.items()) or "nobody",
        "flip budget": _budget(found),
        "minimum size": f"{segment.minimum_size:,}: {'holds' if found.is_large_enough else 'too few, its content takes the fallback'}",
        "mailboxes": ", ".join(f"{_spoken(name)} {_share(count, found)}" for name, count in found.providers.items()),
        "emails in 7 days": ", ".join(
            f"{emails}{'+' if emails == MOST_EMAILS else ''}: {_share(count, found)}"
            for emails, count in found.pressure.items()
        ),
        "used by": "\n".join(found.used_by) or "no variant",
        **({side: "\n".join(keys) or "nobody" for side, keys in found.movers.items()} if with_ids else {}),
    }.items():
        table.add_row(name, text)
    return _printed(table)


def _listed(segment: Segment, playbook: Playbook, sizes: Mapping[str, int], today: date) -> dict[str, Any]:
    fault = playbook.standing(Item("segment", segment.segment), today).fault
    return {
        **segment.model_dump(),
        "members": sizes.get(segment.segment),
        "approval": (fault or "approved").replace("_", " "),
    }


def _sizes(connection: duckdb.DuckDBPyConnection, day: date | None) -> Mapping[str, int]:
    if not _has(connection, "segment_days"):
        return {}
    on = day or connection.execute(NEWEST).fetchall()[0][0]
    return dict(connection.execute(SIZES, {"day": on}).fetchall())


def _decided(connection: duckdb.DuckDBPyConnection, day: date | None) -> date:
    is_there = _has(connection, "segment_days", "mailbox_cohorts")
    newest = connection.execute(NEWEST).fetchall()[0][0] if is_there else None
    on: date | None = day or newest
    if on is None or newest is None or not connection.execute(KNOWN, {"day": on}).fetchall():
        message = f"{on or 'what is to be previewed'} was not computed: `holdfast run --date {on or 'D'}` first"
        raise UserError(message)
    return on


def _has(connection: duckdb.DuckDBPyConnection, *names: str) -> bool:
    return connection.execute(EXISTING, {"names": list(names)}).fetchall() == [(len(names),)]


def _budget(found: Preview) -> str:
    if found.flip_limit is None:
        return f"{found.segment.flip_budget:.0%}; all enter at once, it never had a member"
    held = "holds" if found.is_within_budget else "exceeded: the others wait for the next refresh"
    return f"{found.segment.flip_budget:.0%}: {found.flip_limit:,} may enter and {found.flip_limit:,} leave; {held}"


def _share(count: int, found: Preview) -> str:
    return f"{count / found.members:.0%}" if found.members else "0%"


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _plain(found: Preview, with_ids: bool) -> dict[str, Any]:
    plain = asdict(found) | {
        "segment": found.segment.model_dump(mode="json"),
        "as_of": found.as_of.isoformat(),
        "is_large_enough": found.is_large_enough,
        "is_within_budget": found.is_within_budget,
    }
    return plain if with_ids else {name: value for name, value in plain.items() if name != "movers"}


def _printed(table: Table) -> str:
    out = StringIO()
    Console(file=out, width=WIDTH, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
