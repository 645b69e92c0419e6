"""Which vendors there are and which are read: their folders in the dbt project, and the `vendors` of `dbt_project.yml`."""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from orchestration.resources import ROOT

PROJECT_FILE: Final = ROOT / "dbt_project" / "dbt_project.yml"
FOLDER: Final = ROOT / "dbt_project" / "models" / "staging"


class Vendor(NamedTuple):
    """The objects that a vendor lands and the canonical entities that its models give."""

    reads: tuple[str, ...]
    gives: tuple[str, ...]


@cache
def enabled_vendors(project_file: Path = PROJECT_FILE) -> dict[str, Vendor]:
    """The vendors that the project reads, by name."""
    listed = yaml.safe_load(project_file.read_text())["vars"]["vendors"]
    return {name: Vendor(tuple(has["reads"]), tuple(has["gives"])) for name, has in listed.items()}


@cache
def shipped_vendors(folder: Path = FOLDER) -> dict[str, Vendor]:
    """The vendors whose models are in the project, enabled or not, by name."""
    return {
        path.name: Vendor(_named(path, "base"), _named(path, "stg"))
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }


def enabling_line(name: str) -> str:
    """The line that enables a shipped vendor under `vars.vendors` of `dbt_project.yml`."""
    vendor = shipped_vendors()[name]
    return f"{name}: {{reads: [{', '.join(vendor.reads)}], gives: [{', '.join(vendor.gives)}]}}"


def _named(folder: Path, layer: str) -> tuple[str, ...]:
    prefix = f"{layer}_{folder.name}__"
    return tuple(sorted(path.stem.removeprefix(prefix) for path in folder.glob(f"{prefix}*.sql")))
