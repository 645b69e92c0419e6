"""The dbt models: one definition for all daily ones, which Dagster splits around the Python steps, and one for the weekly."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.dbt import TRANSLATOR, DbtProjectRunner, dagster_events
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window

WEEKLY = "tag:weekly"


def build_models(
    dbt: DbtProjectRunner, daily: dg.PartitionsDefinition[str], weekly: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Define the dbt assets of both rhythms."""
    return [
        _models("daily_models", dbt, daily, select="fqn:*", exclude=WEEKLY),
        _models("weekly_models", dbt, weekly, select=WEEKLY, exclude=None),
    ]


def _models(
    name: str, dbt: DbtProjectRunner, partitions: dg.PartitionsDefinition[str], *, select: str, exclude: str | None
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
        wanted = context.selected_asset_keys
        nodes = dbt.manifest_json["nodes"].values()
        names = [node["name"] for node in nodes if node["resource_type"] == "model" and TRANSLATOR.get_asset_key(node) in wanted]
        results = dbt.build(names, start=start, end=end)
        yield from dagster_events(results, dbt.manifest_json)

    return models
