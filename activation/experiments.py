"""`experiments.yml`: who is held back, by which salt and in which shares."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from activation.parts import Name, Part, Share, Source

BUCKETS = 10_000
TOLERANCE = 1e-9


class Arm(Part):
    """One arm and its planned share."""

    arm: Name
    share: Share


class Experiment(Part):
    """An experiment whose arms are cut from hash buckets, in the order in which they are written.

    Attributes:
        primary_metric: The one metric that decides; declared before anything is known.
        planned_days: Days of intake after which it ends; without them it is open-ended.
        review_days: When an open-ended one is expected to be judged: its intervals are tightest then.
    """

    experiment: Name
    scope: Literal["global"]
    salt: Source
    baseline_arm: Name
    arms: tuple[Arm, ...] = Field(min_length=2)
    primary_metric: Literal["conversion", "revenue", "visit"] = "conversion"
    planned_days: Annotated[int, Field(ge=1)] | None = None
    review_days: Annotated[int, Field(ge=7)] = 28
    srm_alarm_p: Share
    source: Source

    @model_validator(mode="after")
    def _arms_are_whole(self) -> Self:
        names = [arm.arm for arm in self.arms]
        if abs(sum(arm.share for arm in self.arms) - 1) > TOLERANCE:
            message = f"the shares of the arms add up to {sum(arm.share for arm in self.arms):g}, not to 1"
            raise ValueError(message)
        if len(set(names)) != len(names) or self.baseline_arm not in names:
            message = "arms need different names, one of them baseline_arm"
            raise ValueError(message)
        return self
