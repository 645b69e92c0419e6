"""Exact statements about a share of emails, and the counts that they are made of: complaints, hard bounces, unsubscribes."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import duckdb

from activation.playbook.cohorts import Cell, Metric

HEALTH = """
select flow, provider, engagement, sent_on, delivered_count, bounce_count, complaint_count, unsubscribe_count
from {send_health} where as_of = $as_of order by all
"""

OF_VARIANTS = """
select flow, block, variant, sent_on, delivered_count, bounce_count, complaint_count, unsubscribe_count
from {variant_health} where as_of = $as_of order by all
"""


class SendDay(NamedTuple):
    """What became of the emails of a flow to a cell that were sent on a day."""

    flow: str
    provider: str
    engagement: str
    sent_on: date
    delivered: int
    bounces: int
    complaints: int
    unsubscribes: int

    @property
    def cell(self) -> Cell:
        """Whose mailboxes."""
        return Cell(self.provider, self.engagement)


class VariantDay(NamedTuple):
    """What became of the emails of a flow that showed a variant of a block and were sent on a day."""

    flow: str
    block: str
    variant: str
    sent_on: date
    delivered: int
    bounces: int
    complaints: int
    unsubscribes: int


class Share(NamedTuple):
    """So many events of so many emails, with one-sided exact bounds (0-1); all null without emails."""

    emails: int
    events: int
    share: float | None
    low: float | None
    high: float | None


def read_send_days(connection: duckdb.DuckDBPyConnection, as_of: date, *, table: str) -> list[SendDay]:
    """What a partition knows of the emails of the last eight weeks."""
    rows = connection.execute(HEALTH.format(send_health=table), {"as_of": as_of}).fetchall()
    return [SendDay(*row) for row in rows]


def read_variant_days(connection: duckdb.DuckDBPyConnection, as_of: date, *, table: str) -> list[VariantDay]:
    """The same, by what the emails showed; of a person who was erased since, and of held-out people, it is not known."""
    rows = connection.execute(OF_VARIANTS.format(variant_health=table), {"as_of": as_of}).fetchall()
    return [VariantDay(*row) for row in rows]


def share_of(metric: Metric, days: Iterable[SendDay | VariantDay], *, alpha: float) -> Share:
    """A share of the emails of which an outcome is known: complaints and unsubscribes of delivered ones, bounces of all.

    The bounds are those of Clopper and Pearson (Biometrika 26, 1934), each missed with at most a chance of alpha.

    Args:
        metric: Which.
        days: The emails.
        alpha: Of either bound.
    """
    emails = events = 0
    for day in days:
        emails += day.delivered + (day.bounces if metric == "bounces" else 0)
        events += getattr(day, metric)
    events = min(events, emails)
    if not emails:
        return Share(0, 0, None, None, None)
    return Share(emails, events, events / emails, *_bounds(events, emails, alpha))


def _bounds(events: int, emails: int, alpha: float) -> tuple[float, float]:
    from scipy.special import betaincinv  # takes a quarter of a second to import

    low = float(betaincinv(events, emails - events + 1, alpha)) if events else 0.0
    high = float(betaincinv(events + 1, emails - events, 1 - alpha)) if events < emails else 1.0
    return low, high
