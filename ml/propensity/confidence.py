"""How sure a calibrated model is of the probability that it gives.

A probability is as good as the calibrating rows with scores like it. Were the row itself one of them, with either outcome, isotonic
calibration would give two probabilities; the distance between them is wide where rows are few (inductive Venn-Abers predictors: Vovk
and Petej, UAI 2014, https://arxiv.org/abs/1211.0025). Confidence is one minus that distance.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import isotonic_regression

from ml.propensity.frames import Floats, Ints

PLACES = 200  # scores at which the distance is taken, each standing for an equal number of rows


@dataclass(frozen=True)
class Confidence:
    """Confidence at some probabilities, rising; in between it is interpolated, beyond the ends it is the end's."""

    chances: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, chances: Floats) -> Floats:
        """Confidence in each probability, within [0, 1]."""
        found: Floats = np.interp(chances, self.chances, self.values)
        return found


def measure_confidence(chances: Floats, outcome: Ints) -> Confidence:
    """Measure on the rows by which a model was calibrated.

    Args:
        chances: Its calibrated probabilities.
        outcome: 0 or 1 per row.
    """
    order = np.argsort(chances, kind="stable")
    levels, first = np.unique(chances[order], return_index=True)
    if len(levels) > PLACES:
        first = np.unique(np.linspace(0, len(order), PLACES, endpoint=False).astype(np.int64))
        levels = np.add.reduceat(chances[order], first) / np.diff(np.append(first, len(order)))
    rows = np.diff(np.append(first, len(order))).astype(np.float64)
    yes = np.add.reduceat(outcome[order].astype(np.float64), first)
    values = [1.0 - (_chance_if(1.0, at, yes, rows) - _chance_if(0.0, at, yes, rows)) for at in range(len(levels))]
    return Confidence(tuple(map(float, levels)), tuple(map(float, values)))


def _chance_if(outcome: float, at: int, yes: Floats, rows: Floats) -> float:
    """Isotonic probability at one place if one more row there had an outcome."""
    counts, found = rows.copy(), yes.copy()
    counts[at] += 1
    found[at] += outcome
    fitted = isotonic_regression(found / counts, sample_weight=counts)
    return float(fitted[at])
