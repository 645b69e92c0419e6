"""Rankings of people by how much an email moves them, and the two plain rankings that they must beat."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold

from ml.uplift.doubly_robust import weigh_outcomes
from ml.uplift.examples import Examples, Floats

Learner = Literal["t_learner", "dr_ridge", "response_model", "single_column"]
Scorer = Callable[[pd.DataFrame], Floats]

STRENGTH = 0.1  # of the logistic regressions (C); arms of a few hundred people and thirty columns need shrinkage
ALPHAS = np.logspace(0, 6, 25)  # of the ridge; the highest leaves almost the average effect alone
INNER_FOLDS = 5


def fit_t_learner(train: Examples) -> Scorer:
    """P(outcome | treated) minus P(outcome | held out), a logistic regression for each (Künzel et al., PNAS 2019)."""
    treated, held_out = fit_arms(train)
    return lambda features: treated(features) - held_out(features)


def fit_arms(train: Examples) -> tuple[Scorer, Scorer]:
    """Fit P(outcome) of the treated and of the held out."""
    return _fit_response(train, 1), _fit_response(train, 0)


def fit_dr_ridge(train: Examples) -> Scorer:
    """Ridge regression of doubly robust effects, whose nuisance models saw other customers (Kennedy, EJS 2023).

    How strongly it shrinks towards the average effect is chosen by leave-one-out on the training rows.
    """
    expected_treated, expected_held_out = np.zeros(len(train)), np.zeros(len(train))
    for rest, part in GroupKFold(INNER_FOLDS).split(train.features, groups=train.customers):
        treated, held_out = fit_arms(train.take(rest))
        expected_treated[part] = treated(train.features.iloc[part])
        expected_held_out[part] = held_out(train.features.iloc[part])
    effects = weigh_outcomes(train, expected_treated, expected_held_out).effect
    model = RidgeCV(ALPHAS).fit(train.features.to_numpy(), effects)
    return lambda features: np.asarray(model.predict(features.to_numpy()), dtype=np.float64)


def fit_response_model(train: Examples) -> Scorer:
    """P(outcome | treated): who buys, whether or not the email is the reason."""
    return _fit_response(train, 1)


def fit_single_column(train: Examples) -> Scorer:
    """The column, and the direction, that ranks the training rows best by plain inverse-propensity weights."""
    ranks = train.features.rank(pct=True).to_numpy()
    weights = train.treated / train.share - (1 - train.treated) / (1 - train.share)
    effects = weights * (train.outcome - train.outcome.mean())
    covariances = (effects - effects.mean()) @ (ranks - ranks.mean(axis=0))
    best = int(np.argmax(np.abs(covariances)))
    sign = 1.0 if covariances[best] >= 0 else -1.0
    return lambda features: sign * features.iloc[:, best].to_numpy(dtype=np.float64)


LEARNERS: Mapping[Learner, Callable[[Examples], Scorer]] = {
    "t_learner": fit_t_learner,
    "dr_ridge": fit_dr_ridge,
    "response_model": fit_response_model,
    "single_column": fit_single_column,
}


def _fit_response(train: Examples, arm: int) -> Scorer:
    rows = np.flatnonzero(train.treated == arm)
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    model.fit(train.features.to_numpy()[rows], train.outcome[rows])
    return lambda features: np.asarray(model.predict_proba(features.to_numpy())[:, 1], dtype=np.float64)
