"""`pilot.yml`: what is tried for a time, by which one outcome it is judged, and which numbers on the way must hold."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from activation.playbook.experiments import Experiment
from activation.playbook.located import Place
from activation.playbook.parts import Name, Part, Share, Text

# Of which stage of the KPI chain each one is a share.
STAGES = {
    "delivered": "sent",
    "human_opens": "delivered",
    "human_clicks": "delivered",
    "landings": "human_clicks",
    "conversions": "human_clicks",
    "bounces": "sent",
    "complaints": "delivered",
    "unsubscribes": "delivered",
}
Stage = Literal[
    "delivered", "human_opens", "human_clicks", "landings", "conversions", "bounces", "complaints", "unsubscribes"
]


class Target(Part):
    """A share (0-1) of a stage of the KPI chain that must be reached, or not passed; of which stage is in `STAGES`."""

    stage: Stage
    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            message = "a target is one of at_least and at_most"
            raise ValueError(message)
        return self


class Success(Part):
    """When the pilot has succeeded: its outcome works beyond chance, by at least `minimum_lift_relative` (0.02: 2 %)."""

    minimum_lift_relative: Annotated[float, Field(ge=0)] = 0.0


class Pilot(Part):
    """One question, asked for a time.

    Attributes:
        pilot: Its name.
        question: What is asked, for people who were not there.
        owner: The role that answers for it.
        outcome: The one metric that decides; that of the control.
        control: The experiment whose baseline it is held against.
        arm: Which of its arms is tried; needed where there are several.
        flows: Whose chain has targets; none: of all.
        starts_on: First day.
        ends_on: Last day.
        success: The rule that says whether it did.
        chain: What must hold on the way.
    """

    pilot: Name
    question: Text
    owner: Name
    outcome: Literal["conversion", "revenue", "visit"]
    control: Name
    arm: Name | None = None
    flows: tuple[Name, ...] = ()
    starts_on: date
    ends_on: date
    success: Success = Success()
    chain: tuple[Target, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.ends_on <= self.starts_on:
            message = "ends_on is not after starts_on"
            raise ValueError(message)
        return self

    @property
    def days(self) -> int:
        """How long it lasts."""
        return (self.ends_on - self.starts_on).days + 1


def arm_of(pilot: Pilot, experiment: Experiment) -> str | None:
    """The arm that is tried; null where the pilot does not say which of several."""
    others = [arm.arm for arm in experiment.arms if arm.arm != experiment.baseline_arm]
    return pilot.arm or (others[0] if len(others) == 1 else None)


def pilot_faults(
    pilot: Pilot, *, experiments: Sequence[Experiment] | None, flows: Sequence[str] | None
) -> Iterator[tuple[Place, str]]:
    """What is wrong with a pilot beside the experiments and flows that there are (null: not readable)."""
    stages = [target.stage for target in pilot.chain]
    for position, stage in enumerate(stages):
        if stage in stages[:position]:
            yield ("chain", position, "stage"), f"stage {stage} is written twice"
    for position, flow in enumerate(pilot.flows):
        if flows is not None and flow not in flows:
            yield ("flows", position), f"flow {flow} is unknown"
    if experiments is not None:
        yield from _control_faults(pilot, {one.experiment: one for one in experiments})


def _control_faults(pilot: Pilot, experiments: Mapping[str, Experiment]) -> Iterator[tuple[Place, str]]:
    control = experiments.get(pilot.control)
    if control is None:
        yield ("control",), f"experiment {pilot.control} is unknown"
        return
    if pilot.outcome != control.primary_metric:
        yield ("outcome",), f"{pilot.control} is decided by {control.primary_metric}, not by {pilot.outcome}"
    if control.planned_days is not None and pilot.days < control.planned_days:
        yield (
            ("ends_on",),
            f"the pilot lasts {pilot.days} days, and {pilot.control} cannot be judged before {control.planned_days}",
        )
    arm = arm_of(pilot, control)
    if arm is None:
        yield ("control",), f"arm is missing: {pilot.control} tries several"
    elif arm == control.baseline_arm or arm not in {each.arm for each in control.arms}:
        yield ("arm",), f"{arm} is no arm of {pilot.control} that is tried"
