"""What may be wrong with the data of an experiment's period, and what follows: the one place of these rules.

| what | verdict |
|---|---|
| orders of one arm land late more often than those of the other (p < .001, and by 5 points) | `invalid` |
| an order feed is missing for more than a fifth of the days on which outcomes count so far | `invalid` |
| an order feed is missing, or is catching up | the verdict stands, and the sentence says so |

A feed that is missing takes from both arms alike: it makes effects smaller, not wrong, until it takes too much. One that has
brought nothing since the first person entered, while another has, is retired and not missed.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from scipy import stats

from ml.measurement.cells import EVERYONE, Experiment

LATE_ALARM = 0.001
LATE_POINTS = 0.05
MOST_MISSING = 0.2


class Feed(NamedTuple):
    """A source's orders as of a day.

    Attributes:
        as_of: The day.
        source: Name of the source.
        landed_on: Day on which a readable file last landed; null: never.
        is_missing: Nothing landed in the time that its service level allows.
        is_catching_up: The day's file brings what should have come before.
    """

    as_of: date
    source: str
    landed_on: date | None
    is_missing: bool
    is_catching_up: bool


Feeds = Sequence[Feed]
NO_FEEDS: Feeds = ()


class Fault(NamedTuple):
    """A sentence, and whether nothing of the experiment can be relied on."""

    text: str
    is_fatal: bool


def find_faults(experiment: Experiment, arm: str, feeds: Feeds) -> tuple[Fault, ...]:
    """The faults that concern an arm beside its baseline on the day of the report.

    Args:
        experiment: As of its day.
        arm: The arm.
        feeds: Of any days; those of the experiment's day are judged.
    """
    late = _one_sided_lateness(experiment, arm)
    today = [feed for feed in feeds if feed.as_of == experiment.as_of]
    alive = [feed for feed in today if feed.landed_on is not None and feed.landed_on >= _first_entry(experiment)]
    missing = [_absence(experiment, feed) for feed in alive or today]
    return tuple(fault for fault in (late, *missing) if fault is not None)


def _one_sided_lateness(experiment: Experiment, arm: str) -> Fault | None:
    sides = (arm, experiment.baseline or "")
    late = [experiment.counts.get((name, EVERYONE, "late_units"), 0) for name in sides]
    buyers = [
        experiment.buyers.get(name, 0) for name in sides
    ]  # all so far, their window closed or not, as the late ones
    if min(buyers) == 0 or sum(late) == 0:
        return None
    shares = [count / size for count, size in zip(late, buyers, strict=True)]
    table = np.array([[count, max(0, size - count)] for count, size in zip(late, buyers, strict=True)])
    if abs(shares[0] - shares[1]) < LATE_POINTS or stats.fisher_exact(table).pvalue >= LATE_ALARM:
        return None
    return Fault(
        f"orders of one arm land later than those of the other: {shares[0]:.0%} of the buyers in {arm}"
        f" and {shares[1]:.0%} in {experiment.baseline} have one that came more than two days late",
        is_fatal=True,
    )


def _absence(experiment: Experiment, feed: Feed) -> Fault | None:
    if feed.is_catching_up and not feed.is_missing:
        return Fault(f"the orders of {feed.source} are catching up after days without any", is_fatal=False)
    if not feed.is_missing:
        return None
    entered, end = _first_entry(experiment), min(experiment.as_of, experiment.newest)
    days = (end - entered).days + 1
    missing = days if feed.landed_on is None else min(days, (end - feed.landed_on).days)
    if missing <= 0:
        return None
    told = f"the orders of {feed.source} are missing " + (
        f"since {feed.landed_on}" if feed.landed_on else "from the beginning"
    )
    return Fault(f"{told}, {missing} of {days} days", is_fatal=missing > MOST_MISSING * days)


def _first_entry(experiment: Experiment) -> date:
    """Thirteen days before the first window closed."""
    return experiment.first - timedelta(days=13)
