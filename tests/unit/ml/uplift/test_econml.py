"""The doubly robust learner beside EconML's, where it is installed; the project does not depend on it."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from ml.uplift.cross_fit import cross_fit
from ml.uplift.learners import fit_dr_ridge
from tests.unit.ml.uplift.planted import mail

dr = pytest.importorskip("econml.dr", reason="EconML is not installed")


def test_doubly_robust_learner_agrees_with_econml() -> None:
    planted = mail(lambda people: 0.05 + 0.04 * people.age, size=20_000, share=0.7)
    examples = planted.examples
    matrix = np.column_stack([examples.features["appetite"], np.nan_to_num(examples.features["age"])])
    theirs = dr.DRLearner(
        model_propensity=LogisticRegression(C=1e-6),  # the share, and nothing else
        model_regression=LinearRegression(),
        model_final=LinearRegression(),
        cv=5,
        random_state=1,
    )
    theirs.fit(examples.outcome, examples.treated, X=matrix)
    effect = theirs.effect(matrix).ravel()

    ours = fit_dr_ridge(examples)(examples.features)
    average = float(cross_fit(examples, seed=1).outcomes.effect.mean())

    assert average == pytest.approx(float(effect.mean()), abs=0.004)
    assert stats.pearsonr(ours, effect).statistic > 0.9
    assert stats.pearsonr(ours, planted.effect).statistic > 0.8
