"""What is declared of an experiment before it begins."""

from dataclasses import dataclass
from datetime import date, timedelta

REVIEW_DAYS = 28


@dataclass(frozen=True)
class Plan:
    """What was declared before an experiment began.

    Attributes:
        primary_metric: The one metric that decides; all others are secondary.
        planned_days: Days of intake after which it ends; null: open-ended.
        review_days: Days after which an open-ended one is expected to be judged: its intervals are tightest then.
    """

    primary_metric: str = "conversion"
    planned_days: int | None = None
    review_days: int = REVIEW_DAYS


def last_day(first: date, plan: Plan) -> date | None:
    """The last maturity day that counts: people who entered in the planned days; null without a plan."""
    return None if plan.planned_days is None else first + timedelta(days=plan.planned_days - 1)
