"""The report's statistics on shops without an effect, with one, and read every day: how often they are wrong, and how often they see.

Revenue per person is heavy-tailed: gamma-Poisson orders, lognormal amounts. Every figure comes from `read_series` and
`schedule_looks`, which the report calls, beside Welch's test on the same draws.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from scipy import stats

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
    asked = parser.parse_args()
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


if __name__ == "__main__":
    main()
