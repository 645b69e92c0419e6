"""The report's statistics on shops without an effect, with one, and read every day: how often they are wrong, and how often they see.

Revenue per person is heavy-tailed: gamma-Poisson orders, lognormal amounts. Every figure comes from `read_series` and
`schedule_looks`, which the report calls, beside Welch's test on the same draws. With `--seeds` people, purchases and responses to
e-mails are the simulator's, of 20,000 customers a seed, and go through the SQL of the cells and the whole report.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.statistics_world import (
    EXPERIMENT,
    INTAKE,
    Programme,
    count_cells,
    draw_histories,
    draw_units,
    run_programme,
)
from ml.measurement.lift import analyse_cells
from ml.measurement.plan import Plan
from ml.measurement.randomise import Floats
from ml.measurement.reading import Reading, Series, Sums, read_series
from ml.measurement.schedule import Schedule, schedule_looks

ALPHA = 0.05
LIFT = 0.2
ORDERS = 0.15  # per person and window: 12 % buy
DISPERSION = 0.5  # shape of the gamma distribution of order rates
MEDIAN_AMOUNT, SPREAD = 30.0, 1.0  # of the lognormal distribution of order amounts
MEAN_REVENUE = ORDERS * MEDIAN_AMOUNT * float(np.exp(SPREAD**2 / 2))
FIRST_DAY = date(2025, 1, 15)
LOSER = "mainly_on_mobile"
CUSTOMERS, BLOCKS = 20_000, 3  # who enter, and blocks of 10,000 people of whom enough have joined by then


class Outcome(NamedTuple):
    """One simulated experiment: what the report said, and what Welch's test would have said at the end."""

    is_refused: bool
    is_alarm: bool
    is_covered: bool
    welch_alarm: bool
    welch_covered: bool
    width: float
    is_randomised: bool


@dataclass(frozen=True)
class Setting:
    """What is simulated: people, the share that is held out, the days over which they come, and the true lift."""

    people: int
    held_out: float
    lift: float
    days: int = 1
    planned_days: int | None = None

    @property
    def name(self) -> str:
        """As a line of the table."""
        kind = (
            "one look"
            if self.days == 1
            else f"{self.days} daily looks, {'planned' if self.planned_days else 'open-ended'}"
        )
        return f"{self.people:,} people, {self.held_out:.0%} held out, {self.lift:+.0%}, {kind}"


FIXED = [Setting(people, 0.1, lift) for lift in (0.0, LIFT) for people in (2_000, 10_000, 50_000)]
BALANCED = [Setting(people, 0.5, lift) for lift in (0.0, LIFT) for people in (2_000, 10_000)]
DAILY = [
    Setting(10_000, held_out, lift, days=30, planned_days=planned)
    for held_out in (0.5, 0.1)
    for planned in (30, None)
    for lift in (0.0, LIFT)
]


