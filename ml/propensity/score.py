"""Scores of today's people."""

import numpy as np
import pyarrow as pa

from ml.propensity.frames import Floats, to_matrix
from ml.propensity.ladder import BEYOND
from ml.propensity.model import PropensityModel
from ml.propensity.task import Rule, Task

HALF_AT = 90.0  # of the rule's column, at which the rank is one half
DECIMALS = 6  # as of all that is compared between runs


def score_people(task: Task, model: PropensityModel, features: pa.Table) -> pa.Table:
    """Score people by a trained model.

    Args:
        task: Says below which confidence the model abstains.
        model: Trained or loaded.
        features: customer_id and the model's feature columns; other columns are ignored.

    Returns:
        customer_id, score: the calibrated probability, tier: model or abstained, in the order of the input; and option, where there is one.

    Raises:
        ValueError: A feature column is missing.
    """
    chances = model.predict(to_matrix(features, model.feature_names))
    is_sure = model.confidence.at(chances) >= task.abstain_below
    return _tabulate(features, chances, np.where(is_sure, "model", "abstained"))


def score_by_rule(rule: Rule, features: pa.Table) -> pa.Table:
    """Score people without a model, by the task's rule.

    Args:
        rule: Which column, and whether higher values are likelier.
        features: customer_id and that column (null ranks as beyond the highest).

    Returns:
        customer_id, score in (0, 1): (value + 1) / (value + 91), or its complement; tier: fallback; and option, where there is one.
        It is a rank and no probability.

    Raises:
        ValueError: The column is missing.
    """
    values = to_matrix(features, [rule.column])[rule.column].fillna(BEYOND).clip(0.0, BEYOND).to_numpy() + 1.0
    share = values / (values + HALF_AT)
    scores = share if rule.likelier_when == "higher" else 1 - share
    return _tabulate(features, scores, np.full(len(scores), "fallback"))


def _tabulate(features: pa.Table, scores: Floats, tiers: np.ndarray[tuple[int], np.dtype[np.str_]]) -> pa.Table:
    option = {"option": features["option"]} if "option" in features.column_names else {}
    return pa.table(
        {
            **option,
            "customer_id": features["customer_id"].cast(pa.string()),
            "score": pa.array(scores.round(DECIMALS), pa.float64()),
            "tier": pa.array(tiers.tolist(), pa.string()),
        }
    )
