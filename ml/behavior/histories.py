"""What is known of customers' orders, in one row for all who share it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Histories:
    """Repeat orders of customers, one row for each distinct history; times in any unit, the same in all columns.

    Same-day orders are one: a repeat is a later *day* with an order, or the published parameters do not appear.

    Attributes:
        repeats: Order days after the first (the papers' x).
        last: Time from the first order day to the last (t_x); 0 without a repeat.
        age: Time from the first order day to the day as of which it is known (T).
        customers: How many customers have this history.

    Raises:
        ValueError: Columns differ in length, or a row is impossible: last outside 0 to age, a repeat at time 0 or a last
            order without a repeat, nobody.
    """

    repeats: Floats
    last: Floats
    age: Floats
    customers: Floats

    def __post_init__(self) -> None:
        """Refuse histories that cannot be."""
        columns = (self.repeats, self.last, self.age, self.customers)
        if len({column.shape for column in columns}) != 1 or self.repeats.ndim != 1:
            raise ValueError("histories: columns of different lengths")
        if not all(np.isfinite(column).all() for column in columns):
            raise ValueError("histories: a value is missing or infinite")
        wrong = (self.last > self.age) | (self.repeats < 0) | ((self.repeats > 0) != (self.last > 0))
        wrong |= self.customers <= 0
        if wrong.any():
            raise ValueError(f"histories: {int(np.sum(wrong))} rows are impossible")

    def __len__(self) -> int:
        """Count the distinct histories."""
        return len(self.repeats)

    @property
    def total(self) -> float:
        """Customers in all rows."""
        return float(self.customers.sum())

    @property
    def repeat_buyers(self) -> int:
        """Customers with at least one repeat."""
        return int(self.customers[self.repeats > 0].sum())


def group_histories(repeats: Floats, last: Floats, age: Floats) -> Histories:
    """One row for each distinct history of single customers.

    Args:
        repeats: Order days after the first, one value a customer.
        last: Time from the first order day to the last.
        age: Time from the first order day to the end.
    """
    rows, counts = np.unique(np.column_stack([repeats, last, age]).astype(np.float64), axis=0, return_counts=True)
    return Histories(rows[:, 0], rows[:, 1], rows[:, 2], counts.astype(np.float64))
