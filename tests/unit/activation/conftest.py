"""A small shop for every test of the activation stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.state.store import StateStore
from tests.unit.activation.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop with fresh feeds and nobody in it."""
    made = Shop(StateStore(tmp_path / "state"))
    made.fresh()
    yield made
    made.connection.close()
