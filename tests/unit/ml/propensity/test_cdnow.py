"""CDNOW: who buys nothing within 13 weeks, out of time; the ladder beside numbers that were measured once by other code."""

import gzip
import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.behavior.value import fit_orders, predict_orders
from ml.propensity.frames import EXPECTED_ORDERS
from ml.propensity.task import Rung
from ml.propensity.train import Trained, train_task
from tests.unit.ml.task_world import task_named

HORIZON = 91  # days
TRAINED, TESTED = date(1997, 9, 30), date(1998, 1, 5)
MEASURED: dict[Rung, float] = {"rule": 0.795, "bg_nbd": 0.797, "logistic_regression": 0.808}


def purchases() -> pd.DataFrame:
    """Days on which each customer paid something."""
    folder = Path(os.environ.get("HOLDFAST_SHARED_DATA", Path(__file__).parents[4].parent / "shared" / "data"))
    path = folder / "cdnow" / "CDNOW_master.txt.gz"
    if not path.exists():
        pytest.skip("the public data sets are not here: put them into ../shared/data or set HOLDFAST_SHARED_DATA")
    with gzip.open(path, "rt") as file:
        next(file)
        rows = [line.split() for line in file]
    table = pd.DataFrame(
        {"customer": [row[0] for row in rows], "day": [row[1] for row in rows], "paid": [float(row[3]) for row in rows]}
    )
    table["day"] = pd.to_datetime(table["day"], format="%Y%m%d")
    days = table.groupby(["customer", "day"], as_index=False)["paid"].sum()
    return days[days["paid"] > 0]


def as_of(days: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    """What was known of each customer on a cut-off, and whether nothing followed."""
    now, end = pd.Timestamp(cutoff), pd.Timestamp(cutoff + timedelta(days=HORIZON))
    known = days[days["day"] <= now].sort_values("day")
    by_customer = known.groupby("customer")
    first, last, count = by_customer["day"].min(), by_customer["day"].max(), by_customer["day"].size()
    recent = known[known["day"] > now - pd.Timedelta(days=90)].groupby("customer")
    features = pd.DataFrame(
        {
            "days_since_last_order": (now - last).dt.days,
            "days_since_first_order": (now - first).dt.days,
            "order_days_total": count,
            "net_amount_total": by_customer["paid"].sum(),
            "average_days_between_orders": ((last - first).dt.days / (count - 1)).where(count > 1),
            "order_days_90": recent["day"].size().reindex(count.index, fill_value=0),
            "net_amount_90": recent["paid"].sum().reindex(count.index, fill_value=0.0),
        }
    )
    later = days[(days["day"] > now) & (days["day"] <= end)]
    features["outcome"] = ~features.index.isin(later["customer"])
    features[EXPECTED_ORDERS] = np.log(expected_orders(features).clip(lower=1e-6))
    return features.rename_axis("customer_id").reset_index().assign(cutoff=cutoff, horizon_days=HORIZON)


def expected_orders(features: pd.DataFrame) -> pd.Series:
    """Of BG/NBD, fitted to the histories of the cut-off."""
    histories = pd.DataFrame(
        {
            "repeat_order_days": features["order_days_total"] - 1,
            "days_from_first_to_last_order": features["days_since_first_order"] - features["days_since_last_order"],
            "days_since_first_order": features["days_since_first_order"],
        }
    )
    distinct = histories.value_counts().rename("customers").reset_index()
    fit = fit_orders(pa.Table.from_pandas(distinct, preserve_index=False))
    assert fit.model is not None
    predicted = predict_orders(fit.model, pa.Table.from_pandas(distinct, preserve_index=False)).to_pandas()
    return histories.merge(predicted, how="left", on=list(histories.columns))["expected_orders_90_days"].set_axis(
        features.index
    )


@pytest.fixture(scope="module")
def ladder() -> Trained:
    """Trained on one cut-off, as the numbers were: every third customer of it calibrates, for there is no cut-off between."""
    days = purchases()
    trained, tested = as_of(days, TRAINED), as_of(days, TESTED)
    trained["slice"] = np.where(trained["customer_id"].astype(int) % 3 == 0, "calibrate", "train")
    examples = pd.concat([trained, tested.assign(slice="test")], ignore_index=True)
    return train_task(task_named("churn_risk"), pa.Table.from_pandas(examples, preserve_index=False), seed=5)


@pytest.mark.parametrize("rung", list(MEASURED))
def test_each_rung_ranks_as_was_measured(ladder: Trained, rung: Rung) -> None:
    found = ladder.rungs[rung].evaluation
    assert found.auc == pytest.approx(MEASURED[rung], abs=0.004)
    assert found.auc_low < MEASURED[rung] < found.auc_high
    assert found.auc_high - found.auc_low < 0.02


def test_nothing_leaks_and_probabilities_hold(ladder: Trained) -> None:
    assert ladder.canaries.alarm == ""
    assert ladder.canaries.best_feature_auc < 0.9
    assert ladder.evaluation.brier < ladder.rungs["rule"].evaluation.brier + 0.001
