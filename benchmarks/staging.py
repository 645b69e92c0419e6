"""Staging beside a bare DuckDB select of the same files: one busy day in JSON, and a year of events in Parquet."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path

from benchmarks.cost import Cost, apart, measured

DAY = date(2025, 6, 29)
DAY_SHOP = {"customers": 10_000, "days": 180}
YEAR_DAYS = 365


@dataclass(frozen=True)
class Case:
    """What is staged: dbt selectors, and the files (`vendor/object`) that have rows."""

    name: str
    objects: tuple[str, ...]
    models: tuple[str, ...]


A_DAY = Case(
    "one day, JSON",
    ("segment/events", "shopify/orders"),
    ("+int_web_events__unioned", "+int_orders__unioned"),
)
A_YEAR = Case(
    "one year, Parquet",
    ("plain/web_events", "plain/email_events"),
    ("+int_web_events__unioned", "+int_email_events__unioned"),
)


def main() -> None:
    """Print what staging costs, and what reading the same files into a table costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=150_000, help="of the day (default: %(default)s)")
    parser.add_argument("--orders", type=int, default=15_000, help="of the day (default: %(default)s)")
    parser.add_argument(
        "--customers", type=int, default=100_000, help="of the year; 55 events each (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        report(A_DAY, Path(folder), land_day(Path(folder), given.events, given.orders))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        report(A_YEAR, Path(folder), land_year(Path(folder), given.customers))


def land_day(folder: Path, events: int, orders: int) -> tuple[date, date]:
    """Let the rows of a whole shop land on one day: a file of each object."""
    from simulator.shop import simulate

    simulate(**DAY_SHOP, seed=7, out=folder / "shop", truth=None)  # type: ignore[arg-type]
    for name, taken in zip(A_DAY.objects, (events, orders), strict=True):
        into = folder / "landing" / name / f"landed_on={DAY}"
        into.mkdir(parents=True)
        rows = islice(_lines(folder / "shop" / name), taken)
        (into / "all.jsonl").write_text("".join(f"{row}\n" for row in rows))
    shutil.rmtree(folder / "shop")
    return DAY, DAY


def _lines(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.jsonl")):
        yield from (line for line in file.read_text().splitlines() if line.startswith("{") and line.endswith("}"))


def land_year(folder: Path, customers: int) -> tuple[date, date]:
    """Land a year of web and email events, and nothing else."""
    from simulator.shop import simulate

    simulate(
        customers=customers, days=YEAR_DAYS, seed=7, out=folder / "landing", truth=None, scenario="huge", workers=2
    )
    for found in folder.glob("landing/*/*"):
        if f"{found.parent.name}/{found.name}" not in A_YEAR.objects:
            shutil.rmtree(found)
    return date(2025, 1, 1), date(2025, 12, 31)


def report(case: Case, folder: Path, window: tuple[date, date]) -> None:
    """Measure both ways and print them."""
    bare: Cost = apart(select, case, folder)
    staged: Cost = apart(stage, case, folder, window)
    print(f"\n{case.name}: {bare.found:,} rows landed, {staged.found:,} staged")
    bare.say("bare select")
    staged.say("stage", bare)


def stage(case: Case, folder: Path, window: tuple[date, date]) -> Cost:
    """Register the files and build the models, as the platform does; the parse of the dbt project is not counted."""
    from orchestration.dbt import DbtProjectRunner
    from orchestration.defs.sources.landing_files import register_window
    from orchestration.resources import Warehouse, prepare_home

    settings = prepare_home(home=folder / "home", landing=folder / "landing")
    dbt, warehouse = DbtProjectRunner(settings), Warehouse(settings.warehouse)
    _ = dbt.manifest

    def work() -> None:
        with warehouse.connect() as connection:
            register_window(connection, settings, start=window[0], end=window[1])
        results = dbt.build(case.models, start=window[0], end=window[1])
        failed = [str(result.message) for result in results if result.status != "success"]
        if failed:
            raise RuntimeError(failed[0])

    cost = measured(work)
    with warehouse.connect(read_only=True) as connection:
        counts = [
            connection.execute(
                f"select count(*) from staging.base_{name.replace('/', '__')} where row_status = 'staged'"
            ).fetchone()
            for name in case.objects
        ]
    return replace(cost, found=sum(count[0] for count in counts if count))


def select(case: Case, folder: Path) -> Cost:
    """Read the same files into tables of a DuckDB file, each by one select."""
    import duckdb

    def work() -> int:
        rows = 0
        with duckdb.connect(str(folder / "bare.duckdb"), config={"threads": 2}) as connection:
            for name in case.objects:
                files = [str(file) for file in (folder / "landing" / name).rglob("*.*") if "-cut-" not in file.name]
                reader = (
                    "read_parquet($files, union_by_name = true)"
                    if "plain" in name
                    else "read_json($files, sample_size = -1)"
                )
                table = name.replace("/", "_")
                connection.execute(f"create table {table} as select * from {reader}", {"files": files})
                count = connection.execute(f"select count(*) from {table}").fetchone()
                rows += count[0] if count else 0
        return rows

    return measured(work)


if __name__ == "__main__":
    main()