def main() -> None:
    """Simulate each setting and print one line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000, help="per setting")
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument(
        "--only", default="", help="a part of the names of the settings, such as '+0%%, 30 daily looks'"
    )
    parser.add_argument("--seeds", type=int, default=0, help="of the simulator's shop, instead of the settings above")
    asked = parser.parse_args()
    if asked.seeds:
        simulate_shops(asked.seeds)
        return
    for setting in [one for one in (*FIXED, *BALANCED, *DAILY) if asked.only in one.name]:
        began = time.process_time()
        outcomes = list(simulate(setting, simulations=asked.simulations, seed=asked.seed))
        print(f"{setting.name}: {summarise(outcomes)}; {time.process_time() - began:.0f} s of CPU", flush=True)


def simulate(setting: Setting, *, simulations: int, seed: int) -> Iterable[Outcome]:
    """Judge simulated experiments."""
    schedule = schedule_of(setting)
    control_people = round(setting.people * setting.held_out)
    truth = setting.lift * MEAN_REVENUE
    for number in range(simulations):
        generator = np.random.default_rng([seed, number])
        treated = draw_revenue(generator, setting.people - control_people, 1 + setting.lift)
        control = draw_revenue(generator, control_people, 1.0)
        series = as_series(treated, control, setting.days)
        reading = read_series(series, schedule, at_all_looks=True, alpha=ALPHA, seed=number)
        yield outcome_of(reading, treated, control, truth)


def draw_revenue(generator: np.random.Generator, people: int, factor: float) -> Floats:
    """Revenue of each person; `factor` multiplies the order rates."""
    rates = generator.gamma(DISPERSION, ORDERS * factor / DISPERSION, people)
    orders = generator.poisson(rates)
    revenue = np.zeros(people)
    buyers = np.flatnonzero(orders)
    amounts = generator.lognormal(np.log(MEDIAN_AMOUNT), SPREAD, int(orders.sum()))
    revenue[buyers] = np.add.reduceat(amounts, np.concatenate([[0], np.cumsum(orders[buyers])[:-1]]))
    return revenue


def as_series(treated: Floats, control: Floats, days: int) -> Series:
    """People as the report gets them: sums by day and the values that are not 0."""
    arms = [np.array_split(arm, days) for arm in (treated, control)]
    values = tuple((one[one > 0], other[other > 0]) for one, other in zip(*arms, strict=True))
    sums = [
        Sums(*np.array([(len(day), (day > 0).sum(), day.sum(), (day**2).sum(), (day**3).sum()) for day in arm]).T)
        for arm in arms
    ]
    return Series(tuple(range(days)), sums[0], sums[1], lambda: values)


def schedule_of(setting: Setting) -> Schedule:
    """The looks of a setting, whose people come in equal numbers each day."""
    days = [FIRST_DAY + timedelta(days=day) for day in range(setting.days)]
    so_far = setting.people * np.arange(1, setting.days + 1) / setting.days
    information = so_far * setting.held_out * (1 - setting.held_out)
    plan = Plan(planned_days=setting.planned_days, review_days=setting.days)
    return schedule_looks(days, information.tolist(), plan, as_of=days[-1], newest=days[-1], alpha=ALPHA)


def outcome_of(reading: Reading, treated: Floats, control: Floats, truth: float) -> Outcome:
    """Compare a reading with the truth."""
    welch = stats.ttest_ind(treated, control, equal_var=False)
    interval = welch.confidence_interval(1 - ALPHA)
    known = reading.ci_low is not None and reading.ci_high is not None
    low, high = (reading.ci_low or 0.0, reading.ci_high or 0.0) if known else (0.0, 0.0)
    return Outcome(
        is_refused=reading.refusal is not None,
        is_alarm=reading.decided is not None,
        is_covered=low <= truth <= high,
        welch_alarm=bool(welch.pvalue < ALPHA),
        welch_covered=bool(interval.low <= truth <= interval.high),
        width=high - low,
        is_randomised=reading.method == "randomisation",
    )


def summarise(outcomes: list[Outcome]) -> str:
    """Shares in per cent with their 95 % Monte Carlo intervals (Wilson)."""
    told = [outcome for outcome in outcomes if not outcome.is_refused]
    parts = {
        "refused": share([outcome.is_refused for outcome in outcomes]),
        "called": share([outcome.is_alarm for outcome in told]),
        "covered": share([outcome.is_covered for outcome in told]),
        "Welch at the end called": share([outcome.welch_alarm for outcome in told]),
        "Welch covered": share([outcome.welch_covered for outcome in told]),
        "by randomisation": share([outcome.is_randomised for outcome in told]),
    }
    return "; ".join(f"{name} {text}" for name, text in parts.items())


def share(flags: list[bool]) -> str:
    """A share in per cent with its interval."""
    if not flags:
        return "–"
    interval = stats.binomtest(sum(flags), len(flags)).proportion_ci(method="wilson")
    return f"{100 * sum(flags) / len(flags):.2f} [{100 * interval.low:.2f}, {100 * interval.high:.2f}]"


@dataclass(frozen=True)
class Told:
    """What the report said of one simulated shop, held against its truth.

    Attributes:
        is_called: The primary metric reads `works` or `hurts`, by metric.
        is_covered: The true lift of those very people lies in the interval, by metric; left out where nothing is said.
        is_named: A finding names the segment that loses while everyone gains.
        is_misnamed: A finding names a segment that loses nothing in truth by its metric.
        truth: The true lift in conversion of the segment that loses.
        truth_if_seen: The same of those whose visits say that they are on a phone.
    """

    is_called: dict[str, bool]
    is_covered: dict[str, bool]
    is_named: bool
    is_misnamed: bool
    truth: float
    truth_if_seen: float


def simulate_shops(seeds: int) -> None:
    """Judge a programme in the simulator's shop, with and without effects, and print shares so far every ten seeds."""
    told: dict[str, list[Told]] = {}
    for seed in range(seeds):
        histories = draw_histories(blocks=BLOCKS, seed=seed)
        for scenario in ("no_effect", "one_negative_segment"):
            programme = run_programme(histories, scenario, people=CUSTOMERS, seed=seed)
            for held_out in (0.5, 0.1):
                name = f"{scenario}, {held_out:.0%} held out"
                told.setdefault(name, []).append(tell(programme, held_out=held_out, seed=seed))
        if (seed + 1) % 10 == 0 or seed + 1 == seeds:
            print(f"{seed + 1} seeds; {time.process_time():.0f} s of CPU")
            for name, found in told.items():
                print(f"  {name}: {summarise_shops(found)}", flush=True)


