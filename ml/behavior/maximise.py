"""Maximum likelihood over log-parameters, and whether the maximum may be used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.behavior.histories import Floats

MeanLikelihood = Callable[[Floats], tuple[float, Floats]]

BOX = 10.0  # log-parameters stay within a factor of e^10 = 22,000 of the first start: beyond is a limit, not a value
GAP = 1e-6  # log-likelihood that Newton's next step would still gain; a fit further from its maximum is refused
LOOSEST = (
    3.0  # standard error of a log-parameter: beyond a factor of e^3 = 20 either way the data do not say what it is
)
STEP = 1e-4  # of the gradient's differences
ALIKE = 1e-3  # log-likelihood by which starts may differ and still agree


@dataclass(frozen=True)
class Convergence:
    """How a fit ended.

    Attributes:
        converged: Whether the parameters are a maximum inside the box that the data bind; otherwise they may not be used.
        why_not: In words; empty if converged.
        log_likelihood: At the best point found; null if nothing was fitted.
        gradient_norm: Largest absolute derivative of the mean log-likelihood by a log-parameter; null likewise.
        iterations: Of all starts.
        starts: How many were tried.
        agreeing_starts: How many ended within .001 of the best log-likelihood.
        standard_errors: Of the log-parameters, from the curvature; empty where there is no maximum.
    """

    converged: bool
    why_not: str = ""
    log_likelihood: float | None = None
    gradient_norm: float | None = None
    iterations: int = 0
    starts: int = 0
    agreeing_starts: int = 0
    standard_errors: tuple[float, ...] = ()


def refuse(why_not: str) -> Convergence:
    """Report that nothing was fitted."""
    return Convergence(converged=False, why_not=why_not)


def maximise(
    likelihood: MeanLikelihood, starts: Sequence[Floats], *, names: Sequence[str], customers: float
) -> tuple[Floats | None, Convergence]:
    """Find the parameters of the highest likelihood.

    L-BFGS-B runs from every start; the best end is kept if it lies inside the box, Newton's step from it would gain nothing,
    the curvature is that of a maximum, and every parameter is bound by the data.

    Args:
        likelihood: Mean log-likelihood per customer and its gradient, both by log-parameter.
        starts: Log-parameters; the box is centred on the first.
        names: Of the parameters, for the report.
        customers: How many the mean is over.

    Returns:
        The parameters (not their logarithms), null unless converged, and the report.
    """
    limits = [(centre - BOX, centre + BOX) for centre in starts[0]]
    with threadpool_limits(1):  # BLAS threads wait for each other over matrices of four rows: 3.9 s of CPU were 0.3
        ends = [_climb(likelihood, start, limits) for start in starts]
    best = min(ends, key=lambda end: float(end.fun) if np.isfinite(end.fun) else np.inf)
    value, gradient = likelihood(best.x)
    why_not, errors = _judge(likelihood, best.x, gradient, limits=limits, names=names, customers=customers)
    report = Convergence(
        converged=not why_not,
        why_not=why_not,
        log_likelihood=value * customers if np.isfinite(value) else None,
        gradient_norm=float(np.abs(gradient).max()),
        iterations=sum(int(end.nit) for end in ends),
        starts=len(ends),
        agreeing_starts=sum(bool((end.fun - best.fun) * customers < ALIKE) for end in ends),
        standard_errors=errors,
    )
    return (np.exp(best.x) if report.converged else None), report


def numeric_gradient(value: Callable[[Floats], float]) -> MeanLikelihood:
    """Add the gradient by central differences; for a likelihood whose derivatives have no closed form."""

    def with_gradient(logs: Floats) -> tuple[float, Floats]:
        steps = np.eye(len(logs)) * 1e-5
        slopes = [(value(logs + step) - value(logs - step)) / 2e-5 for step in steps]
        return value(logs), np.array(slopes)

    return with_gradient


def _climb(likelihood: MeanLikelihood, start: Floats, limits: Sequence[tuple[float, float]]) -> Any:
    def descend(logs: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(logs)
        return -value, -gradient

    low, high = np.array(limits).T
    return optimize.minimize(
        descend,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        options={"maxiter": 500, "maxfun": 1000, "ftol": 1e-14, "gtol": 1e-9},
    )


def _judge(
    likelihood: MeanLikelihood,
    logs: Floats,
    gradient: Floats,
    *,
    limits: Sequence[tuple[float, float]],
    names: Sequence[str],
    customers: float,
) -> tuple[str, tuple[float, ...]]:
    """Why the point may not be used (empty: it may), and the standard errors of its log-parameters."""
    if not (np.isfinite(logs).all() and np.isfinite(gradient).all()):
        return "the likelihood is not finite", ()
    edges = [name for name, log, (low, high) in zip(names, logs, limits, strict=True) if not low < log < high]
    if edges:
        return f"{' and '.join(edges)} ran to the edge: the likelihood has no maximum inside", ()
    curvature = -_hessian(likelihood, logs) * customers
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature)[0] <= 0:
        return "the likelihood is flat or rising: no maximum", ()
    covariance = np.linalg.inv(curvature)
    errors = tuple(float(error) for error in np.sqrt(np.diag(covariance)))
    slope = gradient * customers
    gap = float(slope @ covariance @ slope) / 2
    if gap > GAP:
        return f"stopped {gap:.2g} below the maximum", errors
    loose = [name for name, error in zip(names, errors, strict=True) if error > LOOSEST]
    if loose:
        return f"the data do not bind {' and '.join(loose)}", errors
    return "", errors


def _hessian(likelihood: MeanLikelihood, logs: Floats) -> Floats:
    """Second derivatives of the mean log-likelihood, by central differences of the gradient."""
    rows = [(likelihood(logs + step)[1] - likelihood(logs - step)[1]) / (2 * STEP) for step in np.eye(len(logs)) * STEP]
    square = np.array(rows)
    symmetric: Floats = (square + square.T) / 2
    return symmetric
