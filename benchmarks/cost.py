"""What a piece of work costs: it is done in a process of its own, so that memory is its own too."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Of one piece of work; memory is the most that its process held, and `found` is what came out, where somebody asks."""

    seconds: float
    processor_seconds: float
    peak_mib: float
    found: Any = None

    def __add__(self, other: "Cost") -> "Cost":
        """One after the other."""
        return Cost(
            self.seconds + other.seconds,
            self.processor_seconds + other.processor_seconds,
            max(self.peak_mib, other.peak_mib),
        )

    def __truediv__(self, other: "Cost") -> float:
        """How many times the other's processor time."""
        return self.processor_seconds / other.processor_seconds

    def say(self, name: str, beside: "Cost | None" = None) -> None:
        """Print one line, with the ratio to another piece of work."""
        ratio = f"  × {self / beside:.2f}" if beside and beside is not self else ""
        print(
            f"  {name:44} {self.seconds:8.2f} s {self.processor_seconds:8.2f} s of processor {self.peak_mib:8,.0f} MiB{ratio}",
            flush=True,
        )


def measured(work: Callable[[], object]) -> Cost:
    """Do it, and say what it cost this process and what it returned."""
    began, used = time.perf_counter(), processor_seconds()
    found = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(time.perf_counter() - began, processor_seconds() - used, peak, found)


def apart(work: Callable[..., Any], *arguments: object, patience: float | None = None) -> Any:
    """Do it in a process of its own.

    Raises:
        multiprocessing.TimeoutError: It took longer than patience, in seconds, and was killed.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply_async(work, arguments).get(patience)


def processor_seconds() -> float:
    """Of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
