"""Verdicts as sentences that need no statistics."""

from math import ceil
from typing import NamedTuple

from ml.measurement.balance import SRM_ALARM
from ml.measurement.faults import Fault
from ml.measurement.reading import MINIMUM_CONTROL_BUYERS, MINIMUM_UNITS, Refusal
from ml.measurement.row import LiftRow

POWER = 0.8
TARGETS = (0.2, 0.1, 0.05, 0.02, 0.01)  # lifts relative to the baseline, of which the next smaller one is promised
LONGEST_WEEKS = 520


class Evidence(NamedTuple):
    """What is known beside the row.

    Attributes:
        refusal: Why nothing is said; null if something is.
        elapsed_days: Days of intake so far whose windows have closed.
        is_over: The last look has been made.
        is_binary: The metric is a share of people.
        faults: What is wrong with the data of the period.
    """

    refusal: Refusal | None
    elapsed_days: int
    is_over: bool
    is_binary: bool
    faults: tuple[Fault, ...] = ()


def in_words(row: LiftRow, evidence: Evidence) -> str:
    """The verdict of a row as a sentence, and what is wrong with its data as another."""
    if row.verdict == "invalid":
        return _why_invalid(row, evidence)
    flaws = [fault.text for fault in evidence.faults]
    return " ".join([_say(row, evidence), *(f"{text[:1].upper()}{text[1:]}." for text in flaws)])


def _why_invalid(row: LiftRow, evidence: Evidence) -> str:
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return f"Invalid: the arms are not split as planned (p = {row.srm_p_value:.2g}), so their difference has another cause."
    return f"Invalid: {'; '.join(fault.text for fault in evidence.faults if fault.is_fatal)}."


def _say(row: LiftRow, evidence: Evidence) -> str:
    if row.verdict == "not_enough_data" or row.ci_low is None or row.ci_high is None or row.lift is None:
        return f"Not enough data: {_what_is_missing(row, evidence)}."
    between = f"between {_size(row.ci_low, evidence)} and {_size(row.ci_high, evidence)}"
    if row.verdict == "no_difference_within":
        reach = max(abs(row.ci_low), abs(row.ci_high))
        return f"No difference beyond ±{_size(reach, evidence, signed=False)}: the true lift is most likely {between}."
    since = f"; beyond chance since {row.decided_on}" if row.decided_on else ""
    return f"{row.verdict.capitalize()}: {_size(row.lift, evidence)} per person, most likely {between}{since}."


def _what_is_missing(row: LiftRow, evidence: Evidence) -> str:
    if evidence.refusal == "few_units":
        smaller = min(row.n_treated, row.n_held_out)
        return f"the smaller arm has {smaller} people whose outcome window has closed, of {MINIMUM_UNITS} that it takes"
    if evidence.refusal == "few_buyers":
        return f"fewer than {MINIMUM_CONTROL_BUYERS} of the people held back are expected to show the metric"
    if evidence.refusal == "nothing_varies":
        return "nobody differs in the metric"
    if evidence.refusal == "no_values":
        return "the values are too skewed to be judged by their sums"
    if evidence.refusal == "burn_in":
        return "the first week of outcome windows has not closed"
    return _what_shows(row, evidence)


def _what_shows(row: LiftRow, evidence: Evidence) -> str:
    smallest = row.minimum_detectable_lift
    if smallest is None:
        return "nothing has been judged"
    text = f"the smallest effect that would show now is {_size(smallest, evidence, signed=False)}"
    base = abs(row.mean_held_out or 0.0)
    target = next((part * base for part in TARGETS if 0 < part * base < smallest), smallest / 2)
    weeks = ceil(evidence.elapsed_days * ((smallest / target) ** 2 - 1) / 7)
    if evidence.is_over:
        return text
    if row.n_pending == 0:
        return f"{text}, and nobody new is entering"
    wait = f"about {weeks:,} more weeks" if weeks < LONGEST_WEEKS else "more than ten more years"
    end = f"; the last look is on {row.ends_on}" if row.ends_on else ""
    return f"{text}; {wait} like these for {_size(target, evidence, signed=False)}{end}"


def _size(value: float, evidence: Evidence, *, signed: bool = True) -> str:
    sign = "+" if signed else ""
    text = f"{100 * value:{sign}.2f} points" if evidence.is_binary else f"{value:{sign}.2f}"
    return text.replace("-", "\N{MINUS SIGN}")
