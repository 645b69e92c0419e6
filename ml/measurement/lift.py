"""Lift of each arm over its baseline, from sums per arm, segment and metric."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from scipy import stats

from ml.measurement.balance import SRM_ALARM, sample_ratio_p_value
from ml.measurement.welch import Sample, compare_means, standard_error

Verdict = Literal["works", "hurts", "no_difference_within", "not_enough_data", "invalid"]

EVERYONE = "all"
MINIMUM_UNITS = 100  # per arm
MINIMUM_CONTROL_BUYERS = 20
POWER = 0.8
HARMFUL = frozenset({"unsubscribed", "complained", "bounced"})  # metrics of which more is worse

SCHEMA = pa.schema(
    [
        ("as_of", pa.date32()),
        ("experiment", pa.string()),
        ("arm", pa.string()),
        ("baseline_arm", pa.string()),
        ("segment", pa.string()),
        ("metric", pa.string()),
        ("n_treated", pa.int64()),
        ("n_held_out", pa.int64()),
        ("mean_treated", pa.float64()),
        ("mean_held_out", pa.float64()),
        ("lift", pa.float64()),
        ("lift_relative", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("p_value", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("method", pa.string()),
        ("verdict", pa.string()),
        ("srm_p_value", pa.float64()),
        ("contamination", pa.float64()),
        ("minimum_detectable_lift", pa.float64()),
    ]
)


class Cell(NamedTuple):
    """One arm of an experiment in one segment, by one metric: counts and sums over units."""

    as_of: date
    experiment: str
    arm: str
    is_baseline: bool
    segment: str
    metric: str
    n_units: int
    n_nonzero: int
    total: float
    total_squares: float
    planned_share: float | None
    contaminated_units: int

    @property
    def mean(self) -> float | None:
        """Mean per unit; null without units."""
        return self.total / self.n_units if self.n_units else None

    @property
    def variance(self) -> float | None:
        """Sample variance (n - 1); null below two units."""
        if self.n_units < 2:
            return None
        return max(0.0, self.total_squares - self.total**2 / self.n_units) / (self.n_units - 1)


@dataclass(frozen=True)
class LiftRow:
    """One arm against its baseline, in one segment, by one metric: a row of `measurement.holdout_report`.

    Attributes:
        as_of: The day as of which the sums were taken.
        experiment: Experiment name.
        arm: The arm that is compared.
        baseline_arm: The arm that it is compared with.
        segment: Segment at assignment; `all` is everyone.
        metric: What is averaged over units.
        n_treated: Units in the arm.
        n_held_out: Units in the baseline.
        mean_treated: Metric per unit in the arm.
        mean_held_out: Metric per unit in the baseline.
        lift: mean_treated - mean_held_out.
        lift_relative: lift / mean_held_out; null when that is 0.
        ci_low: Lower end of the lift's interval at 1 - alpha, not adjusted for the number of comparisons.
        ci_high: Upper end.
        p_value: Two-sided p-value of this comparison alone.
        p_adjusted: Holm over all segments, metrics and arms of the experiment that have enough data; null without.
        method: How interval and p-value were computed.
        verdict: What it means, in words; by p_adjusted.
        srm_p_value: Sizes of all arms against the planned shares, on segment `all`.
        contamination: Share (0-1) of the units of both arms that share a mailbox with another arm.
        minimum_detectable_lift: The smallest true lift found with 80 % power at alpha, given the variances seen.
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
    method: Literal["welch"]
    verdict: Verdict
    srm_p_value: float | None
    contamination: float
    minimum_detectable_lift: float | None


def analyse_cells(cells: pa.Table, *, alpha: float = 0.05, harmful: frozenset[str] = HARMFUL) -> list[LiftRow]:
    """Compare each arm with its baseline, per day, experiment, segment and metric.

    Holm's step-down is used rather than a false discovery rate: every single `works` is acted on, so the chance of even
    one wrong one is what alpha bounds.

    Args:
        cells: `measurement.experiment_cells`: as_of, experiment, arm, is_baseline, segment, metric, n_units, n_nonzero,
            total, total_squares, planned_share (null: not planned), contaminated_units.
        alpha: Two-sided error level.
        harmful: Metrics of which more is worse: a significant rise reads `hurts`.

    Returns:
        Rows ordered by day, experiment, segment, metric and arm. Segments without a baseline cell are left out.

    Raises:
        ValueError: An experiment has two baseline arms on one day.
    """
    read = sorted(
        _read_cells(cells), key=lambda cell: (cell.as_of, cell.experiment, cell.segment, cell.metric, cell.arm)
    )
    rows: list[LiftRow] = []
    for _, group in groupby(read, key=lambda cell: (cell.as_of, cell.experiment)):
        rows += _analyse_experiment(list(group), alpha=alpha, harmful=harmful)
    return rows


