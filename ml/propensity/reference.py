"""What a model was calibrated on, kept with it: how each feature and its scores were spread, for whoever compares a later day."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.propensity.estimate import Estimate, estimate
from ml.propensity.frames import Floats
from ml.propensity.score import DECIMALS

PLACES = (
    100  # values at which a spread is kept; two spreads that agree at them differ by a hundredth of the rows at most
)
BINS = 10
SCORE = "score"  # as the name of the scores among the features


@dataclass(frozen=True)
class Spread:
    """How one column was spread over the rows of the reference.

    Attributes:
        values: Rising; all that occurred, or those of about a hundred quantiles.
        at_most: Rows with such a value or less, for each.
        bins: Number of the bin of each value, from 0; a bin holds about a tenth of the rows, or one value that more have.
        unknown: Rows without a value.
        moved: PSI between the rows of the slice before and these: what the shop moves by itself in so many days.
    """

    values: tuple[float, ...]
    at_most: tuple[int, ...]
    bins: tuple[int, ...]
    unknown: int
    moved: float = 0.0

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.at_most[-1] if self.at_most else 0


@dataclass(frozen=True)
class Reference:
    """The rows that a model was calibrated on.

    Attributes:
        rows: How many.
        cutoff: Day as of which they were described.
        days_apart: Days between the slice before and them.
        horizon_days: Days in which the outcome was looked for.
        spreads: By feature, and of the scores.
        estimated: What the scores say of themselves, as they will be asked to say of a later day.
        auc: What was measured of the judged model, out of time.
    """

    rows: int
    cutoff: date
    days_apart: float
    horizon_days: int
    spreads: Mapping[str, Spread]
    estimated: Estimate
    auc: float

    def psi_by_nature(self, name: str, day: date) -> float:
        """PSI of a column on a later day if the shop moves on as it did before: a distance grows with time, and PSI with its square."""
        return self.spreads[name].moved * ((day - self.cutoff).days / self.days_apart) ** 2

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "cutoff": self.cutoff.isoformat()}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> "Reference":
        """Read what `plain` gave."""
        spreads = {
            name: Spread(
                tuple(found["values"]), tuple(found["at_most"]), tuple(found["bins"]), found["unknown"], found["moved"]
            )
            for name, found in plain["spreads"].items()
        }
        others = {"cutoff": date.fromisoformat(plain["cutoff"]), "estimated": Estimate(**plain["estimated"])}
        return cls(**{**plain, **others, "spreads": spreads})


@dataclass(frozen=True)
class Scored:
    """Rows of one slice, and what the model says of them; one float column per feature, NaN where unknown."""

    features: pd.DataFrame
    chances: Floats

    def columns(self) -> dict[str, Floats]:
        """Every column that is compared."""
        return {
            **{str(name): column.to_numpy() for name, column in self.features.items()},
            SCORE: self.chances.round(DECIMALS),
        }


def describe_reference(
    rows: Scored, earlier: Scored, *, cutoff: date, days_apart: float, horizon_days: int, auc: float
) -> Reference:
    """Describe the rows that a model was calibrated on.

    Args:
        rows: Those rows.
        earlier: Rows of the slice before.
        cutoff: Day as of which the rows were described.
        days_apart: Days between both.
        horizon_days: Days in which the outcome was looked for.
        auc: Of the judged model.
    """
    before = earlier.columns()
    spreads = {name: spread(column) for name, column in rows.columns().items()}
    return Reference(
        rows=len(rows.chances),
        cutoff=cutoff,
        days_apart=days_apart,
        horizon_days=horizon_days,
        spreads={name: replace(found, moved=measure_psi(found, before[name])) for name, found in spreads.items()},
        estimated=estimate(rows.chances),
        auc=auc,
    )


def measure_psi(reference: Spread, column: Floats) -> float:
    """Population stability index of a column against a reference, half a row in each bin so that an empty one is finite.

    Those without a value are a bin of their own, where there are any; values beyond the highest of the reference are of its last bin.
    """
    known = column[~np.isnan(column)]
    if reference.known:
        places = np.minimum(np.searchsorted(reference.values, known), len(reference.values) - 1)
        bins = np.asarray(reference.bins)
        now = np.bincount(bins[places], minlength=bins[-1] + 1)
        then = np.bincount(bins, weights=np.diff(reference.at_most, prepend=0)).astype(np.int64)
    else:
        now, then = np.array([len(known)]), np.zeros(1, dtype=np.int64)
    unknown = len(column) - len(known)
    if unknown or reference.unknown:
        now, then = np.append(now, unknown), np.append(then, reference.unknown)
    shares, reference_shares = (counts / counts.sum() for counts in (now + 0.5, then + 0.5))
    return float(((shares - reference_shares) * np.log(shares / reference_shares)).sum())


def spread(column: Floats) -> Spread:
    """Describe one column; NaN is unknown."""
    known = np.sort(column[~np.isnan(column)])
    values, counts = np.unique(known, return_counts=True)
    at_most = np.cumsum(counts)
    if len(values) > PLACES:
        ranks = np.ceil(len(known) * np.arange(1, PLACES + 1) / PLACES).astype(np.int64)
        places = np.unique(np.searchsorted(at_most, ranks))
        values, at_most = values[places], at_most[places]
    middles = at_most - np.diff(at_most, prepend=0) / 2
    tenths = np.floor(BINS * middles / max(len(known), 1)).astype(np.int64)
    bins = np.unique(tenths, return_inverse=True)[1]
    return Spread(
        tuple(map(float, values)), tuple(map(int, at_most)), tuple(map(int, bins)), int(np.isnan(column).sum())
    )
