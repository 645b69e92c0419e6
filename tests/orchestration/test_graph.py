"""The graph loads, is complete, and changes visibly."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

STAGES = {"sources", "identity", "behavior", "propensity", "audiences", "measurement"}


def specs_of(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


def describe(spec: dg.AssetSpec) -> str:
    deps = " ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps))
    kind = type(spec.partitions_def).__name__.removesuffix("PartitionsDefinition").lower()
    return f"{spec.key.to_user_string()} | {spec.group_name} | {kind} | {' '.join(spec.owners)} | {deps}"


def test_asset_specs_are_those_of_the_snapshot(defs: dg.Definitions, snapshot: Path, tmp_path: Path) -> None:
    found = tmp_path / snapshot.name
    found.write_text("".join(f"{describe(spec)}\n" for spec in specs_of(defs)))
    assert found.read_text() == snapshot.read_text(), f"the graph changed; if you meant it: cp {found} {snapshot}"


def test_every_asset_has_stage_owner_and_description(defs: dg.Definitions) -> None:
    bare = [
        spec.key.to_user_string()
        for spec in specs_of(defs)
        if spec.group_name not in STAGES or not spec.owners or not (spec.description or "").strip()
    ]
    assert bare == []


def test_the_lineage_is_one_graph_from_files_to_report(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    before = graph.get_ancestor_asset_keys(dg.AssetKey(["measurement", "report_site"]))
    for key in ("ops/landing_files", "marts/identity_map", "ml/customer_scores", "activation/send_decisions"):
        assert dg.AssetKey(key.split("/")) in before


def test_blocking_gates_stand_before_the_send_list(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checks = {
        (key.asset_key.to_user_string(), graph.get_check_spec(key).blocking)
        for key in graph.asset_check_keys
        if key.name == "expectations_critical"
    }
    for table in ("marts/dim_customers", "marts/suppressions", "ml/customer_scores", "activation/send_decisions"):
        assert (table, True) in checks


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2025, 3, 30, 5, 0, tzinfo=UTC), "2025-03-29"),  # the clocks went forward in the night
        (datetime(2025, 10, 26, 6, 0, tzinfo=UTC), "2025-10-25"),  # and back
    ],
)
def test_schedule_runs_yesterday_at_six_local_time(defs: dg.Definitions, now: datetime, day: str) -> None:
    schedule = defs.resolve_schedule_def("send_list_at_six")
    assert schedule.execution_timezone == "Europe/London"
    context = dg.build_schedule_context(repository_def=defs.get_repository_def(), scheduled_execution_time=now)
    request = schedule.evaluate_tick(context).run_requests[0]
    assert request.partition_key == day
    assert request.run_key == f"daily-{day}"


def test_training_schedule_takes_the_week_that_ended(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("training_on_mondays")
    context = dg.build_schedule_context(
        repository_def=defs.get_repository_def(), scheduled_execution_time=datetime(2025, 6, 30, 6, 0, tzinfo=UTC)
    )
    assert schedule.evaluate_tick(context).run_requests[0].partition_key == "2025-06-23"


def test_every_step_takes_the_slot_of_the_warehouse(defs: dg.Definitions) -> None:
    for name in ("daily", "facts", "decision", "training", "release", "reconcile"):
        job = defs.resolve_job_def(name)
        for node in job.graph.nodes:
            assert node.definition.pool == "warehouse", node.name
