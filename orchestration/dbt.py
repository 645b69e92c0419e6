"""dbt inside this process: one parse, then builds of 0.5 s each instead of 5 s a subprocess; the file is let go after each.

A generic test is a query that finds no rows. As a node of dbt it costs 50 ms, so all of them are compiled once and asked here
(docs/decisions/0046).
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration.gaps import STAGED_DAYS
from orchestration.parsed_project import PROJECT, ParsedProject
from orchestration.resources import Settings, Warehouse

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

CHOSEN = "chosen_for_this_build"
WINDOW_START, WINDOW_END = "WINDOW_START", "WINDOW_END"  # stand for days in a compiled test
LEAN = ("--log-level", "none", "--log-level-file", "none", "--threads", "2")
STAGE_OF_FOLDER = {"staging": "sources", "quarantine": "sources", "segments": "audiences"}


class DbtFailed(Exception):
    """A dbt node failed or a blocking test found rows; the message names the first of them."""


class StageTranslator(DagsterDbtTranslator):  # type: ignore[misc]  # dagster_dbt is imported without its types
    """Names a dbt node as the graph does: key = schema and table, group = stage.

    Args:
        checks_sources: Whether tests of the tables that Python writes become checks of their assets; one definition may.
    """

    def __init__(self, *, checks_sources: bool) -> None:
        super().__init__(
            settings=DagsterDbtTranslatorSettings(
                enable_source_tests_as_checks=checks_sources, enable_duplicate_source_asset_keys=True
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`schema/table`, unless the node's meta names another asset."""
        meta = dbt_resource_props.get("config", {}).get("meta") or dbt_resource_props.get("meta") or {}
        named = meta.get("dagster", {}).get("asset_key")
        return dg.AssetKey(named or [dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage folder of a model; seeds are hand-kept sources."""
        folders = dbt_resource_props["fqn"][1:]
        if folders[0] in {"intermediate", "marts"}:
            return str(folders[1])
        return STAGE_OF_FOLDER.get(folders[0], "sources")

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """What dbt says of a node; a model that is as of a day and reads facts comes after the days that are staged."""
        spec: dg.AssetSpec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None or node["resource_type"] != "model" or is_kept_by_landing_day(node):
            return spec
        if not any(_is_of_facts(manifest, parent) for parent in node["depends_on"]["nodes"]):
            return spec
        return spec.replace_attributes(deps=[*spec.deps, dg.AssetDep(STAGED_DAYS)])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """The team that owns the stage."""
        return [f"team:{self.get_group_name(dbt_resource_props)}"]


def is_kept_by_landing_day(node: Mapping[str, Any]) -> bool:
    """Whether a dbt model holds facts by the day on which they landed; all others are as of a day."""
    return bool(node["config"]["meta"].get("partitioned_by") == "landed_on")


def _is_of_facts(manifest: Mapping[str, Any], unique_id: str) -> bool:
    """Whether a node is kept by landing day, or is a table that Python writes of what landed."""
    if unique_id in manifest["sources"]:
        return manifest["sources"][unique_id]["source_name"] in {"ops", "identity"}
    node = manifest["nodes"][unique_id]
    return node["resource_type"] == "model" and is_kept_by_landing_day(node)


OTHER_COLUMNS = "schemas on this incremental model are out of sync"  # dbt's words where `on_schema_change` is `fail`

TRANSLATOR = StageTranslator(checks_sources=True)


@dataclass
class DbtProjectRunner:
    """Builds selections of the project, which is parsed once for all homes."""

    settings: Settings

    @property
    def target(self) -> Path:
        """Where dbt writes what it compiles, in the home."""
        return self.settings.home / "dbt_target"

    @cached_property
    def _parsed(self) -> ParsedProject:
        return ParsedProject.of(self.settings)

    @cached_property
    def manifest_json(self) -> dict[str, Any]:
        """The manifest as Dagster's decorators take it."""
        known = self._parsed.as_json()
        if known is None:
            _ = self.manifest
            known = json.loads((self.target / "manifest.json").read_text(encoding="utf-8"))
        return known

    @cached_property
    def manifest(self) -> "Manifest":
        """Dbt's own manifest object; handed to each build, so that no build parses again."""
        known = self._parsed.manifest()
        if known is None:
            known = self._invoke(["parse"]).result
            self._parsed.keep(known, self.target / "manifest.json")
        return known

    def build(self, nodes: Iterable[str], *, start: date, end: date) -> list[Any]:
        """Build models and run tests over a window of partitions.

        Args:
            nodes: Names of models and tests, or dbt selectors; nothing else is run.
            start: First partition day.
            end: Last partition day, inclusive.

        Returns:
            dbt's run results, one a node.

        Raises:
            DbtFailed: If dbt could not run at all.
        """
        wanted = frozenset(nodes)
        tests = [node for node in self.manifest.nodes.values() if node.name in wanted and is_plain_test(node)]
        others = wanted - {test.name for test in tests}
        if tests:
            _ = self.compiled_tests
        with Warehouse(self.settings.warehouse).connect() as connection:  # also for dbt: opening the file takes 50 ms
            results = self._build(others, start=start, end=end) if others else []
            missing = {result.node.unique_id for result in results if result.status.value in {"error", "skipped"}}
            askable = [test for test in tests if missing.isdisjoint(test.depends_on.nodes)]
            return results + (self._ask(connection, askable, start=start, end=end) if askable else [])

    def _build(self, nodes: AbstractSet[str], *, start: date, end: date) -> list[Any]:
        variables = json.dumps({"window_start": start.isoformat(), "window_end": end.isoformat()})
        selectors = mark_chosen(self.manifest, nodes)
        select = ["--select", *sorted(selectors), "--indirect-selection", "empty"]
        lean = ["--no-write-json", "--cache-selected-only", "--exclude-resource-type", "unit_test"]
        outcome = self._invoke(["build", *lean, *select, "--vars", variables])
        if outcome.exception is not None:
            raise DbtFailed(_first_line(outcome.exception)) from outcome.exception
        return list(outcome.result.results)

    def _ask(self, connection: duckdb.DuckDBPyConnection, tests: Iterable[Any], *, start: date, end: date) -> list[Any]:
        """Count the rows that each test finds."""
        from dbt.artifacts.schemas.results import TestStatus
        from dbt.artifacts.schemas.run import RunResult

        results, compiled = [], self.compiled_tests
        for test in tests:
            query = compiled[test.unique_id].replace(WINDOW_START, str(start)).replace(WINDOW_END, str(end))
            result = RunResult.from_node(test, TestStatus.Pass, None)
            try:
                [(result.failures,)] = connection.execute(f"select count(*) from ({query}) as found").fetchall()
            except duckdb.Error as problem:
                result.status, result.message = TestStatus.Error, str(problem)
            else:
                if result.failures:
                    is_warning = test.config.severity.lower() == "warn"
                    result.status = TestStatus.Warn if is_warning else TestStatus.Fail
                    result.message = (
                        f"Got {result.failures} results, configured to {'warn' if is_warning else 'fail'} if != 0"
                    )
            results.append(result)
        return results

    @cached_property
    def compiled_tests(self) -> dict[str, str]:
        """SQL of the tests that are asked here, by unique id."""
        queries = self._parsed.tests()
        if queries is None:
            variables = json.dumps({"window_start": WINDOW_START, "window_end": WINDOW_END})
            outcome = self._invoke(["compile", "--no-write-json", "--select", "test_type:generic", "--vars", variables])
            if not outcome.success:
                raise DbtFailed(_first_line(outcome.exception)) from outcome.exception
            queries = {result.node.unique_id: result.node.compiled_code for result in outcome.result.results}
            self._parsed.keep_tests(queries)
        return queries

    def compile(self, name: str, day: date) -> str:
        """The SQL of a model for one partition, as its file reads now; nothing is written.

        Raises:
            DbtFailed: If it does not compile.
        """
        variables = json.dumps({"window_start": day.isoformat(), "window_end": day.isoformat()})
        select = ["--select", *mark_chosen(self.manifest, {name}), "--indirect-selection", "empty"]
        outcome = self._invoke(["compile", "--no-write-json", *select, "--vars", variables])
        if outcome.exception is not None:
            raise DbtFailed(_first_line(outcome.exception)) from outcome.exception
        (result,) = outcome.result.results
        return str(result.node.compiled_code)

    def _invoke(self, arguments: Sequence[str]) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        os.environ["DBT_TARGET_PATH"] = str(self.target)
        folders = [
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
        ]
        manifest = None if arguments[0] == "parse" else forget_compiled(self.manifest)
        try:
            outcome = dbtRunner(manifest=manifest, callbacks=[_say_error]).invoke([*arguments, *folders, *LEAN])
        finally:
            DuckDBConnectionManager.close_all_connections()
        if arguments[0] == "parse" and not outcome.success:
            message = f"the dbt project does not parse: {_first_line(outcome.exception)}"
            raise DbtFailed(message)
        return outcome


def _say_error(event: Any) -> None:
    """Print what dbt calls an error. Its own loggers write a line of every event before they drop it: a tenth of a node's time."""
    if event.info.level == "error":
        print(event.info.msg)  # noqa: T201 (to the log of the step)


def is_plain_test(node: Any) -> bool:
    """Whether a dbt node is a generic test that fails by one row and no other number: its query is all that there is to it."""
    if node.resource_type.value != "test" or node.test_node_type != "generic":
        return False
    config = node.config
    return bool((config.fail_calc, config.error_if, config.warn_if, config.limit) == ("count(*)", "!= 0", "!= 0", None))


def forget_compiled(manifest: "Manifest") -> "Manifest":
    """Make a manifest ready for another build: what an earlier one compiled holds the SQL of its window and no other."""
    from dbt.contracts.graph.nodes import CompiledNode

    for node in manifest.nodes.values():
        if isinstance(node, CompiledNode):
            node.compiled = False
            node.extra_ctes_injected = False
            node.extra_ctes = []
    return manifest


def mark_chosen(manifest: "Manifest", nodes: AbstractSet[str]) -> set[str]:
    """Tag the named nodes, so that dbt looks for one tag rather than through all nodes for each name; gives the selectors to use."""
    named = set()
    for node in manifest.nodes.values():
        node.tags = [tag for tag in node.tags if tag != CHOSEN]
        if node.name in nodes:
            node.tags.append(CHOSEN)
            named.add(node.name)
    return {*(nodes - named), *([f"tag:{CHOSEN}"] if named else [])}


def dagster_events(
    results: Iterable[Any], manifest: Mapping[str, Any]
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Translate dbt's run results into materialisations and check results.

    Raises:
        DbtFailed: After all results, if a model failed.
    """
    failures = []
    for result in results:
        kind, status = result.node.resource_type.value, result.status.value
        if kind in {"model", "seed"} and status == "success":
            key = TRANSLATOR.get_asset_key(manifest["nodes"][result.node.unique_id])
            yield dg.MaterializeResult(asset_key=key, metadata={"seconds": round(result.execution_time, 3)})
        elif kind == "test" and status in {"pass", "warn", "fail", "error"}:
            yield _check_result(result, manifest)
        if status in {"error", "fail"}:
            failures.append(f"{result.node.name}: {_said_of(result.message or status)}")
    if failures:
        message = f"{len(failures)} dbt nodes failed, first {failures[0]}"
        raise DbtFailed(message)


def check_key(unique_id: str, manifest: Mapping[str, Any]) -> dg.AssetCheckKey | None:
    """The check as which a dbt test shows; None if the test belongs to no single asset."""
    key: dg.AssetCheckKey | None = get_asset_check_key_for_test(manifest, TRANSLATOR, unique_id, None)
    return key


def _check_result(result: Any, manifest: Mapping[str, Any]) -> dg.AssetCheckResult:
    key = check_key(result.node.unique_id, manifest)
    if key is None:
        message = f"test {result.node.name} belongs to no asset: give it `meta: {{dagster: {{ref: ...}}}}`"
        raise DbtFailed(message)
    severity = (
        dg.AssetCheckSeverity.WARN if result.node.config.severity.lower() == "warn" else dg.AssetCheckSeverity.ERROR
    )
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status.value == "pass",
        severity=severity,
        metadata={"failing_rows": result.failures or 0},
    )


def _said_of(message: str) -> str:
    if OTHER_COLUMNS in message:
        return (
            "its table in the warehouse has other columns, as another version of the project built it; delete warehouse.duckdb and"
            " backfill (docs/operations.md, After an update)"
        )
    return message.strip().splitlines()[0]


def _first_line(fault: object) -> str:
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(fault).__name__
