"""Assets `marts.segment_membership` and `marts.segment_days`: who is in which segment, and how each segment moved.

What was moved is recorded in the state, because a stay that is held cannot be computed from the facts of its day.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg
import duckdb

from activation.decision.membership import MembershipTables, SegmentDay, create_membership, move_members, rules_of
from activation.playbook.segments import Segment
from activation.state.moves import moved_days, read_moves, write_moves
from activation.state.store import StateStore
from orchestration.dbt import TRANSLATOR, DbtProjectRunner
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.playbooks import playbook_of, register_playbook
from orchestration.resources import Settings, Warehouse, open_state

MEMBERSHIP, DAYS = dg.AssetKey(["marts", "segment_membership"]), dg.AssetKey(["marts", "segment_days"])
CHECK = "segments_move_within_their_flip_budget"


def build_segment_membership(
    settings: Settings, warehouse: Warehouse, dbt: DbtProjectRunner, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the two assets, which one step produces, and what is checked of them."""
    deps = [*_rules(dbt), ["marts", "dim_customers"], ["marts", "identity_map"]]

    @dg.multi_asset(
        name="segment_membership",
        specs=[
            _spec(MEMBERSHIP, "One row per customer, segment and day, with the day on which the stay began.", deps),
            _spec(DAYS, "One row per segment and day: its size, who entered and left, and what was held.", deps),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=DAYS,
                description="No segment wants to move more people in one refresh than its flip budget allows; the rest is held.",
            )
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def segment_membership(context: dg.AssetExecutionContext) -> Iterator[Any]:
        start, end = window(context)
        register_playbook(open_state(settings), settings)
        with connect_without_gap(context, warehouse, settings) as connection:
            moved = move_days(connection, settings, start, end)
        newest = moved[end]
        over = {
            str(day): {each.segment: each.over_budget for each in segments if each.over_budget}
            for day, segments in moved.items()
        }
        held = {day: segments for day, segments in over.items() if segments}
        yield dg.MaterializeResult(
            asset_key=MEMBERSHIP, metadata={"dagster/row_count": sum(each.members for each in newest)}
        )
        yield dg.MaterializeResult(asset_key=DAYS, metadata=_describe(newest))
        yield dg.AssetCheckResult(
            asset_key=DAYS,
            check_name=CHECK,
            passed=not held,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"held": held},
        )

    return segment_membership


def move_days(
    connection: duckdb.DuckDBPyConnection, settings: Settings, start: date, end: date
) -> dict[date, tuple[SegmentDay, ...]]:
    """Move the days of a window one after the other and record their moves; what is recorded of later days is not looked at.

    Raises:
        UserError: If no playbook was in force on a day.
    """
    store = open_state(settings)
    create_membership(connection)
    read_moves(connection, settings.state, before=start)
    before = max((day for day in moved_days(settings.state) if day < start), default=None)
    moved = {}
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        segments = segments_on(store, day)
        moved[day] = move_members(
            connection,
            segments,
            as_of=day,
            before=before,
            tables=MembershipTables(rules_of(segments)),
            record=partial(write_moves, settings.state, day),
        )
        before = day
    return moved


def segments_on(store: StateStore, day: date) -> tuple[Segment, ...]:
    """The segments of the playbook in force; of a version that was stored without them, those of the newest one."""
    return playbook_of(store, day).segments or store.playbook_history()[-1][1].segments


def _rules(dbt: DbtProjectRunner) -> list[dg.AssetKey]:
    nodes = dbt.manifest_json["nodes"].values()
    return sorted(
        TRANSLATOR.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] == "segments"
    )


def _spec(key: dg.AssetKey, description: str, deps: Sequence[Any]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        description=description,
        group_name="audiences",
        kinds={"duckdb"},
        owners=["team:audiences"],
        deps=deps,
    )


def _describe(segments: tuple[SegmentDay, ...]) -> dict[str, Any]:
    rows = [
        dg.TableRecord({name: -1 if value is None else value for name, value in each._asdict().items()})
        for each in segments
    ]
    return {"segments": dg.MetadataValue.table(rows), "dagster/row_count": len(rows)} if rows else {}
