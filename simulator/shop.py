"""Lands a whole shop: people, what they do, and the files in which their systems say so."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from simulator.arrays import Ints
from simulator.catalogue import Catalogue, build_catalogue, stock_by_day
from simulator.emails import draw_event_ids
from simulator.exports import export_block
from simulator.histories import History, Window, live
from simulator.instants import DAY, day_start
from simulator.landing import Landed, LandingZone, deliver
from simulator.people import BLOCK_SIZE
from simulator.purchases import Orders
from simulator.shapes.shopify_products import write_products
from simulator.truth import TruthWriter
from simulator.world import World

FIRST_DAY = date(2025, 1, 1)
OBJECTS_PER_BLOCK = 7


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


def simulate(
    *,
    customers: int,
    days: int,
    seed: int,
    out: Path,
    truth: Path | None,
    start: date = FIRST_DAY,
    on_day: Callable[[int, int], None] | None = None,
) -> Summary:
    """Land a shop whose truth is known.

    The same arguments write the same bytes. People come in blocks of 10,000 with a seed and files of their own
    (`<object>-<block>`), so that a block is the same in a larger shop. Files of an earlier call are overwritten, never removed:
    give each shop an empty folder.

    Args:
        customers: People, at least 1.
        days: Length of the window, at least 1.
        seed: Not negative.
        out: The landing zone.
        truth: Folder for what really happened, outside the landing zone; `None` writes none.
        start: First day of the window; business days are UTC.
        on_day: Called with (days done, days) as the work goes on; the last call has both equal.

    Returns:
        Counts of what was written.

    Raises:
        ValueError: If a count is out of range or the truth would lie in the landing zone.
    """
    _check(customers=customers, days=days, seed=seed, out=out, truth=truth)
    world, catalogue = World(), build_catalogue()
    window = Window(day_start(start), days)
    blocks = -(-customers // BLOCK_SIZE)
    report = _Progress(days, blocks * OBJECTS_PER_BLOCK + 1, on_day)
    sold = np.zeros((len(catalogue.product), days), dtype=np.int64)
    landed: dict[str, Landed] = {}
    with TruthWriter(truth) if truth else nullcontext() as writer:
        for block, block_seed in enumerate(np.random.SeedSequence(seed).spawn(blocks)):
            size = min(BLOCK_SIZE, customers - block * BLOCK_SIZE)
            life_seed, export_seed, id_seed = block_seed.spawn(3)
            history = live(life_seed, world, catalogue, window, block=block, size=size)
            ids = draw_event_ids(np.random.default_rng(id_seed), history.mailing.responses)
            zone = LandingZone(root=out, start=window.start, days=days, block=block)
            for export in export_block(export_seed, world, catalogue, window, history, ids):
                part = zone.land(export.name, export.delivery, shape=export.shape, header=export.header)
                landed[export.name] = _add(landed.get(export.name), part)
                if writer:
                    writer.append_faults(part.faults)
                report.step()
            if writer:
                _tell(writer, history, ids, window)
            sold += _units_sold(catalogue, history.orders, window)
    landed["shopify/products"] = _land_products(catalogue, sold, out, window)
    report.step()
    return _summarise(landed, start, days)


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


class _Progress:
    """Turns steps of work into days, for whoever shows a bar of days."""

    def __init__(self, days: int, steps: int, on_day: Callable[[int, int], None] | None) -> None:
        self._days, self._steps, self._on_day, self._done = days, steps, on_day, 0

    def step(self) -> None:
        self._done += 1
        if self._on_day:
            self._on_day(self._days * self._done // self._steps, self._days)


def _units_sold(catalogue: Catalogue, orders: Orders, window: Window) -> Ints:
    """Units per variant and day, shape (variants, days)."""
    day = np.repeat((orders.ordered_at - window.start) // DAY, np.diff(orders.first_line))
    inside = (day >= 0) & (day < window.days)
    cell = orders.line_variant[inside] * window.days + day[inside]
    units = np.bincount(cell, weights=orders.line_quantity[inside], minlength=len(catalogue.product) * window.days)
    return units.astype(np.int64).reshape(-1, window.days)


def _land_products(catalogue: Catalogue, sold: Ints, out: Path, window: Window) -> Landed:
    records, ids, exported_at = write_products(catalogue, stock_by_day(catalogue, sold), window.start)
    zone = LandingZone(root=out, start=window.start, days=window.days, block=0)
    return zone.land(
        "shopify/products", deliver(records, ids, exported_at, window.start), shape="document", header="products"
    )


def _tell(writer: TruthWriter, history: History, ids: list[str], window: Window) -> None:
    people, selves = history.people, history.selves
    writer.append_people(people, selves, window.start)
    writer.append_profiles(people, selves, history.sessions)
    writer.append_machine_events(history.mailing.responses, ids)
    writer.append_experiment(people, selves, history.experiment, window.start)


def _add(total: Landed | None, part: Landed) -> Landed:
    if total is None:
        return part
    return Landed(total.files + part.files, total.rows + part.rows, total.size + part.size, total.faults + part.faults)


def _summarise(landed: dict[str, Landed], start: date, days: int) -> Summary:
    return Summary(
        files=sum(part.files for part in landed.values()),
        rows=sum(part.rows for part in landed.values()),
        bytes=sum(part.size for part in landed.values()),
        rows_by_object=tuple(sorted((name, part.rows) for name, part in landed.items())),
        fault_count=sum(len(part.faults) for part in landed.values()),
        first_day=start,
        last_day=date.fromordinal(start.toordinal() + days - 1),
    )
