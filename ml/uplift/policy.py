"""What a rule of whom to treat would have given, per person."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.uplift.doubly_robust import Outcomes
from ml.uplift.examples import Floats
from ml.uplift.qini import CONFIDENCE, Estimate

Bools = NDArray[np.bool_]


def value_policies(outcomes: Outcomes, policies: Mapping[str, Bools], *, cost: float) -> dict[str, Estimate]:
    """Outcomes per person less the cost of the emails, if each policy were followed.

    Args:
        outcomes: Doubly robust, that is, inverse-propensity weighted with known shares around an expectation
            (Athey and Wager, Econometrica 2021).
        policies: Whom to treat, per row, decided without the row's own outcome.
        cost: Of one email, in outcomes.

    Returns:
        Value and analytic interval; the p-value is one-sided, against "no better than treating nobody".
    """
    return {
        name: _mean(
            np.where(treats, outcomes.treated - cost, outcomes.held_out), np.where(treats, outcomes.effect - cost, 0.0)
        )
        for name, treats in policies.items()
    }


def _mean(values: Floats, gains: Floats) -> Estimate:
    value, error = float(values.mean()), float(values.std(ddof=1)) / sqrt(len(values))
    reach = float(stats.norm.isf((1 - CONFIDENCE) / 2)) * error
    gain_error = float(gains.std(ddof=1)) / sqrt(len(gains))
    p_value = float(stats.norm.sf(gains.mean() / gain_error)) if gain_error > 0 else 1.0
    return Estimate(value, value - reach, value + reach, p_value)
