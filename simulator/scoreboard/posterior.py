"""The best forecast that anyone could make of a person's purchases: the posterior under the process that made them.

Latent are the purchase rate (gamma), the instant of dropout (Lomax, counted from the first day as a customer) and the open rate
(beta). Seen are purchases, visits, opens and renewals by day. Given the dropout, the days are independent, so that the
likelihood on a grid over dropout x rate is a few products of matrices persons x days and days x dropouts. The process is the
Pareto/NBD (Schmittlein, Morrison and Colombo 1987, Management Science 33:1) with a season, and with visits and opens that fade.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from simulator.arrays import Bools, Floats

BLOCK = 250
"""Persons worked on at a time: the tensor persons x dropouts x rates stays below 50 MB."""
RATES = 48
OPEN_RATES = 12
NEVER = -1e30
"""A log likelihood that rules out: finite, so that it may be multiplied by 0."""


@dataclass(frozen=True)
class Process:
    """Parameters of the process; rates per day, times in days.

    Attributes:
        visit_base: Visits per day of somebody fully engaged who never buys.
        visit_slope: Added visits per day for each purchase per day.
        season: Demand of each day against the mean, shape (days seen + horizon,).
    """

    purchase_shape: float
    purchase_mean: float
    dropout_shape: float
    dropout_scale: float
    fading_days: float
    faded_level: float
    gone_level: float
    open_mean: float
    visit_base: float
    visit_slope: float
    season: Floats


@dataclass(frozen=True)
class Seen:
    """What the shop saw of n persons on d days, shape (n, d) each unless noted.

    Attributes:
        is_known: Days on which purchases and visits count: those after the day on which the person became known.
        purchases: Purchases by own decision.
        visits: Visits that did not end in a purchase.
        opens: Emails of the day that were opened.
        unopened: Emails of the day that were delivered and not opened.
        customer_from: Day from which the lifetime counts, shape (n,).
        alive_at: The person had not left by this day (a renewal), shape (n,); 0 without one.
        gone_by: The person had left by this day (a renewal that did not come), shape (n,); infinite without one.
        renews_on: Day of the next renewal if still alive, shape (n,); infinite without one.
    """

    is_known: Bools
    purchases: Floats
    visits: Floats
    opens: Floats
    unopened: Floats
    customer_from: Floats
    alive_at: Floats
    gone_by: Floats
    renews_on: Floats

    def __len__(self) -> int:
        """Count the persons."""
        return len(self.customer_from)

    def part(self, rows: slice) -> "Seen":
        """Some of the persons."""
        return Seen(**{name: column[rows] for name, column in vars(self).items()})


def chance_of_no_purchase(process: Process, seen: Seen) -> Floats:
    """The chance that each person buys nothing in the horizon, given what was seen.

    Args:
        process: What made the people; its season spans the days seen and, after them, the horizon.
        seen: The observations.

    Returns:
        Posterior predictive probabilities, shape (n,).
    """
    grid = _build_grid(process, seen.purchases.shape[1])
    parts = [_forecast(process, grid, part) for part in _parts(seen)]
    return np.concatenate(parts) if parts else np.empty(0)


def engagement_levels(process: Process, left: Floats) -> Floats:
    """How present somebody is who has `left` days until the dropout (negative: after it)."""
    level = np.clip(left / process.fading_days, process.faded_level, 1.0)
    return np.where(left > 0, level, process.gone_level)


@dataclass(frozen=True)
class _Grid:
    """Dropouts at the middle of days (the last stands for all later ones) and purchase rates, with what follows from them."""

    dropout: Floats
    rate: Floats
    rate_weight: Floats
    level: Floats
    """Engagement, shape (days seen, dropouts)."""
    alive: Floats
    """Share of each day that is lived as a customer, shape (days seen, dropouts)."""
    demand_ahead: Floats
    """Sum of the seasons of the lived days of the horizon, shape (dropouts,)."""


def _build_grid(process: Process, days: int) -> _Grid:
    span = len(process.season)
    dropout = np.arange(span + int(np.ceil(process.fading_days)) + 1, dtype=np.float64) + 0.5
    day = np.arange(span)[:, None]
    alive = np.clip(dropout - day, 0.0, 1.0)
    prior = stats.gamma(process.purchase_shape, scale=process.purchase_mean / process.purchase_shape)
    edges = np.geomspace(prior.ppf(1e-3), prior.ppf(1 - 1e-5), RATES)
    middle = np.sqrt(edges[1:] * edges[:-1])
    return _Grid(
        dropout=dropout,
        rate=np.concatenate([[edges[0] / 2], middle]),
        rate_weight=np.diff(prior.cdf(edges), prepend=0.0),
        level=engagement_levels(process, dropout - (day[:days] + 0.5)),
        alive=alive[:days],
        demand_ahead=process.season[days:] @ alive[days:],
    )


def _parts(seen: Seen) -> Iterator[Seen]:
    for first in range(0, len(seen), BLOCK):
        yield seen.part(slice(first, first + BLOCK))


def _forecast(process: Process, grid: _Grid, seen: Seen) -> Floats:
    days = seen.purchases.shape[1]
    by_dropout = _log_dropout_prior(process, grid, seen) + _log_opens(process, grid, seen)
    by_dropout += seen.purchases @ _log(grid.alive) + seen.visits @ _log(grid.level)
    known = seen.is_known.astype(np.float64)
    visiting = process.visit_base + process.visit_slope * grid.rate
    by_rate = (
        np.log(grid.rate_weight)
        + seen.purchases.sum(axis=1)[:, None] * np.log(grid.rate)
        + seen.visits.sum(axis=1)[:, None] * np.log(visiting)
    )
    lived = (known * process.season[:days]) @ grid.alive
    engaged = known @ grid.level
    likelihood = by_dropout[:, :, None] + by_rate[:, None, :]
    likelihood -= lived[:, :, None] * grid.rate + engaged[:, :, None] * visiting
    likelihood -= likelihood.max(axis=(1, 2), keepdims=True)
    weight = np.exp(likelihood)
    none = np.exp(-grid.demand_ahead[:, None] * grid.rate)
    by_cell = np.einsum("njr,jr->nj", weight, none)
    renews = (seen.renews_on[:, None] < len(process.season)) & (grid.dropout > seen.renews_on[:, None])
    chances: Floats = np.where(renews, 0.0, by_cell).sum(axis=1) / weight.sum(axis=(1, 2))
    return chances


def _log_dropout_prior(process: Process, grid: _Grid, seen: Seen) -> Floats:
    """Log chance of each dropout, shape (n, dropouts), with those ruled out that renewals contradict."""
    edges = np.append(grid.dropout - 0.5, np.inf)
    lived = np.maximum(edges - seen.customer_from[:, None], 0.0)
    survival = (process.dropout_scale / (process.dropout_scale + lived)) ** process.dropout_shape
    chance = -np.diff(survival, axis=1)
    is_possible = (grid.dropout > seen.alive_at[:, None]) & (grid.dropout < seen.gone_by[:, None] + 1)
    return np.where(is_possible, _log(chance), NEVER)


def _log_opens(process: Process, grid: _Grid, seen: Seen) -> Floats:
    """Log likelihood of the opens given each dropout, the open rate integrated out, shape (n, dropouts)."""
    prior = stats.beta(2.0, 2.0 / process.open_mean - 2.0)
    open_rates = prior.ppf((np.arange(OPEN_RATES) + 0.5) / OPEN_RATES)
    opened = seen.opens @ _log(grid.level)
    count = seen.opens.sum(axis=1)[:, None]
    parts = [opened + count * np.log(rate) + seen.unopened @ _log(1 - rate * grid.level) for rate in open_rates]
    total: Floats = logsumexp(np.stack(parts), axis=0) - np.log(OPEN_RATES)
    return total


def _log(values: Floats) -> Floats:
    return np.log(values, out=np.full(values.shape, NEVER), where=values > 0)
