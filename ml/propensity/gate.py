"""The gate: does one ranking beat another on the same customers."""

from dataclasses import dataclass

import numpy as np

from ml.propensity.frames import Floats
from ml.propensity.ranking import Ints, Ranking, resample_customers

DRAWS = 400
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Decision:
    """The outcome of a comparison.

    Attributes:
        is_better: Whether the challenger's average precision is higher, beyond chance.
        difference: Average precision of the challenger minus the incumbent's.
        low: One-sided lower bound of the difference at 95 %.
        reason: The same in words.
    """

    is_better: bool
    difference: float
    low: float
    reason: str


def beats(challenger: Floats, incumbent: Floats, *, churned: Ints, customers: Ints, seed: int) -> Decision:
    """Compare two scores of the same rows by a paired bootstrap over customers (Efron and Tibshirani 1993, chapter 16).

    Args:
        challenger: Score per row; only its order counts.
        incumbent: Score per row.
        churned: 0 or 1 per row.
        customers: Number of the customer per row; all rows of a customer are drawn together.
        seed: Of the draws.

    Returns:
        The decision, by average precision: better only if the lower bound is above zero.
    """
    new, old = Ranking.of(churned, challenger), Ranking.of(churned, incumbent)
    ones = np.ones(len(churned))
    difference = new.average_precision(ones) - old.average_precision(ones)
    draws = resample_customers(customers, seed=seed, draws=DRAWS)
    differences = [new.average_precision(weights) - old.average_precision(weights) for weights in draws]
    low = float(np.nanquantile(differences, 1 - CONFIDENCE))
    verb = "beats" if low > 0 else "does not beat"
    reason = f"{verb} the incumbent: average precision {difference:+.4f}, at least {low:+.4f} with 95 % confidence"
    return Decision(is_better=low > 0, difference=difference, low=low, reason=reason)
