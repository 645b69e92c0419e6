"""Whether a share of one week differs from those of the weeks before by more than chance, and more than weeks differ anyway."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


class Share(NamedTuple):
    """Counts of a share in the week, shape (n,), and in the k weeks before, shape (n, k)."""

    part: Floats
    whole: Floats
    parts_before: Floats
    wholes_before: Floats

    @property
    def now(self) -> Floats:
        """The share in the week."""
        return self.part / self.whole

    @property
    def before(self) -> Floats:
        """The share in the weeks before, taken together."""
        shares: Floats = self.parts_before.sum(axis=1) / self.wholes_before.sum(axis=1)
        return shares


class Drift(NamedTuple):
    """A change of a share with its variance by chance and by weeks that differ, shape (n,) each."""

    change: Floats
    by_chance: Floats
    by_weeks: Floats


def rise(part: Floats, whole: Floats, parts_before: Floats, wholes_before: Floats) -> Floats:
    """One-sided p-values of a rise; see `fall`."""
    exact = stats.hypergeom.sf(part - 1, whole + wholes_before.sum(axis=1), part + parts_before.sum(axis=1), whole)
    return np.maximum(exact, _by_weeks(drift(part, whole, parts_before, wholes_before)))


def fall(part: Floats, whole: Floats, parts_before: Floats, wholes_before: Floats) -> Floats:
    """One-sided p-values of a fall: the larger of two.

    Fisher's exact test holds for few and rare events. It takes all weeks before for one, and content, season and luck make weeks
    differ by more than chance; the second test adds that variance, as estimated from the weeks before (DerSimonian & Laird 1986),
    with Satterthwaite's degrees of freedom, since so few weeks say little of it.

    Args:
        part: Events of the week, shape (n,).
        whole: Trials of the week, at least 1.
        parts_before: Events of the weeks before, shape (n, k).
        wholes_before: Their trials, at least 1 each.
    """
    exact = stats.hypergeom.cdf(part, whole + wholes_before.sum(axis=1), part + parts_before.sum(axis=1), whole)
    change = drift(part, whole, parts_before, wholes_before)
    return np.maximum(exact, _by_weeks(change._replace(change=-change.change)))


def fall_beyond(here: Share, elsewhere: Share) -> Floats:
    """One-sided p-values that a share fell here by more than it did elsewhere (difference in differences)."""
    one, other = (
        drift(counts.part, counts.whole, counts.parts_before, counts.wholes_before) for counts in (here, elsewhere)
    )
    both = Drift(other.change - one.change, one.by_chance + other.by_chance, one.by_weeks + other.by_weeks)
    return _by_weeks(both, len(here.parts_before[0]))


def drift(part: Floats, whole: Floats, parts_before: Floats, wholes_before: Floats) -> Drift:
    """How far the share of the week lies from that of the weeks before."""
    trials = wholes_before.sum(axis=1)
    before = parts_before.sum(axis=1) / trials
    together = (part + parts_before.sum(axis=1)) / (whole + trials)
    by_chance = together * (1 - together) * (1 / whole + 1 / trials)
    spread = _variance_of_weeks(parts_before, wholes_before, before)
    by_weeks = spread * (1 + (wholes_before**2).sum(axis=1) / trials**2)
    return Drift(part / whole - before, by_chance, by_weeks)


def _variance_of_weeks(parts: Floats, wholes: Floats, pooled: Floats) -> Floats:
    """Variance of the true shares of the weeks, beyond that of counting; 0 where counting explains all."""
    unit = pooled * (1 - pooled)
    varied = unit > 0
    weights = wholes / np.where(varied, unit, 1)[:, None]
    excess = (weights * (parts / wholes - pooled[:, None]) ** 2).sum(axis=1) - (wholes.shape[1] - 1)
    scale = weights.sum(axis=1) - (weights**2).sum(axis=1) / weights.sum(axis=1)
    return np.where(varied, np.maximum(excess, 0) / scale, 0.0)


def _by_weeks(drift: Drift, weeks: int = 4) -> Floats:
    """P-value of a change upwards."""
    variance = drift.by_chance + drift.by_weeks
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(drift.by_weeks > 0, (weeks - 1) * (variance / drift.by_weeks) ** 2, np.inf)
        deviate = np.where(variance > 0, drift.change / np.sqrt(variance), 0.0)
    p_values: Floats = np.where(
        np.isinf(freedom), stats.norm.sf(deviate), stats.t.sf(deviate, np.where(np.isinf(freedom), 1, freedom))
    )
    return p_values
