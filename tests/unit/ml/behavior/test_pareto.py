"""Pareto/NBD: the likelihood is the integral that it stands for, on both sides of alpha = beta."""

import numpy as np
import pytest
from scipy import integrate, special

from ml.behavior.histories import Histories
from ml.behavior.pareto import ParetoModel, expected_orders, log_likelihood
from tests.unit.ml.behavior.planted import column


def integrated(model: ParetoModel, x: float, last: float, age: float) -> float:
    """Active until now, or gone at some time since the last order; with rates already integrated out."""
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    front = np.exp(special.gammaln(r + x) - special.gammaln(r)) * alpha**r * beta**s
    gone = integrate.quad(lambda at: s * (alpha + at) ** -(r + x) * (beta + at) ** -(s + 1), last, age)[0]
    return float(np.log(front * ((alpha + age) ** -(r + x) * (beta + age) ** -s + gone)))


@pytest.mark.parametrize("model", [ParetoModel(0.55, 10.6, 0.6, 11.7), ParetoModel(2.0, 20.0, 0.4, 3.0)])
@pytest.mark.parametrize(("x", "last", "age"), [(0, 0, 38.9), (2, 30.4, 38.9), (12, 12.0, 38.9), (3, 38.9, 38.9)])
def test_likelihood_equals_the_integral(model: ParetoModel, x: float, last: float, age: float) -> None:
    one = Histories(column(x), column(last), column(age), column(1))
    assert log_likelihood(model, one) == pytest.approx(integrated(model, x, last, age), rel=1e-8)


def test_likelihood_is_the_same_from_both_sides_of_equal_scales() -> None:
    one = Histories(column(5), column(20), column(40), column(1))
    sides = [log_likelihood(ParetoModel(0.7, 10.0, 0.5, 10.0 + step), one) for step in (-1e-7, 0.0, 1e-7)]
    assert sides == pytest.approx([sides[1]] * 3, abs=1e-6)


def test_many_repeats_neither_overflow_nor_vanish() -> None:
    one = Histories(column(900), column(1000), column(1001), column(1))
    assert np.isfinite(log_likelihood(ParetoModel(0.5, 1.0, 0.5, 400.0), one))


def test_expected_orders_pass_smoothly_through_s_of_one() -> None:
    one = Histories(column(5), column(20), column(40), column(1))
    sides = [expected_orders(ParetoModel(0.7, 10.0, s, 8.0), one, horizon=30)[0] for s in (1 - 1e-9, 1.0, 1 + 1e-9)]
    assert sides == pytest.approx([sides[1]] * 3, rel=1e-6)
