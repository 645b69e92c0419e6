"""Cells and values as they leave the warehouse, as series by day of maturity."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.measurement.plan import Plan, last_day
from ml.measurement.randomise import Floats
from ml.measurement.reading import Series, Sums
from ml.measurement.welch import Paired

EVERYONE = "all"
KEYS = ["as_of", "experiment", "arm", "is_baseline", "dimension", "segment", "metric", "matured_on"]
SUMS = ["n_units", "n_nonzero", "total", "total_squares", "total_cubes"]
PRIOR = ["total_prior", "total_prior_squares", "total_prior_products"]
OTHERS = ["planned_share", "contaminated_units"]


class Group(NamedTuple):
    """A segment and a metric."""

    dimension: str
    segment: str
    metric: str


@dataclass(frozen=True)
class Experiment:
    """One experiment on one day.

    Attributes:
        as_of: The day.
        name: Experiment name.
        baseline: The arm that others are compared with; null: none.
        arms: The other arms, by name.
        entered: Units who have entered, by arm.
        planned: Planned share, by arm.
        members: Units who have entered, by arm and segment.
        contaminated: Those of them in whom two arms met.
        days: Maturity days that count, rising.
        newest: Day on which the window of the last unit closes who has entered.
        first: Day on which the first window closes.
        groups: Segments and metrics in which the baseline has a cell.
        cells: By arm, segment and metric: sums by day, shape (days, sums).
        pending: Units by arm and segment whose window is open.
        values: Counts by value of the metrics that are no 0 or 1, of days that count; null: not at hand.
    """

    as_of: date
    name: str
    baseline: str | None
    arms: tuple[str, ...]
    entered: dict[str, int]
    planned: dict[str, float | None]
    members: dict[tuple[str, str], int]
    contaminated: dict[tuple[str, str], int]
    days: tuple[date, ...]
    newest: date
    first: date
    groups: tuple[Group, ...]
    cells: dict[tuple[str, str, str], Floats]
    pending: dict[tuple[str, str], int]
    values: pd.DataFrame | None

    def series(self, arm: str, segment: str, metric: str) -> Series:
        """An arm beside the baseline."""
        sides = [self._sums(name, segment, metric) for name in (arm, self.baseline or "")]
        treated, control = (Sums(*side[:, : len(SUMS)].T) for side in sides)
        keys = tuple(day.toordinal() for day in self.days)
        return Series(keys, treated, control, self._reader(arm, segment, metric))

    def pair(self, arm: str, segment: str, metric: str) -> Paired | None:
        """The metric beside its covariate from before entry, over the days that count; null below two units."""
        units, _, total, squares, _, prior, prior_squares, products = self._sums(arm, segment, metric).sum(axis=0)
        if units < 2:
            return None
        return Paired(
            size=int(units),
            mean=total / units,
            variance=max(0.0, squares - total**2 / units) / (units - 1),
            other_mean=prior / units,
            other_variance=max(0.0, prior_squares - prior**2 / units) / (units - 1),
            covariance=(products - total * prior / units) / (units - 1),
        )

    def _sums(self, arm: str, segment: str, metric: str) -> Floats:
        return self.cells.get((arm, segment, metric), np.zeros((len(self.days), len(SUMS + PRIOR))))

    def _reader(self, arm: str, segment: str, metric: str) -> Callable[[], tuple[tuple[Floats, Floats], ...]] | None:
        if self.values is None or metric not in self.values.columns:
            return None
        return lambda: tuple(zip(*(self._values(name, segment, metric) for name in (arm, self.baseline)), strict=True))

    def _values(self, arm: str | None, segment: str, metric: str) -> list[Floats]:
        """Values other than 0, by day."""
        values = self.values
        if values is None:
            return []
        mine = values["arm"] == arm
        if segment != EVERYONE:
            mine &= (values[_dimensions(values)] == segment).any(axis=1)
        rows = values[mine & (values[metric] != 0)]
        days = np.repeat(rows["day"].to_numpy(), rows["n_units"])
        order = np.argsort(days, kind="stable")
        found = np.repeat(rows[metric].to_numpy(dtype=float), rows["n_units"])[order]
        return np.split(found, np.searchsorted(days[order], np.arange(1, len(self.days))))


def read_experiments(cells: pa.Table, values: pa.Table | None, plans: dict[str, Plan]) -> Iterator[Experiment]:
    """The experiments of each day.

    Args:
        cells: `measurement.experiment_cells`, with the planned shares.
        values: `measurement.experiment_values`; null: no metric but those of 0 and 1 can be shuffled.
        plans: By experiment; those without are open-ended.

    Raises:
        ValueError: An experiment has two baseline arms on one day.
    """
    frame = cells.select([*KEYS, *SUMS, *PRIOR, *OTHERS]).to_pandas(date_as_object=True)
    found = (
        None if values is None else dict(iter(values.to_pandas(date_as_object=True).groupby(["as_of", "experiment"])))
    )
    for key, group in frame.groupby(["as_of", "experiment"], sort=True):
        as_of, name = key
        mine = None if found is None else found.get((as_of, name))
        yield _read_experiment(group, mine, as_of=as_of, name=name, plan=plans.get(name, Plan()))


def _read_experiment(
    frame: pd.DataFrame, values: pd.DataFrame | None, *, as_of: date, name: str, plan: Plan
) -> Experiment:
    baselines = sorted(frame.loc[frame["is_baseline"], "arm"].unique())
    if len(baselines) > 1:
        raise ValueError(f"{name}: more than one baseline arm: {', '.join(baselines)}")
    everyone = frame[frame["segment"] == EVERYONE]
    one = everyone[everyone["metric"] == everyone["metric"].iloc[0]]
    first, newest = one["matured_on"].min(), one["matured_on"].max()
    end = min(as_of, last_day(first, plan) or as_of)
    counted = frame[frame["matured_on"] <= end]
    days = tuple(sorted(counted["matured_on"].unique()))
    whole = frame[frame["metric"] == everyone["metric"].iloc[0]]
    pending = whole[whole["matured_on"] > as_of].groupby(["arm", "segment"])["n_units"].sum()
    baseline = baselines[0] if baselines else None
    held_out = frame.loc[frame["is_baseline"], ["dimension", "segment", "metric"]].drop_duplicates()
    return Experiment(
        as_of=as_of,
        name=name,
        baseline=baseline,
        arms=tuple(sorted(set(frame["arm"]) - set(baselines))),
        entered={arm: int(count) for arm, count in one.groupby("arm")["n_units"].sum().items()},
        planned={arm: None if pd.isna(share) else float(share) for arm, share in one.groupby("arm")["planned_share"].first().items()},
        members={key: int(count) for key, count in whole.groupby(["arm", "segment"])["n_units"].sum().items()},
        contaminated={key: int(count) for key, count in whole.groupby(["arm", "segment"])["contaminated_units"].sum().items()},
        days=days,
        newest=newest,
        first=first,
        groups=tuple(sorted((Group(*row) for row in held_out.itertuples(index=False)), key=lambda group: group[1:])),
        cells=_matrices(counted, days),
        pending={key: int(count) for key, count in pending.items()},
        values=_counted_values(values, days),
    )  # fmt: skip


def _matrices(frame: pd.DataFrame, days: tuple[date, ...]) -> dict[tuple[str, str, str], Floats]:
    places = {day: place for place, day in enumerate(days)}
    found: dict[tuple[str, str, str], Floats] = {}
    for key, rows in frame.groupby(["arm", "segment", "metric"]):
        sums = np.zeros((len(days), len(SUMS + PRIOR)))
        sums[[places[day] for day in rows["matured_on"]]] = rows[SUMS + PRIOR].to_numpy(dtype=float)
        arm, segment, metric = map(str, key)
        found[arm, segment, metric] = sums
    return found


def _counted_values(values: pd.DataFrame | None, days: tuple[date, ...]) -> pd.DataFrame | None:
    if values is None:
        return None
    places = {day: place for place, day in enumerate(days)}
    counted = values[values["matured_on"].isin(places)]
    return counted.assign(day=counted["matured_on"].map(places).astype(int))


def _dimensions(values: pd.DataFrame) -> list[str]:
    """The columns that name a segment: all text but the keys."""
    keys = {"experiment", "arm"}
    return [name for name in values.columns if name not in keys and pd.api.types.is_string_dtype(values[name])]
