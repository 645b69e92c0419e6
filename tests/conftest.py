"""Keeps the tiers apart: a unit test that runs the platform is in the wrong folder."""

from pathlib import Path

import pytest

SLOW_FIXTURES = {"holdfast", "ran_shop"}
SLOW_TIER = "pipeline"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--machine-steps", type=int, default=60, help="about how many steps the state machine takes")
    parser.addoption("--whole-steps", type=int, default=0, help="steps of the state machine through whole runs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        taken = SLOW_FIXTURES & set(getattr(item, "fixturenames", ()))
        if tier != SLOW_TIER and taken:
            message = f"{item.nodeid} uses {sorted(taken)}, which belong to tests/{SLOW_TIER}"
            raise pytest.UsageError(message)
