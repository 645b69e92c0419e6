"""`approvals.yml` and `overrides.yml`: by whose word something may be used, until when, and what a person stopped or pinned.

An approval is of content: it names the hash of what was read, and ends when that changes.
"""

import hashlib
from datetime import date
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from activation.playbook.cohorts import Engagement, Provider
from activation.playbook.parts import Name, Part, Text

Kind = Literal["flow", "segment", "model", "prompt"]
KINDS: tuple[Kind, ...] = ("flow", "segment", "model", "prompt")

ContentHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


def hash_of(content: str) -> str:
    """First 12 hex digits of the sha256 of a text."""
    return hashlib.sha256(content.encode()).hexdigest()[:12]


class Item(NamedTuple):
    """Something that needs an approval."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As approvals and commands call it."""
        return f"{self.kind}/{self.name}"


class Approval(Part):
    """Who approved what, as it read then; it holds through `expires_on`, inclusive.

    Attributes:
        approval_id: Its name.
        flow: The flow with its steps and templates, or
        segment: the segment with its rule, or
        model: the scores of a task, or
        prompt: the text by which a language model is asked for words.
        role: The role that said so.
        approved_on: When.
        expires_on: Last day.
        content_hash: Of what was approved; a stored version of before there were hashes has none, and its content is its own.
    """

    approval_id: Name
    flow: Name | None = None
    segment: Name | None = None
    model: Name | None = None
    prompt: Name | None = None
    role: Name
    approved_on: date
    expires_on: date
    content_hash: ContentHash | None = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            message = "an approval is of one thing: flow, segment, model or prompt"
            raise ValueError(message)
        return self

    @property
    def item(self) -> Item:
        """What it is of."""
        return next(Item(kind, name) for kind in KINDS if (name := getattr(self, kind)) is not None)


class Standing(NamedTuple):
    """Whether an item may be used on a day: by which approval, or why not (None: it may)."""

    approval: Approval | None
    fault: Literal["not_approved", "approval_expired", "changed_since_approval"] | None


def standing_of(approvals: tuple[Approval, ...], content_hash: str | None, day: date) -> Standing:
    """The standing of an item.

    Args:
        approvals: Those of the item.
        content_hash: Of the item as it reads now.
        day: The day on which it would be used.

    Returns:
        The approval of this content that lasts longest; where there is none, one of other content, with the fault.
    """
    if not approvals:
        return Standing(None, "not_approved")
    of_this = [approval for approval in approvals if approval.content_hash in (None, content_hash)]
    longest = max(of_this or approvals, key=lambda approval: (approval.expires_on, approval.approval_id))
    if not of_this:
        return Standing(longest, "changed_since_approval")
    return Standing(longest, "approval_expired" if longest.expires_on < day else None)


class Excluded(Part):
    """A person who gets nothing: by a profile, which follows them through merges, or by the hash of a mailbox."""

    profile: Annotated[str, StringConstraints(pattern=r"^[a-z_]+:.+$")] | None = None
    mailbox_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.profile is None) == (self.mailbox_hash is None):
            message = "a person is named by one of profile and mailbox_hash"
            raise ValueError(message)
        return self


class VariantRef(Part):
    """A variant of a block, in every flow that shows it: an offer, for one."""

    block: Name
    variant: Name


class Pin(Part):
    """A variant that everybody gets in a place."""

    flow: Name
    step: Annotated[int, Field(ge=1)]
    block: Name
    variant: Name


class CellRef(Part):
    """The mailboxes of a provider whose readers are alike: a cell of the circuit breakers."""

    provider: Provider
    engagement: Engagement


ACTIONS = ("exclude", "stop_flow", "stop_variant", "pin", "resume_cell")


class Override(Part):
    """A person's word against what rules and models say; it holds from `decided_on` through `expires_on`.

    Attributes:
        override_id: Its name.
        exclude: Mail this person nothing, or
        stop_flow: send nothing of this flow, or
        stop_variant: show this variant to nobody, or
        pin: show this variant to everybody, or
        resume_cell: what was sent to this cell by the first day no longer holds it, nor keeps it rolled back.
        owner: Whom to ask.
        reason: Why; nothing personal.
        decided_on: First partition.
        expires_on: Last one.
    """

    override_id: Name
    exclude: Excluded | None = None
    stop_flow: Name | None = None
    stop_variant: VariantRef | None = None
    pin: Pin | None = None
    resume_cell: CellRef | None = None
    owner: Text
    reason: Text
    decided_on: date
    expires_on: date

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if sum(getattr(self, action) is not None for action in ACTIONS) != 1:
            message = f"an override does one thing: {', '.join(ACTIONS)}"
            raise ValueError(message)
        if self.expires_on < self.decided_on:
            message = "expires_on is before decided_on"
            raise ValueError(message)
        return self

    def holds_on(self, day: date) -> bool:
        """Whether a day is within it."""
        return self.decided_on <= day <= self.expires_on
