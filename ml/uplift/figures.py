"""The picture of an uplift report: uplift by tenth, and what each ranking gains."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.uplift.learners import Learner
from ml.uplift.report import CANDIDATES, UpliftReport

SIZE = (9.0, 3.6)  # inches


def draw_report(report: UpliftReport) -> Figure:
    """Draw the best candidate's uplift by tenth beside the gain curves of all rankings; no display is touched.

    Raises:
        ValueError: The report has no learners: there was not enough data.
    """
    if not report.learners:
        raise ValueError("no learner was fitted: there is nothing to draw")
    figure = Figure(figsize=SIZE, layout="constrained")
    tenths, gains = figure.subplots(1, 2)
    _draw_tenths(tenths, report)
    _draw_gains(gains, report)
    return figure


def _draw_tenths(axes: Axes, report: UpliftReport) -> None:
    name = report.best or _first(report)
    axes.set(
        title=f"Uplift by tenth of {name}", xlabel="tenth, ranked first to last", ylabel="outcomes per person mailed"
    )
    for number, found in enumerate(report.learners[name].tenths, start=1):
        if found.uplift is not None and found.low is not None and found.high is not None:
            axes.errorbar(
                number,
                found.uplift,
                [[found.uplift - found.low], [found.high - found.uplift]],
                fmt="o",
                color="C0",
                capsize=3,
            )
    axes.axhline(0.0, linestyle=":", color="grey")
    axes.axhline(report.average.uplift or 0.0, linestyle="--", color="grey", linewidth=0.8, label="everyone")
    axes.legend(fontsize=7)


def _first(report: UpliftReport) -> Learner:
    return max(CANDIDATES, key=lambda name: report.learners[name].qini.value)


def _draw_gains(axes: Axes, report: UpliftReport) -> None:
    axes.set(title="Gain of each ranking", xlabel="share mailed", ylabel="outcomes per person of all")
    size = len(report.effects)
    shares = np.arange(1, size + 1) / size
    for name, places in report.places.items():
        gained = np.cumsum(report.effects[np.argsort(places, kind="stable")]) / size
        axes.plot(
            shares,
            gained,
            linewidth=1.0,
            label=f"{name}: Qini {1000 * report.learners[name].qini.value:+.2f} per 1,000",
        )
    axes.plot([0, 1], [0, report.effects.mean()], linestyle=":", color="grey", label="random")
    axes.legend(fontsize=7)
