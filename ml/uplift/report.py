"""Whether ranking people by uplift earns more than mailing all of them, and who should be left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.uplift.cross_fit import CrossFitted, cross_fit
from ml.uplift.examples import Examples, Floats
from ml.uplift.holm import adjust
from ml.uplift.learners import LEARNERS, Learner
from ml.uplift.policy import value_policies
from ml.uplift.qini import Estimate, Uplift, bootstrap_qinis, compare, estimate, qini, uplift_at, uplift_by_tenth
from ml.uplift.segments import SegmentEffect, examine_segments

Verdict = Literal["target", "treat_all", "treat_none"]

CANDIDATES: tuple[Learner, ...] = ("t_learner", "dr_ridge")
ALPHA = 0.05
TOP_SHARE = 0.3
SMALL = 100_000  # rows
MINIMUM_UNITS = 200  # per arm
MINIMUM_BUYERS = 50  # per arm; a regression per arm of fewer says nothing


@dataclass(frozen=True)
class LearnerReport:
    """How one ranking did on people that it had not seen.

    Attributes:
        qini: Gain over random, outcomes per person (see `qini`).
        over_response_model: Qini less that of the response model.
        over_single_column: Qini less that of the single column; not part of the verdict, but a simpler rule that does as well.
        p_adjusted: Of a candidate: that it does not beat both random and the response model, by Holm over the candidates.
        tenths: Uplift by tenth of the ranking.
        top: Uplift among the first 30 %.
    """

    qini: Estimate
    over_response_model: Estimate
    over_single_column: Estimate
    p_adjusted: float | None
    tenths: list[Uplift]
    top: Uplift


@dataclass(frozen=True)
class UpliftReport:
    """What a randomised comparison says of whom to treat.

    Attributes:
        verdict: `target` the people of the best learner, `treat_all` or `treat_none`.
        reason: Why, in words.
        best: The learner to target by; null unless the verdict says so.
        average: Effect on everyone.
        learners: By name; empty where there was not enough data.
        policies: Outcomes per person less cost, by policy.
        segments: All segments with their effects.
        places: Place of each row by learner, for the picture.
        effects: Doubly robust effect per row, for the picture.
    """

    verdict: Verdict
    reason: str
    best: Learner | None
    average: Uplift
    learners: Mapping[Learner, LearnerReport]
    policies: Mapping[str, Estimate]
    segments: list[SegmentEffect]
    places: Mapping[Learner, Floats]
    effects: Floats

    @property
    def harmed(self) -> list[str]:
        """Segments that the treatment harms."""
        return [segment.name for segment in self.segments if segment.finding == "harmed"]

    @property
    def below_the_rest(self) -> list[str]:
        """Segments that gain nothing to be seen, and less than everyone else."""
        return [segment.name for segment in self.segments if segment.finding == "below_the_rest"]


def report_uplift(examples: Examples, *, seed: int, cost: float = 0.0, alpha: float = ALPHA) -> UpliftReport:
    """Rank by all learners, out of fold, and decide.

    Alpha is spent once over everything that the report may claim: two fifths on the learners, a fifth on "treat none", two
    fifths on segments. So a treatment without any effect gets another verdict than "treat all", or a named segment, with a
    chance of alpha at most.

    Args:
        examples: One arm and its baseline.
        seed: Of folds, ties and bootstrap.
        cost: Of one email, in outcomes.
        alpha: Chance of any false claim.
    """
    with threadpool_limits(1 if len(examples) < SMALL else None):  # threads of small matrices wait for each other
        return _report(examples, seed=seed, cost=cost, alpha=alpha)


def _report(examples: Examples, *, seed: int, cost: float, alpha: float) -> UpliftReport:
    average = compare(examples, np.ones(len(examples), dtype=np.bool_))
    segments = examine_segments(examples, alpha=2 * alpha / 5)
    if why := _lacks(average):
        reason = f"treat all: {why}{_say_segments(segments)}"
        return UpliftReport("treat_all", reason, None, average, {}, {}, segments, {}, np.empty(0))
    fitted = cross_fit(examples, seed=seed)
    learners = _report_learners(examples, fitted, seed=seed)
    best = _best(learners, alpha=2 * alpha / 5)
    policies = value_policies(fitted.outcomes, _policies(fitted, cost), cost=cost)
    verdict, reason = _decide(average, learners, policies, best=best, alpha=alpha / 5)
    return UpliftReport(
        verdict=verdict,
        reason=reason + _say_segments(segments),
        best=best,
        average=average,
        learners=learners,
        policies=policies,
        segments=segments,
        places=fitted.places,
        effects=fitted.outcomes.effect,
    )


def _lacks(average: Uplift) -> str | None:
    units = min(average.n_treated, average.n_held_out)
    buyers = min(
        round((average.mean_treated or 0.0) * average.n_treated),
        round((average.mean_held_out or 0.0) * average.n_held_out),
    )
    if units >= MINIMUM_UNITS and buyers >= MINIMUM_BUYERS:
        return None
    return (
        f"not enough data to tell people apart, the smaller arm has {units} people and the arms have at least {buyers} outcomes "
        f"each ({MINIMUM_UNITS} and {MINIMUM_BUYERS} are needed)"
    )


def _report_learners(examples: Examples, fitted: CrossFitted, *, seed: int) -> dict[Learner, LearnerReport]:
    effects = fitted.outcomes.effect
    places = np.column_stack([fitted.places[name] for name in LEARNERS])
    draws = bootstrap_qinis(effects, places, examples.customers, seed=seed)
    found = np.array([qini(effects, fitted.places[name]) for name in LEARNERS])
    column = {name: place for place, name in enumerate(LEARNERS)}
    gains = {name: estimate(found[place], draws[:, place]) for name, place in column.items()}

    def over(yardstick: Learner) -> dict[Learner, Estimate]:
        other = column[yardstick]
        return {
            name: estimate(found[place] - found[other], draws[:, place] - draws[:, other])
            for name, place in column.items()
        }

    over_response_model, over_single_column = over("response_model"), over("single_column")
    # Both must be beaten, so the larger p-value counts (Berger 1982, intersection-union test).
    p_values = [max(gains[name].p_value, over_response_model[name].p_value) for name in CANDIDATES]
    adjusted = dict(zip(CANDIDATES, adjust(p_values), strict=True))
    return {
        name: LearnerReport(
            qini=gains[name],
            over_response_model=over_response_model[name],
            over_single_column=over_single_column[name],
            p_adjusted=adjusted.get(name),
            tenths=uplift_by_tenth(examples, fitted.places[name]),
            top=uplift_at(examples, fitted.places[name], TOP_SHARE),
        )
        for name in LEARNERS
    }


def _best(learners: Mapping[Learner, LearnerReport], *, alpha: float) -> Learner | None:
    """The candidate that beats random and the response model most surely; null if none does."""
    proven = [name for name in CANDIDATES if (learners[name].p_adjusted or 0.0) < alpha]
    surest_last = sorted(proven, key=lambda name: learners[name].qini.low)
    return surest_last[-1] if surest_last else None


def _decide(
    average: Uplift,
    learners: Mapping[Learner, LearnerReport],
    policies: Mapping[str, Estimate],
    *,
    best: Learner | None,
    alpha: float,
) -> tuple[Verdict, str]:
    if best is not None:
        return "target", _say_target(best, learners[best], policies)
    nearest = min(CANDIDATES, key=lambda name: learners[name].p_adjusted or 0.0)
    found = learners[nearest]
    why = (
        f"no learner beats both chance and the response model; the nearest, {nearest}, has Qini {_show(found.qini)} and "
        f"{_show(found.over_response_model)} over the response model"
    )
    effect = f"the average effect is {average.uplift:+.4f} [{average.low:+.4f}, {average.high:+.4f}]"
    if average.p_harm is not None and average.p_harm < alpha:
        return "treat_none", f"treat none: {effect}, and {why}"
    return "treat_all", f"treat all: {why}; {effect}"


def _say_target(best: Learner, found: LearnerReport, policies: Mapping[str, Estimate]) -> str:
    simpler = "" if found.over_single_column.low > 0 else "; a single column ranks as well, as far as can be seen"
    everyone, chosen = policies["treat all"], policies[f"{best} above cost"]
    return (
        f"target by {best}: it ranks better than chance (Qini {_show(found.qini)}) and than who buys anyway "
        f"({_show(found.over_response_model)} over the response model){simpler}; those above cost give {chosen.value:.4f} "
        f"[{chosen.low:.4f}, {chosen.high:.4f}] per person, all {everyone.value:.4f} [{everyone.low:.4f}, {everyone.high:.4f}]"
    )


def _say_segments(segments: list[SegmentEffect]) -> str:
    harmed = ", ".join(segment.name for segment in segments if segment.finding == "harmed")
    below = ", ".join(segment.name for segment in segments if segment.finding == "below_the_rest")
    first = f"; leave out {harmed}: the email harms them" if harmed else ""
    return first + (
        f"; if fewer can be mailed, {below} goes first: no gain is seen there, and less than elsewhere" if below else ""
    )


def _show(found: Estimate) -> str:
    return f"{found.value:+.5f} [{found.low:+.5f}, {found.high:+.5f}]"


def _policies(fitted: CrossFitted, cost: float) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    size = len(fitted.outcomes.treated)
    policies = {"treat all": np.ones(size, dtype=np.bool_), "treat none": np.zeros(size, dtype=np.bool_)}
    for name in CANDIDATES:
        policies[f"{name} above cost"] = fitted.scores[name] > cost
    for name in LEARNERS:
        policies[f"{name} first {TOP_SHARE:.0%}"] = fitted.places[name] < TOP_SHARE
    return policies
