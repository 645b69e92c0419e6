"""`flows/*.yml`: what is sent when, with which blocks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from activation.playbook.cohorts import MOST_ENGAGED_FIRST, Engagement
from activation.playbook.parts import Days, Name, Part, Share, Text

Known = Literal["first_name", "recommendation"]


class Rule(Part):
    """When a variant may be shown; all that is written must hold.

    `segment`: the customer is a member. `model` with `min_score`: a model (not its fallback tier) scores at least that.
    `fresh_source`: that source is not stale by its service level. `has`: the field is known of the customer.
    """

    segment: Name | None = None
    model: Name | None = None
    min_score: float | None = None
    fresh_source: Name | None = None
    has: Known | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.model is None) != (self.min_score is None):
            message = "model and min_score belong together"
            raise ValueError(message)
        if self.segment is None and self.model is None and self.fresh_source is None and self.has is None:
            message = "a rule must ask for something: segment, model with min_score, fresh_source, or has"
            raise ValueError(message)
        return self


class RampStage(Part):
    """Whom it reaches: a share (0-1) of the people who are at least as engaged as `cohort`, for so many days and emails at least."""

    cohort: Engagement
    share: Annotated[float, Field(gt=0, le=1)]
    minimum_days: Annotated[int, Field(ge=1)]
    minimum_emails: Annotated[int, Field(ge=1)]


class Ramp(Part):
    """Stages by which a flow or a variant goes to more people; after the last one to everybody. Another salt begins anew, with others."""

    salt: Text
    stages: tuple[RampStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _only_widens(self) -> Self:
        places = [(MOST_ENGAGED_FIRST.index(stage.cohort), stage.share) for stage in self.stages]
        for (rank, share), (next_rank, next_share) in pairwise(places):
            if next_rank < rank or next_share < share or (next_rank, next_share) == (rank, share):
                message = "each stage of a ramp must reach more people than the one before, and none fewer"
                raise ValueError(message)
        return self


class Ramped(NamedTuple):
    """What goes to more people by stages: a whole flow, or a variant of a block of it."""

    flow: str
    block: str | None
    variant: str | None
    ramp: Ramp


class Variant(Part):
    """A variant of a block and its rule.

    `ramp`: by which stages a riskier variant goes to more people; who is not yet reached goes on to the next rule, or gets the fallback.
    """

    variant: Name
    when: Rule
    ramp: Ramp | None = None


Tier = Literal["core", "adaptive", "experimental"]


class Block(Part):
    """A place in the email: the first variant whose rule holds, else the fallback.

    `tier`: `core` is the same for everybody, `adaptive` follows rules, `experimental` does so and has not proved itself yet.
    """

    block: Name
    tier: Tier | None = None
    variants: tuple[Variant, ...] = ()
    fallback: Name

    @model_validator(mode="after")
    def _core_does_not_vary(self) -> Self:
        if self.tier == "core" and self.variants:
            message = f"block {self.block} is core, and the core message is the same for everybody: it has no variants"
            raise ValueError(message)
        if self.tier not in (None, "core") and not self.variants:
            message = f"block {self.block} is {self.tier} and has no variants"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _fallback_has_no_ramp(self) -> Self:
        if any(each.variant == self.fallback and each.ramp is not None for each in self.variants):
            message = f"{self.fallback} is what everybody else gets: it cannot have a ramp"
            raise ValueError(message)
        return self

    @property
    def stands_as(self) -> Tier:
        """Its tier, said or not."""
        return self.tier or ("adaptive" if self.variants else "core")

    @property
    def shown(self) -> tuple[str, ...]:
        """All that it may show, the fallback last; each once."""
        return tuple(
            dict.fromkeys([*(each.variant for each in self.variants if each.variant != self.fallback), self.fallback])
        )


class Condition(Part):
    """Whom a branch is for: members of a segment, or whom a model (not its fallback tier) gives at least `min_score`, or both."""

    segment: Name | None = None
    model: Name | None = None
    min_score: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.model is None) != (self.min_score is None):
            message = "model and min_score belong together"
            raise ValueError(message)
        if self.segment is None and self.model is None:
            message = "a branch must ask for something: segment, or model with min_score"
            raise ValueError(message)
        return self


class Branch(Part):
    """A step that may follow: the first of which the condition holds, or which has none."""

    step: Annotated[int, Field(ge=1)]
    when: Condition | None = None


class Step(Part):
    """One email of a flow: due `delay_days` after the trigger (or the step before), for `due_days` more days.

    `preheader`: what the inbox shows after the subject. `template`: the layout of `content/` around the blocks.
    `next`: what follows; without it the step of the next number. Where no branch holds, nothing follows.
    """

    step: Annotated[int, Field(ge=1)]
    delay_days: Days
    due_days: Days
    subject: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    preheader: Annotated[str, StringConstraints(max_length=150)] = ""
    template: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.txt)?$")]
    blocks: tuple[Block, ...] = ()
    next: tuple[Branch, ...] | None = None


class Value(Part):
    """What one email is expected to earn: amount times the model's score, or times the weight where there is no score."""

    amount: Annotated[float, Field(gt=0)]
    model: Name | None = None
    weight_without_score: Share


Stage = Literal["prospect", "subscriber", "new_customer", "active", "at_risk", "lapsed", "won_back"]


Despite = Literal["recently_converted", "engager_cooldown"]


class Exits(Part):
    """What ends a sequence before its last step: an order, or a move into a stage, after it began. Who unsubscribes is suppressed."""

    ordered: bool = False
    stages: tuple[Stage, ...] = ()


class Flow(Part):
    """One file of `flows/`: a trigger, its ordered steps, what ends them, and whether it may begin again.

    `why_you_get_this`: a sentence for the foot of its emails.
    `despite`: reasons not to mail that do not hold for this flow; only those that guard against too much selling can be named.
    `reentry`: `once` for each customer, `each` trigger, or `window`: not within `reentry_days` of the last beginning.
    `ramp`: by which stages a new flow goes to more people; without one it goes to everybody.
    """

    flow: Name
    topic: Name
    description: str = ""
    why_you_get_this: Annotated[str, StringConstraints(pattern=r"^[^'<>{}\r\n]*$")] = ""
    trigger: Name
    reentry: Literal["once", "each", "window"]
    reentry_days: Annotated[int, Field(ge=1)] | None = None
    exits: Exits = Exits()
    despite: tuple[Despite, ...] = ()
    value: Value
    ramp: Ramp | None = None
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _window_has_days(self) -> Self:
        if (self.reentry == "window") != (self.reentry_days is not None):
            message = "reentry window and reentry_days belong together"
            raise ValueError(message)
        return self

    def ramps(self) -> Iterator[Ramped]:
        """Its own ramp, then those of its variants, each once: in all steps a variant has the same."""
        if self.ramp is not None:
            yield Ramped(self.flow, None, None, self.ramp)
        variants = {
            (block.block, variant.variant): variant.ramp
            for step in self.steps
            for block in step.blocks
            for variant in block.variants
            if variant.ramp is not None
        }
        for (block_name, variant_name), ramp in variants.items():
            yield Ramped(self.flow, block_name, variant_name, ramp)

    def branches_of(self, step: Step) -> tuple[Branch, ...]:
        """What may follow a step, in the order in which it is asked."""
        if step.next is not None:
            return step.next
        return (Branch(step=step.step + 1),) if step.step < len(self.steps) else ()
