"""Assets `activation.breaker_states` and `activation.ramp_states`: whom a day may not mail, or not yet."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import dagster as dg
import duckdb
import pyarrow as pa

from activation.deliverability import breakers, ramps
from activation.deliverability.breakers import BreakerState, judge_cells, record_trips, trips_by
from activation.deliverability.evidence import read_send_days, read_variant_days
from activation.deliverability.ramps import RampState, judge_ramps, moves_by, record_moves
from activation.state.store import StateStore
from activation.state.tables import create_tables
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.playbooks import playbook_of, register_playbook
from orchestration.resources import Settings, Warehouse, open_state

SEND_HEALTH: Final = "marts.send_health"
VARIANT_HEALTH: Final = "marts.variant_health"
BREAKERS: Final = dg.AssetKey(["activation", "breaker_states"])
RAMPS: Final = dg.AssetKey(["activation", "ramp_states"])

CHECKS: Final = [
    dg.AssetCheckSpec(
        "no_cell_is_held",
        asset=BREAKERS,
        description="No mailbox provider and cohort is held or rolled back for complaints, bounces or unsubscribes.",
    ),
    dg.AssetCheckSpec(
        "no_ramp_is_held",
        asset=RAMPS,
        description="No new flow or variant was stopped, or sent back by a stage on the day.",
    ),
]


def build_breaker_states(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the two assets, which are judged by the same emails."""

    @dg.multi_asset(
        name="breaker_states",
        specs=[
            _spec(BREAKERS, "One row per mailbox provider, engagement cohort, metric and day: closed, warn, hold or rolled back."),
            _spec(RAMPS, "One row per flow or variant with a ramp and day: its stage, what it waits for, and whom it reaches."),
        ],
        check_specs=CHECKS,
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )  # fmt: skip
    def breaker_states(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        start, end = window(context)
        store = open_state(settings)
        register_playbook(store, settings)
        with connect_without_gap(context, warehouse, settings) as connection:
            create_tables(connection)
            for offset in range((end - start).days + 1):
                cells, stages = judge_day(connection, store, start + timedelta(days=offset))
        yield dg.MaterializeResult(asset_key=BREAKERS, metadata=_shown(cells))
        yield dg.MaterializeResult(asset_key=RAMPS, metadata=_shown(stages))
        yield from checked(cells, stages)

    return breaker_states


def judge_day(
    connection: duckdb.DuckDBPyConnection, store: StateStore, day: date
) -> tuple[list[BreakerState], list[RampState]]:
    """Judge every cell and ramp on a day, record what opened or moved, and replace the day in both tables.

    Raises:
        UserError: If no playbook was in force on the day.
    """
    playbook = playbook_of(store, day)
    emails = read_send_days(connection, day, table=SEND_HEALTH)
    resumed = playbook.resumed_on(day)
    cells = judge_cells(emails, playbook.policies, trips=trips_by(store, day), resumed=resumed, as_of=day)
    shown = read_variant_days(connection, day, table=VARIANT_HEALTH)
    moves = moves_by(store, day)
    stages = judge_ramps(playbook.flows, emails, playbook.policies, moves=moves, as_of=day, variant_days=shown)
    if record_trips(store, cells, resumed=resumed, as_of=day):
        store.mirror()
    record_moves(store, stages)
    _replace(connection, "activation.breaker_states", breakers.to_table(cells), day)
    _replace(connection, "activation.ramp_states", ramps.to_table(stages), day)
    return cells, stages


def checked(cells: Sequence[BreakerState], stages: Sequence[RampState]) -> Iterator[dg.AssetCheckResult]:
    """What somebody should look at, of the last day of a run: a warning, as the decision keeps these people back by itself."""
    held = [cell.sentence for cell in cells if cell.state in {"hold", "rolled_back"}]
    stopped = [
        f"{stage.subject}: {stage.sentence}" for stage in stages if stage.state == "held" or stage.move == "back"
    ]
    for spec, found in zip(CHECKS, (held, stopped), strict=True):
        yield dg.AssetCheckResult(
            asset_key=spec.asset_key,
            check_name=spec.name,
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(found),
            metadata={"found": found},
        )


def _replace(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, day: date) -> None:
    connection.register("judged", rows)
    connection.begin()
    connection.execute(f"delete from {table} where as_of = $day", {"day": day})
    connection.execute(f"insert into {table} by name select * from judged")
    connection.commit()
    connection.unregister("judged")


def _shown(states: Sequence[BreakerState] | Sequence[RampState]) -> dict[str, int | dg.TableMetadataValue]:
    rows = [
        dg.TableRecord({name: "" if value is None else str(value) for name, value in vars(state).items()})
        for state in states
    ]
    counted: dict[str, int | dg.TableMetadataValue] = {"dagster/row_count": len(rows)}
    return {**counted, "states": dg.MetadataValue.table(rows)} if rows else counted


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        description=description,
        group_name="audiences",
        kinds={"python"},
        owners=["team:audiences"],
        deps=[["marts", "send_health"], ["marts", "variant_health"]],
    )
