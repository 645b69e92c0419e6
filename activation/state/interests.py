"""Clusters of interest that were fitted, and from which partition on each fit is in force: append-only, as promotions are."""

from dataclasses import dataclass
from datetime import date

from activation.state.store import GATE, StateStore

COLUMNS = "trained_on, effective_on, body, reason, said_by"


@dataclass(frozen=True)
class ClusterFit:
    """One fit as it was recorded.

    Attributes:
        trained_on: Last day whose facts it was fitted on, a Sunday.
        effective_on: First partition that uses it; null while a person must look.
        body: The clusters, as `ml.interests` writes them; no value of a person.
        reason: Why it is in force, or is not.
        said_by: `gate`, or the person who said so.
    """

    trained_on: date
    effective_on: date | None
    body: str
    reason: str
    said_by: str = GATE


def record_fit(store: StateStore, fit: ClusterFit) -> None:
    """Append a fit, or what a person says of one that is held."""
    effective_on = fit.effective_on.isoformat() if fit.effective_on else None
    with store.transaction() as connection:
        connection.execute(
            f"insert into interest_fits ({COLUMNS}) values (?, ?, ?, ?, ?)",
            (fit.trained_on.isoformat(), effective_on, fit.body, fit.reason, fit.said_by),
        )


def fit_in_force(store: StateStore, day: date) -> ClusterFit | None:
    """The newest fit that is effective by a partition and was fitted before it, or None."""
    where = "where effective_on <= ? and trained_on < ? order by effective_on desc, number desc limit 1"
    return next(iter(_fits(store, where, (day.isoformat(), day.isoformat()))), None)


def fit_of(store: StateStore, trained_on: date) -> ClusterFit | None:
    """The newest word on the fit of a Sunday, or None."""
    where = "where trained_on = ? order by number desc limit 1"
    return next(iter(_fits(store, where, (trained_on.isoformat(),))), None)


def newest_fit(store: StateStore) -> ClusterFit | None:
    """The fit of the latest Sunday, held or in force, or None."""
    return next(iter(_fits(store, "order by trained_on desc, number desc limit 1", ())), None)


def _fits(store: StateStore, where: str, values: tuple[str, ...]) -> list[ClusterFit]:
    connection = store.connect()
    try:
        rows = connection.execute(f"select {COLUMNS} from interest_fits {where}", values).fetchall()
    finally:
        connection.close()
    return [
        ClusterFit(date.fromisoformat(row[0]), date.fromisoformat(row[1]) if row[1] else None, *row[2:]) for row in rows
    ]
