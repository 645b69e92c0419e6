"""The ladder of models, simplest first; each rung must beat the one below."""

from typing import Any, Literal

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml.propensity.frames import RECENCY, Examples, Floats
from ml.propensity.threads import limit_threads

Rung = Literal["recency_rule", "logistic_regression", "gradient_boosting"]
Calibration = Literal["isotonic", "sigmoid"]

RUNGS: tuple[Rung, ...] = ("recency_rule", "logistic_regression", "gradient_boosting")
NEVER = 3650.0  # days; whoever has no last order ranks behind everyone who has
ISOTONIC_FROM = 1000  # rows; below, isotonic steps follow the noise (scikit-learn user guide, 1.16.3)


def fit_rung(rung: Rung, train: Examples, *, seed: int) -> Any:
    """Fit one rung on the training slice; gives an estimator with predict_proba."""
    with limit_threads(len(train)):
        return _unfitted(rung, seed).fit(train.features, train.churned)


def score_raw(estimator: Any, examples: Examples) -> Floats:
    """Give the rung's own probability of churn per row, not calibrated."""
    with limit_threads(len(examples)):
        chances: Floats = estimator.predict_proba(examples.features)[:, 1]
    return chances


def calibrate(estimator: Any, examples: Examples) -> tuple[CalibratedClassifierCV, Calibration]:
    """Fit the map from raw to calibrated probability on rows that the estimator has not seen."""
    method: Calibration = "isotonic" if len(examples) >= ISOTONIC_FROM else "sigmoid"
    calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method=method)
    with limit_threads(len(examples)):
        return calibrated.fit(examples.features, examples.churned), method


def _unfitted(rung: Rung, seed: int) -> Any:
    if rung == "recency_rule":
        column = ColumnTransformer([("recency", SimpleImputer(strategy="constant", fill_value=NEVER), [RECENCY])])
        return make_pipeline(column, _flatten_tails(), LogisticRegression())
    if rung == "logistic_regression":
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        return make_pipeline(imputer, _flatten_tails(), LogisticRegression(C=0.3, max_iter=500))
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,  # it would hold out rows at random, and with them the customers of other rows
        random_state=seed,
    )


def _flatten_tails() -> Pipeline:
    """Take the inverse hyperbolic sine, a logarithm that also takes zero and refunds, then scale."""
    return make_pipeline(FunctionTransformer(np.arcsinh), StandardScaler())