def tell(programme: Programme, *, held_out: float, seed: int) -> Told:
    """Draw the arms and read the report of the last day."""
    units = draw_units(programme, held_out=held_out, seed=seed)
    cells, values, weeks = count_cells(units)
    plan = Plan(planned_days=INTAKE)
    rows = analyse_cells(cells, values, weeks=weeks, plans={EXPERIMENT: plan}, alpha=ALPHA, seed=seed)
    changes = {
        "revenue": programme.treated.revenue - programme.control.revenue,
        "conversion": (programme.treated.revenue > 0).astype(float) - (programme.control.revenue > 0),
        "visit": programme.treated.visited.astype(float) - programme.control.visited,
    }
    everyone = {row.metric: row for row in rows if row.segment == "all" and row.metric in {"revenue", "conversion"}}
    names = [name for name in units.columns if name.endswith("_segment")]
    gains = {row.metric for row in rows if row.segment == "all" and row.finding}
    losing = {
        (row.segment, row.metric) for row in rows if row.verdict == "hurts" and row.metric in gains & set(changes)
    }
    truths = {(name, metric): changes[metric][(units[names] == name).any(axis=1)].mean() for name, metric in losing}
    conversion = changes["conversion"]
    return Told(
        is_called={metric: row.verdict in {"works", "hurts"} for metric, row in everyone.items()},
        is_covered={
            metric: row.ci_low <= changes[metric].mean() <= row.ci_high
            for metric, row in everyone.items()
            if row.ci_low is not None and row.ci_high is not None
        },
        is_named=any(name == LOSER for name, _ in losing),
        is_misnamed=any(truth >= 0 for truth in truths.values()),
        truth=float(conversion[units["device_segment"] == LOSER].mean()),
        truth_if_seen=float(conversion[units["seems_mobile"]].mean()),
    )


def summarise_shops(found: list[Told]) -> str:
    """Shares in per cent with their 95 % Monte Carlo intervals, and the mean truth in points."""
    parts = [
        f"{metric} covered {share([one.is_covered[metric] for one in found if metric in one.is_covered])},"
        f" called {share([one.is_called[metric] for one in found])}"
        for metric in ("conversion", "revenue")
    ]
    named = f"{LOSER} named {share([one.is_named for one in found])}, others named falsely {share([one.is_misnamed for one in found])}"
    truths = [100 * float(np.mean([getattr(one, name) for one in found])) for name in ("truth", "truth_if_seen")]
    return "; ".join(
        [*parts, named, f"its true lift {truths[0]:+.2f} points, {truths[1]:+.2f} of those who seem so by their visits"]
    )


if __name__ == "__main__":
    main()
