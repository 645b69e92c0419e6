"""How good probabilities are, on rows that nothing was fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.propensity.frames import Examples, Floats, Ints
from ml.propensity.ranking import Ranking, resample_customers

BINS = 10
SMALLEST_GROUP = 50  # rows; below, a metric of the group says nothing


@dataclass(frozen=True)
class Evaluation:
    """Figures of one scorer on one cohort.

    Attributes:
        auc: Area under the ROC curve.
        auc_low: Lower end of its 95 % bootstrap interval, drawing customers.
        auc_high: Upper end.
        average_precision: Area under the precision-recall curve.
        average_precision_low: Lower end of its interval.
        average_precision_high: Upper end.
        brier: Mean squared error of the probability.
        calibration_error: Expected calibration error over ten bins of equal size (Naeini et al., AAAI 2015).
        log_loss: Mean negative log likelihood, in nats.
    """

    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    average_precision_low: float
    average_precision_high: float
    brier: float
    calibration_error: float
    log_loss: float


@dataclass(frozen=True)
class GroupEvaluation:
    """The same scorer on one group of the cohort."""

    rows: int
    outcome_share: float
    mean_chance: float
    auc: float
    average_precision: float
    brier: float


@dataclass(frozen=True)
class Curves:
    """Points to draw; arrays of one length each.

    Attributes:
        false_positive_rate: ROC, x.
        true_positive_rate: ROC, y.
        recall: Precision-recall, x.
        precision: Precision-recall, y.
        predicted: Mean probability per tenth of the rows, rising.
        observed: Share whose outcome is yes per tenth.
        decile_lift: That share over the share of all, by falling rank.
        gain: Share of all outcomes found in the first tenth, the first two, and so on, by falling rank.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    recall: Floats
    precision: Floats
    predicted: Floats
    observed: Floats
    decile_lift: Floats
    gain: Floats


def evaluate(outcome: Ints, chances: Floats, *, customers: Ints, seed: int, ranks: Floats | None = None) -> Evaluation:
    """Evaluate probabilities.

    Args:
        outcome: 0 or 1 per row.
        chances: Probability per row, strictly within (0, 1).
        customers: Number of the customer per row.
        seed: Of the bootstrap.
        ranks: What auc and average_precision are taken of, where that is not the probability (calibration makes ties).
    """
    ranking = Ranking.of(outcome, chances if ranks is None else ranks)
    ones = np.ones(len(outcome))
    drawn = np.array(
        [
            (ranking.auc(weights), ranking.average_precision(weights))
            for weights in resample_customers(customers, seed=seed)
        ]
    )
    (auc_low, precision_low), (auc_high, precision_high) = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    likelihood = np.where(outcome == 1, chances, 1 - chances)
    return Evaluation(
        auc=ranking.auc(ones),
        auc_low=float(auc_low),
        auc_high=float(auc_high),
        average_precision=ranking.average_precision(ones),
        average_precision_low=float(precision_low),
        average_precision_high=float(precision_high),
        brier=float(np.mean((chances - outcome) ** 2)),
        calibration_error=_calibration_error(outcome, chances),
        log_loss=float(-np.mean(np.log(likelihood))),
    )


def evaluate_groups(examples: Examples, chances: Floats) -> Mapping[str, GroupEvaluation]:
    """Evaluate each group of at least 50 rows, by `<kind>/<group>`; areas are NaN where a group has one class only."""
    found = {}
    for kind, values in examples.groups.items():
        for group in np.unique(values.astype(str)):
            rows = np.flatnonzero(values == group)
            if len(rows) >= SMALLEST_GROUP:
                found[f"{kind}/{group}"] = _evaluate_group(examples.outcome[rows], chances[rows])
    return found


def trace_curves(outcome: Ints, chances: Floats, *, ranks: Floats | None = None) -> Curves:
    """Give the curves of ROC, precision and recall, calibration, lift by decile and gain."""
    order_by = chances if ranks is None else ranks
    false_positive_rate, true_positive_rate, _ = roc_curve(outcome, order_by)
    precision, recall, _ = precision_recall_curve(outcome, order_by)
    bins = tenths(chances)
    found = np.array([outcome[rows].sum() for rows in tenths(order_by)][::-1], dtype=np.float64)
    sizes = np.array([len(rows) for rows in tenths(order_by)][::-1])
    return Curves(
        false_positive_rate=false_positive_rate,
        true_positive_rate=true_positive_rate,
        recall=recall,
        precision=precision,
        predicted=np.array([chances[rows].mean() for rows in bins]),
        observed=np.array([outcome[rows].mean() for rows in bins]),
        decile_lift=found / sizes / outcome.mean(),
        gain=np.cumsum(found) / found.sum(),
    )


def tenths(scores: Floats) -> list[Ints]:
    """Row numbers by rising score, in ten parts of equal size (fewer where there are fewer rows)."""
    return [rows for rows in np.array_split(np.argsort(scores, kind="stable"), BINS) if len(rows)]


def _evaluate_group(outcome: Ints, chances: Floats) -> GroupEvaluation:
    ranking, ones = Ranking.of(outcome, chances), np.ones(len(outcome))
    return GroupEvaluation(
        rows=len(outcome),
        outcome_share=float(outcome.mean()),
        mean_chance=float(chances.mean()),
        auc=ranking.auc(ones),
        average_precision=ranking.average_precision(ones),
        brier=float(np.mean((chances - outcome) ** 2)),
    )


def _calibration_error(outcome: Ints, chances: Floats) -> float:
    gaps = [abs(chances[rows].mean() - outcome[rows].mean()) * len(rows) for rows in tenths(chances)]
    return float(sum(gaps) / len(outcome))
