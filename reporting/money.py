"""What the emails earned in money, beside what they are credited with: lines of one table."""

from collections.abc import Sequence
from dataclasses import dataclass

from reporting import formats
from reporting.data import RevenueClaim
from reporting.definitions import spoken

EVERYBODY = "all"


@dataclass(frozen=True)
class Line:
    """One arm, or the people who entered by one flow, in figures and words."""

    who: str
    claim: RevenueClaim
    is_everybody: bool
    earned: str
    earned_interval: str
    net: str
    net_interval: str
    over_credit: str
    over_credit_interval: str


@dataclass(frozen=True)
class Money:
    """The section; `quotes` are the sentences of everybody."""

    lines: tuple[Line, ...]
    quotes: tuple[tuple[str, str], ...]


def money_of(claims: Sequence[RevenueClaim], currency: str) -> Money:
    """The global holdout first, everybody before the flows by which they entered."""
    ordered = sorted(
        claims,
        key=lambda claim: (
            claim.experiment != "global_holdout", claim.experiment, claim.arm, claim.segment != EVERYBODY, claim.segment,
        ),
    )  # fmt: skip
    quotes = [(_name(claim), claim.claim_text) for claim in ordered if claim.segment == EVERYBODY]
    return Money(tuple(_line(claim, currency) for claim in ordered), tuple(quotes))


def _line(claim: RevenueClaim, currency: str) -> Line:
    is_everybody = claim.segment == EVERYBODY
    flow = spoken(claim.segment.removeprefix("entered_by_"))
    return Line(
        who=_name(claim) if is_everybody else f"entered by {flow.lower()}",
        claim=claim,
        is_everybody=is_everybody,
        earned=formats.difference(claim.earned_amount, "amount", currency),
        earned_interval=formats.interval(claim.earned_low_amount, claim.earned_high_amount, "amount", currency),
        net=formats.difference(claim.net_amount, "amount", currency),
        net_interval=formats.interval(claim.net_low_amount, claim.net_high_amount, "amount", currency),
        over_credit="not known yet" if claim.over_credit_ratio is None else f"{claim.over_credit_ratio:,.1f} ×",
        over_credit_interval=""
        if claim.over_credit_low_ratio is None or claim.over_credit_high_ratio is None
        else f"{claim.over_credit_low_ratio:,.1f} to {claim.over_credit_high_ratio:,.1f}",
    )


def _name(claim: RevenueClaim) -> str:
    return spoken(claim.experiment) + ("" if claim.arm == "treatment" else f": {spoken(claim.arm).lower()}")
