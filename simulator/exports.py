"""What each system exports of one block, and what goes wrong on the way to the landing zone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simulator.catalogue import Catalogue
from simulator.histories import History, Window
from simulator.landing import Delivery, Shape, break_lines, delay, deliver, draw_delays, redeliver
from simulator.selves import NONE
from simulator.shapes import plain, segment, sendgrid, shopify_customers, shopify_orders
from simulator.world import World

SYNCED_SHARE = 0.5
"""Unsubscribes that the ESP tells the shop about; of the others only the ESP knows."""


class Export(NamedTuple):
    """One object of one block, ready to be written."""

    name: str
    shape: Shape
    header: str
    delivery: Delivery


def export_block(
    seed: np.random.SeedSequence,
    world: World,
    catalogue: Catalogue,
    window: Window,
    history: History,
    email_event_ids: list[str],
) -> Iterator[Export]:
    """Yield the objects one after the other, so that only one is held as text.

    Args:
        seed: The block's seed for what is not about people: ids and mishaps.
        world: Rates.
        catalogue: The assortment.
        window: The simulated days.
        history: What happened.
        email_event_ids: The ESP's ids, one per response of the mailing.

    Yields:
        The exports.
    """
    streams = [np.random.default_rng(child) for child in seed.spawn(5)]
    people, selves = history.people, history.selves
    yield _customers(streams[0], window, history)

    yield _orders(streams[1], world, catalogue, window, history)
    yield _web_events(streams[2], world, catalogue, window, history)

    responses = history.mailing.responses
    written = sendgrid.write_events(people, selves, history.mailing.sends, responses, email_event_ids)
    delivery = deliver(written, email_event_ids, responses.happened_at, window.start)
    delivery = delay(delivery, draw_delays(streams[3], world, len(written)))
    yield Export("sendgrid/events", "array", "", redeliver(streams[3], world, delivery))

    plain_files = (
        ("plain/tickets", plain.TICKETS, plain.write_tickets(people, history.orders, history.tickets)),
        ("plain/consents", plain.CONSENTS, plain.write_consents(people, selves, history.statements)),
        (
            "plain/assignments",
            plain.ASSIGNMENTS,
            plain.write_assignments(world, selves, history.experiment, window.start),
        ),
    )
    for name, header, (lines, keys, written_at) in plain_files:
        yield Export(name, "table", header, deliver(lines, keys, written_at, window.start))


def _customers(rng: np.random.Generator, window: Window, history: History) -> Export:
    is_synced = rng.random(len(history.people)) < SYNCED_SHARE
    versions = shopify_customers.write_customers(
        history.people, history.selves, history.opt_ins, history.orders,
        unsubscribed_at=history.mailing.unsubscribed_at, is_synced=is_synced, start=window.start,
    )  # fmt: skip
    ids = [str(number) for number in versions.account_id.tolist()]
    return Export(
        "shopify/customers", "document", "customers", deliver(versions.text, ids, versions.updated_at, window.start)
    )


def _orders(rng: np.random.Generator, world: World, catalogue: Catalogue, window: Window, history: History) -> Export:
    orders = history.orders
    left_at = history.mailing.unsubscribed_at[orders.person]
    # Whoever has left the list does not tick the box again.
    accepts = history.opt_ins.can_be_mailed[orders.person] & ((left_at == NONE) | (left_at > orders.ordered_at))
    versions = shopify_orders.write_orders(catalogue, history.people, history.selves, orders, accepts_marketing=accepts)
    ids = [str(number) for number in orders.id[versions.order].tolist()]
    delivery = deliver(versions.text, ids, versions.updated_at, window.start)
    return Export("shopify/orders", "lines", "", break_lines(rng, world, delivery))


def _web_events(
    rng: np.random.Generator, world: World, catalogue: Catalogue, window: Window, history: History
) -> Export:
    events = history.web_events
    delays = draw_delays(rng, world, len(events.kind))
    # A server keeps nothing for days.
    delays = np.where(events.session == NONE, 0, delays)
    envelopes = segment.write_events(
        rng, catalogue, history.people, history.selves, history.orders, history.sessions, events, delays
    )  # fmt: skip
    delivery = delay(deliver(envelopes.text, envelopes.message_id, events.happened_at, window.start), delays)
    return Export("segment/events", "lines", "", break_lines(rng, world, redeliver(rng, world, delivery)))
