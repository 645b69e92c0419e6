"""The dbt models: one definition for all daily ones, which Dagster splits around the Python steps, and one for the weekly."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.dbt import TRANSLATOR, DbtProjectRunner, dagster_events
from orchestration.defs.sources.landing_files import facts_window
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Warehouse

WEEKLY = "tag:weekly"
ON_RELEASE = "tag:release"


def build_models(
    warehouse: Warehouse,
    dbt: DbtProjectRunner,
    daily: dg.PartitionsDefinition[str],
    weekly: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """Define the dbt assets of both rhythms."""
    return [
        _models("daily_models", warehouse, dbt, daily, select="fqn:*", exclude=f"{WEEKLY} {ON_RELEASE}"),
        _models("weekly_models", warehouse, dbt, weekly, select=WEEKLY, exclude=None),
    ]


def _models(
    name: str,
    warehouse: Warehouse,
    dbt: DbtProjectRunner,
    partitions: dg.PartitionsDefinition[str],
    *,
    select: str,
    exclude: str | None,
) -> dg.AssetsDefinition:
    @dbt_assets(
        name=name,
        manifest=dbt.manifest_json,
        select=select,
        exclude=exclude,
        partitions_def=partitions,
        dagster_dbt_translator=TRANSLATOR,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        start, end = window(context)
        facts, marts = split(dbt, context.selected_asset_keys)
        if facts:
            with warehouse.connect() as connection:
                first, last = facts_window(connection, start=start, end=end)
            yield from build(dbt, facts, first, last)
        if marts:
            yield from build(dbt, marts, start, end)

    assets: dg.AssetsDefinition = models
    return assets


def split(dbt: DbtProjectRunner, keys: set[dg.AssetKey]) -> tuple[list[str], list[str]]:
    """Names of the selected models: those kept by landing day, and all others."""
    nodes = [node for node in dbt.manifest_json["nodes"].values() if node["resource_type"] in {"model", "seed"}]
    wanted = [node for node in nodes if TRANSLATOR.get_asset_key(node) in keys]
    facts = [node["name"] for node in wanted if is_fact(node)]
    return facts, [node["name"] for node in wanted if not is_fact(node)]


def fact_keys(dbt: DbtProjectRunner) -> list[dg.AssetKey]:
    """Assets that are kept by landing day; all others are as of a day and need the facts of every day before."""
    python = [
        dg.AssetKey(key) for key in (["ops", "landing_files"], ["marts", "identity_map"], ["marts", "identity_log"])
    ]
    nodes = dbt.manifest_json["nodes"].values()
    return python + [
        TRANSLATOR.get_asset_key(node) for node in nodes if node["resource_type"] in {"model", "seed"} and is_fact(node)
    ]


def is_fact(node: dict[str, Any]) -> bool:
    """Whether a dbt node is kept by landing day."""
    return bool(node["config"].get("meta", {}).get("partitioned_by") == "landed_on" or node["resource_type"] == "seed")


def build(dbt: DbtProjectRunner, names: list[str], start: date, end: date) -> Iterator[Any]:
    """Build models over a window and report them to Dagster."""
    return dagster_events(dbt.build(names, start=start, end=end), dbt.manifest_json)
