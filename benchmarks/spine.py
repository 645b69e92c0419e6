"""Whole runs by the command line: a tiny shop (the fixed overhead) and the demo's shop, with where the time goes."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SHOPS = {"tiny": (50, 30), "demo": (5000, 180)}


@dataclass(frozen=True)
class Timed:
    """One command and its wall-clock seconds."""

    command: str
    seconds: float


def main() -> None:
    """Simulate each shop, run its last day, run it again, and print every step's seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shops", nargs="*", choices=[*SHOPS, []], default=list(SHOPS))
    for shop in parser.parse_args().shops:
        with tempfile.TemporaryDirectory() as folder:
            measure(shop, Path(folder))


def measure(shop: str, home: Path) -> None:
    """Print the timings of one shop."""
    from orchestration.landing_zone.files import landing_days

    customers, days = SHOPS[shop]
    landing = home / "landing"
    sizes = ["--customers", str(customers), "--days", str(days), "--out", str(landing)]
    timings = [timed(["simulate", *sizes], home)]
    last = landing_days(landing)[-1].isoformat()
    timings += [timed(["run", "--date", last, "--landing", str(landing)], home) for _ in range(2)]
    print(f"\n{shop}: {customers} customers, {days} days")
    for timing in timings:
        print(f"  {timing.seconds:7.1f} s  holdfast {timing.command}")
    for step, seconds in step_seconds(home):
        print(f"    {seconds:6.1f} s  {step}")


def timed(arguments: list[str], home: Path) -> Timed:
    """Run one command in a home of its own."""
    environment = {**os.environ, "HOLDFAST_HOME": str(home)}
    environment.pop("DAGSTER_HOME", None)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return Timed(" ".join(word for word in arguments if not word.startswith("/")), time.perf_counter() - began)


def step_seconds(home: Path) -> list[tuple[str, float]]:
    """Seconds of each step of all runs of a home, in the order in which they ran."""
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    with dg.DagsterInstance.get() as instance:
        runs = reversed(instance.get_runs())
        stats = [(run.job_name, stat) for run in runs for stat in instance.get_run_step_stats(run.run_id)]
    return [
        (f"{job} {stat.step_key}", stat.end_time - stat.start_time)
        for job, stat in sorted(stats, key=lambda pair: pair[1].start_time or 0)
        if stat.start_time and stat.end_time
    ]


if __name__ == "__main__":
    main()
