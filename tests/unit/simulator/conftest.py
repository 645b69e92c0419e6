"""A small shop, landed once for all tests that only read it."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from simulator.histories import History
from simulator.shop import Summary, simulate
from simulator.world import World
from tests.unit.simulator.samples import live_once

CUSTOMERS, DAYS, SEED = 3_000, 120, 11


class Shop(NamedTuple):
    """Where a shop was landed."""

    landing: Path
    truth: Path
    summary: Summary


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    landing, truth = folder / "landing", folder / "truth"
    return Shop(landing, truth, simulate(customers=CUSTOMERS, days=DAYS, seed=SEED, out=landing, truth=truth))


@pytest.fixture(scope="session")
def history() -> History:
    """A block of the default world, not landed."""
    return live_once(World())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the public data sets are not here: put them into ../shared/data or set HOLDFAST_SHARED_DATA")
    return folder
