"""The graph of a small landing zone, loaded once."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.resources import prepare_home


@pytest.fixture(scope="session")
def defs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    home = tmp_path_factory.mktemp("home")
    landed = home / "landing" / "plain" / "orders" / "landed_on=2025-01-01"
    landed.mkdir(parents=True)
    kept = dict(os.environ)
    settings = prepare_home(home=home, landing=home / "landing", timezone="Europe/London")
    from orchestration.graph import build_definitions

    yield build_definitions(settings)
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session")
def snapshot() -> Path:
    return Path(__file__).with_name("asset_specs.txt")
