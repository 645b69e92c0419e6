"""Train the churn model: climb the ladder, calibrate, and evaluate once, out of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.propensity.evaluate import Curves, Evaluation, evaluate, trace_curves
from ml.propensity.frames import RECENCY, Examples, Floats, feature_names, fingerprint, take_slice
from ml.propensity.gate import Decision, beats
from ml.propensity.ladder import NEVER, RUNGS, Calibration, Rung, calibrate, fit_rung, score_raw
from ml.propensity.model import ChurnModel

__all__ = ["NotEnoughHistory", "TrainedChurn", "train_churn"]

Slice = Literal["train", "calibrate", "test"]

FEWEST_OF_A_CLASS: Mapping[Slice, int] = {"train": 30, "calibrate": 20, "test": 20}


class NotEnoughHistory(Exception):
    """There is too little to train on; the caller falls back to the recency rule."""


@dataclass(frozen=True)
class TrainedChurn:
    """A model and what is known of it.

    Attributes:
        model: Calibrated; ready to score.
        rung: The rung of the ladder that it stands on.
        calibration: How it was calibrated.
        climb: The decision on each rung above the recency rule, on the calibrate slice.
        evaluation: On the test slice.
        recency_rule: The recency rule on the same rows: its probabilities are the calibrated rule's, its ranks the days.
        curves: On the test slice.
        test: The test slice, for the comparison with a champion.
        row_counts: Rows per slice.
        cutoffs: First and last cut-off of all slices.
        horizon_days: Days in which churn is looked for.
        data_fingerprint: Of the examples of all slices.
        seed: Of everything random.
    """

    model: ChurnModel
    rung: Rung
    calibration: Calibration
    climb: Mapping[Rung, Decision]
    evaluation: Evaluation
    recency_rule: Evaluation
    curves: Curves
    test: Examples
    row_counts: Mapping[Slice, int]
    cutoffs: tuple[date, date]
    horizon_days: int
    data_fingerprint: str
    seed: int


def train_churn(examples: pa.Table, *, seed: int) -> TrainedChurn:
    """Train on the train slice, choose and calibrate on the calibrate slice, evaluate on the test slice.

    Args:
        examples: `marts.churn_training_set`: cutoff, slice (train, calibrate, test; later cut-offs in later slices),
            horizon_days, customer_id, churned, and features: every numeric or boolean column, nulls allowed.
        seed: Of the bootstraps and the boosting.

    Raises:
        NotEnoughHistory: A slice is missing, or has too few customers who churned or stayed.
        ValueError: days_since_last_order is not among the features.
    """
    _require_history(examples)
    names = feature_names(examples)
    train, held_out, test = (take_slice(examples, name, names) for name in FEWEST_OF_A_CLASS)
    fitted = {rung: fit_rung(rung, train, seed=seed) for rung in RUNGS}
    raw = {rung: score_raw(estimator, held_out) for rung, estimator in fitted.items()}
    rung, climb = _climb({**raw, "recency_rule": _days(held_out)}, held_out, seed=seed)
    estimator, calibration = calibrate(fitted[rung], held_out)
    model = ChurnModel(estimator, names)
    rule = ChurnModel(calibrate(fitted["recency_rule"], held_out)[0], names)
    chances = model.predict(test.features)
    bounds = pc.min_max(examples["cutoff"].cast(pa.date32())).as_py()
    return TrainedChurn(
        model=model,
        rung=rung,
        calibration=calibration,
        climb=climb,
        evaluation=evaluate(test.churned, chances, customers=test.customers, seed=seed),
        recency_rule=evaluate(
            test.churned, rule.predict(test.features), customers=test.customers, seed=seed, ranks=_days(test)
        ),
        curves=trace_curves(test.churned, chances),
        test=test,
        row_counts={"train": len(train), "calibrate": len(held_out), "test": len(test)},
        cutoffs=(bounds["min"], bounds["max"]),
        horizon_days=examples["horizon_days"][0].as_py(),
        data_fingerprint=fingerprint((train, held_out, test)),
        seed=seed,
    )


def _require_history(examples: pa.Table) -> None:
    """Refuse slices that a model cannot be fitted to or judged by."""
    counts = examples.group_by(["slice", "churned"]).aggregate([([], "count_all")]).to_pylist()
    found = {(row["slice"], bool(row["churned"])): row["count_all"] for row in counts}
    for name, fewest in FEWEST_OF_A_CLASS.items():
        churned, stayed = found.get((name, True), 0), found.get((name, False), 0)
        if min(churned, stayed) < fewest:
            raise NotEnoughHistory(
                f"slice {name}: {churned} churned and {stayed} stayed; at least {fewest} of each are needed"
            )


def _climb(scores: Mapping[Rung, Floats], examples: Examples, *, seed: int) -> tuple[Rung, dict[Rung, Decision]]:
    """Take the simplest rung that no higher rung beats by a paired bootstrap."""
    standing, climb = RUNGS[0], dict[Rung, Decision]()
    for rung in RUNGS[1:]:
        climb[rung] = beats(
            scores[rung], scores[standing], churned=examples.churned, customers=examples.customers, seed=seed
        )
        standing = rung if climb[rung].is_better else standing
    return standing, climb


def _days(examples: Examples) -> Floats:
    days: Floats = np.nan_to_num(examples.features[RECENCY].to_numpy(), nan=NEVER)
    return days
