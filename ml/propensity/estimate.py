"""How good calibrated probabilities are by their own account, and how good they were when the outcomes are known."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from ml.propensity.frames import Floats, Ints
from ml.propensity.ranking import Ranking

WIDTH = float(norm.ppf(0.975))  # standard errors on either side of a 95 % interval


@dataclass(frozen=True)
class Estimate:
    """Performance without labels: of a calibrated probability p, p of a row is a yes and 1 - p a no.

    Attributes:
        auc: Area under the ROC curve of the expected counts.
        average_precision: The same of precision and recall.
        brier: Expected squared error.
        outcome_share: Expected share of yes.
    """

    auc: float
    average_precision: float
    brier: float
    outcome_share: float


@dataclass(frozen=True)
class Realised:
    """The same of rows whose outcome is known.

    Attributes:
        rows: How many.
        auc: Area under the ROC curve; None where one class is missing.
        auc_low: Lower end of its 95 % interval.
        auc_high: Upper end.
        brier: Mean squared error.
        predicted_share: Mean probability.
        outcome_share: Share of yes.
        surprise: Standard errors by which the number of yes is off what the probabilities say.
    """

    rows: int
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    brier: float
    predicted_share: float
    outcome_share: float
    surprise: float


def estimate(chances: Floats) -> Estimate:
    """Estimate performance from probabilities alone (CBPE: NannyML documentation, Confidence-based Performance Estimation).

    It is right as long as the probabilities are: it sees that people have become harder to tell apart, and not that they have changed
    their minds.

    Args:
        chances: Calibrated probability per row, at least one, strictly within (0, 1).
    """
    ranking, ones = Ranking.of(chances, chances), np.ones(len(chances))
    return Estimate(
        auc=ranking.auc(ones),
        average_precision=ranking.average_precision(ones),
        brier=float(np.mean(chances * (1 - chances))),
        outcome_share=float(np.mean(chances)),
    )


def realise(chances: Floats, outcome: Ints) -> Realised:
    """Measure probabilities by what happened; the interval is DeLong's (Sun and Xu 2014 give the fast form by ranks).

    Args:
        chances: Probability per row, at least one row, strictly within (0, 1).
        outcome: 0 or 1 per row.
    """
    area = _delong(chances, outcome)
    return Realised(
        rows=len(chances),
        auc=area[0] if area else None,
        auc_low=max(0.0, area[0] - WIDTH * area[1]) if area else None,
        auc_high=min(1.0, area[0] + WIDTH * area[1]) if area else None,
        brier=float(np.mean((chances - outcome) ** 2)),
        predicted_share=float(np.mean(chances)),
        outcome_share=float(np.mean(outcome)),
        surprise=float((outcome - chances).sum() / np.sqrt((chances * (1 - chances)).sum())),
    )


def _delong(scores: Floats, outcome: Ints) -> tuple[float, float] | None:
    """AUC and its standard error; None where there are fewer than two of a class."""
    is_yes = outcome == 1
    yes, no = int(is_yes.sum()), int((~is_yes).sum())
    if min(yes, no) < 2:
        return None
    ranks = rankdata(scores)
    above = (ranks[is_yes] - rankdata(scores[is_yes])) / no  # share of the no that each yes stands above
    below = 1 - (ranks[~is_yes] - rankdata(scores[~is_yes])) / yes
    return float(above.mean()), float(np.sqrt(above.var(ddof=1) / yes + below.var(ddof=1) / no))
