"""`policies.yml`: the rules that hold for every flow, each with its source."""

from collections import Counter
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from activation.playbook.cohorts import Metric
from activation.playbook.destinations import Destinations
from activation.playbook.governance import KINDS, Kind
from activation.playbook.parts import Clock, Days, Name, Part, Share, Source, Text, Zone

Requirement = Literal["subscribed", "confirmed"]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Count = Annotated[int, Field(ge=1)]
Domain = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]


class Jurisdiction(Part):
    """What consent takes in some countries (ISO 3166).

    `requires`: the person's own act (`subscribed`), or one that was confirmed by the mailbox (`confirmed`, double opt-in).
    `implied_months_after_purchase`: a customer who never said no may be mailed for so long after an order.
    """

    countries: tuple[Country, ...] = Field(min_length=1)
    requires: Requirement
    implied_months_after_purchase: Annotated[int, Field(ge=1)] | None = None
    source: Source


class Topic(Part):
    """A topic of flows, and how the sources write it; a statement about any other topic restricts all email, or permits none."""

    topic: Name
    known_as: tuple[Annotated[str, StringConstraints(min_length=1, to_lower=True)], ...] = ()


class Consent(Part):
    """What consent takes: everywhere, and where the law asks for more or allows more.

    `means_all_email`: how the sources write the topic of a statement that is about all marketing email.
    """

    requires: Requirement
    source: Source
    jurisdictions: tuple[Jurisdiction, ...] = ()
    topics: tuple[Topic, ...] = ()
    means_all_email: tuple[Annotated[str, StringConstraints(min_length=1, to_lower=True)], ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        written = [name for topic in self.topics for name in {topic.topic, *topic.known_as}] + [*self.means_all_email]
        for what, names in (
            ("country", [country for rule in self.jurisdictions for country in rule.countries]),
            ("topic", written),
        ):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                message = f"{what} {twice[0]} is there twice"
                raise ValueError(message)
        return self


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


class Breakers(Part):
    """When a breaker opens, and when a ramp may widen: by exact tests of the emails of a sliding window.

    Attributes:
        window_days: Days of sends that count.
        minimum_emails: Fewer emails open no breaker.
        minimum_events: Fewer complaints, bounces or unsubscribes open none: one is a person's mood.
        alpha: Chance of opening a breaker, on a day, of a share that is at its limit.
        ramp_alpha: Chance of calling a share under budget that is at its limit.
        source: Where the numbers come from.
    """

    window_days: Annotated[int, Field(ge=1, le=56)] = 28
    minimum_emails: Count = 100
    minimum_events: Count = 3
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    ramp_alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    source: Source = "House rules"


class Attribution(Part):
    """How long after an email a purchase counts as assisted by it."""

    email_window_hours: Annotated[int, Field(ge=1)]
    source: Source


class LostSubscriber(Part):
    """What somebody who leaves the list is worth, in the reporting currency: counted against what emails earn."""

    amount: Annotated[float, Field(ge=0)]
    source: Source


class SuppressionRule(Part):
    """The numbers of one reason not to mail; what each means is in the description of the model `suppressions_<reason>`.

    Attributes:
        reason: Name of the reason. One that has a model and no rule here does not hold.
        days: How long it holds, or how far it looks back.
        within_days: Days in which `at_least` things must lie.
        after_days: Days before it begins.
        at_least: Least number of things for it to hold.
        at_most: Largest number of people for it to hold.
        source: Where the numbers come from.
    """

    reason: Name
    days: Count | None = None
    within_days: Count | None = None
    after_days: Days | None = None
    at_least: Count | None = None
    at_most: Count | None = None
    source: Source


class ContentLimits(Part):
    """What an email may be (docs/content.md).

    Attributes:
        varying_blocks: Most blocks of one email that vary between people.
        subject_characters: Longest subject.
        html_kilobytes: Largest HTML part, in units of 1,024 bytes.
        source: Where the numbers come from.
    """

    varying_blocks: Count = 2
    subject_characters: Count = 60
    html_kilobytes: Count = 100
    source: Source = "House rules"


class ExcludedAccount(Part):
    """A company that gets no marketing email, by its domain, its name or its `account_id`, until before `expires_on`."""

    domain: Domain | None = None
    company: Text | None = None
    account_id: Annotated[str, StringConstraints(pattern=r"^a_[0-9a-f]{16}$")] | None = None
    owner: Text
    reason: Text
    excluded_on: date
    expires_on: date | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if sum(name is not None for name in (self.domain, self.company, self.account_id)) != 1:
            message = "an account is named by one of domain, company and account_id"
            raise ValueError(message)
        if self.expires_on is not None and self.expires_on <= self.excluded_on:
            message = "expires_on is not after excluded_on"
            raise ValueError(message)
        return self


class SendingDomain(Part):
    """A domain that we send from, and what the DNS must say of it.

    Attributes:
        from_domain: Domain of the address that readers see.
        return_path_domain: Domain that bounces go to, of which SPF speaks; null: the same.
        dkim_domain: Domain that signs (`d=`); null: the same.
        dkim_selectors: Where its keys stand (`s=`).
        owner: Who can change the DNS.
    """

    from_domain: Domain
    return_path_domain: Domain | None = None
    dkim_domain: Domain | None = None
    dkim_selectors: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")], ...] = ()
    owner: Name


class RiskReview(Part):
    """From where on a number of the monthly review is a finding, and who owns which risk.

    Attributes:
        owner: Owner of every risk that `owners` does not name.
        owners: Owner by risk.
        approval_days: Days before the end of an approval.
        top_1_percent_share: Share of a year's revenue that the top 1 % of buyers make.
        top_10_percent_share: The same of the top 10 %.
        moved_share: Share of a segment's members of this week and the last who are not in both.
        contamination_share: Share of the people of an experiment who share a mailbox with another arm.
        source: Where the numbers come from.
    """

    owner: Name = "lifecycle_marketing_lead"
    owners: dict[Name, Name] = Field(default_factory=dict)
    approval_days: Count = 30
    top_1_percent_share: Share = 0.25
    top_10_percent_share: Share = 0.65
    moved_share: Share = 0.5
    contamination_share: Share = 0.02
    source: Source = "House rules"

    def owner_of(self, risk: str) -> str:
        """Who answers for a risk."""
        return self.owners.get(risk, self.owner)


# What held before the playbook said it; a version that was stored then goes on so.
UNSAID = (
    SuppressionRule(reason="recently_converted", days=7, source="House rule: an offer now would only give margin away"),
)
UNPRICED = LostSubscriber(
    amount=10.0, source="House rule until the shop knows what a year of emails earns with one more subscriber"
)


LEAD: tuple[Name, ...] = ("lifecycle_marketing_lead",)


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
    breakers: Breakers | None = None
    """A version that was stored before there were breakers goes on without."""
    attribution: Attribution
    lost_subscriber: LostSubscriber = UNPRICED
    suppressions: tuple[SuppressionRule, ...] = UNSAID
    excluded_accounts: tuple[ExcludedAccount, ...] = ()
    internal_domains: tuple[Domain, ...] = ()
    sending_domains: tuple[SendingDomain, ...] = ()
    content: ContentLimits = ContentLimits()
    risk_review: RiskReview = RiskReview()
    destinations: Destinations = Destinations()
    approval_roles: dict[Kind, tuple[Name, ...]] = Field(default_factory=lambda: dict.fromkeys(KINDS, LEAD))

    @model_validator(mode="after")
    def _every_kind_has_a_role(self) -> Self:
        if missing := [kind for kind in KINDS if not self.roles_of(kind)]:
            message = f"approval_roles names nobody for {', '.join(missing)}"
            raise ValueError(message)
        return self

    def budget_of(self, metric: Metric) -> Budget:
        """The limits of a share of emails."""
        budgets = {
            "complaints": self.complaint_rate,
            "bounces": self.hard_bounce_rate,
            "unsubscribes": self.unsubscribe_rate,
        }
        return budgets[metric]

    def roles_of(self, kind: Kind) -> tuple[Name, ...]:
        """Who may approve a kind of things; a version that was stored before there were prompts names nobody for them."""
        return self.approval_roles.get(kind, LEAD if kind == "prompt" else ())
