"""How good probabilities of churn are, on rows that nothing was fitted to."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

from ml.propensity.frames import Floats
from ml.propensity.ranking import Ints, Ranking, resample_customers

BINS = 10
DRAWS = 400


@dataclass(frozen=True)
class Evaluation:
    """Figures of one scorer on one cohort.

    Attributes:
        auc: Area under the ROC curve.
        auc_low: Lower end of its 95 % bootstrap interval, drawing customers.
        auc_high: Upper end.
        average_precision: Area under the precision-recall curve.
        brier: Mean squared error of the probability.
        calibration_error: Expected calibration error over ten bins of equal size (Naeini et al., AAAI 2015).
        log_loss: Mean negative log likelihood, in nats.
    """

    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    brier: float
    calibration_error: float
    log_loss: float


@dataclass(frozen=True)
class Curves:
    """Points to draw; pairs of arrays of one length.

    Attributes:
        false_positive_rate: ROC, x.
        true_positive_rate: ROC, y.
        predicted: Mean probability per tenth of the rows, rising.
        observed: Share churned per tenth.
        decile_lift: Share churned per tenth over the share of all, by falling probability.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    predicted: Floats
    observed: Floats
    decile_lift: Floats


def evaluate(churned: Ints, chances: Floats, *, customers: Ints, seed: int, ranks: Floats | None = None) -> Evaluation:
    """Evaluate probabilities.

    Args:
        churned: 0 or 1 per row.
        chances: Probability per row, strictly within (0, 1).
        customers: Number of the customer per row.
        seed: Of the bootstrap.
        ranks: What auc and average_precision are taken of, where that is not the probability (calibration makes ties).
    """
    ranking = Ranking.of(churned, chances if ranks is None else ranks)
    ones = np.ones(len(churned))
    drawn = [ranking.auc(weights) for weights in resample_customers(customers, seed=seed, draws=DRAWS)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    likelihood = np.where(churned == 1, chances, 1 - chances)
    return Evaluation(
        auc=ranking.auc(ones),
        auc_low=float(low),
        auc_high=float(high),
        average_precision=ranking.average_precision(ones),
        brier=float(np.mean((chances - churned) ** 2)),
        calibration_error=_calibration_error(churned, chances),
        log_loss=float(-np.mean(np.log(likelihood))),
    )


def trace_curves(churned: Ints, chances: Floats) -> Curves:
    """Give the ROC curve, the calibration curve and the lift by decile."""
    false_positive_rate, true_positive_rate, _ = roc_curve(churned, chances)
    tenths = _tenths(chances)
    observed = np.array([churned[rows].mean() for rows in tenths])
    return Curves(
        false_positive_rate=false_positive_rate,
        true_positive_rate=true_positive_rate,
        predicted=np.array([chances[rows].mean() for rows in tenths]),
        observed=observed,
        decile_lift=observed[::-1] / churned.mean(),
    )


def _calibration_error(churned: Ints, chances: Floats) -> float:
    gaps = [abs(chances[rows].mean() - churned[rows].mean()) * len(rows) for rows in _tenths(chances)]
    return float(sum(gaps) / len(churned))


def _tenths(chances: Floats) -> list[Ints]:
    """Row numbers by rising probability, in ten parts of equal size (fewer where there are fewer rows)."""
    return [rows for rows in np.array_split(np.argsort(chances, kind="stable"), BINS) if len(rows)]
