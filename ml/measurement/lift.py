"""Lift of each arm over its baseline, by segment and metric: the rows of the holdout report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy import stats

from ml.measurement.balance import SRM_ALARM, sample_ratio_p_value
from ml.measurement.cells import BUYERS, CONTAMINATED, EVERYONE, PURE, WEEKS, Experiment, Group, read_experiments
from ml.measurement.faults import NO_FEEDS, Fault, Feeds, find_faults
from ml.measurement.plan import Plan
from ml.measurement.randomise import weigh_epochs
from ml.measurement.reading import Reading, Series, people_of, read_epochs, stack
from ml.measurement.row import LiftRow, Verdict
from ml.measurement.schedule import Schedule, schedule_looks
from ml.measurement.segments import control_any_error, control_discoveries, pool_partially
from ml.measurement.verdict import POWER, Evidence, in_words
from ml.measurement.welch import Comparison, Paired, compare_adjusted_means, compare_ratios

HARMFUL = frozenset({"unsubscribed", "complained", "bounced"})  # metrics of which more is worse
CAPPED = "_capped"
BY_WEEK = "conversion_by_week"
TREND = "trend"  # the segment of what each week adds to the lift
NEGLIGIBLE = 0.1
"""An open-ended experiment has no last look: it reads `no_difference_within` once its interval is within this part of the mean."""


class Options(NamedTuple):
    """How an analysis is run."""

    alpha: float
    harmful: frozenset[str]
    seed: int


class Drafted(NamedTuple):
    """A row before the others of its experiment are known, and what it is judged by."""

    row: LiftRow
    dimension: str
    reading: Reading
    schedule: Schedule
    elapsed_days: int
    is_binary: bool
    faults: tuple[Fault, ...]


def analyse_cells(
    cells: pa.Table,
    values: pa.Table | None = None,
    *,
    weeks: pa.Table | None = None,
    plans: Mapping[str, Plan] | None = None,
    feeds: Feeds = NO_FEEDS,
    alpha: float = 0.05,
    harmful: frozenset[str] = HARMFUL,
    seed: int = 0,
) -> list[LiftRow]:
    """Compare each arm with its baseline, per day, experiment, segment and metric.

    A day's rows follow from that day's cells alone: earlier looks are recomputed from the days on which windows closed.

    Args:
        cells: `measurement.experiment_cells` with the planned shares: sums by arm, segment, metric, epoch and maturity day.
        values: `measurement.experiment_values`: counts by value, for the randomisation test.
        weeks: `measurement.experiment_weeks`; null: nothing is said of the weeks since exposure.
        plans: What was declared, by experiment; one without is open-ended and decides by conversion.
        feeds: How old the orders are.
        alpha: Two-sided error level.
        harmful: Metrics of which more is worse: a significant rise reads `hurts`.
        seed: Of the shuffles.

    Returns:
        Rows ordered by day, experiment, segment, metric and arm. Segments without a baseline cell are left out.

    Raises:
        ValueError: An experiment has two baseline arms on one day.
    """
    plans = dict(plans or {})
    options = Options(alpha, harmful, seed)
    rows: list[LiftRow] = []
    for experiment in read_experiments(cells, values, plans, weeks):
        drafted = list(_draft_rows(experiment, plans.get(experiment.name, Plan()), feeds, options))
        judged = _pool(_judge(_adjust(drafted), options), options)
        rows += _name_fading(_name_hidden_losses(judged), options)
    return sorted(rows, key=lambda row: (row.as_of, row.experiment, row.segment, row.metric, row.arm))


def _draft_rows(experiment: Experiment, plan: Plan, feeds: Feeds, options: Options) -> Iterator[Drafted]:
    srm = _balance(experiment)
    shown = [group for group in experiment.groups if not group.metric.endswith(CAPPED) and group.segment != PURE]
    for arm in experiment.arms:
        schedule = schedule_of(experiment, arm, plan, alpha=options.alpha)
        faults = find_faults(experiment, arm, feeds)
        for group in shown:
            if (arm, group.segment) in experiment.members:
                series = experiment.series(arm, group.segment, group.metric)
                drafted = _draft(experiment, arm, group, series, schedule, plan, options, srm, faults)
                yield drafted._replace(row=_beside(experiment, group, schedule, options, drafted.row, drafted.reading))
        if experiment.weeks is not None:
            for segment, series in _by_week(experiment, arm):
                group = Group("week", segment, BY_WEEK)
                yield _draft(experiment, arm, group, series, schedule, plan, options, srm, faults)


def _by_week(experiment: Experiment, arm: str) -> Iterator[tuple[str, list[Series]]]:
    """Who bought in each week since exposure, among those for whom it is over; and the slope, once all weeks are."""
    for week in range(1, WEEKS + 1):
        until = timedelta(days=7 * max(0, week - 2))  # the second week ends with the outcome window
        yield f"week_{week}", experiment.series_of_weeks(arm, f"has_bought_week_{week}", until)
    yield TREND, experiment.series_of_weeks(arm, "trend", timedelta(days=7 * (WEEKS - 2)))


def _balance(experiment: Experiment) -> float | None:
    """The worst of the epochs by everybody who entered, for their number (Bonferroni)."""
    found = [find for epoch in range(len(experiment.epochs)) if (find := balance_of(experiment, epoch)) is not None]
    return min(1.0, len(found) * min(found)) if found else None


def balance_of(experiment: Experiment, epoch: int) -> float | None:
    """Everybody who entered in an epoch, by arm, against its planned shares."""
    arms = [arm for at, arm in experiment.entered if at == epoch]
    return sample_ratio_p_value(
        [experiment.entered[epoch, arm] for arm in arms], [experiment.planned.get((epoch, arm)) for arm in arms]
    )


def schedule_of(experiment: Experiment, arm: str, plan: Plan, *, alpha: float) -> Schedule:
    """One schedule for all rows of an arm: a look on each day on which windows closed, weighed by everyone in both arms.

    Args:
        experiment: As of a day.
        arm: The arm that is compared.
        plan: What was declared.
        alpha: Two-sided error over all looks.
    """
    metric = next((group.metric for group in experiment.groups if group.segment == EVERYONE), "")
    everyone = experiment.series(arm, EVERYONE, metric)
    sizes = [arm.upto().units for arm in (stack(everyone, "treated"), stack(everyone, "control"))]
    counts = weigh_epochs(sizes[0], sizes[1]) > 0
    both = sizes[0] + sizes[1]
    parts = np.divide(sizes[0] * sizes[1], both, out=np.zeros_like(both), where=counts & (both > 0))
    information = parts.sum(axis=0)  # that of each epoch for itself: it only rises, and shares that change add none
    days = experiment.days or (experiment.first,)
    return schedule_looks(
        days,
        information.tolist() if experiment.days else [0.0],
        plan,
        as_of=experiment.as_of,
        newest=experiment.newest,
        alpha=alpha,
    )


def _draft(
    experiment: Experiment,
    arm: str,
    group: Group,
    series: list[Series],
    schedule: Schedule,
    plan: Plan,
    options: Options,
    srm: float | None,
    faults: tuple[Fault, ...],
) -> Drafted:
    is_primary = group.segment == EVERYONE and group.metric == plan.primary_metric
    reading = read(series, schedule, options, at_all_looks=is_primary)
    sizes = people_of(series)
    means = _means(experiment, series)
    lift = None if means[0] is None or means[1] is None else means[0] - means[1]
    segment = EVERYONE if group.metric == BY_WEEK else group.segment
    names = (arm, experiment.baseline or "")
    pending, members = (
        sum(counts.get((name, segment), 0) for name in names) for counts in (experiment.pending, experiment.members)
    )
    contaminated = experiment.count(arm, segment, "contaminated_units")
    row = LiftRow(
        as_of=experiment.as_of,
        experiment=experiment.name,
        arm=arm,
        baseline_arm=experiment.baseline or "",
        segment=group.segment,
        metric=group.metric,
        n_treated=sizes[0],
        n_held_out=sizes[1],
        mean_treated=means[0],
        mean_held_out=means[1],
        lift=lift,
        lift_relative=lift / means[1] if lift is not None and means[1] else None,
        ci_low=reading.ci_low,
        ci_high=reading.ci_high,
        p_value=reading.p_value,
        p_adjusted=None,
        method=reading.method if schedule.kind == "fixed" else f"{schedule.kind}_{reading.method}",
        verdict="not_enough_data",
        srm_p_value=srm,
        contamination=contaminated / members if members else 0.0,
        minimum_detectable_lift=_detectable(reading, options.alpha),
        is_primary=is_primary,
        decided_on=experiment.days[reading.decided] if is_primary and reading.decided is not None else None,
        ends_on=schedule.ends_on,
        critical_value=reading.critical,
        n_pending=pending,
        ci_low_fixed=reading.fixed[0] if reading.fixed else None,
        ci_high_fixed=reading.fixed[1] if reading.fixed else None,
        n_contaminated=contaminated,
        n_epochs=len(experiment.epochs),
        contamination_text=_contamination_in_words(experiment, arm) if group.segment == EVERYONE else None,
        epochs_text=_epochs_in_words(experiment) if group.segment == EVERYONE else None,
        data_quality="; ".join(fault.text for fault in faults) or None,
    )
    elapsed = (experiment.days[-1] - experiment.first).days + 1 if experiment.days else 0
    is_share = all(each.is_binary for each in series) or group.metric == BY_WEEK
    return Drafted(row, group.dimension, reading, schedule, elapsed, is_share, faults)


def _means(experiment: Experiment, series: list[Series]) -> tuple[float | None, float | None]:
    """Mean of each arm, weighed over the epochs that count; null without units, plain where no epoch counts."""
    treated, control = stack(series, "treated"), stack(series, "control")
    weights = weigh_epochs(treated.units.sum(axis=1), control.units.sum(axis=1))
    if experiment.days and weights.any() and 0 not in people_of(series):
        found = experiment.difference(series)
        return float(found.mean_treated[-1]), float(found.mean_control[-1])
    first, second = (
        float(arm.total.sum() / arm.units.sum()) if arm.units.sum() else None for arm in (treated, control)
    )
    return first, second


def _contamination_in_words(experiment: Experiment, arm: str) -> str | None:
    found = {
        words: count for column, words in CONTAMINATED.items() if (count := experiment.count(arm, EVERYONE, column))
    }
    return "; ".join(f"{words}: {count:,}" for words, count in found.items()) or None


def _epochs_in_words(experiment: Experiment) -> str | None:
    """The shares of each period, whether its people are split so, and which arm it no longer has; null for a single period."""
    if len(experiment.epochs) < 2:
        return None
    told, before = [], frozenset[str]()
    for epoch, day in enumerate(experiment.epochs):
        planned = {arm: share for (at, arm), share in experiment.planned.items() if at == epoch}
        shares = ", ".join(f"{arm} {share:.0%}" if share is not None else arm for arm, share in sorted(planned.items()))
        p_value = balance_of(experiment, epoch)
        split = "" if p_value is None else f" (split p = {p_value:.2g})"
        stopped = "".join(f"; {arm} stopped" for arm in sorted(before - set(planned)))
        told.append(f"{f'from {day}' if day else 'at first'} {shares}{split}{stopped}")
        before = frozenset(planned)
    return "; ".join(told)


def read(series: list[Series], schedule: Schedule, options: Options, *, at_all_looks: bool) -> Reading:
    """`read_epochs`, but refused as long as no window has closed."""
    if not series or not series[0].keys:
        return Reading("welch", None, None, None, None, None, None, None, 0, "burn_in")
    return read_epochs(series, schedule, at_all_looks=at_all_looks, alpha=options.alpha, seed=options.seed)


def _beside(
    experiment: Experiment, group: Group, schedule: Schedule, options: Options, row: LiftRow, reading: Reading
) -> LiftRow:
    """Adjusted, capped and per-buyer estimates, by the bound of the row; without an interval where none can be trusted."""
    if reading.refusal or reading.critical is None:
        return row
    alpha = 2 * float(stats.norm.sf(reading.critical))
    is_normal = reading.method == "welch"
    treated, control = (experiment.pair(arm, group.segment, group.metric) for arm in (row.arm, row.baseline_arm))
    adjusted = compare_adjusted_means(treated, control, alpha=alpha) if is_normal and treated and control else None
    if adjusted:
        row = replace(row, lift_cuped=adjusted.lift, ci_low_cuped=adjusted.ci_low, ci_high_cuped=adjusted.ci_high)
    if group.segment == EVERYONE and row.n_contaminated and (row.arm, PURE, group.metric) in experiment.cells:
        clean = experiment.series(row.arm, PURE, group.metric)
        told = read(clean, schedule, options, at_all_looks=False)
        row = replace(row, lift_clean=_lift(experiment, clean), ci_low_clean=told.ci_low, ci_high_clean=told.ci_high)
    capped = f"{group.metric}{CAPPED}"
    if (row.arm, group.segment, capped) in experiment.cells:
        series = experiment.series(row.arm, group.segment, capped)
        cut = read(series, schedule, options, at_all_looks=False)
        row = replace(row, lift_capped=_lift(experiment, series), ci_low_capped=cut.ci_low, ci_high_capped=cut.ci_high)
        per_buyer = _compare_buyers(experiment, group, row, alpha)
        if per_buyer:
            row = replace(
                row,
                lift_per_buyer=per_buyer.lift,
                ci_low_per_buyer=per_buyer.ci_low if is_normal else None,
                ci_high_per_buyer=per_buyer.ci_high if is_normal else None,
            )
    return row


def _lift(experiment: Experiment, series: list[Series]) -> float:
    difference = experiment.difference(series)
    return float((difference.mean_treated - difference.mean_control)[-1])


def _compare_buyers(experiment: Experiment, group: Group, row: LiftRow, alpha: float) -> Comparison | None:
    arms = []
    for arm in (row.arm, row.baseline_arm):
        value = experiment.pair(arm, group.segment, group.metric)
        buyers = experiment.pair(arm, group.segment, BUYERS)
        if value is None or buyers is None:
            return None
        # Nobody has a value without being a buyer, so the sum of products is the sum of values.
        products = value.mean * value.size
        covariance = (products - value.size * value.mean * buyers.mean) / (value.size - 1)
        arms.append(Paired(value.size, value.mean, value.variance, buyers.mean, buyers.variance, covariance))
    return compare_ratios(arms[0], arms[1], alpha=alpha)


def _detectable(reading: Reading, alpha: float) -> float | None:
    """Standard errors from zero at which today's bound is passed with the power, and the error."""
    if not reading.error:
        return None
    critical = float(stats.norm.isf(alpha / 2)) if reading.critical is None else reading.critical
    return (critical + float(stats.norm.ppf(POWER))) * reading.error


