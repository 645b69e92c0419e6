"""The packages keep to themselves, and nothing but orchestration knows where it runs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("orchestration", "ml", "expectations", "activation", "reporting", "simulator")
VAGUE = {"utils", "util", "common", "helpers", "helper", "lib", "base", "manager", "managers", "scripts", "misc"}
READS_ENVIRONMENT = {"orchestration/resources.py"}
# dbt takes its target folder from the environment only; orchestration/dbt.py sets it and reads nothing.
SETS_ENVIRONMENT = {*READS_ENVIRONMENT, "orchestration/dbt.py"}
STARTS_SIMULATOR = {"orchestration/cli.py", "orchestration/demo.py", "orchestration/commands/score.py"}
CLOCKS = {"now", "today", "utcnow"}


def modules(root: Path, *packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module as its path below the repository and its syntax tree."""
    for package in packages or PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> set[str]:
    """Top-level names of everything that a module imports, wherever in the module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def touches_environment(tree: ast.Module) -> bool:
    """Whether a module reads environment variables; handing all of them on to a child process is not reading."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {alias.name for alias in node.names} & {"environ", "getenv"}
        ):
            return True
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr == "getenv"
        ):
            return True
        if isinstance(node, ast.Subscript | ast.Call) and "os.environ" in ast.unparse(node)[: len("os.environ")]:
            return True
    return False


def test_import_contracts_are_kept(root: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(root / ".importlinter"),
    ]

    outcome = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_environment_is_read_in_one_place(root: Path) -> None:
    assert [path for path, tree in modules(root) if touches_environment(tree) and path not in SETS_ENVIRONMENT] == []


def test_what_sets_the_environment_reads_nothing_from_it(root: Path) -> None:
    wrong = [
        path
        for path, tree in modules(root)
        if path in SETS_ENVIRONMENT - READS_ENVIRONMENT
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "os.environ"
        and isinstance(node.ctx, ast.Load)
    ]

    assert wrong == []


def test_only_tracking_imports_mlflow(root: Path) -> None:
    domain = [path for path, tree in modules(root) if "mlflow" in imports(tree)]

    assert set(domain) <= {"ml/tracking.py"}


def test_only_orchestration_imports_dagster(root: Path) -> None:
    wrong = [
        path
        for path, tree in modules(root)
        if {"dagster", "dagster_dbt"} & imports(tree) and not path.startswith("orchestration/")
    ]

    assert wrong == []


def test_platform_runs_without_the_simulator(root: Path) -> None:
    wrong = [path for path, tree in modules(root) if "simulator" in imports(tree) and not path.startswith("simulator/")]

    assert set(wrong) <= STARTS_SIMULATOR


def test_domain_packages_read_no_clock_and_no_global_randomness(root: Path) -> None:
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node.func)}"
        for path, tree in modules(root, "ml", "expectations", "activation", "reporting", "simulator")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_clock_or_dice(node)
    ]

    assert wrong == []


def _is_clock_or_dice(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    owner, name = ast.unparse(call.func.value), call.func.attr
    if owner in {"datetime", "date", "datetime.datetime", "datetime.date"}:
        return name in CLOCKS
    if owner == "time":
        return name in {"time", "time_ns"}
    if owner in {"random", "np.random", "numpy.random"}:
        unseeded = name == "default_rng" and not call.args and not call.keywords
        return unseeded or name not in {"default_rng", "Generator", "SeedSequence", "PCG64", "Random"}
    return False


def test_every_folder_and_module_has_a_name_of_the_domain(root: Path) -> None:
    wrong = [
        path.relative_to(root).as_posix()
        for package in (*PACKAGES, "tests", "dbt_project/macros", "dbt_project/models")
        for path in (root / package).rglob("*")
        if path.stem in VAGUE and "__pycache__" not in path.parts
    ]

    assert wrong == []


def test_every_module_says_in_its_first_line_what_it_is(root: Path) -> None:
    wrong = [
        path
        for path, tree in modules(root)
        if not (ast.get_docstring(tree) or "").partition("\n")[0].endswith((".", "?"))
    ]

    assert wrong == []


def test_lock_names_packages_and_no_place_to_get_them(root: Path) -> None:
    lines = (root / "requirements.lock").read_text().splitlines()

    assert [line for line in lines if "://" in line or line.strip().startswith("-") or "@" in line] == [
        line for line in lines if line.strip().startswith("--hash=sha256:")
    ]
    assert len([line for line in lines if re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==", line)]) > 100


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("import os\nhome = os.environ['HOME']", True),
        ("import os\nhome = os.environ.get('HOME')", True),
        ("import os\nhome = os.getenv('HOME')", True),
        ("from os import environ\nhome = environ['HOME']", True),
        ("import os\nos.environ.setdefault('A', 'b')", True),
        ("import os\nchild = {**os.environ, 'A': 'b'}", False),
        ("import os\nos.replace('a', 'b')", False),
    ],
)
def test_scan_finds_reads_of_the_environment(source: str, *, reads: bool) -> None:
    assert touches_environment(ast.parse(source)) is reads


@pytest.mark.parametrize(
    ("source", "is_wrong"),
    [
        ("datetime.now(UTC)", True),
        ("date.today()", True),
        ("time.time()", True),
        ("np.random.rand(3)", True),
        ("np.random.default_rng()", True),
        ("np.random.default_rng(seed)", False),
        ("random.Random(seed)", False),
        ("time.monotonic()", False),
    ],
)
def test_scan_finds_clocks_and_dice(source: str, *, is_wrong: bool) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _is_clock_or_dice(call) is is_wrong


def test_audit_of_what_was_sent_shares_no_code_with_what_decided_it(root: Path) -> None:
    (audit,) = [tree for path, tree in modules(root, "tests") if path == "tests/audit.py"]

    assert imports(audit) & {*PACKAGES, "tests", "dbt_project"} == set()
    assert "duckdb" in imports(audit)
