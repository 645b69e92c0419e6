"""Cells and values as they leave the warehouse, as series by day of maturity."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.measurement.plan import Plan, last_day
from ml.measurement.randomise import Floats, weigh_epochs
from ml.measurement.reading import Difference, Series, Sums, compare_epochs, stack
from ml.measurement.welch import Paired

EVERYONE = "all"
PURE = "not_contaminated"
BUYERS = "conversion"  # the metric whose sum is the number of those with a value of any other
KEYS = ["as_of", "experiment", "arm", "is_baseline", "dimension", "segment", "metric", "epoch_from", "matured_on"]
SUMS = ["n_units", "n_nonzero", "total", "total_squares", "total_cubes"]
PRIOR = ["total_prior", "total_prior_squares", "total_prior_products"]
CONTAMINATED = {
    "two_arms_units": "profiles of two arms",
    "shared_mailbox_units": "a mailbox shared with another arm",
    "leaked_units": "held out and mailed all the same",
    "internal_units": "our own people",
}
"""The ways in which people are contaminated; somebody may be so in several."""
COUNTS = ["contaminated_units", *CONTAMINATED, "late_units"]
WEEKS = 4  # since exposure, that are looked at
ByDay = tuple[tuple[Floats, Floats], ...]
KEY_OF_EPOCH = 10_000_000  # more than any day's ordinal


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
        epochs: First days of the periods of constant shares, rising; null: the first period.
        entered: Units who have entered, by epoch and arm.
        planned: Planned share, by epoch and arm.
        members: Units who have entered, by arm and segment.
        counts: Some of them, by arm, segment and column of the cells (`COUNTS`).
        buyers: Those who have bought so far, by arm.
        days: Maturity days that count, rising.
        newest: Day on which the window of the last unit closes who has entered.
        first: Day on which the first window closes.
        groups: Segments and metrics in which the baseline has a cell.
        cells: By arm, segment and metric: sums by epoch and day, shape (epochs, days, sums).
        pending: Units by arm and segment whose window is open.
        values: Counts by value of the metrics that are no 0 or 1, of days that count; null: not at hand.
        weeks: Counts by weeks in which somebody bought, of days that count; null: not at hand.
    """

    as_of: date
    name: str
    baseline: str | None
    arms: tuple[str, ...]
    epochs: tuple[date | None, ...]
    entered: dict[tuple[int, str], int]
    planned: dict[tuple[int, str], float | None]
    members: dict[tuple[str, str], int]
    counts: dict[tuple[str, str, str], int]
    buyers: dict[str, int]
    days: tuple[date, ...]
    newest: date
    first: date
    groups: tuple[Group, ...]
    cells: dict[tuple[str, str, str], Floats]
    pending: dict[tuple[str, str], int]
    values: pd.DataFrame | None
    weeks: pd.DataFrame | None

    def series(self, arm: str, segment: str, metric: str) -> list[Series]:
        """An arm beside the baseline, by epoch."""
        sides = [self._sums(name, segment, metric)[:, :, : len(SUMS)] for name in (arm, self.baseline or "")]
        has_values = self.values is not None and metric in self.values.columns
        found = []
        for epoch in range(len(self.epochs)):
            treated, control = (Sums(*side[epoch].T) for side in sides)
            reader = self._reader(arm, segment, metric, epoch) if has_values else None
            found.append(Series(self._keys(epoch), treated, control, reader))
        return found

    def series_of_values(self, arm: str, segment: str, column: str) -> list[Series]:
        """An arm beside the baseline, by epoch, by a column of the values: 0 for whoever is not counted there."""
        units = [self._sums(name, segment, self.groups[0].metric)[:, :, 0] for name in (arm, self.baseline or "")]
        found = []
        for epoch in range(len(self.epochs)):
            reader = self._reader(arm, segment, column, epoch)
            values = reader()
            treated, control = (
                _summed(side[epoch], [day[place] for day in values]) for place, side in enumerate(units)
            )
            found.append(Series(self._keys(epoch), treated, control, reader))
        return found

    def series_of_weeks(self, arm: str, column: str, until: timedelta) -> list[Series]:
        """The same by a column of the weeks, over everyone, of days after which so much time has passed."""
        weeks = self.weeks
        if weeks is None:
            return []
        is_over = np.array([day + until <= self.as_of for day in self.days], dtype=bool)
        rows = weeks[is_over[weeks["day"].to_numpy()]] if len(weeks) else weeks
        found = []
        for epoch in range(len(self.epochs)):
            sides = [rows[(rows["arm"] == name) & (rows["epoch"] == epoch)] for name in (arm, self.baseline)]
            values = tuple(zip(*(_by_day(side, column, len(self.days)) for side in sides), strict=True))
            units = [
                np.bincount(side["day"], weights=side["n_units"], minlength=len(self.days)).astype(float)
                for side in sides
            ]
            treated, control = (_summed(side, [day[place] for day in values]) for place, side in enumerate(units))
            found.append(Series(self._keys(epoch), treated, control, partial(_same, values)))
        return found

    def total(self, arm: str | None, segment: str, column: str, *, epoch: int | None = None) -> float:
        """Sum of a column of the values over an arm, over all days that count."""
        rows = self._rows_of(arm, segment)
        return float(rows[column].sum() if epoch is None else rows.loc[rows["epoch"] == epoch, column].sum())

    def lift_of_total(self, arm: str, segment: str, column: str) -> float | None:
        """What people of an arm have more of it on average than those of the baseline, within epochs; null without people."""
        names = (arm, self.baseline)
        metric = self.groups[0].metric
        units = [self._sums(name or "", segment, metric)[:, :, 0].sum(axis=1, keepdims=True) for name in names]
        weights = weigh_epochs(units[0], units[1])
        if not weights.any():
            return None
        epochs = range(len(self.epochs))
        totals = [np.array([[self.total(name, segment, column, epoch=epoch)] for epoch in epochs]) for name in names]
        means = [total / np.maximum(size, 1) for total, size in zip(totals, units, strict=True)]
        return float((weights * (means[0] - means[1])).sum())

    def difference(self, series: list[Series]) -> Difference:
        """Means and their difference over all days that count, shape (days,) each."""
        return compare_epochs(stack(series, "treated").upto(), stack(series, "control").upto())

    def count(self, arm: str, segment: str, column: str) -> int:
        """Units of one of `COUNTS` in an arm and the baseline."""
        return sum(self.counts.get((name, segment, column), 0) for name in (arm, self.baseline or ""))

    def pair(self, arm: str, segment: str, metric: str) -> Paired | None:
        """The metric beside its covariate from before entry, over the days that count; null below two units or with several epochs."""
        units, _, total, squares, _, prior, prior_squares, products = self._sums(arm, segment, metric).sum(axis=(0, 1))
        if units < 2 or len(self.epochs) > 1:
            return None
        return Paired(
            size=int(units),
            mean=total / units,
            variance=max(0.0, squares - total**2 / units) / (units - 1),
            other_mean=prior / units,
            other_variance=max(0.0, prior_squares - prior**2 / units) / (units - 1),
            covariance=(products - total * prior / units) / (units - 1),
        )

    def _keys(self, epoch: int) -> tuple[int, ...]:
        return tuple(day.toordinal() + KEY_OF_EPOCH * epoch for day in self.days)

    def _sums(self, arm: str, segment: str, metric: str) -> Floats:
        empty = np.zeros((len(self.epochs), len(self.days), len(SUMS + PRIOR)))
        return self.cells.get((arm, segment, metric), empty)

    def _reader(self, arm: str, segment: str, metric: str, epoch: int) -> Callable[[], ByDay]:
        names = (arm, self.baseline)
        return lambda: tuple(zip(*(self._values(name, segment, metric, epoch) for name in names), strict=True))

    def _values(self, arm: str | None, segment: str, metric: str, epoch: int) -> list[Floats]:
        rows = self._rows_of(arm, segment)
        return _by_day(rows[rows["epoch"] == epoch], metric, len(self.days))

    def _rows_of(self, arm: str | None, segment: str) -> pd.DataFrame:
        """The values of an arm in a segment.

        Raises:
            ValueError: No values are at hand.
        """
        values = self.values
        if values is None:
            raise ValueError(f"{self.name}: no values are at hand")
        mine = values["arm"] == arm
        if segment != EVERYONE:
            mine &= (values[_dimensions(values)] == segment).any(axis=1)
        return values[mine]


