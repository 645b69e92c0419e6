"""Performance without labels, and with them, beside scikit-learn and beside what was drawn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml.propensity.estimate import estimate, realise

Draws = tuple[np.ndarray, list[np.ndarray]]


@pytest.fixture(scope="module")
def drawn() -> Draws:
    """Probabilities with ties, and outcomes that keep to them."""
    generator = np.random.default_rng(3)
    chances = np.clip(generator.beta(0.6, 2.0, 3000).round(3), 0.001, 0.999)
    return chances, [(generator.random(3000) < chances).astype(np.int64) for _ in range(60)]


@pytest.mark.parametrize(
    ("name", "measure"),
    [("auc", roc_auc_score), ("average_precision", average_precision_score), ("brier", brier_score_loss)],
)
def test_an_estimate_is_what_outcomes_show_on_average(drawn: Draws, name: str, measure: object) -> None:
    chances, outcomes = drawn
    found = np.array([measure(outcome, chances) for outcome in outcomes])  # type: ignore[operator]
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert getattr(estimate(chances), name) == pytest.approx(found.mean(), abs=4 * error + 0.001)


def test_people_who_are_harder_to_tell_apart_lower_the_estimate(drawn: Draws) -> None:
    chances, _ = drawn
    blurred = chances.mean() + (chances - chances.mean()) / 3
    assert estimate(blurred).auc < estimate(chances).auc - 0.1


def test_realised_figures_are_those_of_scikit_learn(drawn: Draws) -> None:
    chances, (outcome, *_) = drawn
    found = realise(chances, outcome)
    assert found.auc == pytest.approx(roc_auc_score(outcome, chances))
    assert found.brier == pytest.approx(brier_score_loss(outcome, chances))
    assert (found.rows, found.outcome_share) == (3000, pytest.approx(outcome.mean()))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """The truth is the mean over many draws of people and outcomes; each draw has its own interval."""
    generator = np.random.default_rng(8)
    areas, bounds = [], []
    for _ in range(400):
        chances = np.clip(generator.beta(0.6, 2.0, 300), 0.001, 0.999)
        found = realise(chances, (generator.random(300) < chances).astype(np.int64))
        areas.append(found.auc)
        bounds.append((found.auc_low, found.auc_high))
    truth = float(np.mean([area for area in areas if area is not None]))
    covered = np.mean([low is not None and high is not None and low <= truth <= high for low, high in bounds])
    assert 0.92 <= covered <= 0.98


def test_surprise_is_standard_normal_where_probabilities_hold(drawn: Draws) -> None:
    chances, outcomes = drawn
    found = np.array([realise(chances, outcome).surprise for outcome in outcomes])
    assert abs(found.mean()) < 4 / np.sqrt(len(found))
    assert 0.7 < found.std() < 1.3
    assert realise(chances, (np.random.default_rng(1).random(3000) < 0.6 * chances).astype(np.int64)).surprise < -5


def test_one_class_has_no_area() -> None:
    found = realise(np.full(10, 0.2), np.zeros(10, dtype=np.int64))
    assert (found.auc, found.auc_low, found.outcome_share) == (None, None, 0.0)
