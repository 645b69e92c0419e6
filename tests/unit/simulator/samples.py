"""Blocks of people for tests of what is drawn, and the tolerance that a sample deserves."""

from typing import Any

import numpy as np

from simulator.catalogue import build_catalogue
from simulator.histories import History, Window, live
from simulator.instants import day_start
from simulator.shop import FIRST_DAY
from simulator.world import World

START = day_start(FIRST_DAY)
WINDOW = Window(START, 180)
SIZE = 10_000


def live_once(world: World, *, seed: int = 3, days: int = 180, block: int = 0, size: int = SIZE) -> History:
    window = Window(START, days)
    return live(np.random.SeedSequence(seed), world, build_catalogue(), window, block=block, size=size)


def within(found: float, share: float, size: int) -> bool:
    """Four standard errors: a sound sampler fails once in 16,000 tests."""
    return abs(found - share) < 4 * (share * (1 - share) / size) ** 0.5


def as_expected(happened: Any, chances: Any) -> bool:
    """Whether as many of independent events happened as their chances let expect, within four standard errors."""
    return bool(abs(np.sum(happened) - np.sum(chances)) < 4 * np.sqrt(np.sum(chances * (1 - chances))) + 1e-9)
