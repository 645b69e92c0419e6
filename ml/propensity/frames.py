"""Arrow tables as the matrices that scikit-learn takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.propensity.task import Task

EXPECTED_ORDERS = "log_expected_orders"
GROUPS = ("rfm_segment", "value_tier")
NOT_FEATURES = frozenset({"as_of", "trained_on", "task", "cutoff", "slice", "horizon_days", "customer_id", "outcome"})

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Labelled rows of one slice, in the order of (cutoff, customer_id), and of option where the task has some.

    Attributes:
        features: One float column per feature; NaN where unknown.
        outcome: 0 or 1 per row.
        customers: A number per customer, the same for all rows of one customer.
        groups: What the rows are told apart by in reports, such as rfm_segment; one text per row.
    """

    features: pd.DataFrame
    outcome: Ints
    customers: Ints
    groups: Mapping[str, NDArray[np.object_]]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.outcome)

    def append(self, later: "Examples") -> "Examples":
        """Give these rows and those of another slice of the same examples; customers keep their rows apart by slice."""
        return Examples(
            features=pd.concat([self.features, later.features], ignore_index=True),
            outcome=np.concatenate([self.outcome, later.outcome]),
            customers=np.concatenate([self.customers, later.customers + 1 + self.customers.max(initial=0)]),
            groups={name: np.concatenate([values, later.groups[name]]) for name, values in self.groups.items()},
        )

    def take(self, rows: Ints) -> "Examples":
        """Give some of the rows."""
        return Examples(
            features=self.features.iloc[rows].reset_index(drop=True),
            outcome=self.outcome[rows],
            customers=self.customers[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
        )


def feature_names(task: Task, examples: pa.Table) -> tuple[str, ...]:
    """List what a task's models see: numeric and boolean columns that are neither key nor label, in the table's order.

    A column that is the same in the whole train slice is left out: nothing can be learned from it.

    Raises:
        ValueError: The column of the task's rule is not among them, or one that the task lists is missing.
    """
    numeric = [field.name for field in examples.schema if field.name not in NOT_FEATURES and _is_number(field.type)]
    if task.rule.column not in numeric:
        raise ValueError(f"examples: no numeric column {task.rule.column}")
    if task.features != "all":
        _require(task.features, numeric)
        numeric = [name for name in numeric if name in task.features or name == task.rule.column]
    train = examples.filter(pc.equal(examples["slice"], "train"))
    return tuple(name for name in numeric if name == task.rule.column or len(train[name].unique()) > 1)


def to_matrix(table: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    """Give the named columns as floats.

    Raises:
        ValueError: A column is missing.
    """
    _require(names, table.column_names)
    return pd.DataFrame({name: _floats(table[name]) for name in names})


def take_slice(examples: pa.Table, name: str, names: Sequence[str]) -> Examples:
    """Give one slice; the order of the input rows never shows."""
    rows = examples.filter(pc.equal(examples["slice"], name))
    order = [key for key in ("cutoff", "customer_id", "option") if key in rows.column_names]
    rows = rows.sort_by([(key, "ascending") for key in order])
    return Examples(
        features=to_matrix(rows, names),
        outcome=_floats(rows["outcome"]).astype(np.int64),
        customers=np.unique(rows["customer_id"].to_numpy(), return_inverse=True)[1].astype(np.int64),
        groups={group: rows[group].to_numpy() for group in GROUPS if group in rows.column_names},
    )


def fingerprint(slices: Iterable[Examples]) -> str:
    """Give 16 hex digits that change with any feature (beyond the sixth decimal), label or customer's place."""
    digest = sha256()
    for examples in slices:
        digest.update(",".join(examples.features.columns).encode())
        for part in (examples.features.to_numpy().round(6), examples.outcome, examples.customers):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def _require(wanted: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise ValueError(f"features: no column {', '.join(missing)}")


def _floats(column: pa.ChunkedArray) -> Floats:
    numbers = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
    values: Floats = numbers.cast(pa.float64()).to_numpy()
    return values


def _is_number(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    )
