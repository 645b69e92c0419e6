"""Lands a whole shop: people, what they do, and the files in which their systems say so."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simulator.aftermath import NOTHING, Released, react_to
from simulator.arrays import Ints
from simulator.catalogue import Catalogue, build_catalogue, limited_units, stock_by_day
from simulator.columns import PLAIN_OBJECTS, export_columns, export_products
from simulator.exports import email_event_ids, export_aftermath, export_block, export_stock, reported_on, support_users
from simulator.histories import FUTURE, Window, live
from simulator.instants import DAY, day_start
from simulator.landing import Landed, LandingZone, add
from simulator.mixing import keys_of
from simulator.people import BLOCK_SIZE
from simulator.purchases import Orders
from simulator.scenarios import DEFAULT, SCENARIOS, Form
from simulator.truth import Told, TruthWriter, write_world
from simulator.world import World

FIRST_DAY = date(2025, 1, 1)
ESP_OBJECT: dict[Form, str] = {"systems": "sendgrid/events", "columns": "plain/email_events"}
AFTERMATHS = 2
"""The first seeds of a block are those of its life and its exports; from here on, one for each day since 1970."""
BATCH: dict[Form, int] = {"systems": 1, "columns": 5}
"""Blocks that share a file: what a process holds at a time."""


@dataclass(frozen=True)
class Summary:
    """What was landed; rows count the planted faults too."""

    files: int
    rows: int
    bytes: int
    rows_by_object: tuple[tuple[str, int], ...]
    """`<vendor>/<object>` and its rows, by name."""
    fault_count: int
    first_day: date
    last_day: date


@dataclass(frozen=True)
class _Shop:
    """What all batches have in common; it passes to other processes."""

    world: World
    form: Form
    window: Window
    zone: LandingZone
    seed: int
    customers: int
    batch: int
    is_told: bool
    released: Released
    """Emails of the platform, to which people react."""

    @property
    def objects(self) -> int:
        return len(self.world.objects) if self.form == "systems" else len(PLAIN_OBJECTS)

    @property
    def blocks(self) -> int:
        return -(-self.customers // BLOCK_SIZE)

    def size(self, block: int) -> int:
        """People in a block."""
        return min(BLOCK_SIZE, self.customers - block * BLOCK_SIZE)


class _Outcome(NamedTuple):
    """What became of one batch."""

    landed: dict[str, Landed]
    """Without the faults, which were told."""
    fault_count: int
    sold: Ints
    """Units, shape (variants, days)."""
    told: Told


def simulate(
    *,
    customers: int,
    days: int,
    seed: int,
    out: Path,
    truth: Path | None,
    start: date = FIRST_DAY,
    scenario: str = DEFAULT,
    world: World | None = None,
    form: Form | None = None,
    batch: int | None = None,
    workers: int = 1,
    only: range | None = None,
    future: int = FUTURE,
    released: Released | None = None,
    kept_faults: pa.Table | None = None,
    on_day: Callable[[int, int], None] | None = None,
) -> Summary:
    """Land a shop whose truth is known.

    The same arguments write the same bytes. People come in blocks of 10,000 with a seed of their own, so that a block is the
    same in a larger shop; `batch` blocks share a file (`<object>-<first block>`). Reading the files of a day by name gives the
    same rows in the same order whatever the batch and the workers. Files of an earlier call are overwritten, never removed:
    give each shop an empty folder.

    Args:
        customers: People, at least 1.
        days: Length of the window, at least 1.
        seed: Not negative.
        out: The landing zone.
        truth: Folder for what really happened, outside the landing zone; `None` writes none.
        start: First day of the window; business days are UTC.
        scenario: Name of the shop, one of `SCENARIOS`.
        world: Rates in place of the scenario's.
        form: Of the files, in place of the scenario's.
        batch: Blocks that share a file and are held at a time; by the form if `None`.
        workers: Processes that work at the same time.
        only: Days since the start that are written, those of the window if `None`; the future after it can be landed too.
            Landing day after day writes what landing all at once does.
        future: Days after the window that are drawn too, for the truth and for `only`.
        released: Emails of the platform, to which people react; in the systems form.
        kept_faults: Faults of files that an earlier call landed, for the truth.
        on_day: Called with (days done, days) as the work goes on; the last call has both equal.

    Returns:
        Counts of what was written.

    Raises:
        ValueError: If a count is out of range, the scenario is unknown or the truth would lie in the landing zone.
    """
    _check(customers=customers, days=days, seed=seed, out=out, truth=truth)
    if scenario not in SCENARIOS:
        message = f"no scenario is called {scenario}: choose one of {', '.join(SCENARIOS)}"
        raise ValueError(message)
    window = Window(day_start(start), days, future)
    world, form = world or SCENARIOS[scenario].world, form or SCENARIOS[scenario].form
    (key,) = keys_of(np.random.SeedSequence(seed), 1)
    only = range(days) if only is None else only
    zone = LandingZone(
        out, world, key, start=window.start, days=days, until=window.until, first=only.start, last=only.stop
    )
    shop = _Shop(
        world, form, window, zone, seed, customers, batch or BATCH[form], truth is not None, released or NOTHING
    )
    catalogue = build_catalogue()
    firsts = range(0, shop.blocks, shop.batch)
    sold = np.zeros((len(catalogue.product), window.until), dtype=np.int64)
    landed: dict[str, Landed] = {}
    fault_count = 0
    progress = _Progress(days, len(firsts), on_day)
    with TruthWriter(truth, kept_faults=kept_faults) if truth else nullcontext() as writer:
        for outcome in _work(shop, firsts, workers, progress):
            for name, part in outcome.landed.items():
                landed[name] = add(landed[name], part) if name in landed else part
            sold += outcome.sold
            fault_count += outcome.fault_count
            if writer:
                writer.write(outcome.told)
        limited = sum(limited_units(world.limited_stock, shop.size(block)) for block in range(shop.blocks))
        export = (export_stock if form == "systems" else export_products)(
            catalogue, stock_by_day(catalogue, sold, days=days, limited=limited), window
        )
        landed[export.name] = products = zone.land([export], 0)
        if writer:
            told = Told()
            told.append_faults(products.faults)
            writer.write(told)
    if truth:
        name = next((name for name, shop in SCENARIOS.items() if (shop.world, shop.form) == (world, form)), "own")
        write_world(truth, world, window, customers=customers, seed=seed, scenario=name, form=form)
    progress.finish()
    return _summarise(landed, fault_count + len(products.faults), start, only)


def _work(shop: _Shop, firsts: range, workers: int, progress: "_Progress") -> Iterator[_Outcome]:
    """The outcomes of the batches, in their order."""
    if workers == 1 or len(firsts) == 1:
        for first in firsts:
            yield _land_batch(shop, first, progress.within)
            progress.finish_batch()
        return
    # Threads of numpy and Arrow do not survive a fork.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for outcome in pool.map(_land_batch, [shop] * len(firsts), firsts):
            yield outcome
            progress.finish_batch()


class _Progress:
    """Turns batches of work into days, for whoever shows a bar of days."""

    def __init__(self, days: int, batches: int, on_day: Callable[[int, int], None] | None) -> None:
        self._days, self._batches, self._on_day, self._done = days, batches, on_day, 0

    def within(self, share: float) -> None:
        """Say how much of the present batch is done, from 0 to 1."""
        if self._on_day:
            # The products of all come last.
            self._on_day(int(self._days * 0.98 * (self._done + share) / self._batches), self._days)

    def finish_batch(self) -> None:
        """Say that the present batch is done."""
        self.within(1.0)
        self._done += 1

    def finish(self) -> None:
        """Say that all is done."""
        if self._on_day:
            self._on_day(self._days, self._days)


def _land_batch(shop: _Shop, first: int, within: Callable[[float], None] = lambda _: None) -> _Outcome:
    """Live and land the blocks from `first` on; `within` hears how much is done."""
    catalogue = build_catalogue()
    sold = np.zeros((len(catalogue.product), shop.window.until), dtype=np.int64)
    told, landed = Told(), {}
    exports, additions = [], []
    for block in range(first, min(first + shop.batch, shop.blocks)):
        life_seed, export_seed = np.random.SeedSequence(shop.seed, spawn_key=(block,)).spawn(2)
        history = live(life_seed, shop.world, catalogue, shop.window, block=block, size=shop.size(block))
        history, aftermaths = react_to(shop.world, catalogue, shop.window, history, shop.released)
        for lived in (history, *(aftermath.history for aftermath in aftermaths)):
            sold += _units_sold(catalogue, lived.orders.keep(~lived.prevented), shop.window)
        if shop.is_told:
            event_ids = email_event_ids(export_seed, history)
            reported = reported_on(export_seed, shop.world, shop.window, history)
            told.append_history(
                shop.world, shop.window, history, event_ids, form=shop.form,
                support_users=support_users(shop.world, history) if shop.form == "systems" else (),
                reported_on=shop.zone.arrive(ESP_OBJECT[shop.form], reported),
            )  # fmt: skip
        for aftermath in aftermaths:
            seed = np.random.SeedSequence(shop.seed, spawn_key=(block, AFTERMATHS + aftermath.day))
            additions.append(export_aftermath(seed, shop.world, catalogue, shop.window, aftermath.history))
            if shop.is_told:
                ids = email_event_ids(seed, aftermath.history)
                reported = reported_on(seed, shop.world, shop.window, aftermath.history)
                arrived = shop.zone.arrive(ESP_OBJECT[shop.form], reported)
                told.append_aftermath(shop.window, aftermath.history, ids, reported_on=arrived)
        if shop.form == "systems":
            exports.append(export_block(export_seed, shop.world, catalogue, shop.window, history))
        else:
            # Columns are small enough to keep, the history is not.
            exports.append(iter(list(export_columns(export_seed, shop.world, catalogue, shop.window, history))))
    fault_count = 0
    for parts in zip(*exports, strict=True):
        added = [addition[parts[0].name] for addition in additions if parts[0].name in addition]
        part = shop.zone.land([*parts, *added], first)
        fault_count += len(part.faults)
        if shop.is_told:
            told.append_faults(part.faults)
        landed[parts[0].name] = part._replace(faults=[])
        within(len(landed) / shop.objects)
    return _Outcome(landed, fault_count, sold, told)


def _check(*, customers: int, days: int, seed: int, out: Path, truth: Path | None) -> None:
    if customers < 1 or days < 1:
        message = f"customers and days must be at least 1, got {customers} and {days}"
        raise ValueError(message)
    if seed < 0:
        message = f"seed must not be negative, got {seed}"
        raise ValueError(message)
    if truth and truth.resolve().is_relative_to(out.resolve()):
        message = f"the truth must not lie in the landing zone: choose a folder outside {out}"
        raise ValueError(message)


def _units_sold(catalogue: Catalogue, orders: Orders, window: Window) -> Ints:
    """Units per variant and day, shape (variants, days)."""
    day = np.repeat((orders.ordered_at - window.start) // DAY, np.diff(orders.first_line))
    inside = (day >= 0) & (day < window.until)
    cell = orders.line_variant[inside] * window.until + day[inside]
    units = np.bincount(cell, weights=orders.line_quantity[inside], minlength=len(catalogue.product) * window.until)
    return units.astype(np.int64).reshape(-1, window.until)


def _summarise(landed: dict[str, Landed], fault_count: int, start: date, only: range) -> Summary:
    return Summary(
        files=sum(part.files for part in landed.values()),
        rows=sum(part.rows for part in landed.values()),
        bytes=sum(part.size for part in landed.values()),
        rows_by_object=tuple(sorted((name, part.rows) for name, part in landed.items())),
        fault_count=fault_count,
        first_day=date.fromordinal(start.toordinal() + only.start),
        last_day=date.fromordinal(start.toordinal() + only.stop - 1),
    )
