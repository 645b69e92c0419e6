"""The ladder of models, simplest first; each rung must beat the one below."""

from typing import Any, Literal

import numpy as np
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml.propensity.frames import EXPECTED_ORDERS, Examples, Floats, Ints
from ml.propensity.task import Rule, Rung, Task
from ml.propensity.threads import limit_threads

Calibration = Literal["isotonic", "sigmoid"]

BEYOND = 3650.0  # in the rule's column; whoever has no value ranks behind everyone who has one
ISOTONIC_FROM = 1000  # rows; below, isotonic steps follow the noise (scikit-learn user guide, 1.16.3)


def rungs_of(task: Task, examples: Examples) -> tuple[Rung, ...]:
    """List the task's rungs that can be fitted: BG/NBD only where its expectation is among the features."""
    return tuple(rung for rung in task.rungs if rung != "bg_nbd" or EXPECTED_ORDERS in examples.features.columns)


def fit_rung(rung: Rung, task: Task, train: Examples, *, seed: int) -> Any:
    """Fit one rung on the training slice; gives an estimator with predict_proba."""
    with limit_threads(len(train)):
        return _unfitted(rung, task, train, seed).fit(train.features, train.outcome)


def score_raw(estimator: Any, examples: Examples) -> Floats:
    """Give the rung's own probability per row, not calibrated."""
    with limit_threads(len(examples)):
        chances: Floats = estimator.predict_proba(examples.features)[:, 1]
    return chances


def rank_rows(rung: Rung, task: Task, raw: Floats, examples: Examples) -> Floats:
    """Give what the rung ranks rows by, higher for likelier: the rule's own column, or the raw probability."""
    return rule_ranks(task.rule, examples.features[task.rule.column].to_numpy()) if rung == "rule" else raw


def rule_ranks(rule: Rule, column: Floats) -> Floats:
    """Rank by the rule's column; rows without a value rank as beyond the highest one."""
    filled: Floats = np.clip(np.nan_to_num(column, nan=BEYOND), None, BEYOND)
    return filled if rule.likelier_when == "higher" else -filled


def calibrate(estimator: Any, examples: Examples) -> tuple[CalibratedClassifierCV, Calibration]:
    """Fit the map from raw to calibrated probability on rows that the estimator has not seen."""
    method = _method(len(examples))
    calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method=method)
    with limit_threads(len(examples)):
        return calibrated.fit(examples.features, examples.outcome), method


def calibrate_scores(raw: Floats, outcome: Ints, others: Floats) -> Floats:
    """Calibrate other rows by the same map, without an estimator around it: a comparison needs it of every rung."""
    if _method(len(raw)) == "isotonic":
        isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        chances: Floats = isotonic.fit(raw, outcome).predict(others)
    else:
        sigmoid = LogisticRegression(C=np.inf).fit(logit(raw)[:, None], outcome)
        chances = sigmoid.predict_proba(logit(others)[:, None])[:, 1]
    return chances


def _method(rows: int) -> Calibration:
    return "isotonic" if rows >= ISOTONIC_FROM else "sigmoid"


def _unfitted(rung: Rung, task: Task, train: Examples, seed: int) -> Any:
    if rung == "rule":
        column = ("rule", SimpleImputer(strategy="constant", fill_value=BEYOND), [task.rule.column])
        return make_pipeline(ColumnTransformer([column]), _flatten_tails(), LogisticRegression())
    if rung == "bg_nbd":
        column = ("expected", SimpleImputer(strategy="median"), [EXPECTED_ORDERS])
        return make_pipeline(ColumnTransformer([column]), StandardScaler(), LogisticRegression())
    if rung == "logistic_regression":
        return make_pipeline(_columns(train), LogisticRegression(C=0.3, max_iter=500))
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,  # it would hold out rows at random, and with them the customers of other rows
        random_state=seed,
    )


def _columns(train: Examples) -> ColumnTransformer:
    """Fill and flatten every column; expected orders come as a logarithm, which is flat already."""
    logs = [name for name in train.features.columns if name == EXPECTED_ORDERS]
    others = [name for name in train.features.columns if name != EXPECTED_ORDERS]
    return ColumnTransformer(
        [
            ("others", make_pipeline(_fill(), _flatten_tails()), others),
            ("logs", make_pipeline(_fill(), StandardScaler()), logs),
        ]
    )


def _fill() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _flatten_tails() -> Pipeline:
    """Take the inverse hyperbolic sine, a logarithm that also takes zero and refunds, then scale."""
    return make_pipeline(FunctionTransformer(np.arcsinh), StandardScaler())
