"""The platform never reads the truth: no import of the simulator, no path, no table of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PLATFORM = ("orchestration", "ml", "activation", "expectations", "reporting", "dbt_project", "playbook")
MAY_NAME_THE_TRUTH = {
    "orchestration/cli.py", # takes the folder as an option of `simulate` and `score`
    "orchestration/demo.py", # starts `simulate`
    "orchestration/commands/score.py", # hands the folder to the scoreboard
}  # fmt: skip
COMMANDS = {"score_warehouse", "simulate", "step"}
WRITTEN_IN = {".py", ".sql", ".yml", ".yaml", ".j2", ".toml"}

# The truth's folder, its file of parameters, its tables as the scoreboard calls them, and reading a Parquet file of one of them.
TABLES = ("people", "purchases", "effects", "machine_events", "faults")
TRACES = re.compile(
    r"--truth|\btruth\s*/|/\s*[\"']truth|[\"']truth[\"'/]|world\.json|\btruth_[a-z]+|\b(?:"
    + "|".join(TABLES)
    + r")\.parquet"
)


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Every file of the platform as its path below the repository and its text."""
    for package in PLATFORM:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in WRITTEN_IN and "target" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def test_platform_names_no_truth(root: Path) -> None:
    found = {path for path, text in sources(root) if TRACES.search(text)}

    assert found - MAY_NAME_THE_TRUTH == set()


def test_only_the_commands_of_the_simulator_take_a_truth(root: Path) -> None:
    tree = ast.parse((root / "orchestration" / "cli.py").read_text(encoding="utf-8"))
    takers = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and TRACES.search(ast.unparse(function))
    }

    assert takers == COMMANDS


def test_no_asset_can_reach_what_reads_the_truth(root: Path) -> None:
    importers = {
        path
        for path, text in sources(root)
        if path.endswith(".py")
        and re.search(r"^\s*(from|import) +(simulator|orchestration\.commands(\.| import )score)\b", text, re.MULTILINE)
    }

    assert importers <= MAY_NAME_THE_TRUTH


def test_scoreboard_alone_reads_the_truth(root: Path) -> None:
    readers = {
        path.relative_to(root).as_posix()
        for path in (root / "simulator").rglob("*.py")
        if re.search(r"truth_[a-z]+\b|read_parquet", path.read_text(encoding="utf-8"))
    }

    assert all(path.startswith("simulator/scoreboard/") for path in readers)
    assert readers


@pytest.mark.parametrize(
    ("text", "is_trace"),
    [
        ("frame = read_parquet(home / 'truth' / 'people.parquet')", True),
        ("subprocess.run(['holdfast', 'simulate', '--truth', folder])", True),
        ("select * from truth_people", True),
        ("json.loads((folder / 'world.json').read_text())", True),
        ("read_parquet('{{ env_var(\"HOLDFAST_HOME\") }}/truth/effects.parquet')", True),
        ("# the ledger is the source of truth", False),
        ("state/send_ledger/ledger.parquet", False),
    ],
)
def test_scan_finds_traces(text: str, *, is_trace: bool) -> None:
    assert bool(TRACES.search(text)) is is_trace
