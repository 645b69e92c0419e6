"""BG/NBD: equal to the paper's closed forms, finds planted parameters, and refuses what is no maximum."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from ml.behavior.bg_nbd import BgNbd, fit_bg_nbd, likelihood_of, log_likelihood
from ml.behavior.histories import Floats, Histories, group_histories
from ml.behavior.orders import expected_orders, median_wait, probability_active
from tests.unit.ml.behavior.planted import column, live, live_on

CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426)
PLANTED = BgNbd(0.6, 60.0, 0.9, 3.0)

parameters = st.builds(
    BgNbd, *(st.floats(0.05, 20.0), st.floats(0.1, 500.0), st.floats(0.05, 20.0), st.floats(0.05, 20.0))
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    age = draw(st.integers(0, 2000))
    repeats = draw(st.integers(0, min(age, 200)))
    last = draw(st.integers(repeats, age)) if repeats else 0
    return column(repeats), column(last), column(age)


def closed_form(model: BgNbd, x: float, last: float, age: float, horizon: float) -> float:
    """Equation 10 of the paper, as printed."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    z = horizon / (alpha + age + horizon)
    shrunk = ((alpha + age) / (alpha + age + horizon)) ** (r + x) * special.hyp2f1(r + x, b + x, a + b + x - 1, z)
    left = a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x) if x else 0.0
    return float((a + b + x - 1) / (a - 1) * (1 - shrunk) / (1 + left))


@pytest.mark.parametrize(("x", "last", "age"), [(2, 30.43, 38.86), (0, 0, 38.86), (26, 31, 31), (1, 1.71, 38.86)])
def test_expected_orders_equal_the_closed_form(x: float, last: float, age: float) -> None:
    found = expected_orders(CDNOW, column(x), column(last), column(age), horizon=39.0)
    assert found[0] == pytest.approx(closed_form(CDNOW, x, last, age, 39.0), rel=1e-9)


def test_expected_orders_of_the_papers_example_come_out() -> None:
    found = expected_orders(CDNOW, column(2), column(30.43), column(38.86), horizon=39.0)
    assert found[0] == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize("model", [BgNbd(0.3, 5.0, 1.0, 2.0), BgNbd(0.3, 5.0, 0.2, 0.3)])
def test_expected_orders_exist_where_the_closed_form_does_not(model: BgNbd) -> None:
    """At a = 1 the form divides by zero, below a + b = 1 its hypergeometric function has a negative argument."""

    def orders(leaving: float) -> float:
        share = (model.alpha + 30.0) / (model.alpha + 30.0 + 60.0 * leaving)
        return float(-np.expm1(model.r * np.log(share)) / leaving * stats.beta.pdf(leaving, model.a, model.b))

    found = expected_orders(model, column(0), column(0), column(30), horizon=60.0)
    halves = [integrate.quad(orders, low, low + 0.5, epsabs=1e-10)[0] for low in (0.0, 0.5)]
    assert found[0] == pytest.approx(sum(halves), rel=1e-6)


@given(parameters, histories(), st.floats(0.0, 400.0), st.floats(0.1, 400.0))
def test_expected_orders_rise_with_the_horizon(
    model: BgNbd, history: tuple[Floats, Floats, Floats], horizon: float, more: float
) -> None:
    sooner = expected_orders(model, *history, horizon=horizon)[0]
    later = expected_orders(model, *history, horizon=horizon + more)[0]
    assert np.isfinite(later)
    assert 0 <= sooner <= later * (1 + 1e-9)


@given(parameters, histories())
def test_probability_active_is_one_and_all_who_never_repeated_are_active(
    model: BgNbd, history: tuple[Floats, Floats, Floats]
) -> None:
    chance = probability_active(model, *history)[0]
    assert 0 <= chance <= 1
    if history[0][0] == 0:
        assert chance == 1


@given(parameters, histories())
def test_median_wait_is_the_time_of_even_odds(model: BgNbd, history: tuple[Floats, Floats, Floats]) -> None:
    wait, active = median_wait(model, *history)[0], probability_active(model, *history)[0]
    if active <= 0.5:
        assert wait == np.inf
    elif wait < 1e100:
        shape, scale = model.r + history[0][0], model.alpha + history[2][0]
        assert active * (1 - (scale / (scale + wait)) ** shape) == pytest.approx(0.5, abs=1e-6)


