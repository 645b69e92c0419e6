"""How well a score ranks."""

import numpy as np
from scipy.stats import rankdata

from simulator.arrays import Bools, Floats


def area_under_curve(is_positive: Bools, scores: Floats) -> float | None:
    """Area under the ROC curve: the chance that a positive ranks above a negative, ties half (Mann-Whitney).

    Args:
        is_positive: Shape (n,).
        scores: The higher, the likelier positive; shape (n,).

    Returns:
        Between 0 and 1; None unless there are both kinds.
    """
    positives = int(is_positive.sum())
    negatives = len(is_positive) - positives
    if not positives or not negatives:
        return None
    ranks = rankdata(scores)
    return float((ranks[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def standard_error(is_positive: Bools, area: float) -> float:
    """Standard error of an area (Hanley and McNeil 1982, Radiology 143:29)."""
    positives = int(is_positive.sum())
    negatives = len(is_positive) - positives
    both_above = area / (2 - area)
    both_below = 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (both_above - area**2) + (negatives - 1) * (both_below - area**2)
    return float(np.sqrt(spread / (positives * negatives)))
