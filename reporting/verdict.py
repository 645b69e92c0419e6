"""The report in words: what each experiment says."""

from dataclasses import dataclass
from typing import Literal

from reporting import formats
from reporting.data import LiftRow, Metric
from reporting.definitions import SRM_ALARM, spoken

Tone = Literal["good", "bad", "flat", "wait", "alarm"]


@dataclass(frozen=True)
class Headline:
    """A sentence, its tone and what supports it."""

    text: str
    tone: Tone
    support: str


def tone_of(row: LiftRow) -> Tone:
    """Whether the interval lies above, below or around zero, or is not there yet; a broken split outranks all."""
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return "alarm"
    if row.lift is None or row.ci_low is None or row.ci_high is None:
        return "wait"
    if row.ci_low > 0:
        return "good"
    return "bad" if row.ci_high < 0 else "flat"


def headline(row: LiftRow, metric: Metric, currency: str) -> Headline:
    """Say what the leading row of an experiment shows."""
    tone = tone_of(row)
    size = formats.difference(row.lift, metric.unit, currency).lstrip(f"+{formats.MINUS}")
    label = metric.label
    subject, with_it, without_it = _arms(row)
    plural = "" if is_plain(row) else "s"
    text = {
        "good": f"{subject} raise{plural} {label.lower()} by {size}",
        "bad": f"{subject} lower{plural} {label.lower()} by {size}",
        "flat": f"No effect on {label.lower()} that can be told from chance",
        "wait": "Not enough data yet",
        "alarm": "Do not act on these numbers: the arms are not split as planned",
    }[tone]
    means = [formats.mean(value, metric.unit, currency) for value in (row.mean_treated, row.mean_held_out)]
    support = f"{label} is {means[0]} {with_it} and {means[1]} {without_it}."
    if tone == "wait" and row.minimum_detectable_lift is not None:
        smallest = formats.difference(row.minimum_detectable_lift, metric.unit, currency)
        support += f" So far only a lift of {smallest} or more would show."
    return Headline(text, tone, support)


def is_plain(row: LiftRow) -> bool:
    """Whether the row compares emails with none at all, so that the arms need no names."""
    return row.arm == "treatment"


def _arms(row: LiftRow) -> tuple[str, str, str]:
    if is_plain(row):
        return "The emails", "with the emails", "without"
    return f"“{spoken(row.arm)}”", f"in “{spoken(row.arm)}”", f"in “{spoken(row.baseline_arm)}”"


def earned_in_total(row: LiftRow) -> tuple[float, float, float] | None:
    """Lift per person times treated people, with both ends of its interval; None without an interval."""
    if row.lift is None or row.ci_low is None or row.ci_high is None:
        return None
    return row.lift * row.n_treated, row.ci_low * row.n_treated, row.ci_high * row.n_treated
