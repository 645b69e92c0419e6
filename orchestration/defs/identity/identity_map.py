"""Assets `marts.identity_map`, `marts.identity_log` and `ml.identity_matches`: who is whom, day by day."""

from datetime import date, timedelta

import dagster as dg
import duckdb

from ml.identity.resolve import resolve_days
from orchestration.defs.identity.batches import MOST, Most, batches
from orchestration.defs.identity.decisions import Decisions, Span, Version
from orchestration.defs.identity.dictionary import CREATE, execute, land
from orchestration.defs.identity.facts import read_known
from orchestration.defs.identity.identity_matches import is_due, propose, record
from orchestration.defs.identity.pictures import pictures_of, read_whom
from orchestration.defs.identity.reach import find_reached, reach_everybody, reach_of_erased
from orchestration.defs.identity.store import HUB_SIZES, store
from orchestration.defs.sources.landing_files import facts_window
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state

SIZES = "select (select count(*) from identity.profiles), (select count(*) from identity.identifiers)"

COUNTS = """
select
    (select count(*) from identity.profiles where first_landed_on <= $end),
    (select count(*) from identity.links),
    (select count(*) from identity.hubs where hub_to > $end and reason <> 'blocked'),
    (select count(*) from reached),
    (select count(*) from marts.identity_log where changed_on between $start and $end)
"""


def build_identity_map(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the three assets: proposals of a day link from the next, so that one step makes map, log and proposals in turns."""

    @dg.multi_asset(
        name="identity_map",
        specs=[
            _spec("identity_map", "One row per profile and validity: the customer that a profile belonged to."),
            _spec(
                "identity_log",
                "One row per change of a customer: created, merged, split or held, with its cause.",
                personal={"cause_value_hash": "identifier_hash"},
            ),
            _spec(
                "identity_matches",
                "One row per link that the probabilistic pass proposes, on the Sundays on which it is on; it links from the next day.",
                schema="ml",
                personal={
                    "left_profile_key": "profile_key",
                    "right_profile_key": "profile_key",
                    "identifier_hash": "identifier_hash",
                },
            ),
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def identity_map(
        context: dg.AssetExecutionContext,
    ) -> tuple[dg.MaterializeResult[None], dg.MaterializeResult[None], dg.MaterializeResult[None]]:
        with warehouse.connect() as connection:
            start, end = facts_window(connection, **dict(zip(("start", "end"), window(context), strict=True)))
            counts = solve_weeks(connection, decisions_of(settings), start=start, end=end)
            pictures = pictures_of(read_whom(connection, end))
        changes = {"changes": counts.pop("changes")}
        proposals = {"proposals": counts.pop("proposals")}
        return (
            dg.MaterializeResult(asset_key=["marts", "identity_map"], metadata={**counts, **pictures}),
            dg.MaterializeResult(asset_key=["marts", "identity_log"], metadata=changes),
            dg.MaterializeResult(asset_key=["ml", "identity_matches"], metadata=proposals),
        )

    return identity_map


def decisions_of(settings: Settings) -> Decisions:
    """What the playbooks of all days say of identity."""
    history = open_state(settings).playbook_history()
    return Decisions(tuple(Version(day, playbook.identity) for day, playbook in history))


def solve_weeks(
    connection: duckdb.DuckDBPyConnection, decisions: Decisions, *, start: date, end: date
) -> dict[str, int]:
    """Solve a window; where the probabilistic pass is on, it proposes at the end of each week, and the next days build on it.

    A day that lands again is followed by the proposals of all weeks after it, so that they follow from the facts that are there.

    Returns:
        As `solve_days`, summed over the weeks where days are counted, and the number of proposals.
    """
    execute(connection, CREATE)
    solved = connection.execute("select last_day from identity.solved").fetchone()
    if solved:
        start, end = min(start, solved[0] + timedelta(days=1)), max(end, solved[0])
    changes = proposed = 0
    for first, last in _weeks(start, end, decisions):
        counts = solve_days(connection, decisions, start=first, end=last)
        changes += counts["changes"]
        if is_due(last) and (identity := decisions.identity(last)).probabilistic.is_on:
            proposals = propose(connection, identity, last)
            record(connection, proposals, last)
            proposed += proposals.links.num_rows
    return counts | {"changes": changes, "proposals": proposed}


def _weeks(start: date, end: date, decisions: Decisions) -> list[tuple[date, date]]:
    """The window, parted after each day on which the pass proposes."""
    days = [start + timedelta(days=offset) for offset in range((end - start).days)]
    turns = [day for day in days if is_due(day) and decisions.identity(day).probabilistic.is_on]
    firsts = [start, *(day + timedelta(days=1) for day in turns)]
    return list(zip(firsts, [*turns, end], strict=True))


def solve_days(
    connection: duckdb.DuckDBPyConnection, decisions: Decisions, *, start: date, end: date, most: Most = MOST
) -> dict[str, int]:
    """Bring map, log and hubs up to a window whose facts are built; only profiles that the window reaches are solved again.

    A day that was solved before is solved anew with all days after it, so that the map always follows from the facts that
    are there. Erasures reach back to the first day.

    Args:
        connection: The warehouse.
        decisions: What the playbooks say.
        start: First day of the window.
        end: Last day, inclusive.
        most: Held in memory at once.

    Returns:
        Rows: profiles and links known, profiles reached, changes in the log of the window.
    """
    connection.execute("begin")
    execute(connection, CREATE)
    solved = connection.execute("select * from identity.solved").fetchone()
    if solved and solved[2:] != _sizes(connection):
        decisions.hand_in(connection)
        reach_of_erased(connection)
        for span in decisions.spans(solved[0], solved[1]):
            _solve(connection, span, last=solved[1], most=most)
    is_first = solved is None or start <= solved[0]
    start = start if solved is None else min(start, solved[1] + timedelta(days=1))
    end = end if solved is None else max(end, solved[1])
    land(connection, start=start, end=end)
    decisions.hand_in(connection)
    for span in decisions.spans(start, end):
        if is_first or span.rules_before:
            reach_everybody(connection)
        else:
            find_reached(connection, start=start, end=end)
        _solve(connection, span, last=end, most=most)
    execute(connection, HUB_SIZES, end=end)
    first = start if solved is None else min(start, solved[0])
    connection.execute("delete from identity.solved")
    connection.execute("insert into identity.solved values (?, ?, ?, ?)", [first, end, *_sizes(connection)])
    counts = connection.execute(COUNTS, {"start": start, "end": end}).fetchall()[0]
    connection.execute("commit")
    return dict(zip(("profiles", "links", "hubs", "reached", "changes"), counts, strict=True))


def _solve(connection: duckdb.DuckDBPyConnection, span: Span, *, last: date, most: Most) -> None:
    for _ in batches(connection, start=span.start, end=span.end, most=most):
        found = resolve_days(
            read_known(connection), start=span.start, end=span.end, rules=span.rules, rules_before=span.rules_before
        )
        store(connection, found, start=span.start, end=span.end, last=last)


def _sizes(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    return connection.execute(SIZES).fetchall()[0]


def _spec(
    name: str, description: str, *, schema: str = "marts", personal: dict[str, str] | None = None
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[schema, name],
        description=description,
        group_name="identity",
        kinds={"python", "scipy"},
        owners=["team:identity"],
        deps=[["intermediate", "int_identifiers__linked"], ["intermediate", "int_profiles__unioned"]],
        metadata={"personal": personal} if personal else {},
    )
