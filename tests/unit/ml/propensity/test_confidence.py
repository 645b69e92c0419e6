"""Confidence: the distance of the two probabilities that one more row could give, as of Venn and Abers."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from ml.propensity.confidence import measure_confidence


def distance(chances: np.ndarray, outcome: np.ndarray, at: float) -> float:
    """The definition, with scikit-learn's regressor and the row itself among the others."""
    pair = [
        IsotonicRegression().fit(np.append(chances, at), np.append(outcome, label)).predict([at])[0] for label in (0, 1)
    ]
    return float(pair[1] - pair[0])


def test_confidence_is_one_minus_the_distance_of_the_definition() -> None:
    generator = np.random.default_rng(2)
    chances = generator.choice(np.linspace(0.1, 0.9, 9), 120)
    outcome = (generator.random(120) < chances).astype(int)
    found = measure_confidence(chances, outcome)
    for level in np.unique(chances):
        assert found.at(np.array([level]))[0] == pytest.approx(1 - distance(chances, outcome, level))


def test_confidence_grows_with_the_rows() -> None:
    generator = np.random.default_rng(3)
    middles = []
    for size in (50, 500, 5_000):
        chances = generator.random(size)
        found = measure_confidence(chances, (generator.random(size) < chances).astype(int))
        middles.append(float(np.median(found.at(np.linspace(0.1, 0.9, 50)))))
    assert middles == sorted(middles)
    assert middles[0] < 0.9 < middles[-1]


def test_confidence_is_low_where_rows_are_few() -> None:
    generator = np.random.default_rng(4)
    chances = np.append(generator.uniform(0.1, 0.3, 1_000), generator.uniform(0.8, 0.9, 6))
    found = measure_confidence(chances, (generator.random(1_006) < chances).astype(int))
    crowded, empty = found.at(np.array([0.2, 0.85]))
    assert crowded > 0.95
    assert empty < 0.9


def test_many_scores_are_stood_for_by_some() -> None:
    generator = np.random.default_rng(5)
    chances = generator.random(3_000)
    found = measure_confidence(chances, (generator.random(3_000) < chances).astype(int))
    assert len(found.chances) == 200
    assert list(found.chances) == sorted(found.chances)
    assert all(0 <= value <= 1 for value in found.values)