def to_table(rows: Sequence[LiftRow]) -> pa.Table:
    """Rows as a table of `measurement.holdout_report`; typed also when there is none."""
    names = [field.name for field in fields(LiftRow)]
    return pa.table(
        {name: pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in names}, SCHEMA
    )


def _read_cells(cells: pa.Table) -> Iterable[Cell]:
    for row in cells.select(list(Cell._fields)).to_pylist():
        share = row["planned_share"]
        sums = {"total": float(row["total"] or 0), "total_squares": float(row["total_squares"] or 0)}
        yield Cell(**{**row, **sums, "planned_share": None if share is None else float(share)})


def _analyse_experiment(cells: Sequence[Cell], *, alpha: float, harmful: frozenset[str]) -> list[LiftRow]:
    baselines = {cell.arm for cell in cells if cell.is_baseline}
    if len(baselines) > 1:
        raise ValueError(f"{cells[0].experiment}: more than one baseline arm: {', '.join(sorted(baselines))}")
    srm = _test_balance(cells)
    rows: list[LiftRow] = []
    for _, group in groupby(cells, key=lambda cell: (cell.segment, cell.metric)):
        arms = list(group)
        control = next((cell for cell in arms if cell.is_baseline), None)
        if control is not None:
            rows += [_compare(cell, control, srm=srm, alpha=alpha) for cell in arms if not cell.is_baseline]
    return [_judge(row, alpha=alpha, harmful=harmful) for row in _adjust(rows)]


def _test_balance(cells: Sequence[Cell]) -> float | None:
    """One test per experiment: units per arm are the same for each metric of segment `all`, so one metric is read."""
    everyone = [cell for cell in cells if cell.segment == EVERYONE]
    arms = {cell.arm: cell for cell in everyone if cell.metric == everyone[0].metric}
    return sample_ratio_p_value([arm.n_units for arm in arms.values()], [arm.planned_share for arm in arms.values()])


def _compare(treated: Cell, control: Cell, *, srm: float | None, alpha: float) -> LiftRow:
    enough = min(treated.n_units, control.n_units) >= MINIMUM_UNITS and control.n_nonzero >= MINIMUM_CONTROL_BUYERS
    arms = [Sample(cell.n_units, cell.mean, cell.variance) for cell in (treated, control)]
    welch = compare_means(*arms, alpha=alpha)
    error = standard_error(*arms)
    both = treated.n_units + control.n_units
    lift = None if treated.mean is None or control.mean is None else treated.mean - control.mean
    return LiftRow(
        as_of=treated.as_of,
        experiment=treated.experiment,
        arm=treated.arm,
        baseline_arm=control.arm,
        segment=treated.segment,
        metric=treated.metric,
        n_treated=treated.n_units,
        n_held_out=control.n_units,
        mean_treated=treated.mean,
        mean_held_out=control.mean,
        lift=lift,
        lift_relative=lift / control.mean if lift is not None and control.mean else None,
        ci_low=welch.ci_low if welch else None,
        ci_high=welch.ci_high if welch else None,
        p_value=welch.p_value if welch else None,
        p_adjusted=None,
        method="welch",
        verdict="no_difference_within" if enough and welch else "not_enough_data",
        srm_p_value=srm,
        contamination=(treated.contaminated_units + control.contaminated_units) / both if both else 0.0,
        minimum_detectable_lift=_detectable(error, alpha) if error else None,
    )


def _detectable(error: float, alpha: float) -> float:
    """(z[1 - alpha/2] + z[power]) standard errors of the lift."""
    return float((stats.norm.isf(alpha / 2) + stats.norm.ppf(POWER)) * error)


def _adjust(rows: Sequence[LiftRow]) -> list[LiftRow]:
    """Holm's step-down over the comparisons with enough data; the others take no part."""
    family = [place for place, row in enumerate(rows) if row.verdict != "not_enough_data" and row.p_value is not None]
    family.sort(key=lambda place: rows[place].p_value or 0.0)
    steps = [(rows[place].p_value or 0.0) * (len(family) - step) for step, place in enumerate(family)]
    adjusted = np.minimum(1.0, np.maximum.accumulate(np.array(steps, dtype=float)))
    found = dict(zip(family, adjusted.tolist(), strict=True))
    return [replace(row, p_adjusted=found.get(place)) for place, row in enumerate(rows)]


def _judge(row: LiftRow, *, alpha: float, harmful: frozenset[str]) -> LiftRow:
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return replace(row, verdict="invalid")
    if row.p_adjusted is None or row.p_adjusted >= alpha or not row.lift:
        return row
    return replace(row, verdict="works" if (row.lift > 0) != (row.metric in harmful) else "hurts")
