"""Training: the ladder, what it must not see, and what it refuses."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from ml.propensity.ladder import RUNGS, calibrate, fit_rung
from ml.propensity.score import recency_score, score_customers
from ml.propensity.train import NotEnoughHistory, TrainedChurn, train_churn
from tests.unit.ml.churn_world import SLICES, make_examples


def test_a_model_that_knows_more_beats_the_recency_rule(trained: TrainedChurn) -> None:
    assert trained.rung != "recency_rule"
    assert trained.evaluation.auc > trained.recency_rule.auc
    assert trained.climb["logistic_regression"].is_better


def test_where_recency_is_all_the_recency_rule_stands() -> None:
    found = train_churn(make_examples(customers=200, is_recency_all=True), seed=5)
    assert found.rung == "recency_rule"
    assert found.evaluation.auc == pytest.approx(found.recency_rule.auc, abs=0.02)


def test_features_are_the_numeric_columns_with_a_value(trained: TrainedChurn) -> None:
    expected = ("days_since_last_order", "order_count", "net_amount", "rate_seen", "has_account")
    assert trained.model.feature_names == expected


def test_probabilities_are_calibrated(trained: TrainedChurn) -> None:
    chances = trained.model.predict(trained.test.features)
    assert chances.mean() == pytest.approx(trained.test.churned.mean(), abs=0.07)
    assert trained.evaluation.calibration_error < 0.1
    assert 0.001 <= chances.min() < chances.max() <= 0.999


def test_the_recency_rule_is_judged_by_days(trained: TrainedChurn, examples: pa.Table) -> None:
    test = examples.filter(pc.equal(examples["slice"], "test"))
    expected = roc_auc_score(test["churned"].to_pylist(), test["days_since_last_order"].to_pylist())
    assert trained.recency_rule.auc == pytest.approx(expected)


def test_the_test_slice_changes_no_model(trained: TrainedChurn, examples: pa.Table) -> None:
    is_test = pc.equal(examples["slice"], "test")
    turned = pc.if_else(is_test, pc.invert(examples["churned"]), examples["churned"])
    other = train_churn(examples.set_column(examples.column_names.index("churned"), "churned", turned), seed=5)
    assert other.rung == trained.rung
    assert np.array_equal(other.model.predict(trained.test.features), trained.model.predict(trained.test.features))
    assert other.data_fingerprint != trained.data_fingerprint


def test_training_again_in_any_row_order_gives_the_same(trained: TrainedChurn, examples: pa.Table) -> None:
    order = np.random.default_rng(1).permutation(examples.num_rows)
    again = train_churn(examples.take(pa.array(order)), seed=5)
    assert again.evaluation == trained.evaluation
    assert again.recency_rule == trained.recency_rule
    assert again.data_fingerprint == trained.data_fingerprint


def test_what_is_known_of_a_run_is_told(trained: TrainedChurn) -> None:
    assert trained.row_counts == {"train": 1600, "calibrate": 800, "test": 400}
    assert trained.calibration == "sigmoid"
    assert [day.isoformat() for day in trained.cutoffs] == ["2025-01-05", "2025-02-16"]
    assert trained.horizon_days == 30


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_calibrates_by_size(trained: TrainedChurn, rung: str) -> None:
    doubled = trained.test.features.loc[np.tile(np.arange(400), 3)].reset_index(drop=True)
    large = type(trained.test)(doubled, np.tile(trained.test.churned, 3), np.tile(trained.test.customers, 3))
    estimator = fit_rung(rung, trained.test, seed=1)  # type: ignore[arg-type]
    assert calibrate(estimator, trained.test)[1] == "sigmoid"
    assert calibrate(estimator, large)[1] == "isotonic"


@pytest.mark.parametrize("missing", ["train", "calibrate", "test"])
def test_a_missing_slice_is_not_enough(missing: str) -> None:
    with pytest.raises(NotEnoughHistory, match=f"slice {missing}: 0 churned and 0 stayed"):
        train_churn(make_examples(slices=[name for name in SLICES if name != missing]), seed=5)


def test_one_class_only_is_not_enough(examples: pa.Table) -> None:
    everyone = pa.array([True] * examples.num_rows)
    with pytest.raises(NotEnoughHistory, match="slice train: 1600 churned and 0 stayed"):
        train_churn(examples.set_column(examples.column_names.index("churned"), "churned", everyone), seed=5)


def test_nothing_at_all_is_not_enough(examples: pa.Table) -> None:
    with pytest.raises(NotEnoughHistory):
        train_churn(examples.slice(0, 0), seed=5)


def test_examples_without_recency_are_refused(examples: pa.Table) -> None:
    with pytest.raises(ValueError, match="days_since_last_order"):
        train_churn(examples.drop_columns("days_since_last_order"), seed=5)


def test_scores_keep_order_and_ignore_other_columns(trained: TrainedChurn, examples: pa.Table) -> None:
    today = examples.slice(0, 20)
    scores = score_customers(trained.model, today)
    assert scores.column_names == ["customer_id", "score"]
    assert scores["customer_id"].to_pylist() == today["customer_id"].to_pylist()
    backwards = today.take(pa.array(range(19, -1, -1))).select(["customer_id", *reversed(trained.model.feature_names)])
    assert score_customers(trained.model, backwards)["score"].to_pylist() == scores["score"].to_pylist()[::-1]


def test_scoring_nobody_gives_a_typed_empty_table(trained: TrainedChurn, examples: pa.Table) -> None:
    assert (
        score_customers(trained.model, examples.slice(0, 0)).schema == score_customers(trained.model, examples).schema
    )


def test_scoring_without_a_feature_is_refused(trained: TrainedChurn, examples: pa.Table) -> None:
    with pytest.raises(ValueError, match="no column order_count"):
        score_customers(trained.model, examples.drop_columns("order_count"))


def test_the_recency_score_rises_with_days_and_ends_with_the_unknown() -> None:
    days = pa.array([0, 1, 89, 400, 9_999, None], pa.int32())
    scores = recency_score(pa.table({"customer_id": list("abcdef"), "days_since_last_order": days}))[
        "score"
    ].to_pylist()
    assert scores == sorted(scores)
    assert (scores[2], scores[4]) == (0.5, scores[5])
    assert 0 < scores[0] < scores[-1] < 1
