"""Training: the ladder, what it must not see, and what it refuses."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score

from ml.propensity.frames import EXPECTED_ORDERS, take_slice
from ml.propensity.importances import measure_importances
from ml.propensity.ladder import calibrate, calibrate_scores, fit_rung, score_raw
from ml.propensity.score import score_by_rule, score_people
from ml.propensity.task import Rule, Rung, Task
from ml.propensity.train import NotEnoughHistory, Trained, train_task
from tests.unit.ml.task_world import SLICES, World, make_examples, task_named

FEATURES = ("days_since_last_order", "order_count", "net_amount", "rate_seen", "has_account")
SIGNS = ("sign_0", "sign_1", "sign_2", "sign_3")


@pytest.mark.parametrize(
    ("world", "rung"),
    [
        ("recency", "rule"),
        ("nothing", "rule"),
        ("linear", "logistic_regression"),
        ("interactions", "gradient_boosting"),
    ],
)
def test_the_ladder_ends_where_the_truth_is(task: Task, world: World, rung: Rung) -> None:
    found = train_task(task, make_examples(customers=1_000, world=world), seed=5)
    assert found.rung == rung
    assert list(found.rungs) == ["rule", "logistic_regression", "gradient_boosting"]


def test_a_linear_truth_is_found_nearly_whole(task: Task) -> None:
    found = train_task(task, make_examples(customers=2_000, world="linear"), seed=5)
    signs = found.test.features[list(SIGNS)].to_numpy()
    best = roc_auc_score(found.test.outcome, signs @ np.array([1.2, -0.9, 0.6, 0.4]))
    assert (found.evaluation.auc - 0.5) / (best - 0.5) > 0.97
    assert found.evaluation.calibration_error < 0.04


def test_shuffled_labels_stay_on_the_rule_and_alarm_no_canary(task: Task) -> None:
    examples = make_examples(customers=1_000, world="linear")
    shuffled = pa.array(np.random.default_rng(3).permutation(examples["outcome"].to_numpy()))
    found = train_task(task, examples.set_column(examples.column_names.index("outcome"), "outcome", shuffled), seed=5)
    assert found.rung == "rule"
    assert found.evaluation.auc == pytest.approx(0.5, abs=0.06)
    assert found.canaries.alarm == ""


def test_expected_orders_make_a_rung_of_their_own(task: Task) -> None:
    examples = make_examples(customers=1_000)
    rates = np.nan_to_num(examples["rate_seen"].to_numpy(), nan=0.02).clip(1e-6)
    found = train_task(task, examples.append_column(EXPECTED_ORDERS, pa.array(np.log(rates * 90))), seed=5)
    assert list(found.rungs) == ["rule", "bg_nbd", "logistic_regression", "gradient_boosting"]
    assert found.climb["bg_nbd"].is_better
    assert found.rungs["bg_nbd"].evaluation.auc > found.rungs["rule"].evaluation.auc


def test_features_are_the_numeric_columns_that_differ(trained: Trained) -> None:
    assert trained.model.feature_names == (*FEATURES, *SIGNS)


def test_a_task_may_list_its_features(task: Task, examples: pa.Table) -> None:
    few = task.model_copy(update={"features": ("order_count", "rate_seen")})
    found = train_task(few, examples, seed=5)
    assert found.model.feature_names == ("days_since_last_order", "order_count", "rate_seen")
    with pytest.raises(ValueError, match="no column shoe_size"):
        train_task(task.model_copy(update={"features": ("shoe_size",)}), examples, seed=5)


def test_probabilities_are_calibrated(trained: Trained) -> None:
    chances = trained.judged.predict(trained.test.features)
    assert chances.mean() == pytest.approx(trained.test.outcome.mean(), abs=0.07)
    assert trained.evaluation.calibration_error < 0.1
    assert 0.001 <= chances.min() < chances.max() <= 0.999


@pytest.mark.parametrize("name", ["churn_risk", "repeat_purchase"])
def test_the_rule_is_judged_by_its_column(examples: pa.Table, name: str) -> None:
    found = train_task(task_named(name), examples, seed=5)
    test = examples.filter(pc.equal(examples["slice"], "test"))
    days = np.array(test["days_since_last_order"].to_pylist())
    expected = roc_auc_score(test["outcome"].to_pylist(), days if name == "churn_risk" else -days)
    assert found.rungs["rule"].evaluation.auc == pytest.approx(expected)


def test_the_test_slice_changes_nothing_that_is_judged_by_it(task: Task, trained: Trained, examples: pa.Table) -> None:
    is_test = pc.equal(examples["slice"], "test")
    turned = pc.if_else(is_test, pc.invert(examples["outcome"]), examples["outcome"])
    other = train_task(task, examples.set_column(examples.column_names.index("outcome"), "outcome", turned), seed=5)
    assert other.rung == trained.rung
    assert np.array_equal(other.judged.predict(trained.test.features), trained.judged.predict(trained.test.features))
    assert other.judged.confidence == trained.judged.confidence
    assert other.model.confidence != trained.model.confidence
    assert other.data_fingerprint != trained.data_fingerprint


def test_training_again_in_any_row_order_gives_the_same(task: Task, trained: Trained, examples: pa.Table) -> None:
    order = np.random.default_rng(1).permutation(examples.num_rows)
    again = train_task(task, examples.take(pa.array(order)), seed=5)
    assert again.evaluation == trained.evaluation
    assert again.canaries == trained.canaries
    assert again.importances == trained.importances
    assert again.data_fingerprint == trained.data_fingerprint


def test_what_is_known_of_a_run_is_told(trained: Trained) -> None:
    assert trained.row_counts == {"train": 1600, "calibrate": 800, "test": 400}
    assert trained.calibration == "sigmoid"
    assert [row.slice for row in trained.balance] == list(SLICES)
    assert [row.cutoff.isoformat() for row in trained.balance][::6] == ["2025-01-05", "2025-02-16"]
    assert trained.balance[-1].outcome_share == pytest.approx(trained.test.outcome.mean())
    assert trained.horizon_days == 30


def test_the_scoring_model_is_fresher_than_the_judged_one(task: Task, examples: pa.Table) -> None:
    """The base rate moves in the last slice: who scores next must know it, who is judged by it must not."""
    is_test = pc.equal(examples["slice"], "test")
    most = pa.array(np.random.default_rng(1).random(examples.num_rows) < 0.9)
    moved = pc.if_else(is_test, most, examples["outcome"])
    found = train_task(task, examples.set_column(examples.column_names.index("outcome"), "outcome", moved), seed=5)
    assert found.test.outcome.mean() > 0.85
    assert found.judged.predict(found.test.features).mean() < 0.8
    assert found.model.predict(found.test.features).mean() == pytest.approx(found.test.outcome.mean(), abs=0.02)


def test_groups_are_measured_apart(trained: Trained) -> None:
    assert set(trained.groups) == {"rfm_segment/champions", "rfm_segment/hibernating", "value_tier/low"}
    rows = trained.test.groups["rfm_segment"] == "champions"
    chances = trained.judged.predict(trained.test.features)
    champions = trained.groups["rfm_segment/champions"]
    assert champions.rows == rows.sum()
    assert champions.auc == pytest.approx(roc_auc_score(trained.test.outcome[rows], chances[rows]))
    assert champions.brier == pytest.approx(np.mean((chances[rows] - trained.test.outcome[rows]) ** 2))


def test_importances_agree_with_scikit_learn_and_name_what_tells(trained: Trained) -> None:
    assert set(list(trained.importances)[:2]) == {"rate_seen", "order_count"}
    theirs = permutation_importance(
        trained.judged.estimator, trained.test.features, trained.test.outcome,
        scoring="average_precision", n_repeats=30, random_state=1,
    )  # fmt: skip
    ours = [measure_importances(trained.judged, trained.test, seed=seed) for seed in range(15)]
    for name, mean, spread in zip(FEATURES, theirs.importances_mean, theirs.importances_std, strict=False):
        assert np.mean([found[name] for found in ours]) == pytest.approx(mean, abs=max(spread, 0.002))


@pytest.mark.parametrize("rung", ["rule", "logistic_regression", "gradient_boosting"])
def test_each_rung_calibrates_by_size_and_in_a_comparison_alike(task: Task, examples: pa.Table, rung: Rung) -> None:
    train, held_out, test = (take_slice(examples, name, FEATURES) for name in ("train", "calibrate", "test"))
    estimator = fit_rung(rung, task, train, seed=1)
    for part, method in ((held_out, "sigmoid"), (train, "isotonic")):
        calibrated, found = calibrate(estimator, part)
        alike = calibrate_scores(score_raw(estimator, part), part.outcome, score_raw(estimator, test))
        assert found == method
        assert score_raw(calibrated, test) == pytest.approx(alike, abs=0.01)


@pytest.mark.parametrize("missing", ["train", "calibrate", "test"])
def test_a_missing_slice_is_not_enough(task: Task, missing: str) -> None:
    with pytest.raises(NotEnoughHistory, match=f"slice {missing}: 0 yes and 0 no"):
        train_task(task, make_examples(slices=[name for name in SLICES if name != missing]), seed=5)


def test_one_class_only_is_not_enough(task: Task, examples: pa.Table) -> None:
    everyone = pa.array([True] * examples.num_rows)
    with pytest.raises(NotEnoughHistory, match="slice train: 1600 yes and 0 no; at least 30"):
        train_task(task, examples.set_column(examples.column_names.index("outcome"), "outcome", everyone), seed=5)


def test_nothing_at_all_is_not_enough(task: Task, examples: pa.Table) -> None:
    with pytest.raises(NotEnoughHistory):
        train_task(task, examples.slice(0, 0), seed=5)


def test_examples_without_the_column_of_the_rule_are_refused(task: Task, examples: pa.Table) -> None:
    with pytest.raises(ValueError, match="days_since_last_order"):
        train_task(task, examples.drop_columns("days_since_last_order"), seed=5)


def test_scores_keep_order_and_ignore_other_columns(task: Task, trained: Trained, examples: pa.Table) -> None:
    today = examples.slice(0, 20)
    scores = score_people(task, trained.model, today)
    assert scores.column_names == ["customer_id", "score", "tier"]
    assert scores["customer_id"].to_pylist() == today["customer_id"].to_pylist()
    backwards = today.take(pa.array(range(19, -1, -1))).select(["customer_id", *reversed(trained.model.feature_names)])
    assert score_people(task, trained.model, backwards)["score"].to_pylist() == scores["score"].to_pylist()[::-1]


def test_a_model_abstains_below_the_confidence_of_its_task(task: Task, trained: Trained, examples: pa.Table) -> None:
    chances = trained.model.predict(trained.test.features)
    confidence = trained.model.confidence.at(chances)
    middle = float(np.median(confidence))
    picky = task.model_copy(update={"abstain_below": middle})
    test = examples.filter(pc.equal(examples["slice"], "test"))
    tiers = np.array(score_people(picky, trained.model, test)["tier"].to_pylist())
    assert 0.2 < np.mean(tiers == "abstained") < 0.8
    assert np.array_equal(tiers == "abstained", confidence < middle)
    assert set(
        score_people(task.model_copy(update={"abstain_below": 0.0}), trained.model, test)["tier"].to_pylist()
    ) == {"model"}


def test_scoring_nobody_gives_a_typed_empty_table(task: Task, trained: Trained, examples: pa.Table) -> None:
    nobody = score_people(task, trained.model, examples.slice(0, 0))
    assert nobody.schema == score_people(task, trained.model, examples).schema
    assert nobody.schema == score_by_rule(task.rule, examples.slice(0, 0)).schema


def test_scoring_without_a_feature_is_refused(task: Task, trained: Trained, examples: pa.Table) -> None:
    with pytest.raises(ValueError, match="no column order_count"):
        score_people(task, trained.model, examples.drop_columns("order_count"))


@pytest.mark.parametrize("likelier_when", ["higher", "lower"])
def test_scores_of_a_rule_follow_its_column_and_put_the_unknown_beyond(likelier_when: str) -> None:
    rule = Rule(column="days_since_last_order", likelier_when=likelier_when)  # type: ignore[arg-type]
    days = pa.array([0, 1, 89, 400, 9_999, None], pa.int32())
    found = score_by_rule(rule, pa.table({"customer_id": list("abcdef"), "days_since_last_order": days}))
    scores = found["score"].to_pylist()
    assert scores == sorted(scores, reverse=likelier_when == "lower")
    assert (scores[2], scores[4]) == (0.5, scores[5])
    assert 0 < min(scores) < max(scores) < 1
    assert set(found["tier"].to_pylist()) == {"fallback"}
