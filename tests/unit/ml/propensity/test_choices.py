"""Tasks with options: what drives a planted choice is found, what does not is not, and hits are counted by customer."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml.propensity.choices import measure_hit_rates
from ml.propensity.frames import Examples, take_slice
from ml.propensity.score import score_by_rule, score_people
from ml.propensity.task import Task
from ml.propensity.train import Trained, train_task
from tests.unit.ml.choice_world import OPTIONS, POPULARITY, make_choices
from tests.unit.ml.task_world import task_named


@pytest.fixture(scope="module")
def choice_task() -> Task:
    return task_named("next_category")


@pytest.fixture(scope="module")
def driven(choice_task: Task) -> Trained:
    return train_task(choice_task, make_choices(drives=True), seed=5)


def test_the_rows_of_a_slice_are_customers_times_options_in_one_order() -> None:
    table = make_choices(customers=30, drives=True)
    mixed = table.take(pa.array(np.random.default_rng(1).permutation(len(table))))
    names = ["popularity_share", "own_weight", "days_since_last_sign"]
    one, other = take_slice(table, "test", names), take_slice(mixed, "test", names)
    assert len(one) == 30 * len(OPTIONS)
    pd.testing.assert_frame_equal(one.features, other.features)
    np.testing.assert_array_equal(one.outcome, other.outcome)
    assert list(one.customers) == [number for number in range(30) for _ in OPTIONS]
    assert list(one.features["popularity_share"][:4]) == list(POPULARITY)
    assert all(one.outcome.reshape(30, 4).sum(axis=1) == 1)


def test_a_taste_that_drives_the_choice_beats_popularity(driven: Trained) -> None:
    hits = driven.hit_rates
    assert set(hits) == {"rule", "logistic_regression", "gradient_boosting", "popularity"}
    assert hits["rule"].low > hits["popularity"].high
    assert hits[driven.rung].low > hits["popularity"].high
    assert driven.canaries.alarm == ""
    assert driven.evaluation.calibration_error < 0.05


def test_a_choice_by_popularity_alone_is_hit_by_nothing_more_often(choice_task: Task) -> None:
    found = train_task(choice_task, make_choices(drives=False), seed=5)
    assert found.hit_rates["popularity"].low < POPULARITY[0] < found.hit_rates["popularity"].high
    assert all(found.hit_rates[rung].low <= found.hit_rates["popularity"].high for rung in found.rungs)


def test_shuffled_labels_tell_nothing(choice_task: Task) -> None:
    examples = make_choices(drives=True)
    shuffled = pa.array(np.random.default_rng(3).permutation(examples["outcome"].to_numpy()))
    found = train_task(
        choice_task, examples.set_column(examples.column_names.index("outcome"), "outcome", shuffled), seed=5
    )
    assert found.rung == "rule"
    assert found.evaluation.auc == pytest.approx(0.5, abs=0.06)
    assert found.canaries.alarm == ""


def test_hits_are_counted_by_customer_and_ties_go_to_the_popular() -> None:
    examples = Examples(
        features=pd.DataFrame({"popularity_share": [0.6, 0.4] * 4}),
        outcome=np.array([1, 0, 0, 1, 1, 1, 1, 0]),
        customers=np.array([0, 0, 1, 1, 2, 2, 3, 3]),
        groups={},
    )
    ranks = np.array([0.5, 0.5, 0.1, 0.9, 0.2, 0.8, 0.3, 0.7])
    hits = measure_hit_rates(examples, {"rule": ranks}, seed=1)
    assert hits["rule"].value == 3 / 4
    assert hits["popularity"].value == 3 / 4
    assert 0 <= hits["rule"].low < hits["rule"].value < hits["rule"].high <= 1


def test_scores_name_their_option(driven: Trained, choice_task: Task) -> None:
    people = make_choices(customers=20, seed=9, drives=True).filter(pc.field("slice") == "test")
    for scored in (score_people(choice_task, driven.model, people), score_by_rule(choice_task.rule, people)):
        assert scored["option"].to_pylist() == people["option"].to_pylist()
        assert scored["customer_id"].to_pylist() == people["customer_id"].to_pylist()
    by_rule = score_by_rule(choice_task.rule, people)["score"].to_numpy()
    assert np.all(np.diff(by_rule[np.argsort(people["shrunk_share"].to_numpy())]) >= 0)
