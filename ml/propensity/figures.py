"""The three pictures of a churn model: ROC, calibration, lift by decile."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.propensity.train import TrainedChurn

SIZE = (5.0, 4.0)  # inches


def draw_figures(trained: TrainedChurn) -> Mapping[str, Figure]:
    """Draw the curves of the test slice; by file name. No display is touched."""
    return {
        "roc.png": _draw_roc(trained),
        "calibration.png": _draw_calibration(trained),
        "lift_by_decile.png": _draw_lift(trained),
    }


def _draw_roc(trained: TrainedChurn) -> Figure:
    figure, axes = _frame("ROC, out of time", "share of those who stayed", "share of those who churned")
    curves, found, rule = trained.curves, trained.evaluation, trained.recency_rule
    label = f"{trained.rung}: AUC {found.auc:.3f} [{found.auc_low:.3f}, {found.auc_high:.3f}]"
    axes.plot(curves.false_positive_rate, curves.true_positive_rate, label=label)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label=f"chance (recency rule: AUC {rule.auc:.3f})")
    axes.legend(loc="lower right", fontsize=7)
    return figure


def _draw_calibration(trained: TrainedChurn) -> Figure:
    figure, axes = _frame("Calibration by tenth, out of time", "predicted", "observed")
    label = f"expected calibration error {trained.evaluation.calibration_error:.3f}"
    axes.plot(trained.curves.predicted, trained.curves.observed, marker="o", label=label)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.legend(loc="upper left", fontsize=7)
    return figure


def _draw_lift(trained: TrainedChurn) -> Figure:
    figure, axes = _frame(
        "Lift by decile, out of time", "tenth of the customers, most likely to churn first", "times the mean"
    )
    lifts = trained.curves.decile_lift
    axes.bar(np.arange(1, len(lifts) + 1), lifts)
    axes.axhline(1.0, linestyle=":", color="grey")
    return figure


def _frame(title: str, horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    """Make a figure without pyplot, so that no global state and no back end is involved."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=horizontal, ylabel=vertical)
    return figure, axes
