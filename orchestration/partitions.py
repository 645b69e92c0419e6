"""The partitions: business days, and the weeks on which models are trained."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg

FIRST_DAY_WITHOUT_LANDING = date(2024, 1, 1)
BACKFILL_IN_ONE_RUN = dg.BackfillPolicy.single_run()


def first_landed_day(landing: Path) -> date:
    """The oldest `landed_on=` folder, so that the partitions span exactly what was delivered."""
    names = (folder.name.removeprefix("landed_on=") for folder in landing.glob("*/*/landed_on=*"))
    return date.fromisoformat(min(names, default=FIRST_DAY_WITHOUT_LANDING.isoformat()))


def daily_partitions(landing: Path, timezone: str) -> dg.DailyPartitionsDefinition:
    """One partition a business day of `timezone`, from the first landed day on."""
    return dg.DailyPartitionsDefinition(start_date=first_landed_day(landing).isoformat(), timezone=timezone)


def weekly_partitions(landing: Path, timezone: str) -> dg.WeeklyPartitionsDefinition:
    """One partition a week from Monday to Sunday; its key is the Monday."""
    start = monday_of(first_landed_day(landing))
    return dg.WeeklyPartitionsDefinition(start_date=start.isoformat(), timezone=timezone, day_offset=1)


def monday_of(day: date) -> date:
    """The Monday of the week in which a day falls."""
    return day - timedelta(days=day.weekday())


def training_week_before(day: date) -> date:
    """Key (Monday) of the newest week that had ended before a business day began."""
    return monday_of(day) - timedelta(days=7)


def window(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last day, both inclusive, of the partitions that a step materialises."""
    span = context.partition_time_window
    return span.start.date(), (span.end - timedelta(hours=12)).date()


def window_of_run(run: dg.DagsterRun) -> tuple[date, date]:
    """The same of a run over daily partitions, for checks, which have no partitions of their own."""
    tags = run.tags
    single = tags.get("dagster/partition")
    start = tags.get("dagster/asset_partition_range_start", single)
    end = tags.get("dagster/asset_partition_range_end", single)
    if start is None or end is None:
        message = "this run has no partition: materialise a day, or a range of days"
        raise dg.Failure(message)
    return date.fromisoformat(start), date.fromisoformat(end)
