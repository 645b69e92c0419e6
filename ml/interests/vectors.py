"""Affinities of customers as a matrix: one row per customer, one column per category."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """Shares of affinity.

    Attributes:
        customers: Their ids, ascending.
        categories: Names, ascending.
        shares: Shape (customers, categories); a row sums to 1 at most, for only the foremost categories are known.
    """

    customers: tuple[str, ...]
    categories: tuple[str, ...]
    shares: Floats

    def over(self, categories: Sequence[str]) -> Floats:
        """The same rows over other columns; a category that nobody has is zero."""
        at = {name: column for column, name in enumerate(self.categories)}
        found = np.zeros((len(self.customers), len(categories)))
        for column, name in enumerate(categories):
            if name in at:
                found[:, column] = self.shares[:, at[name]]
        return found


def make_vectors(affinities: pa.Table) -> Vectors:
    """Spread one row per customer and category, in any order, over a matrix.

    Args:
        affinities: customer_id, category, affinity_share.
    """
    people = affinities["customer_id"].to_numpy(zero_copy_only=False).astype(str)
    names = affinities["category"].to_numpy(zero_copy_only=False).astype(str)
    customers, row = np.unique(people, return_inverse=True)
    categories, column = np.unique(names, return_inverse=True)
    shares = np.zeros((len(customers), len(categories)))
    shares[row, column] = affinities["affinity_share"].to_numpy()
    return Vectors(tuple(map(str, customers)), tuple(map(str, categories)), shares)
