"""What is known of people as numbers of one scale."""

import numpy as np
import pandas as pd


def prepare(described: pd.DataFrame) -> pd.DataFrame:
    """Flatten long tails (arsinh takes zero and refunds), fill gaps with the median and mark them, spell words out, scale.

    It is done once over everybody: neither arm nor outcome takes part, so nothing of a person's own outcome reaches the models.

    Args:
        described: Columns of numbers (NaN where unknown) and of words.

    Returns:
        Columns of mean 0 and deviation 1; those that tell nobody apart are left out. A word's column is `name: word`, a gap's
        `name: unknown`.
    """
    columns: dict[str, pd.Series[float]] = {}
    for name in described:
        values = described[name]
        if pd.api.types.is_numeric_dtype(values.dtype):
            columns[f"{name}"] = np.arcsinh(values).fillna(np.arcsinh(values).median())
            columns[f"{name}: unknown"] = values.isna().astype(np.float64)
        else:
            columns |= {f"{name}: {word}": (values == word).astype(np.float64) for word in sorted(values.unique())}
    frame = pd.DataFrame(columns, index=described.index).fillna(0.0)
    spread = frame.std(ddof=0)
    told = frame.loc[:, spread > 0]
    return (told - told.mean()) / spread[spread > 0]
