"""Whole runs by the command line, each in a home of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.forked import call
from tests.pipeline.sessions import Session

ROOT = Path(__file__).resolve().parents[2]
START = date(2025, 1, 1)
DAYS = 120
LAST = START + timedelta(days=DAYS - 1)


@dataclass(frozen=True)
class Platform:
    """One home and its landing zone, driven by the `holdfast` command."""

    home: Path
    landing: Path
    timezone: str = "UTC"

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DAGSTER_", "DBT_"))
        }
        own = {"HOLDFAST_HOME": self.home, "HOLDFAST_LANDING": self.landing, "HOLDFAST_TIMEZONE": self.timezone}
        return kept | {name: str(value) for name, value in own.items()}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "orchestration.cli", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=ROOT, env=self.environment(), text=True, **pipes)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return call(arguments, environment=self.environment(), cwd=ROOT, log=self.home, timeout=500)

    def ok(self, *arguments: str) -> str:
        done = self.call(*arguments)
        assert done.returncode == 0, f"holdfast {' '.join(arguments)}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout

    def fails(self, *arguments: str) -> str:
        """Run a command that must end with exit 2 and one line; returns the line."""
        done = self.call(*arguments)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        assert done.returncode == 2, f"exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-3000:]}"
        assert len(lines) == 1, done.stderr
        return lines[0]

    def session(self) -> Session:
        """A process for several runs of this home."""
        return Session(self.home, self.environment())

    def query(self, sql: str, **parameters: object) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql, parameters or None).fetchall()

    def value(self, sql: str, **parameters: object) -> object:
        return self.query(sql, **parameters)[0][0]


@pytest.fixture(scope="session")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Platform]:
    """Makes platforms: `holdfast("name", landing)`."""

    def make(name: str, landing: Path, timezone: str = "UTC") -> Platform:
        return Platform(tmp_path_factory.mktemp(name), landing, timezone)

    return make


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landing zone of a small simulated shop."""
    from simulator.shop import simulate

    folder = tmp_path_factory.mktemp("shop")
    simulate(customers=1200, days=DAYS, seed=11, out=folder / "landing", truth=folder / "truth", start=START)
    return folder / "landing"


def cut(shop: Path, folder: Path, last: date) -> Path:
    """A copy of the landing zone that ends on a day."""

    def later(_directory: str, names: list[str]) -> set[str]:
        return {name for name in names if name.startswith("landed_on=") and name[10:] > str(last)}

    shutil.copytree(shop, folder, ignore=later)
    return folder


def shared_data(*names: str) -> Path:
    """A folder of real public data beside the repository; skips, saying so, where it is absent."""
    roots = [Path(os.environ["HOLDFAST_SHARED_DATA"])] if "HOLDFAST_SHARED_DATA" in os.environ else []
    for root in [*roots, ROOT.parent / "shared" / "data"]:
        if root.joinpath(*names).exists():
            return root.joinpath(*names)
    pytest.skip(f"real data {'/'.join(names)} is not here (expected beside the repository in shared/data)")
