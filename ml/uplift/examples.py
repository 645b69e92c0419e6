"""The people of one randomised comparison as arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.uplift.prepare import prepare

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Units of an arm and its baseline, in the order of their customers.

    Attributes:
        features: What was known before the arm could matter, as `prepare` gives it.
        treated: 1 in the arm, 0 in the baseline.
        outcome: 0 or 1 per row.
        share: Planned share of the arm among the two, 0 to 1: the known chance of treatment.
        customers: A number per customer.
        segments: Words per row; each column cuts all units into named parts.
    """

    features: pd.DataFrame
    treated: Ints
    outcome: Floats
    share: float
    customers: Ints
    segments: pd.DataFrame

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.treated)

    def take(self, rows: Ints) -> "Examples":
        """Give some of the rows."""
        return Examples(
            features=self.features.iloc[rows],
            treated=self.treated[rows],
            outcome=self.outcome[rows],
            share=self.share,
            customers=self.customers[rows],
            segments=self.segments.iloc[rows],
        )


def make_examples(table: pa.Table, *, outcome: str, share: float, keys: frozenset[str]) -> Examples:
    """Read a table with customer_id, is_treated, the outcome and features; columns of words are segments too.

    Args:
        table: One row per customer, in any order.
        outcome: Name of the outcome's column, which holds 0 and 1.
        share: Planned share of the arm among arm and baseline.
        keys: Columns that are neither feature nor outcome.

    Raises:
        ValueError: The share is not between 0 and 1, or the outcome is neither 0 nor 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share of the arm: {share} is not between 0 and 1")
    frame = table.sort_by("customer_id").to_pandas()
    found = frame[outcome].to_numpy(dtype=np.float64)
    if not np.isin(found, (0.0, 1.0)).all():
        raise ValueError(f"{outcome}: an outcome is 0 or 1")
    described = frame.drop(columns=[*(keys & {*frame.columns}), "customer_id", "is_treated", outcome])
    is_word = [not pd.api.types.is_numeric_dtype(kind) for kind in described.dtypes]
    words = described.loc[:, is_word].astype(object)
    words = words.where(words.notna(), "unknown").astype(str)
    numbers = described.loc[:, ~np.array(is_word, dtype=bool)].astype(np.float64)
    return Examples(
        features=prepare(pd.concat([numbers, words], axis=1)),
        treated=frame["is_treated"].to_numpy(dtype=np.int64),
        outcome=found,
        share=share,
        customers=np.unique(frame["customer_id"].to_numpy(), return_inverse=True)[1].astype(np.int64),
        segments=words,
    )
