"""Customer value over tables: a row for each history, null without a usable fit, and nothing that looks like a churn score."""

import numpy as np
import pyarrow as pa
import pytest

from ml.behavior.bg_nbd import BgNbd
from ml.behavior.spend import SpendModel
from ml.behavior.value import fit_value, predict_amounts, predict_orders
from tests.unit.ml.behavior import planted

ORDERS = BgNbd(0.6, 60.0, 0.9, 3.0)
SPEND = SpendModel(5.0, 4.0, 30.0)


def history_table(customers: int, seed: int = 3) -> pa.Table:
    found = planted.live(ORDERS, customers, seed=seed)
    return pa.table(
        {
            "repeat_order_days": pa.array(found.repeats, pa.int32(), safe=False),
            "days_from_first_to_last_order": found.last,
            "days_since_first_order": pa.array(found.age, pa.int32(), safe=False),
            "customers": pa.array(found.customers, pa.int64(), safe=False),
        }
    )


def amount_table(customers: int) -> pa.Table:
    found = planted.spend((SPEND.p, SPEND.q, SPEND.v), customers, seed=3)
    columns = {
        "repeat_order_days": found.repeats,
        "average_repeat_day_amount": found.mean,
        "customers": found.customers,
    }
    once = pa.table(
        {"repeat_order_days": [0.0], "average_repeat_day_amount": pa.nulls(1, pa.float64()), "customers": [9.0]}
    )
    return pa.concat_tables([once, pa.table(columns)])


def test_both_models_are_fitted_from_tables() -> None:
    fit = fit_value(history_table(4000), amount_table(2000))
    assert fit.why_not == ""
    assert fit.purchases.model is not None
    assert fit.spend.model is not None


def test_predictions_are_complete_and_in_order() -> None:
    histories = history_table(1000)
    found = predict_orders(ORDERS, histories)
    assert found.select(histories.column_names[:3]).equals(histories.select(histories.column_names[:3]))
    soon, year = (found[f"expected_orders_{days}_days"].to_numpy() for days in (90, 365))
    assert np.isfinite(soon).all()
    assert (soon <= year).all()


def test_next_order_is_a_whole_number_of_days_within_a_year_or_unknown() -> None:
    waits = predict_orders(ORDERS, history_table(1000))["days_until_next_order"]
    known = waits.drop_null().to_numpy()
    assert 0 < len(known) < len(waits)
    assert (known == np.round(known)).all()
    assert known.min() >= 1
    assert known.max() <= 365


def test_amount_of_who_never_repeated_is_everyones_mean() -> None:
    found = predict_amounts(SPEND, amount_table(10))["expected_order_amount"]
    assert found[0].as_py() == pytest.approx(50)
    assert found.null_count == 0


def test_without_a_model_all_predictions_are_null() -> None:
    histories, amounts = history_table(30), amount_table(30)
    fit = fit_value(histories, amounts)
    assert fit.why_not.startswith("BG/NBD: ")
    assert "; Gamma-Gamma: 30 repeat buyers, at least 50" in fit.why_not
    orders = predict_orders(fit.purchases.model, histories)
    for name in orders.column_names[3:]:
        assert orders[name].null_count == len(histories)
    assert predict_amounts(fit.spend.model, amounts)["expected_order_amount"].null_count == len(amounts)


def test_no_prediction_is_a_chance_of_leaving() -> None:
    names = predict_orders(ORDERS, history_table(100)).column_names
    assert [name for name in names if any(word in name for word in ("alive", "active", "churn", "probability"))] == []
