"""What a shop exports of one block as plain tables in Parquet: for sizes at which text is the bottleneck."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pyarrow as pa

from simulator.arrays import NONE, Ints
from simulator.catalogue import Catalogue
from simulator.exports import EMAIL_KEY
from simulator.histories import History, Window
from simulator.landing import Export
from simulator.mishaps import (
    CHANGED_COPY,
    FAR_FUTURE,
    IMPOSSIBLE_TIME,
    NEGATIVE_PRICE,
    Delivery,
    Drift,
    Spoiler,
    Winner,
    delay,
    deliver,
    draw_delays,
    redeliver,
    spoil,
)
from simulator.mixing import keys_of
from simulator.shapes import plain_columns as plain
from simulator.shapes.plain_columns import Plain
from simulator.world import World

PLAIN_OBJECTS = (
    "profiles", "orders", "order_lines", "web_events", "email_events", "tickets", "consents", "assignments",
)  # fmt: skip
OUR_URL = "https://harbourandhill.example/"
ORDER_SPOILERS = (Spoiler(IMPOSSIBLE_TIME, "ordered_at", FAR_FUTURE), Spoiler(CHANGED_COPY, "currency", "EUR"))
LINE_SPOILERS = (Spoiler(NEGATIVE_PRICE, "unit_price", Decimal("-1.00")),)
WEB_SPOILERS = (Spoiler(IMPOSSIBLE_TIME, "occurred_at", FAR_FUTURE), Spoiler(CHANGED_COPY, "url", OUR_URL))
EMAIL_SPOILERS = (Spoiler(IMPOSSIBLE_TIME, "occurred_at", FAR_FUTURE), Spoiler(CHANGED_COPY, "reason", "again"))
DRIFTS = {
    "plain/profiles": Drift("loyalty_tier", "none"),
    "plain/consents": Drift("ip_country", "US", renamed=("email", "email_address")),
}


def export_columns(
    seed: np.random.SeedSequence, world: World, catalogue: Catalogue, window: Window, history: History
) -> Iterator[Export]:
    """Yield the objects of one block, each a table of columns.

    Args:
        seed: The block's seed for what is not about people: ids and mishaps.
        world: Rates.
        catalogue: The assortment.
        window: The simulated days.
        history: What happened.

    Yields:
        The exports.
    """
    keys, start = keys_of(seed, 7), window.start
    people, selves, placed = history.people, history.selves, history.orders
    yield _export("profiles", _deliver(plain.profiles(people, selves, start), start, winner="newest"))
    ordered = _deliver(plain.orders(selves, placed), start, winner="newest")
    yield _export("orders", spoil(keys[0], world, ordered, ORDER_SPOILERS))
    lines = _deliver(plain.order_lines(catalogue, placed), start, winner="latest")
    yield _export("order_lines", spoil(keys[1], world, lines, LINE_SPOILERS))
    delays = np.where(history.web_events.session == NONE, 0, draw_delays(keys[2], world, len(history.web_events.kind)))
    visited = delay(_deliver(plain.web_events(keys[2] + 100, catalogue, history, delays), start), delays)
    visited = spoil(keys[2] + 300, world, redeliver(keys[2] + 200, world, visited), WEB_SPOILERS)
    yield _export("web_events", visited, can_be_cut=True)
    mailed = _deliver(plain.email_events(keys[EMAIL_KEY], history), start)
    mailed = delay(mailed, draw_delays(keys[EMAIL_KEY] + 100, world, len(mailed.record)))
    mailed = redeliver(keys[EMAIL_KEY] + 200, world, mailed)
    yield _export("email_events", spoil(keys[EMAIL_KEY] + 300, world, mailed, EMAIL_SPOILERS))
    yield _export("tickets", _deliver(plain.tickets(people, placed, history.tickets), start, winner="newest"))
    yield _export(
        "consents", _deliver(plain.consents(people, selves, history.opt_ins, history.statements, start), start)
    )
    yield _export("assignments", _deliver(plain.assignments(world, selves, history.experiment, start), start))


def export_products(catalogue: Catalogue, stock: Ints, window: Window) -> Export:
    """The products of the whole shop, day by day; `stock` has the units at the end of each, shape (variants, days)."""
    return _export("products", _deliver(plain.products(catalogue, stock, window.start), window.start, winner="newest"))


def _deliver(plain_table: Plain, start: int, *, winner: Winner = "first") -> Delivery:
    ids = plain_table.table.column(0).combine_chunks()
    dense = ids.cast(pa.string()) if pa.types.is_dictionary(ids.type) else ids
    return deliver(plain_table.table, dense, plain_table.written_at, start, winner=winner)


def _export(name: str, delivery: Delivery, *, can_be_cut: bool = False) -> Export:
    return Export(f"plain/{name}", "columns", "", delivery, DRIFTS.get(f"plain/{name}"), can_be_cut)
