"""Rows of `measurement.experiment_cells`, and what the report says of them."""

from datetime import date
from typing import Any

import pyarrow as pa

from ml.measurement.lift import analyse_cells
from ml.measurement.row import LiftRow

DAY = date(2025, 5, 31)

Row = dict[str, Any]


def rate_cell(arm: str, units: int, rate: float, **others: Any) -> Row:
    """Build a cell of a yes/no metric: the sum of squares is the sum."""
    total = round(units * rate)
    return cell(arm, units, total, float(total), float(total), float(total), **others)


def cell(arm: str, units: int, nonzero: int, total: float, squares: float, cubes: float, **others: Any) -> Row:
    row = {
        "as_of": DAY,
        "experiment": "womens_email",
        "arm": arm,
        "is_baseline": arm == "holdout",
        "dimension": "everyone",
        "segment": "all",
        "metric": "visit",
        "matured_on": DAY,
        "n_units": units,
        "n_nonzero": nonzero,
        "total": total,
        "total_squares": squares,
        "total_cubes": cubes,
        "total_prior": 0.0,
        "total_prior_squares": 0.0,
        "total_prior_products": 0.0,
        "planned_share": 0.5,
        "epoch_from": None,
        "two_arms_units": 0,
        "shared_mailbox_units": 0,
        "leaked_units": 0,
        "internal_units": 0,
        "contaminated_units": 0,
        "late_units": 0,
    }
    return row | others


def analyse(*rows: Row, values: list[Row] | None = None, **options: Any) -> list[LiftRow]:
    found = None if values is None else pa.Table.from_pylist(values)
    return analyse_cells(pa.Table.from_pylist(list(rows)), found, **options)
