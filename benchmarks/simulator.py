"""The simulator in both forms: rows, seconds, processor seconds and memory, each measured in a process of its own."""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = 100
"""Of the processor times under /proc, per second (Linux)."""


@dataclass(frozen=True)
class Shop:
    """What is landed."""

    scenario: str
    customers: int
    days: int
    workers: int


@dataclass(frozen=True)
class Cost:
    """Of one shop; memory is the most that all its processes held at one moment."""

    said: str
    seconds: float
    processor_seconds: float
    peak_mib: float


DEMO = Shop("everyday", 5_000, 180, 1)


def main() -> None:
    """Print what the demo's shop costs, and a large one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--customers", type=int, default=100_000, help="people of the large shop (default: %(default)s)"
    )
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    for shop in (DEMO, Shop("huge", given.customers, given.days, given.workers)):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            cost = measure(shop, Path(folder))
        print(f"\n{shop.scenario}: {shop.customers:,} customers, {shop.days} days, {shop.workers} workers: {cost.said}")
        print(
            f"  {cost.seconds:7.1f} s  {cost.processor_seconds:7.1f} s of processor  {cost.peak_mib:7,.0f} MiB at the peak"
        )


def measure(shop: Shop, folder: Path) -> Cost:
    """Land one shop by the command line, with its truth."""
    command = [
        sys.executable, "-m", "orchestration.cli", "simulate", "--scenario", shop.scenario, "--customers", str(shop.customers),
        "--days", str(shop.days), "--workers", str(shop.workers), "--out", str(folder / "landing"), "--truth", str(folder / "truth"),
    ]  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = _Watch(process.pid)
        said, _ = process.communicate()
        watch.stop()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds = time.perf_counter() - began
    return Cost(said.strip().partition(" under ")[0], seconds, watch.processor_seconds, watch.peak_mib)


class _Watch:
    """Looks at a process and its children five times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._done = pid, threading.Event()
        self.peak_mib = 0.0
        self._processor: dict[int, float] = {}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def processor_seconds(self) -> float:
        return sum(self._processor.values())

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(0.2):
            found = [_look(pid) for pid in (self._pid, *_children(self._pid))]
            self.peak_mib = max(self.peak_mib, sum(mib for _, _, mib in found))
            self._processor.update({pid: seconds for pid, seconds, _ in found if pid})


def _children(pid: int) -> list[int]:
    try:
        listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for text in listed for child in text.split()]


def _look(pid: int) -> tuple[int, float, float]:
    """The process (0 if it is gone), its processor seconds so far, and the MiB that it holds."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0, 0.0, 0.0
    return pid, (int(times[11]) + int(times[12])) / TICKS, pages * 4096 / 2**20


if __name__ == "__main__":
    main()
