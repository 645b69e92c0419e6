"""Customer value through the whole graph: CDNOW's published parameters, and a row for everyone who ordered."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import dagster as dg
import pytest

from ml.behavior.orders import expected_orders
from ml.behavior.purchases import fit_purchases
from tests.pipeline.conftest import Platform, shared_data
from tests.pipeline.test_real_input import convert
from tests.unit.ml.behavior.cdnow import read_cdnow

CALIBRATED_ON = "1997-09-30"
DAYS_A_WEEK = 7


@pytest.fixture(scope="module")
def cdnow(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    landing = tmp_path_factory.mktemp("cdnow") / "landing"
    convert("cdnow.py", shared_data("cdnow", "CDNOW_sample.txt.gz"), landing)
    platform = holdfast("cdnow_home", landing)
    platform.ok("run", "--date", CALIBRATED_ON)
    return platform


@pytest.fixture(scope="module")
def metadata(cdnow: Platform) -> dict[str, Any]:
    """What the asset says of its fit."""
    home = str(cdnow.home / "dagster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", home)
        with dg.DagsterInstance.from_config(home) as instance:
            event = instance.get_latest_materialization_event(dg.AssetKey(["ml", "customer_value"]))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_cdnow_orders_give_the_published_parameters(metadata: dict[str, Any]) -> None:
    """The papers count 8 people who never paid anything, the platform does not: that is the half per cent.

    Orders of 1998 are in the landing zone too, and no row of them is seen.
    """
    assert (metadata["status"], metadata["model_of_orders"]) == ("fitted", "BG/NBD")
    found = metadata["orders"]["parameters"]
    assert found == {
        "r": pytest.approx(0.243, rel=5e-3),
        "alpha": pytest.approx(4.414 * DAYS_A_WEEK, rel=5e-3),
        "a": pytest.approx(0.793, rel=5e-3),
        "b": pytest.approx(2.426, rel=5e-3),
    }
    [attempt] = metadata["orders"]["attempts"]
    assert attempt["convergence"]["converged"] is True


def test_cdnow_orders_give_what_the_file_gives_without_those_who_never_paid(metadata: dict[str, Any]) -> None:
    model = fit_purchases(read_cdnow(is_paid=True).histories).model
    assert model is not None
    expected = asdict(model) | {"alpha": model.alpha * DAYS_A_WEEK}
    assert metadata["orders"]["parameters"] == pytest.approx(expected, rel=1e-5)


def test_cdnow_amounts_give_the_published_parameters(metadata: dict[str, Any]) -> None:
    published = {"p": (6.25, 5e-3), "q": (3.74, 5e-3), "v": (15.44, 5e-3)}
    expected = {name: pytest.approx(value, abs=digits) for name, (value, digits) in published.items()}
    assert metadata["amounts"]["parameters"] == expected
    assert metadata["amounts"]["correlation_of_repeats_and_amount"] == pytest.approx(0.11, abs=5e-3)


def test_cdnow_history_is_summarised_as_the_papers_count_it_without_those_who_never_paid(cdnow: Platform) -> None:
    counts = """
        select count(*), count(*) filter (where repeat_order_days > 0), sum(repeat_order_days)
        from intermediate.int_repeat_orders__summarised
    """
    assert cdnow.query(counts) == [(2349, 946, 2457)]


def test_every_customer_with_an_order_has_a_finite_prediction(cdnow: Platform) -> None:
    found = """
        select count(*), count(distinct customer_id), count(predicted_clv), count(expected_orders_90_days),
            count(average_days_between_orders), count(*) filter (where isinf(predicted_clv) or isnan(predicted_clv))
        from ml.customer_value where as_of = $day
    """
    assert cdnow.query(found, day=CALIBRATED_ON) == [(2349, 2349, 2349, 2349, 946, 0)]


def test_expected_orders_are_those_of_the_file(cdnow: Platform) -> None:
    known = read_cdnow(is_paid=True).histories
    model = fit_purchases(known).model
    assert model is not None
    for days in (90, 365):
        expected = expected_orders(model, known.repeats, known.last, known.age, horizon=days / DAYS_A_WEEK).sum()
        found = cdnow.value(f"select sum(expected_orders_{days}_days) from ml.customer_value")
        assert found == pytest.approx(expected, rel=1e-5)


def test_value_is_orders_times_amount(cdnow: Platform) -> None:
    wrong = """
        select count(*) from ml.customer_value
        where abs(predicted_clv - expected_orders_365_days * expected_order_amount) > 1e-3
    """
    assert cdnow.value(wrong) == 0


def test_next_order_is_due_sooner_for_those_who_come_more_often(cdnow: Platform) -> None:
    """An order of somebody who came once in 39 weeks is never more likely than not; of the regular ones it is, within weeks."""
    waits = """
        select min(repeat_order_days) as repeats, count(expected_date_of_next_order), median(expected_date_of_next_order - as_of)
        from ml.customer_value inner join intermediate.int_repeat_orders__summarised using (as_of, customer_id)
        group by least(repeat_order_days, 4) order by repeats
    """
    repeats, dated, waited = zip(*cdnow.query(waits), strict=True)
    assert repeats == (0, 1, 2, 3, 4)
    assert dated[0] == 0
    assert list(waited[1:]) == sorted(waited[1:], reverse=True)
    assert waited[4] < 60
