"""Segments that the email harms, by name."""

from dataclasses import dataclass
from math import hypot
from typing import Literal

import pandas as pd
from scipy import stats

from ml.uplift.examples import Examples
from ml.uplift.holm import adjust
from ml.uplift.qini import CONFIDENCE, Uplift, compare

MINIMUM_UNITS = 100  # per arm; below, a segment is shown and not judged
MINIMUM_BUYERS = 20  # of the segment's baseline: a mean of fewer is no mean
Finding = Literal["harmed", "below_the_rest", "no_finding", "not_enough_data"]


@dataclass(frozen=True)
class SegmentEffect:
    """The effect in one segment, beside everyone else.

    Attributes:
        name: Dimension and value, as `device_use: mobile`.
        inside: Effect in the segment.
        p_harm: One-sided p-value against "no harm", adjusted for the number of segments; null where it is not judged.
        p_below: The same against "no worse than everyone else".
        finding: `harmed`: the effect is negative beyond chance. `below_the_rest`: it is not above zero beyond chance, and lower
            than everyone else's beyond chance, so emails to the segment should be the first to go.
    """

    name: str
    inside: Uplift
    p_harm: float | None
    p_below: float | None
    finding: Finding


def examine_segments(examples: Examples, *, alpha: float) -> list[SegmentEffect]:
    """Test each segment for harm and against everyone else, each question with Holm's step-down over all segments.

    Args:
        examples: Units with their segments.
        alpha: Chance of even one false finding of either kind, at most.

    Returns:
        All segments by name; half of alpha goes to either question.
    """
    cut = [
        (f"{dimension}: {value}", (examples.segments[dimension] == value).to_numpy())
        for dimension in examples.segments
        for value in sorted(pd.unique(examples.segments[dimension]))
    ]
    found = [(name, compare(examples, rows), compare(examples, ~rows)) for name, rows in cut]
    judged = [place for place, (_, inside, outside) in enumerate(found) if _is_enough(inside) and _is_enough(outside)]
    harm = dict(zip(judged, adjust([_below(found[place][1]) for place in judged]), strict=True))
    below = dict(zip(judged, adjust([_below(found[place][1], found[place][2]) for place in judged]), strict=True))
    return [
        SegmentEffect(
            name,
            inside,
            harm.get(place),
            below.get(place),
            _judge(inside, harm.get(place), below.get(place), alpha / 2),
        )
        for place, (name, inside, _) in enumerate(found)
    ]


def _is_enough(part: Uplift) -> bool:
    buyers = (part.mean_held_out or 0.0) * part.n_held_out
    return part.error is not None and min(part.n_treated, part.n_held_out) >= MINIMUM_UNITS and buyers >= MINIMUM_BUYERS


def _below(inside: Uplift, outside: Uplift | None = None) -> float:
    """One-sided p-value against an effect that is no lower than zero, or than everyone else's."""
    other = outside or Uplift(0, 0, uplift=0.0, error=0.0)
    difference = (inside.uplift or 0.0) - (other.uplift or 0.0)
    return float(stats.norm.cdf(difference / hypot(inside.error or 0.0, other.error or 0.0)))


def _judge(inside: Uplift, p_harm: float | None, p_below: float | None, alpha: float) -> Finding:
    if p_harm is None or p_below is None:
        return "not_enough_data"
    if p_harm < alpha:
        return "harmed"
    is_above_zero = inside.p_gain is not None and inside.p_gain < (1 - CONFIDENCE) / 2
    return "below_the_rest" if p_below < alpha and not is_above_zero else "no_finding"
