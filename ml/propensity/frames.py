"""Arrow tables as the matrices that scikit-learn takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

RECENCY = "days_since_last_order"
NOT_FEATURES = frozenset({"as_of", "trained_on", "cutoff", "slice", "horizon_days", "customer_id", "churned"})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Labelled rows of one slice, in the order of (cutoff, customer_id).

    Attributes:
        features: One float column per feature; NaN where unknown.
        churned: 0 or 1 per row.
        customers: A number per customer, the same for all rows of one customer.
    """

    features: pd.DataFrame
    churned: NDArray[np.int64]
    customers: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.churned)


def feature_names(examples: pa.Table) -> tuple[str, ...]:
    """List the numeric and boolean columns that are neither key nor label, in the table's order.

    A column without any value in the train slice is left out: nothing can be learned from it.

    Raises:
        ValueError: days_since_last_order, which the recency rule needs, is not among them.
    """
    names = tuple(field.name for field in examples.schema if field.name not in NOT_FEATURES and _is_number(field.type))
    if RECENCY not in names:
        raise ValueError(f"examples: no numeric column {RECENCY}")
    train = examples.filter(pc.equal(examples["slice"], "train"))
    return tuple(name for name in names if name == RECENCY or train[name].null_count < len(train))


def to_matrix(table: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    """Give the named columns as floats.

    Raises:
        ValueError: A column is missing.
    """
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ValueError(f"features: no column {', '.join(missing)}")
    return pd.DataFrame({name: _floats(table[name]) for name in names})


def take_slice(examples: pa.Table, name: str, names: Sequence[str]) -> Examples:
    """Give one slice; the order of the input rows never shows."""
    rows = examples.filter(pc.equal(examples["slice"], name))
    rows = rows.sort_by([("cutoff", "ascending"), ("customer_id", "ascending")])
    return Examples(
        features=to_matrix(rows, names),
        churned=_floats(rows["churned"]).astype(np.int64),
        customers=np.unique(rows["customer_id"].to_numpy(), return_inverse=True)[1].astype(np.int64),
    )


def fingerprint(slices: Iterable[Examples]) -> str:
    """Give 16 hex digits that change with any feature (beyond the sixth decimal), label or customer's place."""
    digest = sha256()
    for examples in slices:
        digest.update(",".join(examples.features.columns).encode())
        for part in (examples.features.to_numpy().round(6), examples.churned, examples.customers):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def _floats(column: pa.ChunkedArray) -> Floats:
    numbers = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
    values: Floats = numbers.cast(pa.float64()).to_numpy()
    return values


def _is_number(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    )
