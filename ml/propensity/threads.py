"""One thread for small matrices."""

from contextlib import AbstractContextManager, nullcontext

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

SMALL = 100_000  # rows


def limit_threads(rows: int) -> AbstractContextManager[object]:
    """Keep OpenMP and BLAS to one thread where rows are few.

    Threads of gradient boosting wait for each other at every node: beside other work on two cores, fitting 10,000 rows
    took 10 s with two threads and 0.4 s with one.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1) if rows < SMALL else nullcontext()
    return limits
