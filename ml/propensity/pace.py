"""How often something happens lately, beside how often it did when a model was calibrated, or just before."""

from dataclasses import dataclass

import numpy as np

from ml.propensity.frames import Ints


@dataclass(frozen=True)
class Pace:
    """How often something happened lately, beside how often it did before.

    Attributes:
        what: The event, or the feature that counts it.
        days: The last so many days.
        before: What they are held against, in words.
        ratio: Of both, per day.
        surprise: Standard errors of their difference.
        is_outcome: Whether it is what the task predicts; what is not, as visits, is watched only.
    """

    what: str
    days: int
    before: str
    ratio: float
    surprise: float
    is_outcome: bool


def compare_pace(event: str, lately: Ints, reference: Ints) -> Pace | None:
    """Compare counts of an event; None where the reference has none.

    Counts of days are more spread than those of a Poisson process where newsletters or weekdays bundle them; the variance is
    multiplied by what the reference shows of that (quasi-Poisson: McCullagh and Nelder 1989, 6.2).

    Args:
        event: Its name.
        lately: Count of each of the last days.
        reference: Count of each of the days whose outcomes the model was calibrated on.
    """
    before, now = reference.mean(), lately.mean()
    if before == 0:
        return None
    dispersion = max(1.0, reference.var(ddof=1) / before) if len(reference) > 1 else 1.0
    error = np.sqrt(dispersion * before * (1 / len(lately) + 1 / len(reference)))
    return Pace(
        event,
        len(lately),
        "when it was calibrated",
        float(now / before),
        float((now - before) / error),
        is_outcome=True,
    )
