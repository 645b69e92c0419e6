"""What each feature is worth to a model: how much worse it ranks people when the feature is shuffled among them.

Breiman 2001, Machine Learning 45:5. As scikit-learn's `permutation_importance`, but with all shuffled copies predicted at once: one
call for each copy took ten times as long.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.propensity.frames import Examples
from ml.propensity.model import PropensityModel
from ml.propensity.ranking import Ranking

MOST_ROWS = 1_000
REPEATS = 2


def measure_importances(model: PropensityModel, examples: Examples, *, seed: int) -> Mapping[str, float]:
    """Give the mean loss of average precision of each feature, highest first.

    Args:
        model: Trained.
        examples: Rows that it has not seen; at most 1,000 of them, drawn by the seed, are used.
        seed: Of the draw and the shuffles.
    """
    generator = np.random.default_rng(seed)
    sample = examples.take(np.sort(generator.permutation(len(examples))[:MOST_ROWS]))
    names = list(sample.features.columns)
    copies = [sample.features]
    copies += [_shuffled(sample.features, name, generator) for name in names for _ in range(REPEATS)]
    chances = model.predict(pd.concat(copies, ignore_index=True)).reshape(len(copies), len(sample))
    ones = np.ones(len(sample))
    precisions = [Ranking.of(sample.outcome, row).average_precision(ones) for row in chances]
    losses = precisions[0] - np.array(precisions[1:]).reshape(len(names), REPEATS).mean(axis=1)
    return dict(sorted(zip(names, map(float, losses), strict=True), key=lambda item: -item[1]))


def _shuffled(features: pd.DataFrame, name: str, generator: np.random.Generator) -> pd.DataFrame:
    return features.assign(**{name: generator.permutation(features[name].to_numpy())})
