"""Whether a task's champion may score today: fresh, watch, degraded or stale, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field
from scipy.stats import chi2

from ml.propensity.estimate import Estimate, Realised
from ml.propensity.pace import Pace
from ml.propensity.reference import Reference
from ml.propensity.task import Part

LIMITS = Path(__file__).with_name("limits.yml")

State = Literal["fresh", "watch", "degraded", "stale"]
UNUSABLE: tuple[State, ...] = ("degraded", "stale")  # where the rule scores

Positive = Annotated[float, Field(gt=0)]


class Watch(Part):
    """The value from which a person should look."""

    watch: Positive


class Steps(Watch):
    """The same, and the value from which the model does not score."""

    degraded: Positive


class Limits(Part):
    """What `limits.yml` says; the reasons stand there."""

    score_psi: Steps
    feature_psi: Watch
    auc_loss: Steps
    count_ratio: Steps
    pace_ratio: Steps
    surprise: Positive
    chance_quantile: Annotated[float, Field(gt=0, lt=1)]
    fewest_matured: Annotated[int, Field(ge=1)]
    stale_after_days: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Shift:
    """How far one column of the day is from the reference.

    Attributes:
        feature: Its name; `score` for the scores.
        psi: Population stability index over the reference's bins and one for the unknown.
        psi_by_chance: What it may be if nothing changed.
        psi_by_nature: What it may be if the shop moves on as it did before the model was trained.
        ks: Largest gap between the two cumulative shares of the known values.
    """

    feature: str
    psi: float
    psi_by_chance: float
    psi_by_nature: float
    ks: float

    @property
    def excess(self) -> float:
        """How much more it is than chance and nature explain; at most 0 where they do."""
        return self.psi - max(self.psi_by_chance, self.psi_by_nature)


@dataclass(frozen=True)
class Signs:
    """What is known of a champion on a day.

    Attributes:
        reference: What it was calibrated on; None where its version kept none.
        days_since_training: Since the newest training that it is, or was held against.
        score: Shift of the scores; None where nobody was scored.
        features: Shifts of the features.
        estimated: What the scores of the day say of themselves.
        realised: How the scores of one horizon ago turned out; None where there are none by this version.
        paces: Of what is predicted and of what comes before it, over short and longer times.
    """

    reference: Reference | None
    days_since_training: int
    score: Shift | None = None
    features: tuple[Shift, ...] = ()
    estimated: Estimate | None = None
    realised: Realised | None = None
    paces: tuple[Pace, ...] = ()

    @property
    def worst_feature(self) -> Shift | None:
        """The feature that moved most beyond what chance and nature explain."""
        return max(self.features, key=lambda shift: shift.excess, default=None)


@dataclass(frozen=True)
class Health:
    """The state of a champion, and why in one sentence."""

    state: State
    reason: str


@cache
def read_limits(path: Path = LIMITS) -> Limits:
    """Read the limits."""
    return Limits.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def psi_by_chance(bins: int, rows: int, others: int, *, quantile: float) -> float:
    """PSI that two samples of one kind stay under, but for one pair in 1 / (1 - quantile)."""
    return float(chi2.ppf(quantile, max(bins - 1, 1)) * (1 / max(rows, 1) + 1 / max(others, 1)))


def no_champion(why: str) -> Health:
    """The state of a task without a model that could score."""
    return Health("stale", why)


def judge_age(days_since_training: int, limits: Limits) -> Health:
    """The state of a champion of which nothing but its age is watched, as of a task with options."""
    if days_since_training > limits.stale_after_days:
        return Health("stale", f"no training for {days_since_training} days; {limits.stale_after_days} at most")
    return Health("fresh", "it was trained lately; nothing else is watched of a choice")


def judge_health(signs: Signs, limits: Limits) -> Health:
    """Say in which state a champion is: the worst that a sign says, with all signs of that state as the reason."""
    age = judge_age(signs.days_since_training, limits)
    if age.state == "stale":
        return age
    if signs.reference is None:
        return Health("watch", "this version kept nothing to compare with: train again")
    found = [
        *_shifts(signs, limits),
        *_estimates(signs.reference, signs, limits),
        *_outcomes(signs.reference, signs, limits),
        *_paces(signs, limits),
    ]
    for state in ("degraded", "watch"):
        reasons = [reason for says, reason in found if says == state]
        if reasons:
            return Health(state, "; ".join(reasons))
    return Health("fresh", "people and outcomes are like those that it was calibrated on")


def _shifts(signs: Signs, limits: Limits) -> Iterator[tuple[State, str]]:
    score, worst = signs.score, signs.worst_feature
    if score and score.excess > 0 and score.psi > limits.score_psi.watch:
        yield (
            _state(score.psi, limits.score_psi),
            f"scores are spread otherwise than when it was calibrated: PSI {score.psi:.2f}",
        )
    if worst and worst.excess > 0 and worst.psi > limits.feature_psi.watch:
        yield "watch", f"{worst.feature} moved: PSI {worst.psi:.2f}"


def _estimates(reference: Reference, signs: Signs, limits: Limits) -> Iterator[tuple[State, str]]:
    """An estimate has no interval of its own: where the scores are spread as before, it only says so."""
    now, then = signs.estimated, reference.estimated
    if now is None or signs.score is None or signs.score.psi <= signs.score.psi_by_chance:
        return
    lost = _lost(now.auc, then.auc)
    if lost > limits.auc_loss.watch:
        words = f"people are harder to tell apart: AUC {now.auc:.3f} by its own account, {then.auc:.3f} when it was calibrated"
        yield _state(lost, limits.auc_loss), words


def _outcomes(reference: Reference, signs: Signs, limits: Limits) -> Iterator[tuple[State, str]]:
    found = signs.realised
    if found is None or min(found.outcome_share, 1 - found.outcome_share) * found.rows < limits.fewest_matured:
        return
    if found.auc is not None and found.auc_high is not None and found.auc_high < reference.auc:
        lost = _lost(found.auc, reference.auc)
        if lost > limits.auc_loss.watch:
            words = f"it ranked worse than when it was judged: AUC {found.auc:.3f} after {reference.auc:.3f}"
            yield _state(lost, limits.auc_loss), words
    ratio = _ratio(found)
    if abs(found.surprise) > limits.surprise and ratio > limits.count_ratio.watch:
        words = f"{found.outcome_share:.1%} were a yes where {found.predicted_share:.1%} were announced"
        yield _state(ratio, limits.count_ratio), words


def _paces(signs: Signs, limits: Limits) -> Iterator[tuple[State, str]]:
    for pace in signs.paces:
        times = max(pace.ratio, 1 / pace.ratio) if pace.ratio else float("inf")
        if abs(pace.surprise) > limits.surprise and times > limits.pace_ratio.watch:
            words = f"{pace.what}: {pace.ratio:.2f} times as many a day in {pace.days} days as {pace.before}"
            yield _state(times, limits.pace_ratio) if pace.is_outcome else "watch", words


def _state(value: float, steps: Steps) -> State:
    return "degraded" if value > steps.degraded else "watch"


def _lost(auc: float, before: float) -> float:
    return (before - auc) / (before - 0.5) if before > 0.5 else 0.0


def _ratio(found: Realised) -> float:
    """By the class that is rarer among the announced: a tenth more of nearly everybody is no news."""
    said, was = found.predicted_share, found.outcome_share
    said, was = (said, was) if said <= 0.5 else (1 - said, 1 - was)
    return max(said, was) / max(min(said, was), 1 / found.rows)
