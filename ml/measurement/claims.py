"""What the emails earned in money, beside what they are credited with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ml.measurement.cells import Experiment, read_experiments
from ml.measurement.lift import Options, read, schedule_of
from ml.measurement.plan import Plan
from ml.measurement.reading import Reading, Series, people_of
from ml.measurement.row import schema_of

REVENUE = "revenue"
FLOW = "flow"  # the dimension of the flows by which people entered
NET = "net"
SKEPTICAL = "not known yet: the emails may have earned nothing"


@dataclass(frozen=True)
class RevenueClaim:
    """What an arm earned and is credited with: a row of `measurement.revenue_claims`.

    Of the people whose outcome window has closed; amounts in `currency`. Revenue is what was paid, so discounts are no
    longer in it.

    Attributes:
        as_of: The day.
        experiment: Experiment name.
        arm: The arm.
        baseline_arm: The arm that it is compared with.
        segment: `all`, or the flow by which people entered; their effect is with the other flows running.
        currency: ISO code of the amounts.
        n_treated: People in the arm: the recipients.
        n_held_out: People in the baseline.
        earned_per_recipient_amount: Revenue per person in the arm less that in the baseline.
        earned_per_recipient_low_amount: Lower end of its interval, which holds however often it is read; null as long as
            nothing may be said.
        earned_per_recipient_high_amount: Upper end.
        earned_amount: The same times the recipients.
        earned_low_amount: Lower end.
        earned_high_amount: Upper end.
        discount_amount: Discounts on orders, beyond those that the recipients would have got anyway. Without them
            `earned_amount` would have been as much higher.
        lost_subscriber_count: People who left the list, beyond those who would have left anyway; below 0 if fewer did.
        lost_subscriber_amount: What the playbook says that one is worth.
        net_per_recipient_amount: Revenue less lost subscribers, per recipient.
        net_per_recipient_low_amount: Lower end.
        net_per_recipient_high_amount: Upper end.
        net_amount: The same times the recipients.
        net_low_amount: Lower end.
        net_high_amount: Upper end.
        last_click_amount: Orders of the recipients within some hours after a click in an email.
        assisted_amount: Orders of the recipients within as many hours after any email.
        over_credit_ratio: last_click_amount over earned_amount; null unless the interval of that is above 0.
        over_credit_low_ratio: Over the upper end.
        over_credit_high_ratio: Over the lower end.
        claim_text: All that in a sentence.
    """

    as_of: date
    experiment: str
    arm: str
    baseline_arm: str
    segment: str
    currency: str
    n_treated: int
    n_held_out: int
    earned_per_recipient_amount: float | None
    earned_per_recipient_low_amount: float | None
    earned_per_recipient_high_amount: float | None
    earned_amount: float | None
    earned_low_amount: float | None
    earned_high_amount: float | None
    discount_amount: float | None
    lost_subscriber_count: float | None
    lost_subscriber_amount: float
    net_per_recipient_amount: float | None
    net_per_recipient_low_amount: float | None
    net_per_recipient_high_amount: float | None
    net_amount: float | None
    net_low_amount: float | None
    net_high_amount: float | None
    last_click_amount: float
    assisted_amount: float
    over_credit_ratio: float | None
    over_credit_low_ratio: float | None
    over_credit_high_ratio: float | None
    claim_text: str = ""


SCHEMA = schema_of(RevenueClaim)


def claim_revenue(
    cells: pa.Table,
    values: pa.Table,
    *,
    lost_subscriber_amount: float,
    currency: str,
    plans: Mapping[str, Plan] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> list[RevenueClaim]:
    """Hold what each arm earned against what it is credited with, for everyone and by the flow of entry.

    Args:
        cells: `measurement.experiment_cells` with the planned shares.
        values: `measurement.experiment_values`.
        lost_subscriber_amount: What somebody is worth who leaves the list.
        currency: ISO code of all amounts.
        plans: What was declared, by experiment.
        alpha: Two-sided error level.
        seed: Of the shuffles.

    Returns:
        Rows ordered by day, experiment, arm and segment.
    """
    plans = dict(plans or {})
    options = Options(alpha, frozenset(), seed)
    valued = _with_net(values, lost_subscriber_amount)
    rows = [
        replace(row, currency=currency, lost_subscriber_amount=lost_subscriber_amount)
        for experiment in read_experiments(cells, valued, plans)
        for row in _claims(experiment, plans.get(experiment.name, Plan()), options)
    ]
    return [replace(row, claim_text=in_words(row)) for row in rows]


def to_table(rows: Sequence[RevenueClaim]) -> pa.Table:
    """Rows as a table of `measurement.revenue_claims`; typed also when there is none."""
    return pa.Table.from_pylist([vars(row) for row in rows], schema=SCHEMA)


def in_words(row: RevenueClaim) -> str:
    """The claim as a sentence."""
    credited = f"The last click is credited with {_money(row.last_click_amount, row)}, any email with {_money(row.assisted_amount, row)}"
    if row.earned_amount is None or row.earned_low_amount is None or row.earned_high_amount is None:
        return f"{credited}; what was earned is not known yet."
    earned = (
        f"The emails earned {_money(row.earned_amount, row)}, most likely between {_money(row.earned_low_amount, row)}"
        f" and {_money(row.earned_high_amount, row)}"
    )
    if row.over_credit_ratio is None:
        return f"{earned}. {credited}; how much too much that is, is {SKEPTICAL}."
    return f"{earned}. {credited}: the last click claims {row.over_credit_ratio:.1f} times what was earned."


def _claims(experiment: Experiment, plan: Plan, options: Options) -> Iterator[RevenueClaim]:
    segments = [
        group.segment
        for group in experiment.groups
        if group.metric == REVENUE and group.dimension in {"everyone", FLOW}
    ]
    for arm in experiment.arms:
        schedule = schedule_of(experiment, arm, plan, alpha=options.alpha)
        for segment in segments:
            if not experiment.days or (arm, segment, REVENUE) not in experiment.cells:
                continue
            revenue, net = (
                experiment.series(arm, segment, REVENUE), experiment.series_of_values(arm, segment, NET)
            )  # fmt: skip
            readings = [read(each, schedule, options, at_all_looks=False) for each in (revenue, net)]
            yield _claim(experiment, arm, segment, revenue, net, readings)


def _claim(
    experiment: Experiment, arm: str, segment: str, revenue: list[Series], net: list[Series], readings: list[Reading]
) -> RevenueClaim:
    people, held_out = people_of(revenue)
    earned, left = _estimate(experiment, revenue, readings[0]), _estimate(experiment, net, readings[1])
    credited, assisted = (experiment.total(arm, segment, column) for column in ("total_last_click", "total_assisted"))
    is_positive = earned.low is not None and earned.low > 0
    ratios = [
        credited / (end * people) if is_positive and end else None for end in (earned.lift, earned.high, earned.low)
    ]
    leaving = experiment.series_of_values(arm, segment, "has_left")
    return RevenueClaim(
        as_of=experiment.as_of,
        experiment=experiment.name,
        arm=arm,
        baseline_arm=experiment.baseline or "",
        segment=segment,
        currency="",
        n_treated=people,
        n_held_out=held_out,
        earned_per_recipient_amount=earned.lift,
        earned_per_recipient_low_amount=earned.low,
        earned_per_recipient_high_amount=earned.high,
        earned_amount=_times(earned.lift, people),
        earned_low_amount=_times(earned.low, people),
        earned_high_amount=_times(earned.high, people),
        discount_amount=_times(experiment.lift_of_total(arm, segment, "total_discount"), people),
        lost_subscriber_count=_times(_difference(experiment, leaving), people),
        lost_subscriber_amount=0.0,
        net_per_recipient_amount=left.lift,
        net_per_recipient_low_amount=left.low,
        net_per_recipient_high_amount=left.high,
        net_amount=_times(left.lift, people),
        net_low_amount=_times(left.low, people),
        net_high_amount=_times(left.high, people),
        last_click_amount=credited,
        assisted_amount=assisted,
        over_credit_ratio=ratios[0],
        over_credit_low_ratio=ratios[1],
        over_credit_high_ratio=ratios[2],
    )


class _Estimate(NamedTuple):
    lift: float | None
    low: float | None
    high: float | None


def _estimate(experiment: Experiment, series: list[Series], reading: Reading) -> _Estimate:
    """Lift and interval; all null as long as nothing may be said."""
    if reading.ci_low is None or reading.ci_high is None:
        return _Estimate(None, None, None)
    return _Estimate(_difference(experiment, series), reading.ci_low, reading.ci_high)


def _difference(experiment: Experiment, series: list[Series]) -> float | None:
    if 0 in people_of(series):
        return None
    found = experiment.difference(series)
    return float((found.mean_treated - found.mean_control)[-1])


def _times(value: float | None, people: int) -> float | None:
    return None if value is None else value * people


def _with_net(values: pa.Table, lost_subscriber_amount: float) -> pa.Table:
    """What each person left behind: revenue, less the worth of a subscriber for whoever left."""
    has_left = values["has_left"].to_numpy().astype(float)
    net = values[REVENUE].to_numpy().astype(float) - lost_subscriber_amount * has_left
    return values.append_column(NET, pa.array(np.round(net, 2)))


def _money(value: float, row: RevenueClaim) -> str:
    return f"{value:,.0f} {row.currency}".strip().replace("-", "\N{MINUS SIGN}")
