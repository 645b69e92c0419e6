"""A trained churn model: the estimator and the columns that it reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.propensity.frames import Floats
from ml.propensity.threads import limit_threads

LOWEST = 0.001  # nobody is certain to stay or to go; isotonic calibration would say so


@dataclass(frozen=True)
class ChurnModel:
    """A calibrated scikit-learn classifier and the names of its feature columns, in order."""

    estimator: Any
    feature_names: tuple[str, ...]

    def predict(self, features: pd.DataFrame) -> Floats:
        """P(churn) per row, within [0.001, 0.999]."""
        if features.empty:
            return np.empty(0)
        with limit_threads(len(features)):
            chances: Floats = self.estimator.predict_proba(features[list(self.feature_names)])[:, 1]
        return np.clip(chances, LOWEST, 1 - LOWEST)
