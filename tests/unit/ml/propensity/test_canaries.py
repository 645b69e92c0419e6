"""Canaries sing where something leaks, and are still where nothing does."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import mannwhitneyu, norm

from ml.propensity.canaries import watch
from ml.propensity.frames import Examples, feature_names, take_slice
from ml.propensity.ranking import Ranking, standard_error_of_chance
from ml.propensity.task import Task
from ml.propensity.train import train_task
from tests.unit.ml.task_world import make_examples


def slices(task: Task, examples: pa.Table) -> tuple[Examples, Examples]:
    names = feature_names(task, examples)
    return take_slice(examples, "train", names), take_slice(examples, "test", names)


def with_leak(examples: pa.Table, noise: float) -> pa.Table:
    outcome = examples["outcome"].to_numpy().astype(float)
    leak = outcome + np.random.default_rng(1).normal(0, noise, len(outcome))
    return examples.append_column("orders_of_next_month", pa.array(leak))


def test_an_honest_shop_alarms_nothing_in_many_seeds(task: Task) -> None:
    for seed in range(12):
        train, test = slices(task, make_examples(customers=300, seed=seed, world="linear"))
        assert watch(task, train, test, seed=seed).alarm == ""


def test_a_feature_that_knows_the_outcome_is_named(task: Task) -> None:
    found = train_task(task, with_leak(make_examples(), 0.2), seed=5).canaries
    assert found.best_feature == "orders_of_next_month"
    assert found.suspects == ("orders_of_next_month",)
    assert "orders_of_next_month" in found.alarm


def test_a_good_feature_is_no_suspect(task: Task) -> None:
    found = train_task(task, with_leak(make_examples(), 0.6), seed=5).canaries
    assert found.best_feature == "orders_of_next_month"
    assert 0.8 < found.best_feature_auc < 0.95
    assert found.suspects == ()


def test_a_feature_known_of_few_is_no_suspect(task: Task) -> None:
    train, test = slices(task, with_leak(make_examples(), 0.01))
    column = test.features["orders_of_next_month"].where(test.features.index < 30)
    rare = Examples(test.features.assign(orders_of_next_month=column), test.outcome, test.customers, test.groups)
    assert watch(task, train, rare, seed=5).suspects == ()


def test_the_limit_of_chance_is_that_of_mann_and_whitney() -> None:
    outcome = np.repeat([0, 1], [70, 30])
    generator = np.random.default_rng(1)
    areas = [Ranking.of(outcome, generator.normal(size=100)).auc(np.ones(100)) for _ in range(4_000)]
    assert standard_error_of_chance(outcome) == pytest.approx(np.std(areas), rel=0.05)
    area = areas[0]
    z = (area - 0.5) / standard_error_of_chance(outcome)
    scores = np.random.default_rng(1).normal(size=100)
    theirs = mannwhitneyu(scores[outcome == 1], scores[outcome == 0], method="asymptotic", use_continuity=False).pvalue
    assert 2 * norm.sf(abs(z)) == pytest.approx(theirs)
