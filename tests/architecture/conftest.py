"""The repository as the rules see it."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest, parsed now and outside the project."""
    from dbt.cli.main import dbtRunner

    project, target = ROOT / "dbt_project", tmp_path_factory.mktemp("target")
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDFAST_HOME", str(target))
        patch.setenv("DO_NOT_TRACK", "true")
        outcome = dbtRunner().invoke(["parse", "--quiet", "--no-partial-parse", *map(str, folders)])
    assert outcome.success, outcome.exception
    parsed: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return parsed


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The models of the project."""
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
