"""AUC and average precision equal scikit-learn's, also weighted and tied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.propensity.evaluate import evaluate, trace_curves
from ml.propensity.gate import Scored, beats, expected_profit
from ml.propensity.ranking import DRAWS, FEWER_DRAWS, MANY, Ranking, resample_customers
from ml.propensity.task import Profit, Task

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(1, 4)), min_size=2, max_size=40).filter(
    lambda rows: len({outcome for outcome, _, _ in rows}) == 2
)


@given(ROWS)
def test_weighted_and_tied_rows_score_as_in_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    outcome, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    ranking = Ranking.of(outcome.astype(int), scores.astype(float))
    assert ranking.auc(weights.astype(float)) == pytest.approx(roc_auc_score(outcome, scores, sample_weight=weights))
    expected = average_precision_score(outcome, scores, sample_weight=weights)
    assert ranking.average_precision(weights.astype(float)) == pytest.approx(expected)


def test_rows_of_a_customer_are_drawn_together() -> None:
    customers = np.array([7, 3, 7, 3, 9])
    for weights in resample_customers(customers, seed=1):
        assert weights[0] == weights[2]
        assert weights[1] == weights[3]
        assert weights[[0, 1, 4]].sum() == 3


def test_many_rows_are_drawn_less_often() -> None:
    assert sum(1 for _ in resample_customers(np.arange(10), seed=1)) == DRAWS
    assert sum(1 for _ in resample_customers(np.arange(MANY + 1) % 7, seed=1)) == FEWER_DRAWS


def test_one_class_only_gives_nan() -> None:
    ranking = Ranking.of(np.zeros(3, dtype=int), np.arange(3.0))
    assert np.isnan([ranking.auc(np.ones(3)), ranking.average_precision(np.ones(3))]).all()


def signal(size: int, strength: float, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = generator.integers(0, 2, size)
    return outcome, outcome * strength + generator.normal(size=size), generator.normal(size=size)


def scored(scores: np.ndarray) -> Scored:
    """Ranks alone: the same probability for everybody."""
    return Scored(chances=np.full(len(scores), 0.5), ranks=scores)


def test_a_better_ranking_beats_and_an_equal_one_does_not(task: Task) -> None:
    outcome, good, noise = signal(600, 1.0, seed=2)
    rest = {"task": task, "outcome": outcome, "customers": np.arange(600), "seed": 1}
    assert beats(scored(good), scored(noise), **rest).is_better
    assert not beats(scored(noise), scored(good), **rest).is_better
    same = beats(scored(good), scored(good), **rest)
    assert (same.is_better, same.primary.difference, same.primary.low) == (False, 0.0, 0.0)


def test_chance_alone_rarely_beats(task: Task) -> None:
    wins = 0
    for seed in range(60):
        outcome, left, right = signal(300, 0.0, seed=seed)
        wins += beats(
            scored(left), scored(right), task=task, outcome=outcome, customers=np.arange(300), seed=1
        ).is_better
    assert wins <= 9  # 3 expected at 5 %; 9 or more has a chance of 0.3 %


def test_a_gain_that_is_no_chance_but_a_trifle_does_not_beat(task: Task) -> None:
    outcome, good, _ = signal(4_000, 1.0, seed=2)
    at = int(np.flatnonzero(outcome == 0)[np.argmax(good[outcome == 0])])
    worse = good.copy()
    worse[at] = good.max() + 1  # one "no" in front of all
    found = beats(scored(good), scored(worse), task=task, outcome=outcome, customers=np.arange(4_000), seed=1)
    assert 0 <= found.primary.low < found.primary.difference < 0.01
    assert not found.is_better


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_better_ranking_with_worse_probabilities_does_not_beat(task: Task, shift: float) -> None:
    outcome, good, noise = signal(600, 1.0, seed=2)
    honest = np.full(600, outcome.mean())
    rest = {"task": task, "outcome": outcome, "customers": np.arange(600), "seed": 1}
    found = beats(Scored(np.clip(honest + shift, 0, 1), good), Scored(honest, noise), **rest)
    assert found.primary.low > 0
    assert found.calibration_error.low > 0
    assert not found.is_better
    assert "worse in Brier score and calibration error" in found.reason
    assert beats(Scored(honest, good), Scored(honest, noise), **rest).is_better


def test_profit_counts_whom_it_pays_to_contact(task: Task) -> None:
    outcome, chances = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.4, 0.1])
    profit = Profit(gain=2.0, cost=1.0)
    assert expected_profit(profit, chances, outcome)(np.ones(4)) == pytest.approx((1.0 - 1.0) / 4)
    assert expected_profit(profit, chances, outcome)(np.array([3.0, 1, 1, 1])) == pytest.approx((3.0 - 1.0) / 6)
    chooses = task.model_copy(update={"metric": "expected_profit", "profit": profit})
    outcome = np.tile([1, 0], 200)
    knowing, ignorant = np.where(outcome, 0.999, 0.001), np.full(400, 0.51)
    found = beats(
        Scored(knowing, ignorant), Scored(ignorant, ignorant),
        task=chooses, outcome=outcome, customers=np.arange(400), seed=1,
    )  # fmt: skip
    assert found.primary.difference == pytest.approx(0.5 - 0.0)
    assert (found.metric, found.is_better) == ("expected_profit", True)


def test_evaluation_of_known_probabilities() -> None:
    outcome = np.array([1, 0, 1, 0] * 50)
    chances = np.array([0.9, 0.1, 0.6, 0.4] * 50)
    found = evaluate(outcome, chances, customers=np.arange(200), seed=1)
    assert (found.auc, found.average_precision) == (1.0, pytest.approx(1.0))
    assert found.brier == pytest.approx((0.01 + 0.16) / 2)
    assert found.log_loss == pytest.approx(-(np.log(0.9) + np.log(0.6)) / 2)
    assert found.calibration_error == pytest.approx((0.1 + 0.4) / 2)


def test_the_interval_holds_the_true_auc_and_narrows_with_size() -> None:
    widths = []
    for size in (300, 3_000):
        outcome, scores, _ = signal(size, 1.0, seed=4)
        found = evaluate(outcome, 1 / (1 + np.exp(-scores)), customers=np.arange(size), seed=1)
        assert found.auc_low < 0.7602 < found.auc_high  # the normal distribution function of 1 / sqrt(2)
        widths.append(found.auc_high - found.auc_low)
    assert widths[0] > 2 * widths[1]


def test_lift_by_decile_falls_from_the_likeliest_and_averages_one() -> None:
    outcome, scores, _ = signal(1_000, 2.0, seed=3)
    curves = trace_curves(outcome, 1 / (1 + np.exp(-scores)))
    assert len(curves.decile_lift) == 10
    assert curves.gain[-1] == pytest.approx(1.0)
    assert curves.gain[0] == pytest.approx(curves.decile_lift[0] / 10)
    assert curves.decile_lift.mean() == pytest.approx(1.0)
    assert curves.decile_lift[0] > 1.5
    assert curves.decile_lift[-1] < 0.5
    assert (np.diff(curves.predicted) > 0).all()