def read_experiments(
    cells: pa.Table, values: pa.Table | None, plans: Mapping[str, Plan], weeks: pa.Table | None = None
) -> Iterator[Experiment]:
    """The experiments of each day.

    Args:
        cells: `measurement.experiment_cells`, with the planned shares.
        values: `measurement.experiment_values`; null: no metric but those of 0 and 1 can be shuffled.
        plans: By experiment; those without are open-ended.
        weeks: `measurement.experiment_weeks`; null: nothing is said of the weeks since exposure.

    Raises:
        ValueError: An experiment has two baseline arms on one day.
    """
    frame = cells.select([*KEYS, *SUMS, *PRIOR, "planned_share", *COUNTS]).to_pandas(date_as_object=True)
    others = [
        {} if table is None else dict(iter(table.to_pandas(date_as_object=True).groupby(["as_of", "experiment"])))
        for table in (values, weeks)
    ]
    for key, group in frame.groupby(["as_of", "experiment"], sort=True):
        as_of, name = key
        mine = [found.get((as_of, name)) for found in others]
        yield _read_experiment(group, mine[0], mine[1], as_of=as_of, name=name, plan=plans.get(name, Plan()))


def _read_experiment(
    frame: pd.DataFrame,
    values: pd.DataFrame | None,
    weeks: pd.DataFrame | None,
    *,
    as_of: date,
    name: str,
    plan: Plan,
) -> Experiment:
    baselines = sorted(frame.loc[frame["is_baseline"], "arm"].unique())
    if len(baselines) > 1:
        raise ValueError(f"{name}: more than one baseline arm: {', '.join(baselines)}")
    epochs = tuple(sorted({_day(day) for day in frame["epoch_from"]}, key=lambda day: day or date.min))
    frame = _numbered(frame, epochs)
    everyone = frame[frame["segment"] == EVERYONE]
    one = everyone[everyone["metric"] == everyone["metric"].iloc[0]]
    first, newest = one["matured_on"].min(), one["matured_on"].max()
    end = min(as_of, last_day(first, plan) or as_of)
    counted = frame[frame["matured_on"] <= end]
    days = tuple(sorted(counted["matured_on"].unique()))
    whole = frame[frame["metric"] == everyone["metric"].iloc[0]]
    pending = whole[whole["matured_on"] > as_of].groupby(["arm", "segment"])["n_units"].sum()
    baseline = baselines[0] if baselines else None
    by_epoch = ["epoch", "arm"]
    held_out = frame.loc[frame["is_baseline"], ["dimension", "segment", "metric"]].drop_duplicates()
    return Experiment(
        as_of=as_of,
        name=name,
        baseline=baseline,
        arms=tuple(sorted(set(frame["arm"]) - set(baselines))),
        epochs=epochs,
        entered={key: int(count) for key, count in one.groupby(by_epoch)["n_units"].sum().items()},
        planned={key: None if pd.isna(share) else float(share) for key, share in one.groupby(by_epoch)["planned_share"].first().items()},
        members={key: int(count) for key, count in whole.groupby(["arm", "segment"])["n_units"].sum().items()},
        counts={
            (str(arm), str(segment), column): int(count)
            for column in COUNTS
            for (arm, segment), count in whole.groupby(["arm", "segment"])[column].sum().items()
        },
        days=days,
        newest=newest,
        first=first,
        groups=tuple(sorted((Group(*row) for row in held_out.itertuples(index=False)), key=lambda group: group[1:])),
        buyers={str(arm): int(count) for arm, count in everyone[everyone["metric"] == BUYERS].groupby("arm")["n_nonzero"].sum().items()},
        cells=_matrices(counted, days, len(epochs)),
        pending={key: int(count) for key, count in pending.items()},
        values=_on_days(values, days, epochs),
        weeks=_with_trend(_on_days(weeks, days, epochs)),
    )  # fmt: skip


