"""Train a task's model: climb the ladder, calibrate, evaluate once, out of time, and make the same again of fresher slices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.propensity.canaries import Canaries, watch
from ml.propensity.choices import HitRate, measure_hit_rates
from ml.propensity.confidence import measure_confidence
from ml.propensity.evaluate import Curves, Evaluation, GroupEvaluation, evaluate, evaluate_groups, trace_curves
from ml.propensity.frames import Examples, Floats, Ints, feature_names, fingerprint, take_slice
from ml.propensity.gate import Decision, Scored, beats, expected_profit
from ml.propensity.importances import measure_importances
from ml.propensity.ladder import Calibration, calibrate, calibrate_scores, fit_rung, rank_rows, rungs_of, score_raw
from ml.propensity.model import PropensityModel, clip
from ml.propensity.reference import Reference, describe_reference
from ml.propensity.reference import Scored as ReferenceRows
from ml.propensity.task import Rung, Slice, Task

__all__ = ["NotEnoughHistory", "RungResult", "Trained", "train_task"]

SLICES: tuple[Slice, ...] = ("train", "calibrate", "test")
FOLDS = (
    2  # of the calibrate slice, so that no probability that rungs are compared by was calibrated by its own customer
)


class NotEnoughHistory(Exception):
    """There is too little to train on; the caller falls back to the task's rule."""


@dataclass(frozen=True)
class RungResult:
    """One rung, calibrated on the calibrate slice and evaluated on the test slice.

    Attributes:
        evaluation: On the test slice; a rule is ranked by its column, not by its probability.
        curves: The same.
        profit: Money per row of the test slice, where the task says what a contact gains and costs.
    """

    evaluation: Evaluation
    curves: Curves
    profit: float | None


@dataclass(frozen=True)
class Balance:
    """Rows of one cut-off, and the share of them whose outcome is yes."""

    cutoff: date
    slice: Slice
    rows: int
    outcome_share: float


@dataclass(frozen=True)
class Trained:
    """A model and what is known of it.

    Attributes:
        task: What it answers.
        judged: The model that all figures are about: trained on train, calibrated on calibrate. A comparison takes this one.
        model: The one that scores: the same rung, trained on train and calibrate, calibrated on test. One spacing fresher.
        rung: The rung of the ladder that it stands on.
        calibration: How it was calibrated.
        rungs: Every rung that was fitted.
        climb: The decision on each rung above the rule, on the calibrate slice.
        groups: The model on each segment and value tier of the test slice.
        importances: Mean loss of average precision on the test slice when a feature is shuffled, highest first.
        hit_rates: How often the first-ranked option was chosen, by rung and by popularity; empty where the task has no options.
        canaries: Whether something leaks.
        balance: Class balance by cut-off.
        abstained_share: Share of the test slice on which the model would abstain.
        test: The test slice, for the comparison with a champion.
        reference: What the model that scores was calibrated on, for whoever asks later whether people are still like that.
        row_counts: Rows per slice.
        horizon_days: Days in which the outcome was looked for.
        data_fingerprint: Of the examples of all slices.
        seed: Of everything random.
    """

    task: Task
    judged: PropensityModel
    model: PropensityModel
    rung: Rung
    calibration: Calibration
    rungs: Mapping[Rung, RungResult]
    climb: Mapping[Rung, Decision]
    groups: Mapping[str, GroupEvaluation]
    importances: Mapping[str, float]
    hit_rates: Mapping[str, HitRate]
    canaries: Canaries
    balance: tuple[Balance, ...]
    abstained_share: float
    test: Examples
    reference: Reference
    row_counts: Mapping[Slice, int]
    horizon_days: int
    data_fingerprint: str
    seed: int

    @property
    def evaluation(self) -> Evaluation:
        """Of the rung that it stands on."""
        return self.rungs[self.rung].evaluation


def train_task(task: Task, examples: pa.Table, *, seed: int) -> Trained:
    """Train on the train slice, choose and calibrate on the calibrate slice, evaluate on the test slice.

    Then the chosen rung is trained on train and calibrate, and calibrated on test: who scores a spacing later with what was known
    a spacing earlier is off by what the shop changed meanwhile (docs/decisions/0027).

    Args:
        task: What to predict.
        examples: cutoff, slice (train, calibrate, test; later cut-offs in later slices), horizon_days, customer_id, outcome, and
            features: every numeric or boolean column, nulls allowed; rfm_segment and value_tier to report by, where they are there.
        seed: Of the bootstraps, the boosting and the canaries.

    Raises:
        NotEnoughHistory: A slice is missing, or has too few rows of a class.
        ValueError: The column of the rule is not among the features.
    """
    _require_history(task, examples)
    names = feature_names(task, examples)
    train, held_out, test = (take_slice(examples, name, names) for name in SLICES)
    fitted = {rung: fit_rung(rung, task, train, seed=seed) for rung in rungs_of(task, train)}
    raw = {rung: score_raw(estimator, held_out) for rung, estimator in fitted.items()}
    rung, climb = _climb(task, raw, held_out, seed=seed)
    judged, calibration = _calibrated(fitted[rung], held_out)
    fresh, _ = _calibrated(fit_rung(rung, task, train.append(held_out), seed=seed), test)
    chances = judged.predict(test.features)
    others = {
        name: clip(calibrate_scores(raw[name], held_out.outcome, score_raw(fitted[name], test)))
        for name in fitted
        if name != rung
    }
    rungs = {name: _judge(task, name, {**others, rung: chances}[name], test, seed=seed) for name in fitted}
    horizon_days, balance = examples["horizon_days"][0].as_py(), tuple(_balance(examples))
    return Trained(
        task=task,
        judged=judged,
        model=fresh,
        rung=rung,
        calibration=calibration,
        rungs=rungs,
        climb=climb,
        groups=evaluate_groups(test, chances),
        importances=measure_importances(judged, test, seed=seed),
        hit_rates=_hit_rates(task, fitted, test, seed=seed),
        canaries=watch(task, train, test, seed=seed),
        balance=balance,
        abstained_share=float(np.mean(judged.confidence.at(chances) < task.abstain_below)),
        test=test,
        reference=describe_reference(
            *(ReferenceRows(rows.features, fresh.predict(rows.features)) for rows in (test, held_out)),
            cutoff=balance[-1].cutoff,
            days_apart=_days_apart(balance),
            horizon_days=horizon_days,
            auc=rungs[rung].evaluation.auc,
        ),
        row_counts={"train": len(train), "calibrate": len(held_out), "test": len(test)},
        horizon_days=horizon_days,
        data_fingerprint=fingerprint((train, held_out, test)),
        seed=seed,
    )


