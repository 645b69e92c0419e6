"""`holdfast score` refuses what it cannot compare, in one line, and fails where a number that must be 0 is not."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from activation.state.store import StateStore
from orchestration.cli import main
from orchestration.commands import score as command
from orchestration.preflight import load_valid_playbook
from simulator.scoreboard.faults import FaultScore
from simulator.scoreboard.identity import IdentityScore
from simulator.scoreboard.policy import PolicyScore
from simulator.scoreboard.scoreboard import Scoreboard
from simulator.scoreboard.sends import Forbidden, SendScore

DAY = date(2025, 3, 10)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose warehouse holds one decision."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    playbook = load_valid_playbook()
    StateStore(tmp_path / "state").register_playbook(
        playbook, effective_from=DAY, registered_at=datetime(2025, 3, 1, tzinfo=UTC)
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema activation")
        connection.execute("create table activation.send_decisions as select date '2025-03-10' as as_of")
    return tmp_path


def scoreboard(emails: int) -> Scoreboard:
    return Scoreboard(
        scenario="calm", as_of=DAY, identity=IdentityScore(3, 4, 5, None, 0, None, 6, 7, 1, 0, 2, 3, 0, 0, 0),
        sends=SendScore(1, 0, (Forbidden("unsubscribed", emails),)), faults=FaultScore((), ()), machines=None, lift=(),
        models=None, policy=PolicyScore(()),
    )  # fmt: skip


def call(*arguments: str) -> tuple[int, list[str]]:
    outcome = CliRunner().invoke(main, ["score", *arguments])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    return outcome.exit_code, outcome.stderr.splitlines()


def test_folder_without_truth_is_the_callers_fault(home: Path) -> None:
    code, lines = call("--truth", str(home / "nowhere"))

    assert code == 2
    assert len(lines) == 1
    assert "lacks people" in lines[0]


def test_day_without_decision_is_the_callers_fault(home: Path) -> None:
    code, lines = call("--truth", str(home), "--date", "2025-03-11")

    assert (code, lines) == (2, ["holdfast: no decision for 2025-03-11: run `holdfast run --date 2025-03-11` first"])


def test_home_without_warehouse_is_the_callers_fault(home: Path) -> None:
    (home / "warehouse.duckdb").unlink()

    code, lines = call("--truth", str(home))

    assert code == 2
    assert "no warehouse at" in lines[0]
    assert not (home / "warehouse.duckdb").exists()


@pytest.mark.parametrize(("emails", "code"), [(0, 0), (2, 1)])
def test_number_that_must_be_zero_decides_the_exit(
    home: Path, monkeypatch: pytest.MonkeyPatch, emails: int, code: int
) -> None:
    def found(*_: Any, **__: Any) -> Scoreboard:
        return scoreboard(emails)

    monkeypatch.setattr(command, "score", found)

    outcome = CliRunner().invoke(main, ["score", "--truth", str(home), "--out", str(home / "out")])

    assert outcome.exit_code == code
    assert "To unsubscribed" in outcome.stdout
    assert ("must be 0 and is not: to unsubscribed 2" in outcome.stderr) is (code == 1)
    written = json.loads((home / "out" / "score.json").read_text())
    assert written["as_of"] == "2025-03-10"
    assert written["sends"]["forbidden"] == [{"to": "unsubscribed", "emails": emails}]
    assert "What the choice is worth" in (home / "out" / "index.html").read_text()
