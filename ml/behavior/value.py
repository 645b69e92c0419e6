"""What customers are worth and when they will order: both models over tables of distinct histories."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.behavior.histories import Floats, Histories
from ml.behavior.orders import expected_orders, median_wait
from ml.behavior.purchases import PurchaseFit, PurchaseModel, fit_purchases
from ml.behavior.spend import Amounts, SpendFit, SpendModel, expected_amount, fit_spend

SOON: Final = 90  # days
YEAR: Final = 365  # days; nothing is predicted beyond: no shop stays the same for longer

HISTORY: Final = ("repeat_order_days", "days_from_first_to_last_order", "days_since_first_order")
AMOUNT: Final = ("repeat_order_days", "average_repeat_day_amount")


@dataclass(frozen=True)
class ValueFit:
    """Both fits of a day; a model that is null predicts nothing."""

    purchases: PurchaseFit
    spend: SpendFit

    @property
    def why_not(self) -> str:
        """Why something is not predicted; empty if both models may be used."""
        spend = self.spend.convergence.why_not
        reasons = (self.purchases.why_not, f"Gamma-Gamma: {spend}" if spend else "")
        return "; ".join(reason for reason in reasons if reason)


def fit_value(histories: pa.Table, amounts: pa.Table) -> ValueFit:
    """Fit both models.

    Args:
        histories: repeat_order_days, days_from_first_to_last_order, days_since_first_order, customers: one row for each
            distinct history.
        amounts: repeat_order_days, average_repeat_day_amount, customers: one row for each distinct pair; rows without a repeat
            are left out.

    Raises:
        ValueError: A column is missing, or a row impossible.
    """
    repeated = amounts.filter(pc.greater(amounts[AMOUNT[0]], 0))
    spent = Amounts(*(_floats(repeated[name]) for name in (*AMOUNT, "customers")))
    return ValueFit(fit_orders(histories), fit_spend(spent))


def fit_orders(histories: pa.Table) -> PurchaseFit:
    """Fit the model of orders alone; arguments as of `fit_value`."""
    return fit_purchases(Histories(*(_floats(histories[name]) for name in (*HISTORY, "customers"))))


def predict_orders(model: PurchaseModel | None, histories: pa.Table) -> pa.Table:
    """Predict the orders of each distinct history.

    Args:
        model: In days; null predicts nothing.
        histories: As of `fit_value`.

    Returns:
        The columns of the history; expected_orders_90_days and expected_orders_365_days, which are order days, so one a day at most;
        days_until_next_order, whole days, at least 1, by which an order is as likely as not, null beyond 365. Without a model all
        three are null.
    """
    keys = histories.select(HISTORY)
    if model is None:
        return _append(
            keys, dict.fromkeys(("expected_orders_90_days", "expected_orders_365_days", "days_until_next_order"))
        )
    columns = [_floats(histories[name]) for name in HISTORY]
    wait = np.maximum(np.ceil(median_wait(model, *columns)), 1)
    return _append(
        keys,
        {
            "expected_orders_90_days": np.minimum(expected_orders(model, *columns, horizon=SOON), SOON),
            "expected_orders_365_days": np.minimum(expected_orders(model, *columns, horizon=YEAR), YEAR),
            "days_until_next_order": np.where(wait <= YEAR, wait, np.nan),
        },
    )


def predict_amounts(model: SpendModel | None, amounts: pa.Table) -> pa.Table:
    """Predict what an order day of each distinct past is worth.

    Args:
        model: In the currency of the amounts; null predicts nothing.
        amounts: As of `fit_value`; the mean may be null where there is no repeat.

    Returns:
        repeat_order_days, average_repeat_day_amount, expected_order_amount (null without a model).
    """
    keys = amounts.select(AMOUNT)
    if model is None:
        return _append(keys, {"expected_order_amount": None})
    expected = expected_amount(model, _floats(amounts[AMOUNT[0]]), _floats(amounts[AMOUNT[1]]))
    return _append(keys, {"expected_order_amount": expected})


def _append(keys: pa.Table, columns: dict[str, Floats | None]) -> pa.Table:
    for name, values in columns.items():
        nothing = pa.nulls(len(keys), pa.float64())
        keys = keys.append_column(name, nothing if values is None else pa.array(values, pa.float64(), from_pandas=True))
    return keys


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.cast(pa.float64()).to_numpy()
    return values