def _require_history(task: Task, examples: pa.Table) -> None:
    """Refuse slices that a model cannot be fitted to or judged by."""
    counts = examples.group_by(["slice", "outcome"]).aggregate([([], "count_all")]).to_pylist()
    found = {(row["slice"], bool(row["outcome"])): row["count_all"] for row in counts}
    for name in SLICES:
        yes, no = found.get((name, True), 0), found.get((name, False), 0)
        if min(yes, no) < task.fewest[name]:
            raise NotEnoughHistory(
                f"slice {name}: {yes} yes and {no} no; at least {task.fewest[name]} of each are needed"
            )


def _climb(
    task: Task, raw: Mapping[Rung, Floats], held_out: Examples, *, seed: int
) -> tuple[Rung, dict[Rung, Decision]]:
    """Take the simplest rung that no higher rung beats by a paired bootstrap."""
    folds = _folds(held_out.customers, seed=seed)
    scored = {
        rung: Scored(_cross_calibrate(chances, held_out.outcome, folds), rank_rows(rung, task, chances, held_out))
        for rung, chances in raw.items()
    }
    standing, climb = next(iter(raw)), dict[Rung, Decision]()
    for rung in [name for name in raw if name != standing]:
        climb[rung] = beats(
            scored[rung], scored[standing],
            task=task, outcome=held_out.outcome, customers=held_out.customers, seed=seed,
        )  # fmt: skip
        standing = rung if climb[rung].is_better else standing
    return standing, climb


def _calibrated(estimator: Any, later: Examples) -> tuple[PropensityModel, Calibration]:
    """A model of an estimator and rows that are later than all that it was fitted to."""
    calibrated, calibration = calibrate(estimator, later)
    confidence = measure_confidence(clip(score_raw(calibrated, later)), later.outcome)
    return PropensityModel(calibrated, tuple(later.features.columns), confidence), calibration


def _folds(customers: Ints, *, seed: int) -> Ints:
    """Put each customer, with all its rows, into one fold."""
    names, member = np.unique(customers, return_inverse=True)
    fold_of = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    folds: Ints = fold_of[member].astype(np.int64)
    return folds


def _cross_calibrate(raw: Floats, outcome: Ints, folds: Ints) -> Floats:
    chances = np.empty(len(raw))
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        chances[inside] = calibrate_scores(raw[outside], outcome[outside], raw[inside])
    return clip(chances)


def _judge(task: Task, rung: Rung, chances: Floats, test: Examples, *, seed: int) -> RungResult:
    ranks = rank_rows(rung, task, chances, test)
    return RungResult(
        evaluation=evaluate(test.outcome, chances, customers=test.customers, seed=seed, ranks=ranks),
        curves=trace_curves(test.outcome, chances, ranks=ranks),
        profit=expected_profit(task.profit, chances, test.outcome)(np.ones(len(test))) if task.profit else None,
    )


def _hit_rates(task: Task, fitted: Mapping[Rung, Any], test: Examples, *, seed: int) -> Mapping[str, HitRate]:
    """Of each rung's own ranks: calibration is one map for all options and changes none, but for ties."""
    if task.options is None:
        return {}
    ranks: dict[str, Floats] = {
        rung: rank_rows(rung, task, score_raw(estimator, test), test) for rung, estimator in fitted.items()
    }
    return measure_hit_rates(test, ranks, seed=seed)


def _balance(examples: pa.Table) -> Iterator[Balance]:
    as_number = examples.append_column("yes", examples["outcome"].cast(pa.int8()))
    counts = as_number.group_by(["cutoff", "slice"]).aggregate([("yes", "count"), ("yes", "mean")])
    dated = counts.set_column(counts.column_names.index("cutoff"), "cutoff", pc.cast(counts["cutoff"], pa.date32()))
    for row in dated.sort_by("cutoff").to_pylist():
        yield Balance(row["cutoff"], row["slice"], row["yes_count"], row["yes_mean"])


def _days_apart(balance: Sequence[Balance]) -> float:
    """Days from the calibrate slice, on average, to the test slice."""
    earlier = [(balance[-1].cutoff - row.cutoff).days for row in balance if row.slice == "calibrate"]
    return sum(earlier) / len(earlier)
