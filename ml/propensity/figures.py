"""The pictures of a training, all rungs in each: ROC, precision and recall, calibration, gain, lift by decile."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.propensity.frames import Floats
from ml.propensity.train import Trained

SIZE = (5.0, 4.0)  # inches
DOTS = 90  # per inch
AXES = (0.13, 0.13, 0.84, 0.78)  # left, bottom, width, height; laying out by what is drawn takes twice as long


def draw_figures(trained: Trained) -> Mapping[str, Figure]:
    """Draw the curves of the test slice; by file name. No display is touched."""
    return {
        "roc.png": _draw_roc(trained),
        "precision_recall.png": _draw_precision_recall(trained),
        "calibration.png": _draw_calibration(trained),
        "gain.png": _draw_gain(trained),
        "lift_by_decile.png": _draw_lift(trained),
    }


def _draw_roc(trained: Trained) -> Figure:
    figure, axes = _frame("ROC, out of time", "share of those with no", "share of those with yes")
    for rung, found in trained.rungs.items():
        label = f"AUC {found.evaluation.auc:.3f} [{found.evaluation.auc_low:.3f}, {found.evaluation.auc_high:.3f}]"
        _line(axes, trained, rung, found.curves.false_positive_rate, found.curves.true_positive_rate, label)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
    axes.legend(loc="lower right", fontsize=7)
    return figure


def _draw_precision_recall(trained: Trained) -> Figure:
    figure, axes = _frame("Precision and recall, out of time", "recall", "precision")
    for rung, found in trained.rungs.items():
        label = f"average precision {found.evaluation.average_precision:.3f}"
        _line(axes, trained, rung, found.curves.recall, found.curves.precision, label)
    axes.axhline(trained.test.outcome.mean(), linestyle=":", color="grey", label="chance")
    axes.legend(loc="best", fontsize=7)
    return figure


def _draw_calibration(trained: Trained) -> Figure:
    figure, axes = _frame("Calibration by tenth, out of time", "predicted", "observed")
    for rung, found in trained.rungs.items():
        label = f"expected calibration error {found.evaluation.calibration_error:.3f}"
        _line(axes, trained, rung, found.curves.predicted, found.curves.observed, label)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.legend(loc="upper left", fontsize=7)
    return figure


def _draw_gain(trained: Trained) -> Figure:
    figure, axes = _frame("Gain, out of time", "share of all, likeliest first", "share of those with yes")
    for rung, found in trained.rungs.items():
        shares = np.linspace(0, 1, len(found.curves.gain) + 1)
        _line(axes, trained, rung, shares, np.append(0.0, found.curves.gain), "")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
    axes.legend(loc="lower right", fontsize=7)
    return figure


def _draw_lift(trained: Trained) -> Figure:
    figure, axes = _frame("Lift by decile, out of time", "tenth, likeliest first", "times the mean")
    for rung, found in trained.rungs.items():
        lifts = found.curves.decile_lift
        _line(axes, trained, rung, np.arange(1.0, len(lifts) + 1), lifts, f"first tenth {lifts[0]:.2f}")
    axes.axhline(1.0, linestyle=":", color="grey")
    axes.legend(loc="upper right", fontsize=7)
    return figure


def _line(axes: Axes, trained: Trained, rung: str, across: Floats, up: Floats, words: str) -> None:
    """The rung that the model stands on is drawn thick."""
    label = f"{rung.replace('_', ' ')}{': ' if words else ''}{words}"
    axes.plot(across, up, linewidth=2.2 if rung == trained.rung else 1.0, label=label)


def _frame(title: str, horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    """Make a figure without pyplot, so that no global state and no back end is involved."""
    figure = Figure(figsize=SIZE, dpi=DOTS)
    axes = figure.add_axes(AXES)
    axes.set(title=title, xlabel=horizontal, ylabel=vertical)
    return figure, axes
