"""Names for the array types that the simulator passes around."""

from typing import Any, TypeAlias

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
