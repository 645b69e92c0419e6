"""AUC and average precision of weighted rows, fast enough for a bootstrap."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml.propensity.frames import Floats, Ints

DRAWS = 400
FEWER_DRAWS = 200  # where rows are many and each draw tells more
MANY = 20_000  # rows


@dataclass(frozen=True)
class Ranking:
    """Rows ordered by falling score, so that any weighting of them is scored without sorting again."""

    order: Ints
    ends: Ints  # last row of each group of equal scores
    positive: Floats

    @classmethod
    def of(cls, outcome: Ints | Floats, scores: Floats) -> "Ranking":
        """Order rows by score; rows with equal scores stand together. An outcome may be the chance of a yes."""
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        ends = np.append(np.flatnonzero(np.diff(ordered) != 0), len(ordered) - 1)
        return cls(order, ends, outcome[order].astype(np.float64))

    def auc(self, weights: Floats) -> float:
        """Area under the ROC curve; ties count half. NaN without both classes."""
        found, alarms = self.counts(weights)
        if found[-1] == 0 or alarms[-1] == 0:
            return float("nan")
        steps = np.diff(alarms, prepend=0.0)
        heights = found - np.diff(found, prepend=0.0) / 2
        return float(steps @ heights / (found[-1] * alarms[-1]))

    def average_precision(self, weights: Floats) -> float:
        """Sum of precision times gain in recall, as scikit-learn's. NaN without positives."""
        found, alarms = self.counts(weights)
        if found[-1] == 0:
            return float("nan")
        called = found + alarms
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        return float(np.diff(found, prepend=0.0) @ precision / found[-1])

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Positives and negatives at or above each distinct score."""
        ordered = weights[self.order]
        found = np.cumsum(ordered * self.positive)[self.ends]
        return found, np.cumsum(ordered)[self.ends] - found


def resample_customers(customers: Ints, *, seed: int) -> Iterator[Floats]:
    """Give row weights of bootstrap samples that draw whole customers, for one customer's rows are not independent."""
    generator = np.random.default_rng(seed)
    names, member = np.unique(customers, return_inverse=True)
    for _ in range(DRAWS if len(customers) <= MANY else FEWER_DRAWS):
        drawn = generator.integers(0, len(names), len(names))
        yield np.bincount(drawn, minlength=len(names)).astype(np.float64)[member]


def standard_error_of_chance(outcome: Ints) -> float:
    """Standard error of the AUC of a score that knows nothing (Mann and Whitney 1947)."""
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    return float(np.sqrt((len(outcome) + 1) / (12 * positives * negatives)))
