"""Assets `activation.send_decisions` and `measurement.experiment_assignments`: the waterfall of a day."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import duckdb

from activation.arms import snapshot_assignments
from activation.decide import DecisionSummary, decide
from activation.playbook import Playbook
from activation.state import StateStore
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.preflight import load_valid_playbook
from orchestration.resources import Settings, UserError, Warehouse, open_state

MARTS = [
    ["marts", "dim_customers"],
    ["marts", "suppressions"],
    ["marts", "segment_membership"],
    ["marts", "flow_triggers"],
    ["marts", "event_freshness"],
    ["marts", "identity_map"],
    ["ml", "customer_scores"],
    ["activation", "send_ledger"],
]


def build_send_decisions(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the two assets, which one decision produces."""

    @dg.multi_asset(
        name="send_decisions",
        specs=[
            _spec(
                "activation",
                "send_decisions",
                "audiences",
                "One row per candidate, flow and step: its outcome, with all reasons.",
            ),
            _spec(
                "measurement",
                "experiment_assignments",
                "measurement",
                "One row per experiment and customer: the arm that holds.",
            ),
        ],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def send_decisions(
        context: dg.AssetExecutionContext,
    ) -> tuple[dg.MaterializeResult[None], dg.MaterializeResult[None]]:
        start, end = window(context)
        store = open_state(settings)
        register_playbook(store, settings)
        with warehouse.connect() as connection:
            for offset in range((end - start).days + 1):
                summary, assigned = decide_day(connection, store, settings, start + timedelta(days=offset))
        return (
            dg.MaterializeResult(asset_key=["activation", "send_decisions"], metadata=_metadata(summary)),
            dg.MaterializeResult(
                asset_key=["measurement", "experiment_assignments"], metadata={"dagster/row_count": assigned}
            ),
        )

    return send_decisions


def decide_day(
    connection: duckdb.DuckDBPyConnection, store: StateStore, settings: Settings, day: date
) -> tuple[DecisionSummary, int]:
    """Decide one partition, record who was assigned to an arm for the first time, and snapshot the arms.

    Raises:
        UserError: If no playbook was in force on the day.
    """
    playbook = playbook_of(store, day)
    attach_assignments(connection, store, settings)
    summary = decide(connection, playbook, as_of=day, timezone=settings.timezone, salt=settings.salt)
    if store.record_assignments(summary.new_assignments):
        attach_assignments(connection, store, settings)
    return summary, snapshot_assignments(connection, experiment=playbook.global_holdout, as_of=day)


def attach_assignments(connection: duckdb.DuckDBPyConnection, store: StateStore, settings: Settings) -> None:
    """Give the decision the recorded assignments as a view."""
    store.mirror()
    pattern = str(settings.state / "assignments" / "*.parquet").replace("'", "''")
    connection.execute("create schema if not exists activation")
    connection.execute(f"create or replace view activation.assignments as from read_parquet('{pattern}')")


def register_playbook(store: StateStore, settings: Settings) -> Playbook:
    """Record the playbook of the repository if it changed; a changed one is in force from today's partition on.

    Raises:
        PlaybookError: One line per fault, with file and line.
    """
    playbook = load_valid_playbook()
    store.register_playbook(
        playbook, effective_from=settings.today(), registered_at=datetime.now(UTC).replace(tzinfo=None)
    )
    return playbook


def playbook_of(store: StateStore, day: date) -> Playbook:
    """The playbook that was in force on a day.

    Raises:
        UserError: If there was none.
    """
    playbook = store.playbook_in_force(day)
    if playbook is None:
        message = f"no playbook was in force on {day}: run `holdfast validate`"
        raise UserError(message)
    return playbook


def _metadata(summary: DecisionSummary) -> dict[str, object]:
    rows = [dg.TableRecord({**count._asdict(), "first_reason": count.first_reason or ""}) for count in summary.counts]
    outcomes: dict[str, int] = {}
    for count in summary.counts:
        outcomes[count.outcome] = outcomes.get(count.outcome, 0) + count.decisions
    shown: dict[str, object] = {
        "candidates": summary.candidates,
        "outcomes": outcomes,
        "contaminated": summary.contaminated,
        "unsubscribe_feed": "stale: nobody is sent" if summary.is_feed_stale else "fresh",
        "playbook": summary.playbook_version,
    }
    return {**shown, "waterfall": dg.MetadataValue.table(rows)} if rows else shown


def _spec(schema: str, name: str, group: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[schema, name],
        description=description,
        group_name=group,
        kinds={"duckdb"},
        owners=[f"team:{group}"],
        deps=MARTS,
    )
