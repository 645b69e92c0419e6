"""Names for the array types that the simulator passes around."""

from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[Any]
"""An object array of `str`: cheap to index and to hand to a template."""


def texts(values: list[str]) -> Texts:
    """An object array of the given strings, shape (n,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


NONE = -1
"""Stands in arrays of numbers for what is not there."""

Table = TypeVar("Table", bound=NamedTuple)
"""A named tuple of arrays of one length."""


def take(table: Table, rows: Ints | Bools) -> Table:
    """The given rows of every column."""
    return table._make(column[rows] for column in table)


def stack(*tables: Table) -> Table:
    """The tables one below the other."""
    return tables[0]._make(np.concatenate(columns) for columns in zip(*tables, strict=True))
