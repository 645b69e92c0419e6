"""Which model of orders a history supports: BG/NBD, the limit that it runs to, or none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from ml.behavior.bg_nbd import BgNbd
from ml.behavior.bg_nbd import log_likelihood as bg_nbd_likelihood
from ml.behavior.histories import Histories, group_histories
from ml.behavior.one_exit import OneExit, fit_no_exit, fit_one_exit, likelihood_of
from ml.behavior.orders import expected_orders, probability_active
from ml.behavior.purchases import fit_purchases
from tests.unit.ml.behavior.planted import column, live, live_all_alike

ALIKE = OneExit(0.8, 30.0, 0.1)
models = st.builds(OneExit, st.floats(0.05, 20.0), st.floats(0.1, 500.0), st.floats(0.0, 0.95))


def test_different_customers_give_bg_nbd() -> None:
    fit = fit_purchases(live(BgNbd(0.6, 60.0, 0.9, 3.0), 5000, seed=3))
    assert isinstance(fit.model, BgNbd)
    assert [attempt.name for attempt in fit.attempts] == ["BG/NBD"]


def test_customers_who_leave_alike_give_one_chance_of_leaving() -> None:
    fit = fit_purchases(live_all_alike(ALIKE, 5000, seed=1))
    assert isinstance(fit.model, OneExit)
    assert (fit.model.r, fit.model.alpha, fit.model.leaving) == pytest.approx((0.8, 30.0, 0.1), rel=0.1)
    refused, used = fit.attempts
    assert not refused.convergence.converged
    assert refused.convergence.why_not
    assert used.convergence.converged


def test_shop_that_nobody_leaves_gives_a_model_without_leaving() -> None:
    fit = fit_purchases(live_all_alike(OneExit(0.8, 30.0, 0.0), 5000, seed=1))
    assert isinstance(fit.model, OneExit)
    assert fit.model.leaving == 0
    assert [attempt.convergence.converged for attempt in fit.attempts] == [False, False, True]
    assert (fit.model.r, fit.model.alpha) == pytest.approx((0.8, 30.0), rel=0.1)


def test_equal_customers_give_no_model() -> None:
    """Without differences the shape of the rates runs to infinity."""
    fit = fit_purchases(Histories(column(4), column(80), column(100), column(1000)))
    assert fit.model is None
    assert fit.why_not.startswith("BG/NBD: ")
    assert fit.convergence.standard_errors == ()


def test_too_few_repeat_buyers_give_no_model() -> None:
    fit = fit_purchases(Histories(column(0, 1), column(0, 5), column(30, 30), column(500, 49)))
    assert fit.model is None
    assert fit.why_not == "BG/NBD: 49 repeat buyers, at least 50 are needed"
    assert fit.convergence.log_likelihood is None


def test_shop_without_customers_gives_no_model() -> None:
    assert fit_purchases(Histories(column(), column(), column(), column())).model is None


@given(models, st.integers(0, 100), st.floats(0.0, 400.0))
def test_limit_is_that_of_bg_nbd(model: OneExit, repeats: int, horizon: float) -> None:
    leaving = max(model.leaving, 0.01)
    history = column(repeats), column(200.0 if repeats else 0.0), column(300)
    near = BgNbd(model.r, model.alpha, 1e7 * leaving, 1e7 * (1 - leaving))
    limit = OneExit(model.r, model.alpha, leaving)
    assert expected_orders(limit, *history, horizon=horizon)[0] == pytest.approx(
        expected_orders(near, *history, horizon=horizon)[0], rel=1e-3
    )
    assert probability_active(limit, *history)[0] == pytest.approx(probability_active(near, *history)[0], abs=1e-4)


def test_likelihood_of_the_limit_is_that_of_bg_nbd() -> None:
    rows = live_all_alike(ALIKE, 300, seed=2)
    limit = likelihood_of(rows)(np.log([0.8, 30.0, 0.1 / 0.9]))[0] * rows.total
    assert limit == pytest.approx(bg_nbd_likelihood(BgNbd(0.8, 30.0, 1e7, 9e7), rows), rel=1e-6)


@given(models, st.integers(0, 100), st.floats(0.0, 400.0), st.floats(0.1, 400.0))
def test_expected_orders_rise_with_the_horizon(model: OneExit, repeats: int, horizon: float, more: float) -> None:
    history = column(repeats), column(20.0 if repeats else 0.0), column(30)
    sooner, later = (expected_orders(model, *history, horizon=until)[0] for until in (horizon, horizon + more))
    assert 0 <= sooner <= later < np.inf


@given(models)
def test_gradient_is_that_of_the_likelihood(model: OneExit) -> None:
    evaluate = likelihood_of(live_all_alike(ALIKE, 30, seed=4))
    leaving = max(model.leaving, 0.01)
    logs = np.log([model.r, model.alpha, leaving / (1 - leaving)])
    for size in (2, 3):
        slopes = optimize.approx_fprime(logs[:size], lambda at: evaluate(at)[0], 1e-6)
        assert evaluate(logs[:size])[1] == pytest.approx(slopes, rel=2e-3, abs=2e-4)


def test_grouping_customers_changes_no_fit() -> None:
    grouped = live_all_alike(ALIKE, 2000, seed=6)
    times = grouped.customers.astype(int)
    single = [np.repeat(each, times) for each in (grouped.repeats, grouped.last, grouped.age)]
    one, other = fit_one_exit(grouped)[0], fit_one_exit(group_histories(*single))[0]
    assert one == other
    assert fit_no_exit(grouped)[0] is not None


@pytest.mark.parametrize("values", [(0, 1, 0.1), (1, np.inf, 0.1), (1, 1, 1), (1, 1, np.nan)])
def test_model_takes_no_infinite_or_impossible_parameter(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="impossible parameters"):
        OneExit(*values)
