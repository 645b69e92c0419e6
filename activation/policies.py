"""`policies.yml`: the rules that hold for every flow, each with its source."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from activation.parts import Clock, Name, Part, Share, Source, Zone


class Consent(Part):
    """Which consent statuses may be mailed."""

    mailable_statuses: tuple[Name, ...]
    source: Source


class UnsubscribeFeed(Part):
    """The events of the sources that carry unsubscribes; how old they may be is in `service_levels.yml`."""

    sources: tuple[Name, ...] = Field(min_length=1)
    events: tuple[Name, ...] = Field(min_length=1)
    source: Source


class Cap(Part):
    """At most `limit` emails in the `hours` before an email would go out."""

    id: Name
    limit: Annotated[int, Field(ge=1)]
    hours: Annotated[int, Field(ge=1)]
    source: Source


class QuietHours(Part):
    """Local times between which nothing is sent, across midnight; `timezone` is for unknown zones (null: the platform's)."""

    starts: Clock
    ends: Clock
    timezone: Zone | None
    source: Source

    @model_validator(mode="after")
    def _across_midnight(self) -> Self:
        if self.ends >= self.starts:
            message = f"quiet hours must reach across midnight: {self.starts} to {self.ends} leaves no day to send on"
            raise ValueError(message)
        return self


class ListUnsubscribe(Part):
    """What the List-Unsubscribe header says; `{token}` stands for the mailbox's opaque token."""

    url: Annotated[str, StringConstraints(pattern=r"^https://.*\{token\}")]
    mailto: Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
    source: Source


class Budget(Part):
    """Shares at which a rate warns, holds a cohort, and rolls it back."""

    warn: Share
    hold: Share | None
    roll_back: Share | None
    source: Source


class Attribution(Part):
    """How long after an email a purchase counts as assisted by it."""

    email_window_hours: Annotated[int, Field(ge=1)]
    source: Source


class Policies(Part):
    """`policies.yml`."""

    consent: Consent
    unsubscribe_feed: UnsubscribeFeed
    caps: tuple[Cap, ...]
    quiet_hours: QuietHours
    list_unsubscribe: ListUnsubscribe
    complaint_rate: Budget
    hard_bounce_rate: Budget
    unsubscribe_rate: Budget
    attribution: Attribution