@given(parameters, st.integers(0, 2**32))
def test_gradient_is_that_of_the_likelihood(model: BgNbd, seed: int) -> None:
    dice = np.random.default_rng(seed)
    age = dice.integers(1, 500, 20).astype(float)
    repeats = np.minimum(dice.integers(0, 5, 20), age)
    last = np.where(repeats > 0, np.maximum(repeats, np.floor(age * dice.random(20))), 0.0)
    evaluate = likelihood_of(Histories(repeats, last, age, dice.integers(1, 9, 20).astype(float)))
    logs = np.log([model.r, model.alpha, model.a, model.b])
    slopes = optimize.approx_fprime(logs, lambda at: evaluate(at)[0], 1e-6)
    assert evaluate(logs)[1] == pytest.approx(slopes, rel=2e-3, abs=2e-4)


def test_planted_parameters_are_recovered() -> None:
    model, convergence = fit_bg_nbd(live(PLANTED, 20_000, seed=3))
    assert model is not None
    for place, field in enumerate(fields(BgNbd)):
        error = np.log(getattr(model, field.name) / getattr(PLANTED, field.name))
        assert abs(error) < 3 * convergence.standard_errors[place]
    assert max(convergence.standard_errors) < 0.1
    assert convergence.agreeing_starts == convergence.starts


def test_expected_orders_are_as_many_as_come() -> None:
    known, later = live_on(PLANTED, 30_000, seed=9, age=365.0, horizon=90.0)
    model, _ = fit_bg_nbd(group_histories(known.repeats, known.last, known.age))
    assert model is not None
    expected = expected_orders(model, known.repeats, known.last, known.age, horizon=90.0)
    spread = 3 * later.std() * len(later) ** 0.5
    assert expected.sum() == pytest.approx(later.sum(), abs=spread)
    many = expected > np.quantile(expected, 0.9)
    assert expected[many].sum() == pytest.approx(later[many].sum(), rel=0.05)


def test_median_wait_is_over_when_half_have_ordered() -> None:
    known, later = live_on(PLANTED, 30_000, seed=9, age=365.0, horizon=90.0)
    wait = median_wait(PLANTED, known.repeats, known.last, known.age)
    due = (wait > 80) & (wait < 100)
    assert due.sum() > 500
    assert np.mean(later[due] > 0) == pytest.approx(0.5, abs=0.06)


def test_grouped_rows_give_the_likelihood_of_single_customers() -> None:
    grouped = live(PLANTED, 500, seed=4)
    times = grouped.customers.astype(int)
    single = [np.repeat(each, times) for each in (grouped.repeats, grouped.last, grouped.age)]
    assert log_likelihood(PLANTED, Histories(*single, np.ones(times.sum()))) == pytest.approx(
        log_likelihood(PLANTED, grouped), rel=1e-12
    )


def test_time_may_be_in_any_unit() -> None:
    days = live(PLANTED, 3000, seed=5)
    weeks = Histories(days.repeats, days.last / 7, days.age / 7, days.customers)
    one, other = fit_bg_nbd(days)[0], fit_bg_nbd(weeks)[0]
    assert one is not None
    assert other is not None
    assert other.alpha * 7 == pytest.approx(one.alpha, rel=1e-4)
    assert (other.r, other.a, other.b) == pytest.approx((one.r, one.a, one.b), rel=1e-4)


@pytest.mark.parametrize("values", [(1, 1, 1, np.inf), (0, 1, 1, 1), (1, np.nan, 1, 1)])
def test_model_takes_no_infinite_or_impossible_parameter(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="impossible parameters"):
        BgNbd(*values)


@pytest.mark.parametrize("row", [(1, 5, 4), (0, 1, 4), (2, 0, 4), (-1, 0, 4), (1, np.nan, 4)])
def test_impossible_histories_are_refused(row: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="histories"):
        Histories(*(column(value) for value in row), column(1))
