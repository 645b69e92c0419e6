"""Cohorts of mailboxes, by provider and engagement, and what is counted of the emails that they get."""

from typing import Literal, NamedTuple

Provider = Literal[
    "mailbox_at_gmail", "mailbox_at_microsoft", "mailbox_at_apple", "mailbox_at_yahoo", "mailbox_elsewhere"
]
Engagement = Literal[
    "reacted_last_30_days", "reacted_31_to_90_days_ago", "not_mailed_last_90_days", "mailed_without_reaction"
]
# From who is most likely to want the email to who is least.
MOST_ENGAGED_FIRST: tuple[Engagement, ...] = (
    "reacted_last_30_days", "reacted_31_to_90_days_ago", "not_mailed_last_90_days", "mailed_without_reaction",
)  # fmt: skip

Metric = Literal["complaints", "bounces", "unsubscribes"]
METRICS: tuple[Metric, ...] = ("complaints", "bounces", "unsubscribes")


class Cell(NamedTuple):
    """The mailboxes of one provider whose readers are alike."""

    provider: str
    engagement: str
