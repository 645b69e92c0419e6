"""The report in words: what each experiment says."""

from dataclasses import dataclass
from typing import Literal

from reporting import formats
from reporting.data import LiftRow, Metric
from reporting.definitions import SRM_ALARM, VERDICTS, spoken

Tone = Literal["good", "bad", "flat", "wait", "alarm"]

TONES: dict[str, Tone] = {
    "works": "good",
    "hurts": "bad",
    "no_difference_within": "flat",
    "not_enough_data": "wait",
    "invalid": "alarm",
}


@dataclass(frozen=True)
class Headline:
    """A sentence, its tone and what supports it."""

    text: str
    tone: Tone
    support: str


def tone_of(row: LiftRow) -> Tone:
    """What the verdict means for a reader; a verdict that is not known is read off the interval."""
    if row.verdict in TONES:
        return TONES[row.verdict]
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return "alarm"
    if row.lift is None or row.ci_low is None or row.ci_high is None:
        return "wait"
    if row.ci_low > 0:
        return "good"
    return "bad" if row.ci_high < 0 else "flat"


def in_words(row: LiftRow) -> str:
    """The verdict as a sentence."""
    return row.verdict_text or VERDICTS.get(row.verdict, row.verdict)


def headline(row: LiftRow, metric: Metric, currency: str) -> Headline:
    """Say what the leading row of an experiment shows."""
    tone = tone_of(row)
    subject, with_it, without_it = _arms(row)
    size = formats.difference(row.lift, metric.unit, currency).lstrip(f"+{formats.MINUS}")
    verb = "raise" if (row.lift or 0) > 0 else "lower"
    moved = f"{subject} {verb}{'' if is_plain(row) else 's'} {metric.label.lower()} by {size}"
    text = {
        "good": moved,
        "bad": moved,
        "flat": f"No effect on {metric.label.lower()} that can be told from chance",
        "wait": "Not enough data yet",
        "alarm": f"Do not act on these numbers: {_why_not(row)}",
    }[tone]
    means = [formats.mean(value, metric.unit, currency) for value in (row.mean_treated, row.mean_held_out)]
    if row.mean_treated is None and row.mean_held_out is None:
        support = f"The days in which {metric.label.lower()} counts are over for nobody yet."
    else:
        support = f"{metric.label} is {means[0]} {with_it} and {means[1]} {without_it}."
    if tone in {"wait", "flat"} and row.minimum_detectable_lift is not None:
        support += f" So far only a lift of {formats.difference(row.minimum_detectable_lift, metric.unit, currency)} or more would show."
    return Headline(text, tone, support)


def _why_not(row: LiftRow) -> str:
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return "the arms are not split as planned"
    return row.data_quality or "they are invalid"


def is_plain(row: LiftRow) -> bool:
    """Whether the row compares emails with none at all, so that the arms need no names."""
    return row.arm == "treatment"


def _arms(row: LiftRow) -> tuple[str, str, str]:
    if is_plain(row):
        return "The emails", "with the emails", "without"
    return f"“{spoken(row.arm)}”", f"in “{spoken(row.arm)}”", f"in “{spoken(row.baseline_arm)}”"


def earned_in_total(row: LiftRow) -> tuple[float, float, float] | None:
    """Lift per person times treated people, with both ends of its interval; None while nobody may rely on it."""
    if tone_of(row) in {"wait", "alarm"} or row.lift is None or row.ci_low is None or row.ci_high is None:
        return None
    return row.lift * row.n_treated, row.ci_low * row.n_treated, row.ci_high * row.n_treated
