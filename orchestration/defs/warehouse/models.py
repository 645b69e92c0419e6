"""The dbt models: one definition for all daily ones, which Dagster splits around the Python steps, and one for the weekly."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.dbt import (
    TRANSLATOR,
    DbtProjectRunner,
    StageTranslator,
    check_key,
    dagster_events,
    is_kept_by_landing_day,
)
from orchestration.defs.propensity.propensity_models import model_keys
from orchestration.defs.sources.landing_files import facts_window
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse

WEEKLY = "tag:weekly"
ON_RELEASE = "tag:release"


def build_models(
    settings: Settings,
    warehouse: Warehouse,
    dbt: DbtProjectRunner,
    daily: dg.PartitionsDefinition[str],
    weekly: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """Define the dbt assets of both rhythms."""

    def define(name: str, partitions: dg.PartitionsDefinition[str], *, is_weekly: bool) -> dg.AssetsDefinition:
        @dbt_assets(
            name=name,
            manifest=dbt.manifest_json,
            select=WEEKLY if is_weekly else "fqn:*",
            exclude=None if is_weekly else f"{WEEKLY} {ON_RELEASE}",
            partitions_def=partitions,
            dagster_dbt_translator=StageTranslator(checks_sources=not is_weekly),
            backfill_policy=BACKFILL_IN_ONE_RUN,
            pool="warehouse",
        )
        def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
            start, end = window(context)
            facts, marts = split(dbt, context.selected_asset_keys, context.selected_asset_check_keys)
            if facts:
                with warehouse.connect() as connection:
                    first, last = facts_window(connection, start=start, end=end)
                yield from build(dbt, facts, first, last)
            if as_of_names(dbt) & {*marts}:
                with connect_without_gap(context, warehouse, settings, needs_own_days=not is_weekly):
                    pass
            if marts:
                yield from build(dbt, marts, start, end)

        assets: dg.AssetsDefinition = models
        return assets

    return [define("daily_models", daily, is_weekly=False), define("weekly_models", weekly, is_weekly=True)]


def split(
    dbt: DbtProjectRunner, keys: AbstractSet[dg.AssetKey], checks: AbstractSet[dg.AssetCheckKey]
) -> tuple[list[str], list[str]]:
    """Names of the selected seeds, models and tests: those of facts, kept by landing day, and all others."""
    manifest = dbt.manifest_json
    facts: list[str] = []
    others: list[str] = []
    landed = {TRANSLATOR.get_asset_key(node) for node in manifest["nodes"].values() if is_fact(node)}
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] in {"model", "seed"}:
            asset: dg.AssetKey | None = TRANSLATOR.get_asset_key(node)
            is_wanted = asset in keys
        else:
            check = check_key(unique_id, manifest)
            asset = check.asset_key if check else None
            is_wanted = check in checks
        if is_wanted:
            (facts if asset in landed else others).append(node["name"])
    seeds = [name for name in others if f"seed.holdfast.{name}" in manifest["nodes"]]
    return (facts + seeds, [name for name in others if name not in seeds]) if facts else ([], others)


def fact_keys(dbt: DbtProjectRunner) -> list[dg.AssetKey]:
    """Assets that are kept by landing day; all others are as of a day and need the facts of every day before."""
    python = [
        dg.AssetKey(key)
        for key in (
            ["ops", "landing_files"],
            ["marts", "identity_map"],
            ["marts", "identity_log"],
            ["ml", "identity_matches"],
        )
    ]
    nodes = dbt.manifest_json["nodes"].values()
    return python + [
        TRANSLATOR.get_asset_key(node) for node in nodes if node["resource_type"] == "seed" or is_fact(node)
    ]


def weekly_keys(dbt: DbtProjectRunner) -> list[dg.AssetKey]:
    """Assets of what is built once a training week."""
    named = ("propensity_tasks", "training_value", "interest_clusters")
    python = [*(dg.AssetKey(["ml", name]) for name in named), *model_keys()]
    nodes = dbt.manifest_json["nodes"].values()
    return python + [
        TRANSLATOR.get_asset_key(node)
        for node in nodes
        if node["resource_type"] == "model" and "weekly" in node["tags"]
    ]


def as_of_names(dbt: DbtProjectRunner) -> set[str]:
    """Names of the models that are as of a day."""
    nodes = dbt.manifest_json["nodes"].values()
    return {node["name"] for node in nodes if node["resource_type"] == "model" and not is_kept_by_landing_day(node)}


def is_fact(node: Mapping[str, Any]) -> bool:
    """Whether a dbt node is a table that is kept by landing day."""
    is_table = node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    return is_table and is_kept_by_landing_day(node)


def build(dbt: DbtProjectRunner, names: list[str], start: date, end: date) -> Iterator[Any]:
    """Build models over a window and report them to Dagster."""
    return dagster_events(dbt.build(names, start=start, end=end), dbt.manifest_json)
