"""AUC and average precision equal scikit-learn's, also weighted and tied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.propensity.evaluate import evaluate, trace_curves
from ml.propensity.gate import beats
from ml.propensity.ranking import Ranking, resample_customers

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(1, 4)), min_size=2, max_size=40).filter(
    lambda rows: len({churned for churned, _, _ in rows}) == 2
)


@given(ROWS)
def test_weighted_and_tied_rows_score_as_in_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    churned, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    ranking = Ranking.of(churned.astype(int), scores.astype(float))
    assert ranking.auc(weights.astype(float)) == pytest.approx(roc_auc_score(churned, scores, sample_weight=weights))
    expected = average_precision_score(churned, scores, sample_weight=weights)
    assert ranking.average_precision(weights.astype(float)) == pytest.approx(expected)


def test_rows_of_a_customer_are_drawn_together() -> None:
    customers = np.array([7, 3, 7, 3, 9])
    for weights in resample_customers(customers, seed=1, draws=20):
        assert weights[0] == weights[2]
        assert weights[1] == weights[3]
        assert weights[[0, 1, 4]].sum() == 3


def test_one_class_only_gives_nan() -> None:
    ranking = Ranking.of(np.zeros(3, dtype=int), np.arange(3.0))
    assert np.isnan([ranking.auc(np.ones(3)), ranking.average_precision(np.ones(3))]).all()


def signal(size: int, strength: float, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    churned = generator.integers(0, 2, size)
    return churned, churned * strength + generator.normal(size=size), generator.normal(size=size)


def test_a_better_ranking_beats_and_an_equal_one_does_not() -> None:
    churned, good, noise = signal(600, 1.0, seed=2)
    customers = np.arange(600)
    assert beats(good, noise, churned=churned, customers=customers, seed=1).is_better
    assert not beats(noise, good, churned=churned, customers=customers, seed=1).is_better
    same = beats(good, good, churned=churned, customers=customers, seed=1)
    assert (same.is_better, same.difference, same.low) == (False, 0.0, 0.0)


def test_chance_alone_rarely_beats() -> None:
    wins = 0
    for seed in range(60):
        churned, left, right = signal(300, 0.0, seed=seed)
        wins += beats(left, right, churned=churned, customers=np.arange(300), seed=1).is_better
    assert wins <= 9  # 3 expected at 5 %; 9 or more has a chance of 0.3 %


def test_evaluation_of_known_probabilities() -> None:
    churned = np.array([1, 0, 1, 0] * 50)
    chances = np.array([0.9, 0.1, 0.6, 0.4] * 50)
    found = evaluate(churned, chances, customers=np.arange(200), seed=1)
    assert (found.auc, found.average_precision) == (1.0, pytest.approx(1.0))
    assert found.brier == pytest.approx((0.01 + 0.16) / 2)
    assert found.log_loss == pytest.approx(-(np.log(0.9) + np.log(0.6)) / 2)
    assert found.calibration_error == pytest.approx((0.1 + 0.4) / 2)


def test_the_interval_holds_the_true_auc_and_narrows_with_size() -> None:
    widths = []
    for size in (300, 3_000):
        churned, scores, _ = signal(size, 1.0, seed=4)
        found = evaluate(churned, 1 / (1 + np.exp(-scores)), customers=np.arange(size), seed=1)
        assert found.auc_low < 0.7602 < found.auc_high  # the normal distribution function of 1 / sqrt(2)
        widths.append(found.auc_high - found.auc_low)
    assert widths[0] > 2 * widths[1]


def test_lift_by_decile_falls_from_the_likeliest_and_averages_one() -> None:
    churned, scores, _ = signal(1_000, 2.0, seed=3)
    curves = trace_curves(churned, 1 / (1 + np.exp(-scores)))
    assert len(curves.decile_lift) == 10
    assert curves.decile_lift.mean() == pytest.approx(1.0)
    assert curves.decile_lift[0] > 1.5
    assert curves.decile_lift[-1] < 0.5
    assert (np.diff(curves.predicted) > 0).all()
