"""Scores of today's customers."""

import numpy as np
import pyarrow as pa

from ml.propensity.frames import RECENCY, to_matrix
from ml.propensity.ladder import NEVER
from ml.propensity.model import ChurnModel

HALF_AT = 90.0  # days since the last order at which the rank is one half


def score_customers(model: ChurnModel, features: pa.Table) -> pa.Table:
    """Score customers by a trained model.

    Args:
        model: Trained or loaded.
        features: customer_id and the model's feature columns; other columns are ignored.

    Returns:
        customer_id, score: the calibrated probability of churn, in the order of the input.

    Raises:
        ValueError: A feature column is missing.
    """
    return _tabulate(features, model.predict(to_matrix(features, model.feature_names)))


def recency_score(features: pa.Table) -> pa.Table:
    """Score customers without a model: the longer since the last order, the higher.

    Args:
        features: customer_id and days_since_last_order (null: never ordered, ranks last).

    Returns:
        customer_id, score in (0, 1): days / (days + 90). It is a rank and no probability.

    Raises:
        ValueError: days_since_last_order is missing.
    """
    days = to_matrix(features, [RECENCY])[RECENCY].fillna(NEVER).clip(0.0, NEVER).to_numpy() + 1.0
    return _tabulate(features, days / (days + HALF_AT))


def _tabulate(features: pa.Table, scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> pa.Table:
    return pa.table({"customer_id": features["customer_id"].cast(pa.string()), "score": pa.array(scores, pa.float64())})
