"""Asset `activation.send_list`: the day's proposal as published files; a release turns it into sends."""

from datetime import timedelta

import dagster as dg

from activation.release.publish import publish_send_list
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.resources import Settings, Warehouse, open_state


def build_send_list(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["activation", "send_list"],
        description="One row per email that was decided; Parquet, CSV, templates and a manifest under publish/send_list/<send date>/.",
        group_name="audiences",
        kinds={"duckdb", "parquet"},
        owners=["team:audiences"],
        deps=[["activation", "send_decisions"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def send_list(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        contents = open_state(settings).contents()
        with warehouse.connect() as connection:
            for offset in range((end - start).days + 1):
                send_date = start + timedelta(days=offset + 1)
                manifest = publish_send_list(connection, settings.publish, send_date=send_date, contents=contents)
        return dg.MaterializeResult(metadata={"dagster/row_count": manifest.rows, "send_date": send_date.isoformat()})

    return send_list