def _adjust(drafted: Sequence[Drafted]) -> list[Drafted]:
    """Holm over the arms of the primary metric, Benjamini-Hochberg over all else; what says nothing takes no part."""
    told = [place for place, one in enumerate(drafted) if one.row.p_value is not None]
    primary = [place for place in told if drafted[place].row.is_primary]
    secondary = [place for place in told if not drafted[place].row.is_primary]
    adjusted: dict[int, float] = {}
    for places, control in ((primary, control_any_error), (secondary, control_discoveries)):
        found = control([drafted[place].row.p_value or 0.0 for place in places])
        adjusted |= dict(zip(places, found, strict=True))
    return [one._replace(row=replace(one.row, p_adjusted=adjusted.get(place))) for place, one in enumerate(drafted)]


def _judge(drafted: Iterable[Drafted], options: Options) -> list[Drafted]:
    judged = []
    for one in drafted:
        verdict = _verdict(one, options)
        decided_on = one.row.decided_on if verdict in {"works", "hurts"} else None
        row = replace(one.row, verdict=verdict, decided_on=decided_on)
        evidence = Evidence(one.reading.refusal, one.elapsed_days, one.schedule.is_over, one.is_binary, one.faults)
        judged.append(one._replace(row=replace(row, verdict_text=in_words(row, evidence))))
    return judged


