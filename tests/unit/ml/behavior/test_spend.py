"""Gamma-Gamma: finds planted parameters, draws small samples to the mean, and refuses what has no mean."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from ml.behavior import spend
from ml.behavior.spend import Amounts, SpendModel, expected_amount, fit_spend
from tests.unit.ml.behavior import planted
from tests.unit.ml.behavior.planted import column

PLANTED = SpendModel(5.0, 4.0, 30.0)

models = st.builds(SpendModel, st.floats(0.1, 30.0), st.floats(1.01, 30.0), st.floats(0.1, 1000.0))


def test_planted_parameters_are_recovered() -> None:
    fit = fit_spend(planted.spend((5.0, 4.0, 30.0), 20_000, seed=2))
    assert fit.model is not None
    for place, field in enumerate(fields(SpendModel)):
        error = np.log(getattr(fit.model, field.name) / getattr(PLANTED, field.name))
        assert abs(error) < 3 * fit.convergence.standard_errors[place]
    assert max(fit.convergence.standard_errors) < 0.1
    assert fit.correlation == pytest.approx(0, abs=0.03)


@given(models, st.integers(1, 50), st.floats(0.01, 5000.0))
def test_expected_amount_lies_between_own_mean_and_everyones(model: SpendModel, repeats: int, mean: float) -> None:
    everyone = model.p * model.v / (model.q - 1)
    found = expected_amount(model, column(repeats), column(mean))[0]
    assert min(mean, everyone) * (1 - 1e-9) <= found <= max(mean, everyone) * (1 + 1e-9)


def test_expected_amount_without_a_repeat_is_everyones_mean() -> None:
    assert expected_amount(PLANTED, column(0), column(np.nan))[0] == pytest.approx(50.0)


@given(models, st.integers(0, 2**32))
def test_gradient_is_that_of_the_likelihood(model: SpendModel, seed: int) -> None:
    dice = np.random.default_rng(seed)
    amounts = Amounts(1.0 + dice.poisson(2, 20), dice.gamma(2, 20, 20) + 0.01, dice.integers(1, 9, 20).astype(float))
    evaluate = spend._likelihood_of(amounts)
    logs = np.log([model.p, model.q, model.v])
    slopes = optimize.approx_fprime(logs, lambda at: evaluate(at)[0], 1e-6)
    assert evaluate(logs)[1] == pytest.approx(slopes, rel=2e-3, abs=2e-3)


def test_correlation_of_repeats_and_amount_is_reported() -> None:
    repeats = np.repeat(np.arange(1.0, 11.0), 20)
    rising = Amounts(repeats, 10 * repeats * np.tile([0.5, 1.5], 100), np.ones(200))
    found = fit_spend(rising).correlation
    assert found == pytest.approx(np.corrcoef(rising.repeats, rising.mean)[0, 1])


def test_amounts_without_a_mean_give_no_model() -> None:
    fit = fit_spend(planted.spend((5.0, 0.8, 30.0), 4000, seed=8))
    assert fit.model is None
    assert "have no mean" in fit.convergence.why_not


def test_equal_amounts_give_no_model() -> None:
    fit = fit_spend(Amounts(column(1), column(20), column(500)))
    assert fit.model is None
    assert fit.convergence.why_not
    assert fit.correlation is None


def test_too_few_repeat_buyers_give_no_model() -> None:
    fit = fit_spend(Amounts(column(1), column(20), column(3)))
    assert (fit.model, fit.convergence.why_not) == (None, "3 repeat buyers, at least 50 are needed")


@pytest.mark.parametrize("values", [(1, 1, 1), (np.inf, 2, 1), (1, 2, 0)])
def test_model_takes_no_infinite_or_impossible_parameter(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="impossible parameters"):
        SpendModel(*values)


def test_impossible_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="amounts"):
        Amounts(column(1), column(0), column(1))
