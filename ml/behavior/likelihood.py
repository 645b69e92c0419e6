"""The part of the likelihood that models of orders share: rates, and the silence since the last order."""

from typing import NamedTuple, Self

import numpy as np
from scipy import special

from ml.behavior.histories import Floats, Histories


class Rows(NamedTuple):
    """Histories laid out for the likelihood: functions of x alone are taken once for each number of repeats.

    Attributes:
        levels: Distinct numbers of repeats.
        of_level: Share of customers at each.
        repeats: Repeats of each row.
        age: Age of each row.
        share: Share of customers of each row.
        again: Which rows have a repeat.
        last: Time of the last order of those rows.
    """

    levels: Floats
    of_level: Floats
    repeats: Floats
    age: Floats
    share: Floats
    again: np.ndarray[tuple[int], np.dtype[np.bool_]]
    last: Floats

    @classmethod
    def of(cls, histories: Histories) -> Self:
        """Lay out histories."""
        levels, at = np.unique(histories.repeats, return_inverse=True)
        share = histories.customers / histories.total
        again = histories.repeats > 0
        of_level = np.bincount(at, weights=share).astype(np.float64)
        return cls(levels, of_level, histories.repeats, histories.age, share, again, histories.last[again])


class Rates(NamedTuple):
    """What rates and silence contribute to the mean log-likelihood.

    Attributes:
        value: Their part.
        by_r: Its derivative by r.
        by_alpha: Its derivative by alpha.
        left: For each row with a repeat its share of customers times the chance that they left with the last order.
    """

    value: float
    by_r: float
    by_alpha: float
    left: Floats


def rate_terms(rows: Rows, r: float, alpha: float, exit_log_odds: Floats) -> Rates:
    """Mean of ln G(r + x) - ln G(r) + r ln alpha - (r + x) ln(alpha + T) + ln(1 + odds ((alpha + T) / (alpha + t_x))^(r + x)).

    Args:
        rows: Of the histories.
        r: Shape of the rates.
        alpha: Their scale.
        exit_log_odds: Logarithm of `odds` for each row with a repeat; the last term is 0 without one.
    """
    everyone, share = np.log(alpha + rows.age), rows.share[rows.again]
    times = r + rows.repeats[rows.again]
    age = rows.age[rows.again]
    silence = everyone[rows.again] - np.log(alpha + rows.last)
    odds = exit_log_odds + times * silence
    left = special.expit(odds) * share
    of_repeats = special.gammaln(r + rows.levels) - special.gammaln(r)
    slopes = special.psi(r + rows.levels) - special.psi(r)
    value = (
        (rows.of_level * of_repeats).sum()
        + r * np.log(alpha)
        - (rows.share * (r + rows.repeats) * everyone).sum()
        + (share * np.logaddexp(0.0, odds)).sum()
    )
    by_r = (rows.of_level * slopes).sum() + np.log(alpha) - (rows.share * everyone).sum() + (left * silence).sum()
    by_alpha = (
        r / alpha
        - (rows.share * (r + rows.repeats) / (alpha + rows.age)).sum()
        + (left * times * (1 / (alpha + age) - 1 / (alpha + rows.last))).sum()
    )
    return Rates(float(value), float(by_r), float(by_alpha), left)