def _by_day(rows: pd.DataFrame, column: str, days: int) -> list[Floats]:
    """Values other than 0, by day."""
    rows = rows[rows[column] != 0]
    places = np.repeat(rows["day"].to_numpy(dtype=int), rows["n_units"])
    order = np.argsort(places, kind="stable")
    found = np.repeat(rows[column].to_numpy(dtype=float), rows["n_units"])[order]
    return np.split(found, np.searchsorted(places[order], np.arange(1, days)))


def _summed(units: Floats, values: list[Floats]) -> Sums:
    """Sums by day of units of whom some have values other than 0."""
    nonzero = np.array([len(day) for day in values], dtype=float)
    total, squares, cubes = (np.array([float((day**power).sum()) for day in values]) for power in (1, 2, 3))
    return Sums(units.astype(float), nonzero, total, squares, cubes)


def _same(values: ByDay) -> ByDay:
    return values


def _matrices(frame: pd.DataFrame, days: tuple[date, ...], epochs: int) -> dict[tuple[str, str, str], Floats]:
    places = {day: place for place, day in enumerate(days)}
    found: dict[tuple[str, str, str], Floats] = {}
    for key, rows in frame.groupby(["arm", "segment", "metric"]):
        sums = np.zeros((epochs, len(days), len(SUMS + PRIOR)))
        sums[rows["epoch"], [places[day] for day in rows["matured_on"]]] = rows[SUMS + PRIOR].to_numpy(dtype=float)
        arm, segment, metric = map(str, key)
        found[arm, segment, metric] = sums
    return found


def _on_days(
    frame: pd.DataFrame | None, days: tuple[date, ...], epochs: tuple[date | None, ...]
) -> pd.DataFrame | None:
    """Rows of days that count, with the places of their day and epoch."""
    if frame is None:
        return None
    places = {day: place for place, day in enumerate(days)}
    counted = frame[frame["matured_on"].isin(places)]
    return _numbered(counted.assign(day=counted["matured_on"].map(places).astype(int)), epochs)


def _numbered(frame: pd.DataFrame, epochs: tuple[date | None, ...]) -> pd.DataFrame:
    places = {day: place for place, day in enumerate(epochs)}
    return frame.assign(epoch=[places[_day(day)] for day in frame["epoch_from"]])


def _day(value: date | None) -> date | None:
    return None if pd.isna(value) else value


def _with_trend(weeks: pd.DataFrame | None) -> pd.DataFrame | None:
    """The weeks, with the slope of the straight line through those of each customer: what a week adds, per week."""
    if weeks is None:
        return None
    centred = np.arange(WEEKS) - (WEEKS - 1) / 2
    bought = weeks[[f"has_bought_week_{week}" for week in range(1, WEEKS + 1)]].to_numpy(dtype=float)
    return weeks.assign(trend=bought @ centred / (centred**2).sum())


def _dimensions(values: pd.DataFrame) -> list[str]:
    """The columns that name a segment."""
    return [name for name in values.columns if name.endswith("_segment")]
