"""Whether a day says the same however it came to be built, on a shop whose events land late: rows compared, table by table.

60 days are built by one backfill. With it are compared: the aggregates of landing days built in random order and all days
decided after them; a home that lost ten days and ran them again; the days run one by one, each when only its own data had landed.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.pipeline.sessions import decide, holdfast, rebuild_aggregates, stage
from tests.pipeline.warehouses import compare, delete_days

FIRST = date(2025, 1, 1)


def main() -> None:
    """Build the homes and print what was compared, with seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--lost", type=int, default=10, help="days that are deleted")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the homes are kept; they go with the benchmark if not given")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(chosen.folder or Path(folder), chosen)


def measure(folder: Path, chosen: argparse.Namespace) -> None:
    """Print one block for each way of building."""
    from simulator.shop import simulate

    shop = folder / "shop"
    simulate(customers=chosen.customers, days=chosen.days, seed=chosen.seed, out=shop, truth=None, scenario="late")
    days = [FIRST + timedelta(days=offset) for offset in range(chosen.days)]
    chance = random.Random(chosen.seed)  # noqa: S311 - an order of days, no secret
    shuffled = chance.sample(days, len(days))
    lost = sorted(chance.sample(days[1:-1], min(chosen.lost, chosen.days - 2)))
    whole = folder / "one_backfill"
    print(f"{chosen.customers} customers, {chosen.days} days; lost: {', '.join(map(str, lost))}")
    print(
        f"{timed(run_one_backfill, whole, shop, days):8.0f} s  one_backfill, with which the others are compared",
        flush=True,
    )
    ways: list[tuple[str, Callable[..., None], Sequence[Any]]] = [
        ("random_order", run_in_random_order, (shop, days, shuffled)),
        ("lost_days", run_lost_days, (whole, lost)),
        ("one_by_one", run_one_by_one, (shop, days)),
    ]
    for name, way, arguments in ways:
        seconds = timed(way, folder / name, *arguments)
        report(name, seconds, whole, folder / name)


def report(name: str, seconds: float, one: Path, other: Path) -> None:
    """Print what the comparison found, and each table that differs."""
    compared = compare(one / "warehouse.duckdb", other / "warehouse.duckdb")
    rows, differing = (sum(getattr(found, kind) for found in compared) for kind in ("rows", "differing"))
    print(f"{seconds:8.0f} s  {name}: {len(compared)} tables, {rows} rows, {differing} differences", flush=True)
    for found in compared:
        if found.differing:
            print(f"            {found.table}: {found.differing} of {found.rows}", flush=True)


def timed(way: Callable[..., None], home: Path, *arguments: Any) -> float:
    """Seconds of a way, in a process of its own: the graph is bound to one home."""
    began = time.perf_counter()
    process = multiprocessing.get_context("spawn").Process(target=in_home, args=(way, home, *arguments))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{way.__name__} failed: see {home}.log")
    return time.perf_counter() - began


def in_home(way: Callable[..., None], home: Path, *arguments: Any) -> None:
    """Run a way in a home; what it says goes into a file beside it."""
    os.environ.pop("DAGSTER_HOME", None)
    os.environ.update(HOLDFAST_HOME=str(home), HOLDFAST_LANDING=str(home / "landing"), HOLDFAST_TIMEZONE="UTC")
    with home.with_suffix(".log").open("w") as log, redirect_stdout(log), redirect_stderr(log):
        way(home, *arguments)


def run_one_by_one(home: Path, shop: Path, days: Sequence[date]) -> None:
    """Each day is landed and run before the next one lands."""
    for day in days:
        for landed in shop.glob(f"*/*/landed_on={day}"):
            shutil.copytree(landed, home / "landing" / landed.relative_to(shop))
        holdfast("run", "--date", str(day), "--allow-empty")


def run_one_backfill(home: Path, shop: Path, days: Sequence[date]) -> None:
    """Everything has landed before anything is run."""
    shutil.copytree(shop, home / "landing")
    holdfast("backfill", "--from", str(days[0]), "--to", str(days[-1]))


def run_in_random_order(home: Path, shop: Path, days: Sequence[date], shuffled: Sequence[date]) -> None:
    """What landed is staged; the aggregates of landing days are built anew, day by day in another order; then all is decided."""
    shutil.copytree(shop, home / "landing")
    stage(str(days[0]), str(days[-1]))
    rebuild_aggregates(*map(str, shuffled))
    decide(str(days[0]), str(days[-1]))


def run_lost_days(home: Path, whole: Path, lost: Sequence[date]) -> None:
    """Days are deleted from every table of a warehouse that held all of them, and run again."""
    shutil.copytree(whole, home)
    delete_days(home / "warehouse.duckdb", lost)
    for day in lost:
        holdfast("run", "--date", str(day), "--allow-empty")


if __name__ == "__main__":
    main()