def _verdict(one: Drafted, options: Options) -> Verdict:
    row, reading = one.row, one.reading
    if row.srm_p_value is not None and row.srm_p_value < SRM_ALARM:
        return "invalid"
    if any(fault.is_fatal for fault in one.faults):
        return "invalid"
    if reading.refusal or row.p_adjusted is None or row.ci_low is None or row.ci_high is None:
        return "not_enough_data"
    direction = reading.direction or float(np.sign(row.lift or 0.0))
    if row.p_adjusted < options.alpha and direction:
        return "works" if (direction > 0) != (row.metric in options.harmful) else "hurts"
    reach = max(abs(row.ci_low), abs(row.ci_high))
    is_negligible = one.schedule.kind == "confidence_sequence" and reach <= NEGLIGIBLE * abs(row.mean_held_out or 0.0)
    return "no_difference_within" if one.schedule.is_over or is_negligible else "not_enough_data"


def _pool(drafted: Iterable[Drafted], options: Options) -> list[LiftRow]:
    """Draw each segment's lift towards those of its dimension."""
    rows: list[LiftRow] = []
    ordered = sorted(drafted, key=lambda one: (one.row.arm, one.row.metric, one.dimension, one.row.segment))
    for _, members in groupby(ordered, key=lambda one: (one.row.arm, one.row.metric, one.dimension)):
        group = list(members)
        told = [one for one in group if one.row.ci_low is not None and one.reading.error and one.row.lift is not None]
        pooled = pool_partially(
            [one.row.lift or 0.0 for one in told], [one.reading.error or 0.0 for one in told], alpha=options.alpha
        )
        drawn = dict(zip((one.row.segment for one in told), pooled, strict=False))
        for one in group:
            found = drawn.get(one.row.segment)
            ends = (found.lift, found.ci_low, found.ci_high) if found else (None, None, None)
            rows.append(replace(one.row, lift_pooled=ends[0], ci_low_pooled=ends[1], ci_high_pooled=ends[2]))
    return rows


