"""A trained model: the estimator, the columns that it reads and how sure it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.propensity.confidence import Confidence
from ml.propensity.frames import Floats
from ml.propensity.threads import limit_threads

LOWEST = 0.001  # nothing is certain; isotonic calibration would say so


@dataclass(frozen=True)
class PropensityModel:
    """A calibrated scikit-learn classifier, the names of its feature columns, in order, and its confidence."""

    estimator: Any
    feature_names: tuple[str, ...]
    confidence: Confidence

    def predict(self, features: pd.DataFrame) -> Floats:
        """Probability of the outcome per row, within [0.001, 0.999]."""
        if features.empty:
            return np.empty(0)
        with limit_threads(len(features)):
            chances: Floats = self.estimator.predict_proba(features[list(self.feature_names)])[:, 1]
        return clip(chances)


def clip(chances: Floats) -> Floats:
    """Keep probabilities off certainty."""
    clipped: Floats = np.clip(chances, LOWEST, 1 - LOWEST)
    return clipped
