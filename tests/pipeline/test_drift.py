"""The simulated drift through the whole graph: its champion is healthy before the day, watched after it and degraded in the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from simulator.shop import simulate
from tests.pipeline.conftest import Platform, cut

START = date(2025, 1, 1)
DAYS = 181
DRIFT = START + timedelta(days=127)  # the first day after seven tenths of the window
SUNDAY = date(2025, 5, 4)  # the last training before it
TASKS = ("churn_risk", "repeat_purchase")
HEALTH = """
select as_of, state, reason from ml.model_health
where model_name = $task and model_version is not null and as_of between $first and $last
order by as_of
"""


@dataclass(frozen=True)
class Walk:
    """A shop that was staged, trained once and scored on days before and after."""

    platform: Platform

    def states(self, task: str, first: date, last: date) -> list[tuple[object, ...]]:
        return self.platform.query(HEALTH, task=task, first=first, last=last)


BEFORE = (SUNDAY + timedelta(days=1), DRIFT - timedelta(days=1))
SOON = (DRIFT + timedelta(days=8), DRIFT + timedelta(days=10))
LATER = (DRIFT + timedelta(days=24), DRIFT + timedelta(days=25))


def walk(scenario: str, holdfast: Callable[..., Platform], folder: Path) -> Walk:
    whole = folder / "whole"
    simulate(customers=2000, days=DAYS, seed=1, out=whole, truth=folder / "truth", start=START, scenario=scenario)
    platform = holdfast(scenario, cut(whole, folder / "landing", LATER[1]))
    with platform.session() as session:
        session.stage(LATER[1])
        session.train(SUNDAY - timedelta(days=6))
        for first, last in (BEFORE, SOON, LATER):
            session.score(first, last)
    return Walk(platform)


@pytest.fixture(scope="module")
def drift(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walk("drift", holdfast, tmp_path_factory.mktemp("drift"))


@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_degraded_before_the_drift(drift: Walk, task: str) -> None:
    found = drift.states(task, *BEFORE)
    assert len(found) == (BEFORE[1] - BEFORE[0]).days + 1
    assert {state for _, state, _ in found} <= {"fresh", "watch"}
    # In a shop of four months, counts over 90 days still fill up: that a feature moved is true, and no more than watched.
    assert not any(
        "times as many" in str(reason) or "PSI" in str(reason).replace("moved: PSI", "") for *_, reason in found
    )


@pytest.mark.parametrize("task", TASKS)
def test_what_is_missing_is_named_a_week_after_it(drift: Walk, task: str) -> None:
    found = drift.states(task, *SOON)
    assert len(found) == 3
    assert all("product_views" in str(reason) or "order:" in str(reason) for _, _, reason in found)
    assert "fresh" not in {state for _, state, _ in found}


@pytest.mark.parametrize("task", TASKS)
def test_the_rule_scores_when_orders_are_missed(drift: Walk, task: str) -> None:
    found = drift.states(task, *LATER)
    assert [state for _, state, _ in found] == ["degraded", "degraded"]
    assert all("order:" in str(reason) for _, _, reason in found)
    scores = drift.platform.query(
        "select distinct as_of >= $first, tier, model_version from ml.customer_scores where model_name = $task and tier <> 'abstained'",
        first=LATER[0], task=task,
    )  # fmt: skip
    assert {row[1:] for row in scores if row[0]} == {("fallback", "rule")}
    assert "model" in {row[1] for row in scores if not row[0]}
