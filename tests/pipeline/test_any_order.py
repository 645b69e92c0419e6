"""A day says the same however it came to be built, on a small shop whose events land late; over a gap it is not built at all.

benchmarks/exactness.py holds 60 days to the same.
"""

import random
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pipeline.conftest import ROOT, START, Platform, cut
from tests.pipeline.sessions import Failed
from tests.pipeline.warehouses import compare, delete_days, differences

DAYS = [START + timedelta(days=offset) for offset in range(7)]
D1, D2 = DAYS[-2:]
TASKS = sorted(path.stem for path in (ROOT / "ml" / "propensity" / "tasks").glob("*.yml"))
SHUFFLED = random.Random(6).sample(DAYS, len(DAYS))  # noqa: S311 - an order, no secret
# What "Materialize all" of the UI takes: everything that is partitioned by day and may be backfilled.
OTHERS = (
    "ml/propensity_tasks",
    "intermediate/int_training_cutoffs__sliced",
    "marts/training_outcomes",
    "marts/training_features",
    "marts/training_choices",
    "intermediate/int_training_orders__summarised",
    "ml/training_value",
    "marts/training_interests",
    "ml/interest_clusters",
    *(f"ml/{task}_model" for task in TASKS),
    "activation/release",
    "activation/reconciliation",
)
DAILY = f"not ({' or '.join(f'key:{chr(34)}{key}{chr(34)}' for key in OTHERS)})"
LOST = [DAYS[1], DAYS[3], DAYS[4], D1]


@pytest.fixture(scope="module")
def late_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from simulator.shop import simulate

    folder = tmp_path_factory.mktemp("late")
    simulate(customers=200, days=len(DAYS), seed=6, out=folder / "landing", truth=None, start=START, scenario="late")
    return folder / "landing"


@pytest.fixture(scope="module")
def backfilled(
    late_shop: Path, holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    """All days staged and the last two decided, in one backfill of a new home."""
    platform = holdfast("backfilled", cut(late_shop, tmp_path_factory.mktemp("whole") / "landing", D2))
    platform.ok("backfill", "--from", str(D1), "--to", str(D2))
    return platform


def copied(platform: Platform, folder: Path) -> Platform:
    shutil.copytree(platform.home, folder / "home")
    return Platform(folder / "home", platform.landing)


def test_days_one_by_one_equal_one_backfill(
    backfilled: Platform, late_shop: Path, holdfast: Callable[..., Platform], tmp_path: Path
) -> None:
    platform = holdfast("one_by_one", tmp_path / "landing")
    with platform.session() as session:
        for day in DAYS:
            for landed in late_shop.glob(f"*/*/landed_on={day}"):
                shutil.copytree(landed, platform.landing / landed.relative_to(late_shop))
            if day >= D1:
                session.holdfast("run", "--date", str(day))
            elif day >= DAYS[3]:
                session.stage(day)
    compared = compare(backfilled.home / "warehouse.duckdb", platform.home / "warehouse.duckdb")
    late = "select count(*) from intermediate.int_web_events__unioned where landed_on > occurred_on"
    assert [found for found in compared if found.differing] == []
    assert sum(found.rows > 0 for found in compared) > 50
    assert backfilled.value(late) > 20  # type: ignore[operator]


def test_a_range_by_dagsters_own_command_equals_the_backfill(
    backfilled: Platform, holdfast: Callable[..., Platform]
) -> None:
    platform = holdfast("by_dagster", backfilled.landing)
    with platform.session() as session:
        session.materialize(DAILY, D1, D2)
    assert differences(backfilled.home / "warehouse.duckdb", platform.home / "warehouse.duckdb") == {}


def test_aggregates_in_random_order_and_days_staged_again_change_nothing(backfilled: Platform, tmp_path: Path) -> None:
    platform = copied(backfilled, tmp_path)
    with platform.session() as session:
        for day in SHUFFLED[:3]:
            session.stage(day)
        session.rebuild_aggregates(SHUFFLED)
        session.decide(D1, D2)
    assert differences(backfilled.home / "warehouse.duckdb", platform.home / "warehouse.duckdb") == {}


def test_lost_days_are_refused_by_what_is_as_of_a_later_day_and_come_back(backfilled: Platform, tmp_path: Path) -> None:
    platform = copied(backfilled, tmp_path)
    assert delete_days(platform.home / "warehouse.duckdb", LOST) > 500
    with platform.session() as session:
        with pytest.raises(Failed) as refused:
            session.materialize('key:"marts/customer_features"', D2, D2)
        with pytest.raises(Failed, match="not staged"):
            session.decide(D2, D2)
        command = f"holdfast backfill --from {D2} --to {D2}"
        assert re.search(f"{LOST[0]} to {D1} are not staged, .*run `{command}`", str(refused.value))
        session.holdfast(*command.split()[1:])
        session.materialize('key:"marts/customer_features"', D2, D2)
        session.holdfast("backfill", "--from", str(D1), "--to", str(D2))
    assert differences(backfilled.home / "warehouse.duckdb", platform.home / "warehouse.duckdb") == {}