def _name_hidden_losses(rows: Sequence[LiftRow]) -> list[LiftRow]:
    """Name, beside a gain over everyone that is beyond chance, the segments that lose."""
    named = []
    for row in rows:
        losers = [
            other.segment
            for other in rows
            if (other.arm, other.metric) == (row.arm, row.metric)
            and other.segment != EVERYONE
            and other.verdict == "hurts"
        ]
        hides = row.segment == EVERYONE and losers and row.verdict == "works"
        names = ", ".join(sorted(losers)).replace("_", " ")
        named.append(replace(row, finding=f"Everyone gains, but these lose: {names}") if hides else row)
    return named


def _name_fading(rows: Sequence[LiftRow], options: Options) -> list[LiftRow]:
    """Name, at the conversion of everyone, an effect that gets smaller from week to week."""
    fading = {
        row.arm: row
        for row in rows
        if (row.metric, row.segment) == (BY_WEEK, TREND) and (row.p_adjusted or 1.0) < options.alpha
    }
    named = []
    for row in rows:
        trend = fading.get(row.arm) if (row.metric, row.segment) == (BUYERS, EVERYONE) else None
        if trend is None or row.verdict == "invalid" or (trend.lift or 0.0) * (row.lift or 0.0) >= 0:
            named.append(row)
            continue
        size = f"{100 * (trend.lift or 0.0):+.2f} points".replace("-", "\N{MINUS SIGN}")
        said = f"The effect fades: each week since exposure changes it by {size}"
        named.append(replace(row, finding=f"{row.finding}. {said}" if row.finding else said))
    return named
