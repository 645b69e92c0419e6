"""`experiments.yml`: who is held back, by which salt and in which shares."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from activation.playbook.parts import Name, Part, Share, Source

BUCKETS = 10_000
TOLERANCE = 1e-9


Treatment = Literal["nothing", "generic", "personalised"]


class Arm(Part):
    """One arm, its planned share, and what it gets: no email, the email with every block's fallback, or the blocks that rules choose.

    Where `gets` is not written, the baseline arm gets nothing and others get it personalised.
    """

    arm: Name
    share: Share
    gets: Treatment | None = None


class Experiment(Part):
    """An experiment whose arms are cut from hash buckets, in the order in which they are written.

    Attributes:
        scope: `global`: of all emails; `flow`: of one flow, among those whom the global holdout does not hold back.
        flow: Which flow.
        primary_metric: The one metric that decides; declared before anything is known.
        planned_days: Days of intake after which it ends; without them it is open-ended.
        review_days: When an open-ended one is expected to be judged: its intervals are tightest then.
    """

    experiment: Name
    scope: Literal["global", "flow"]
    flow: Name | None = None
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

    @model_validator(mode="after")
    def _scope_is_whole(self) -> Self:
        if (self.scope == "flow") != (self.flow is not None):
            message = "scope flow and flow belong together"
            raise ValueError(message)
        if self.scope == "global" and {self.treatment_of(arm) for arm in self.arms} != {"nothing", "personalised"}:
            message = "of the global holdout, some arm gets nothing and the others get personalised emails"
            raise ValueError(message)
        return self

    @property
    def baseline(self) -> Arm:
        """The arm that others are compared with."""
        return next(arm for arm in self.arms if arm.arm == self.baseline_arm)

    def treatment_of(self, arm: Arm) -> Treatment:
        """What an arm gets."""
        return arm.gets or ("nothing" if arm.arm == self.baseline_arm else "personalised")
