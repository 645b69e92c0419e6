"""Assets `activation.send_decisions` and `measurement.experiment_assignments`: the waterfall of a day."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb

from activation.decision.arms import snapshot_assignments
from activation.decision.decide import DecisionSummary, decide
from activation.state.store import StateStore
from activation.state.tables import expose_state
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.playbooks import playbook_of, register_playbook
from orchestration.resources import Settings, Warehouse, open_state

MARTS = [
    ["marts", "dim_customers"],
    ["marts", "suppressions"],
    ["marts", "segment_membership"],
    ["marts", "flow_triggers"],
    ["marts", "flow_exits"],
    ["marts", "event_freshness"],
    ["marts", "identity_map"],
    ["ml", "customer_scores"],
    ["marts", "customer_recommendations"],
    ["marts", "customer_send_hours"],
    ["marts", "mailbox_cohorts"],
    ["activation", "send_ledger"],
    ["activation", "breaker_states"],
    ["activation", "ramp_states"],
]

# A checkpoint compresses what is in the last row group of each table once more, and by default every day of a backfill is large enough
# for one. What is committed is in the log all the same.
CHECKPOINT_LESS = "set checkpoint_threshold = '512MB'"


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
        with connect_without_gap(context, warehouse, settings) as connection:
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
    connection.execute(CHECKPOINT_LESS)
    store.mirror()
    expose_state(connection, settings.state)
    summary = decide(connection, playbook, as_of=day, timezone=settings.timezone, salt=settings.salt)
    if store.record_assignments(summary.new_assignments):
        store.mirror()
    return summary, snapshot_assignments(connection, playbook, as_of=day)


def _metadata(summary: DecisionSummary) -> dict[str, Any]:
    rows = [dg.TableRecord({**count._asdict(), "first_reason": count.first_reason or ""}) for count in summary.counts]
    outcomes: dict[str, int] = {}
    for count in summary.counts:
        outcomes[count.outcome] = outcomes.get(count.outcome, 0) + count.decisions
    shown: dict[str, Any] = {
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
