"""The gate: is one scorer better than another on the same customers, and its probabilities no worse."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from ml.propensity.evaluate import tenths
from ml.propensity.frames import Floats, Ints
from ml.propensity.ranking import Ranking, resample_customers
from ml.propensity.task import Profit, Task

CONFIDENCE = 0.95
WORTHWHILE = (
    0.02  # of what the incumbent has, or lacks, whichever is less: ties that are broken at random gain less than that
)

Weighing = Callable[[Floats], float]


@dataclass(frozen=True)
class Scored:
    """What one scorer says of rows.

    Attributes:
        chances: Calibrated probability per row.
        ranks: What rows are ranked by, where that is not the probability (calibration makes ties).
    """

    chances: Floats
    ranks: Floats


@dataclass(frozen=True)
class Comparison:
    """One measure of the challenger minus the incumbent's, with one-sided bounds at 95 %."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """The outcome of a comparison.

    Attributes:
        is_better: Whether the challenger is better in the task's metric, beyond chance and by more than a trifle, and not worse
            beyond chance in the others.
        metric: Name of the task's metric.
        primary: That metric.
        brier: Mean squared error of the probability; lower is better.
        calibration_error: Expected calibration error; lower is better.
        reason: The same in words.
    """

    is_better: bool
    metric: str
    primary: Comparison
    brier: Comparison
    calibration_error: Comparison
    reason: str

    def evidence(self) -> dict[str, float]:
        """All numbers, by name."""
        parts = {self.metric: self.primary, "brier": self.brier, "calibration_error": self.calibration_error}
        return {f"{name}_{key}": value for name, part in parts.items() for key, value in asdict(part).items()}


def beats(challenger: Scored, incumbent: Scored, *, task: Task, outcome: Ints, customers: Ints, seed: int) -> Decision:
    """Compare two scorers by a paired bootstrap over customers (Efron and Tibshirani 1993, chapter 16).

    Args:
        challenger: Who wants the place.
        incumbent: Who has it.
        task: Says which metric counts.
        outcome: 0 or 1 per row.
        customers: Number of the customer per row; all rows of a customer are drawn together.
        seed: Of the draws.
    """
    pairs = [
        (measure(challenger, outcome), measure(incumbent, outcome))
        for measure in (partial(_primary, task), _brier, _calibration_error)
    ]
    ones = np.ones(len(outcome))
    differences = [new(ones) - old(ones) for new, old in pairs]
    least = _least_gain(task, pairs[0][1](ones))
    draws = np.array(
        [[new(weights) - old(weights) for new, old in pairs] for weights in resample_customers(customers, seed=seed)]
    )
    lows, highs = np.nanquantile(draws, [1 - CONFIDENCE, CONFIDENCE], axis=0)
    primary, brier, calibration_error = (
        Comparison(float(difference), float(low), float(high))
        for difference, low, high in zip(differences, lows, highs, strict=True)
    )
    worse = [name for name, part in (("Brier score", brier), ("calibration error", calibration_error)) if part.low > 0]
    is_better = primary.low > 0 and primary.difference >= least and not worse
    words = (
        f"{task.metric.replace('_', ' ')} {primary.difference:+.4f}, at least {primary.low:+.4f} with 95 % confidence"
    )
    if primary.low > 0 and primary.difference < least:
        words += f"; less than the {least:.4f} that a change is worth"
    if worse:
        words += f"; worse in {' and '.join(worse)}"
    verb = "beats" if is_better else "does not beat"
    return Decision(is_better, task.metric, primary, brier, calibration_error, f"{verb} the incumbent: {words}")


def expected_profit(profit: Profit, chances: Floats, outcome: Ints) -> Weighing:
    """Money per row, of contacting whoever is worth it by the probability: gain for each whom the outcome holds for, cost for each."""
    earned = np.where(chances * profit.gain > profit.cost, outcome * profit.gain - profit.cost, 0.0)
    return lambda weights: float(weights @ earned / weights.sum())


def _least_gain(task: Task, incumbent: float) -> float:
    has = abs(incumbent)
    return WORTHWHILE * (min(has, 1 - has) if task.metric == "average_precision" else has)


def _primary(task: Task, scored: Scored, outcome: Ints) -> Weighing:
    if task.metric == "expected_profit" and task.profit is not None:
        return expected_profit(task.profit, scored.chances, outcome)
    return Ranking.of(outcome, scored.ranks).average_precision


def _brier(scored: Scored, outcome: Ints) -> Weighing:
    errors = (scored.chances - outcome) ** 2
    return lambda weights: float(weights @ errors / weights.sum())


def _calibration_error(scored: Scored, outcome: Ints) -> Weighing:
    """Over the ten bins of equal size of the rows as they are; a draw weighs the rows in them."""
    bin_of = np.empty(len(outcome), dtype=np.int64)
    for number, rows in enumerate(tenths(scored.chances)):
        bin_of[rows] = number
    gaps = scored.chances - outcome
    return lambda weights: float(np.abs(np.bincount(bin_of, weights=weights * gaps)).sum() / weights.sum())
