"""CDNOW: the published parameters and log-likelihoods come out, within their printed digits."""

import numpy as np
import pytest
from scipy import stats

from ml.behavior.bg_nbd import BgNbd
from ml.behavior.histories import Floats
from ml.behavior.orders import expected_orders, probability_active
from ml.behavior.pareto import expected_orders as expected_by_pareto
from ml.behavior.pareto import fit_pareto
from ml.behavior.purchases import PurchaseFit, fit_purchases
from ml.behavior.spend import Amounts, SpendModel, expected_amount, fit_spend
from tests.unit.ml.behavior.cdnow import Cdnow, read_cdnow
from tests.unit.ml.behavior.planted import column

HORIZON = 39.0  # weeks


@pytest.fixture(scope="module")
def cdnow() -> Cdnow:
    return read_cdnow()


@pytest.fixture(scope="module")
def orders(cdnow: Cdnow) -> PurchaseFit:
    return fit_purchases(cdnow.histories)


def area_under_curve(score: Floats, happened: Floats) -> float:
    """Chance that whom it happened to scores above whom it did not."""
    ranks = stats.rankdata(score)
    yes = happened > 0
    return float((ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum()))


def test_sample_is_that_of_the_papers(cdnow: Cdnow) -> None:
    assert len(cdnow.histories) == 2357
    assert cdnow.histories.repeat_buyers == 946
    assert cdnow.histories.age.max() == pytest.approx(38.86, abs=0.005)


def test_bg_nbd_is_as_published(orders: PurchaseFit) -> None:
    """Fader, Hardie and Lee 2005, table 2."""
    model, convergence = orders.model, orders.convergence
    assert isinstance(model, BgNbd)
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert convergence.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert convergence.agreeing_starts == convergence.starts


def test_pareto_nbd_is_as_published(cdnow: Cdnow) -> None:
    """The same table."""
    model, convergence = fit_pareto(cdnow.histories)
    assert model is not None
    assert (model.r, model.alpha, model.s, model.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), abs=5e-4)
    assert convergence.log_likelihood == pytest.approx(-9595.0, abs=0.05)
    assert convergence.agreeing_starts == convergence.starts


def test_gamma_gamma_is_as_published(cdnow: Cdnow) -> None:
    """Fader and Hardie 2013, pages 3 and 5."""
    again = cdnow.histories.repeats > 0
    fit = fit_spend(Amounts(cdnow.histories.repeats[again], cdnow.mean[again], np.ones(again.sum())))
    assert fit.model is not None
    assert (fit.model.p, fit.model.q, fit.model.v) == pytest.approx((6.25, 3.74, 15.44), abs=5e-3)
    assert fit.convergence.log_likelihood == pytest.approx(-4055.92, abs=0.005)  # not published: that of this code
    assert fit.correlation == pytest.approx(0.11, abs=5e-3)


def test_expected_amounts_are_as_published() -> None:
    found = expected_amount(SpendModel(6.25, 3.74, 15.44), column(2, 1, 0), column(22.35, 11.77, np.nan))
    assert found == pytest.approx((24.66, 18.92, 35.22), abs=5e-3)


def test_expected_orders_rank_customers_and_one_minus_alive_ranks_them_backwards(
    cdnow: Cdnow, orders: PurchaseFit
) -> None:
    known = cdnow.histories.repeats, cdnow.histories.last, cdnow.histories.age
    assert orders.model is not None
    stayed_away = 1.0 - np.minimum(cdnow.later, 1)
    gone = 1 - probability_active(orders.model, *known)
    expected = expected_orders(orders.model, *known, horizon=HORIZON)
    assert area_under_curve(gone, stayed_away) == pytest.approx(0.32, abs=5e-3)
    assert area_under_curve(-expected, stayed_away) == pytest.approx(0.77, abs=5e-3)


def test_bg_nbd_forecasts_the_holdout_as_well_as_pareto_nbd(cdnow: Cdnow, orders: PurchaseFit) -> None:
    known = cdnow.histories.repeats, cdnow.histories.last, cdnow.histories.age
    pareto = fit_pareto(cdnow.histories)[0]
    assert orders.model is not None
    assert pareto is not None
    mine = expected_orders(orders.model, *known, horizon=HORIZON)
    other = expected_by_pareto(pareto, cdnow.histories, horizon=HORIZON)
    assert cdnow.later.sum() == 1882
    assert (mine.sum(), other.sum()) == pytest.approx((1653.4, 1665.5), abs=0.05)
    assert [np.corrcoef(each, cdnow.later)[0, 1] for each in (mine, other)] == pytest.approx((0.626, 0.630), abs=5e-4)
