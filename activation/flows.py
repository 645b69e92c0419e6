"""`flows/*.yml` and `approvals.yml`: what is sent when, with which blocks, and who said so."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from activation.parts import Days, Name, Part, Share


class Rule(Part):
    """When a variant may be shown; all that is written must hold.

    `segment`: the customer is a member. `model` with `min_score`: a model (not its fallback tier) scores at least that.
    `fresh_source`: that source is not stale by its service level.
    """

    segment: Name | None = None
    model: Name | None = None
    min_score: float | None = None
    fresh_source: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.model is None) != (self.min_score is None):
            message = "model and min_score belong together"
            raise ValueError(message)
        if self.segment is None and self.model is None and self.fresh_source is None:
            message = "a rule must ask for something: segment, model with min_score, or fresh_source"
            raise ValueError(message)
        return self


class Variant(Part):
    """A variant of a block and its rule."""

    variant: Name
    when: Rule


class Block(Part):
    """A place in the email: the first variant whose rule holds, else the fallback."""

    block: Name
    variants: tuple[Variant, ...] = ()
    fallback: Name


class Step(Part):
    """One email of a flow: due `delay_days` after the trigger (or the step before), for `due_days` more days."""

    step: Annotated[int, Field(ge=1)]
    delay_days: Days
    due_days: Days
    subject: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    template: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+\.txt$")]
    blocks: tuple[Block, ...] = ()


class Value(Part):
    """What one email is expected to earn: amount times the model's score, or times the weight where there is no score."""

    amount: Annotated[float, Field(gt=0)]
    model: Name | None = None
    weight_without_score: Share


class Flow(Part):
    """One file of `flows/`: a trigger and its ordered steps."""

    flow: Name
    topic: Name
    description: str = ""
    trigger: Name
    reentry: Literal["once", "each"]
    value: Value
    steps: tuple[Step, ...] = Field(min_length=1)


class Approval(Part):
    """Who approved a flow; it runs through `expires_on`, inclusive."""

    approval_id: Name
    flow: Name
    role: Name
    approved_on: date
    expires_on: date
