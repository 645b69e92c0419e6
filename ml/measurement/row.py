"""A row of the holdout report, and its table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, get_args, get_type_hints

import pyarrow as pa

Verdict = Literal["works", "hurts", "no_difference_within", "not_enough_data", "invalid"]


@dataclass(frozen=True)
class LiftRow:
    """One arm against its baseline, in one segment, by one metric: a row of `measurement.holdout_report`.

    Only people count whose outcome window has closed and who entered before the planned end.

    Attributes:
        as_of: The day as of which the sums were taken.
        experiment: Experiment name.
        arm: The arm that is compared.
        baseline_arm: The arm that it is compared with.
        segment: Segment at entry; `all` is everyone.
        metric: What is averaged over units.
        n_treated: Units in the arm.
        n_held_out: Units in the baseline.
        mean_treated: Metric per unit in the arm.
        mean_held_out: Metric per unit in the baseline.
        lift: mean_treated - mean_held_out.
        lift_relative: lift / mean_held_out; null when that is 0.
        ci_low: Lower end of the lift's interval at 1 - alpha. It holds however often it is read, until the planned end;
            not adjusted for the number of comparisons; null as long as nothing may be said.
        ci_high: Upper end.
        p_value: Two-sided p-value of this comparison alone, for all looks so far together.
        p_adjusted: Of the primary metric over everyone: Holm over the arms. Of all else: Benjamini-Hochberg over
            segments, metrics and arms that have enough data; null without.
        method: Rule of the looks, unless there is a single one, and the test: welch or randomisation.
        verdict: What it means, by p_adjusted.
        srm_p_value: Everybody who entered, by arm, against the planned shares; of several epochs the worst, for their number.
        contamination: Share (0-1) of everybody in both arms who is contaminated.
        minimum_detectable_lift: The smallest true lift that today's bound finds with 80 % power, given the variances seen.
        verdict_text: The verdict as a sentence.
        is_primary: The metric that was declared to decide, over everyone.
        decided_on: First day on which the bound was passed; null: not yet, secondary, or not by p_adjusted.
        ends_on: Day of the final look; null: open-ended.
        critical_value: Normal deviate that must be passed today; 1.96 of a single look.
        n_pending: Units of both arms whose window is open.
        ci_low_fixed: Interval of a single look, from the day of the final look on; null before.
        ci_high_fixed: Upper end.
        lift_cuped: The lift less what spending before entry foretells; null where Welch's test is not used.
        ci_low_cuped: Lower end.
        ci_high_cuped: Upper end.
        lift_capped: The lift with each unit's value cut at the cap that its own past orders set.
        ci_low_capped: Lower end.
        ci_high_capped: Upper end.
        lift_per_buyer: Difference per unit with a value. Emails choose who buys, so it describes and proves nothing.
        ci_low_per_buyer: Lower end; null where Welch's test is not used.
        ci_high_per_buyer: Upper end.
        lift_pooled: The segment's lift drawn towards those of its dimension.
        ci_low_pooled: Lower end.
        ci_high_pooled: Upper end.
        finding: A segment that loses while everyone gains, or an effect that fades, named; null: none.
        n_contaminated: People of both arms in whom the arms met: by their profiles, by a mailbox, by a leak, or as our own.
        contamination_text: In what way, and how many; somebody may be so in several. Null: nobody, or a segment.
        lift_clean: The lift without them, over everyone; null where there is none. Who is left out is not left to chance,
            so it describes and does not decide.
        ci_low_clean: Lower end.
        ci_high_clean: Upper end.
        n_epochs: Periods of constant shares; arms are compared within each, and weighed by its people.
        epochs_text: The shares of each, and their split check; null: a single one, or a segment.
        data_quality: What is wrong with the data of the period; null: nothing is known to be.
    """

    as_of: date
    experiment: str
    arm: str
    baseline_arm: str
    segment: str
    metric: str
    n_treated: int
    n_held_out: int
    mean_treated: float | None
    mean_held_out: float | None
    lift: float | None
    lift_relative: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_adjusted: float | None
    method: str
    verdict: Verdict
    srm_p_value: float | None
    contamination: float
    minimum_detectable_lift: float | None
    verdict_text: str = ""
    is_primary: bool = False
    decided_on: date | None = None
    ends_on: date | None = None
    critical_value: float | None = None
    n_pending: int = 0
    ci_low_fixed: float | None = None
    ci_high_fixed: float | None = None
    lift_cuped: float | None = None
    ci_low_cuped: float | None = None
    ci_high_cuped: float | None = None
    lift_capped: float | None = None
    ci_low_capped: float | None = None
    ci_high_capped: float | None = None
    lift_per_buyer: float | None = None
    ci_low_per_buyer: float | None = None
    ci_high_per_buyer: float | None = None
    lift_pooled: float | None = None
    ci_low_pooled: float | None = None
    ci_high_pooled: float | None = None
    finding: str | None = None
    n_contaminated: int = 0
    contamination_text: str | None = None
    lift_clean: float | None = None
    ci_low_clean: float | None = None
    ci_high_clean: float | None = None
    n_epochs: int = 1
    epochs_text: str | None = None
    data_quality: str | None = None


def to_table(rows: Sequence[LiftRow]) -> pa.Table:
    """Rows as a table of `measurement.holdout_report`; typed also when there is none."""
    return pa.table(
        {field.name: pa.array([getattr(row, field.name) for row in rows], field.type) for field in SCHEMA}, SCHEMA
    )


def _arrow_type(hint: Any) -> pa.DataType:
    plain = next((part for part in get_args(hint) if part is not type(None)), hint)
    types = {date: pa.date32(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return types.get(plain, pa.string())


def schema_of(kind: type[Any]) -> pa.Schema:
    """The columns of a dataclass whose fields are dates, numbers, words or one of these or null."""
    hints = get_type_hints(kind)
    return pa.schema([(field.name, _arrow_type(hints[field.name])) for field in fields(kind)])


SCHEMA = schema_of(LiftRow)
