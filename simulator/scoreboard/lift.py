"""What the holdout report says that emails earned, beside what they did."""

from dataclasses import dataclass
from datetime import date

import duckdb

from simulator.scoreboard.sections import Chart, Interval, Line, Section, Unit

REPORT_DAYS = 14
"""Days from a person's entry in which the report counts orders; the truth of `experiments` counts 28."""

# Outcomes in the report's own window, by the potential purchases: a prevented one is the next own purchase after the email.
OUTCOMES = """
create or replace temp table experiment_outcomes as
with assigned as (
    select
        experiment, person, arm, response_group, effect, cast(assigned_on as timestamp) as assigned_at,
        revenue_if_treated - revenue_if_control as revenue_effect,
        cast(buys_if_treated as integer) - cast(buys_if_control as integer) as long_effect
    from truth_experiments
    where assigned_on + $window <= $day
),
bought as (
    select
        assigned.experiment,
        assigned.person,
        purchases.cause = 'own' as is_own,
        purchases.net_amount,
        -- Which own purchase the email prevents is planted for the treated; the others would lose the next one.
        case
            when purchases.cause <> 'own' then true
            when assigned.arm = 'control' and assigned.effect < 0 and assigned.revenue_effect < 0
                then row_number() over (
                    partition by assigned.experiment, assigned.person, purchases.cause = 'own' order by purchases.bought_at
                ) > 1
            else assigned.arm = 'control' or purchases.happened
        end as is_if_treated
    from assigned
    inner join truth_purchases as purchases
        on assigned.person = purchases.person
        and purchases.bought_at >= assigned.assigned_at and purchases.bought_at < assigned.assigned_at + to_days($window)
    where not purchases.is_test
        and (purchases.cause = 'own' or ends_with(assigned.experiment, purchases.cause))
)
select
    assigned.experiment,
    assigned.person,
    assigned.response_group,
    assigned.long_effect,
    assigned.revenue_effect,
    cast(coalesce(bool_or(bought.net_amount > 0 and bought.is_if_treated), false) as integer)
        - cast(coalesce(bool_or(bought.net_amount > 0 and bought.is_own), false) as integer) as effect
from assigned
left join bought using (experiment, person)
group by all
"""

TRUTH = """
select
    experiment, coalesce(response_group, 'everybody') as shown_group, count(*), avg(effect), avg(long_effect), avg(revenue_effect)
from experiment_outcomes
group by grouping sets ((experiment), (experiment, response_group))
order by experiment, grouping(response_group) desc, shown_group
"""

REPORT = """
select metric, n_treated, n_held_out, lift, ci_low, ci_high, verdict
from measurement.holdout_report
where as_of = $day and experiment = $experiment and segment = 'all'
order by metric, arm
"""


@dataclass(frozen=True)
class TrueEffect:
    """The mean effect among the assigned persons of one response group whose window is closed.

    Attributes:
        conversion: Added buyers per person in the report's own window.
        long_conversion: The same within 28 days of the assignment.
        revenue: Added net amount per person within 28 days.
    """

    group: str
    persons: int
    conversion: float
    long_conversion: float
    revenue: float


@dataclass(frozen=True)
class Estimate:
    """What the report says of one metric beside the truth; no interval as long as there is not enough data."""

    truth: float
    metric: str
    n_treated: int
    n_held_out: int
    lift: float | None
    low: float | None
    high: float | None
    verdict: str

    @property
    def is_covered(self) -> bool | None:
        """Whether the truth lies in the interval; None without one."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class LiftScore:
    """One recorded experiment."""

    experiment: str
    effects: tuple[TrueEffect, ...]
    """Everybody first, then the response groups."""
    estimates: tuple[Estimate, ...]


def score_lift(connection: duckdb.DuckDBPyConnection, day: date) -> tuple[LiftScore, ...]:
    """Compare `measurement.holdout_report` of a day with the planted effects of the experiments in the truth."""
    connection.execute(OUTCOMES, {"day": day, "window": REPORT_DAYS})
    effects: dict[str, list[TrueEffect]] = {}
    for experiment, *values in connection.execute(TRUTH).fetchall():
        effects.setdefault(experiment, []).append(TrueEffect(*values))
    return tuple(
        LiftScore(experiment, tuple(groups), _estimates(connection, day, experiment, groups[0]))
        for experiment, groups in effects.items()
    )


def _estimates(
    connection: duckdb.DuckDBPyConnection, day: date, experiment: str, everybody: TrueEffect
) -> tuple[Estimate, ...]:
    truth = {"conversion": everybody.conversion, "revenue": everybody.revenue}
    rows = connection.execute(REPORT, {"day": day, "experiment": experiment}).fetchall()
    return tuple(Estimate(truth[row[0]], *row) for row in rows if row[0] in truth)


def show_lift(scores: tuple[LiftScore, ...]) -> Section:
    """The section about the holdout report."""
    lines, charts, remarks = [], [], []
    for score in scores:
        for estimate in score.estimates:
            lines += _lines(score.experiment, estimate)
            if estimate.lift is not None and estimate.low is not None and estimate.high is not None:
                bar = Interval(score.experiment, estimate.lift, estimate.low, estimate.high, estimate.truth)
                charts.append(Chart(f"Lift in {estimate.metric}", _unit(estimate.metric), intervals=(bar,)))
        if not score.estimates:
            remarks.append(f"The report of the day has no row for {score.experiment}.")
        lines += [
            Line(f"{score.experiment}, {effect.group}: true lift in conversion", None, effect.conversion, "share",
                 note=f"{effect.persons:,} persons; {effect.long_conversion:+.4f} within 28 days, revenue {effect.revenue:+.2f}")
            for effect in score.effects
        ]  # fmt: skip
    return Section(
        name="lift",
        title="What the emails earned",
        lead="The lift of recorded experiments beside the mean difference of both potential outcomes of the same persons, "
        f"over those whose {REPORT_DAYS} days were over.",
        lines=tuple(lines),
        charts=tuple(charts),
        remarks=tuple(remarks),
    )


def _unit(metric: str) -> Unit:
    return "share" if metric == "conversion" else "amount"


def _lines(experiment: str, estimate: Estimate) -> list[Line]:
    words = {True: "the interval covers the truth", False: "the interval misses the truth", None: "not enough data yet"}
    interval = "" if estimate.low is None else f"[{estimate.low:.4f}, {estimate.high:.4f}]; "
    note = f"{interval}{words[estimate.is_covered]}; {estimate.n_treated:,} against {estimate.n_held_out:,}, {estimate.verdict}"
    unit = _unit(estimate.metric)
    return [Line(f"{experiment}: lift in {estimate.metric}", estimate.lift, estimate.truth, unit, note=note)]
