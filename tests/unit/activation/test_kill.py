"""Killed with SIGKILL anywhere and released again: each key leaves once, and nothing claimed is lost."""

import csv
import io
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from activation.state.store import StateStore
from tests.unit.activation.killed import POINTS
from tests.unit.activation.shop import Shop, people

ROOT = Path(__file__).resolve().parents[3]
NAMES = people("treatment", 4)
HELD = people("holdout", 2)


def decided_home(home: Path) -> None:
    """A warehouse file with a decided day, closed again."""
    shop = Shop(StateStore(home / "state"), duckdb.connect(str(home / "warehouse.duckdb")))
    shop.fresh()
    for name in (*NAMES, *HELD):
        shop.customer(name)
        shop.trigger(name)
    shop.decide()
    shop.connection.close()


def run_and_die(home: Path, point: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.unit.activation.killed", str(home), point]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False, capture_output=True).returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a release that nobody kills publishes."""
    home = tmp_path_factory.mktemp("undisturbed")
    decided_home(home)
    shop = Shop.reopen(home)
    shop.release()
    files = shop.files()
    shop.connection.close()
    return files


@pytest.mark.parametrize("point", list(POINTS))
def test_killed_release_is_completed_by_the_next(tmp_path: Path, point: str, undisturbed: dict[str, bytes]) -> None:
    decided_home(tmp_path)
    assert run_and_die(tmp_path, point) == -signal.SIGKILL
    shop = Shop.reopen(tmp_path)
    summary = shop.release()
    assert (summary.sends, summary.ghosts, summary.dropped) == (len(NAMES), len(HELD), {})
    assert shop.files() == undisturbed
    rows = csv.DictReader(io.StringIO(shop.files()["send_list.csv"].decode()))
    assert Counter(row["email"] for row in rows) == Counter(f"{name}@shop.example" for name in NAMES)
    assert Counter(row["customer_id"] for row in shop.ledger()) == Counter((*NAMES, *HELD))
    assert {row["status"] for row in shop.ledger()} == {"published"}
    assert not list(shop.publish.rglob("*.tmp"))
    shop.connection.close()


def test_killed_before_the_commit_claims_nothing(tmp_path: Path) -> None:
    decided_home(tmp_path)
    run_and_die(tmp_path, "at_the_commit")
    shop = Shop.reopen(tmp_path)
    shop.mirror()
    assert shop.ledger() == []
    shop.connection.close()
