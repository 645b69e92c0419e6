"""What each system exports of one block, in its own text, and what goes wrong on the way to the landing zone."""

from collections.abc import Iterator

import numpy as np

from simulator.arrays import NONE, Bools, Ints
from simulator.catalogue import Catalogue
from simulator.histories import History, Window
from simulator.instants import DAY
from simulator.landing import Export
from simulator.mishaps import (
    BROKEN,
    CHANGED_COPY,
    IMPOSSIBLE_TIME,
    NEGATIVE_PRICE,
    Drift,
    Spoiler,
    Winner,
    delay,
    deliver,
    draw_delays,
    redeliver,
    spoil,
    withhold,
)
from simulator.mixing import hex_ids, keys_of, uniforms
from simulator.shapes import hubspot, plain, segment, sendgrid, shopify_customers, shopify_orders, zendesk
from simulator.shapes.shopify_products import write_products
from simulator.world import World

SYNCED_SHARE = 0.5
"""Unsubscribes that the ESP tells the shop about; of the others only the ESP knows."""
OBJECTS = (
    "shopify/customers", "shopify/orders", "segment/events", "sendgrid/events", "plain/tickets", "plain/consents",
    "plain/assignments", "zendesk/tickets", "zendesk/users", "hubspot/contacts",
)  # fmt: skip
EMAIL_KEY = OBJECTS.index("sendgrid/events")
BROKEN_LINE, BROKEN_ROW = Spoiler(BROKEN, "", ""), Spoiler(BROKEN, ",", "")
NO_TIME = "2025-02-30T25:61:00Z"
ORDER_SPOILERS = (
    BROKEN_LINE,
    Spoiler(IMPOSSIBLE_TIME, '"updated_at":"[^"]*"', f'"updated_at":"{NO_TIME}"'),
    Spoiler(NEGATIVE_PRICE, '"total_price":"', '"total_price":"-'),
    Spoiler(CHANGED_COPY, '"note":null', '"note":"Please leave it at the door"'),
)
WEB_SPOILERS = (
    BROKEN_LINE,
    Spoiler(IMPOSSIBLE_TIME, '"timestamp":"[^"]*"', f'"timestamp":"{NO_TIME}"'),
    Spoiler(CHANGED_COPY, '"version":2}$', '"version":3}'),
)
EMAIL_SPOILERS = (
    Spoiler(IMPOSSIBLE_TIME, '"timestamp":[0-9]+', '"timestamp":0'),
    Spoiler(CHANGED_COPY, '"smtp-id":"<', '"smtp-id":"<again-'),
)
DRIFTS = {
    "shopify/customers": Drift("tax_exemptions", "none"),
    "plain/consents": Drift("ip_country", "US", renamed=("email", "email_address")),
}


def export_block(
    seed: np.random.SeedSequence, world: World, catalogue: Catalogue, window: Window, history: History
) -> Iterator[Export]:
    """Yield the objects of the world one after the other, so that only one is held as text.

    Args:
        seed: The block's seed for what is not about people: ids and mishaps.
        world: Rates.
        catalogue: The assortment.
        window: The simulated days.
        history: What happened.

    Yields:
        The exports.
    """
    keys = dict(zip(OBJECTS, keys_of(seed, len(OBJECTS)), strict=True))
    wanted = [name for name in OBJECTS if name in world.objects]
    for name in wanted:
        match name:
            case "shopify/customers":
                yield _customers(keys[name], window, history)
            case "shopify/orders":
                yield _orders(keys[name], world, catalogue, window, history)
            case "segment/events":
                yield _web_events(keys[name], world, catalogue, window, history)
            case "sendgrid/events":
                yield _email_events(keys[name], world, window, history)
            case "zendesk/tickets" | "zendesk/users":
                yield _support(name, window, history)
            case _:
                yield _table(name, keys[name], world, window, history)


def export_aftermath(
    seed: np.random.SeedSequence, world: World, catalogue: Catalogue, window: Window, history: History
) -> dict[str, Export]:
    """What released emails add to the objects of a block, by name; arguments as of `export_block`."""
    keys = dict(zip(OBJECTS, keys_of(seed, len(OBJECTS)), strict=True))
    exports = (
        _orders(keys["shopify/orders"], world, catalogue, window, history),
        _web_events(keys["segment/events"], world, catalogue, window, history),
        _email_events(keys["sendgrid/events"], world, window, history),
    )
    return {export.name: export for export in exports}


def email_event_ids(seed: np.random.SeedSequence, history: History) -> list[str]:
    """The ESP's id of each report of the mailing; `seed` is that of the exports."""
    return hex_ids(keys_of(seed, EMAIL_KEY + 1)[EMAIL_KEY], np.arange(len(history.mailing.responses.send)))


def support_users(world: World, history: History) -> list[tuple[str, int]]:
    """The help desk's key of each person who is met there, with the person's number."""
    if "zendesk/users" not in world.objects:
        return []
    users, asked_by = zendesk.find_users(history.people, history.orders, history.tickets)
    asked = zip(
        users.id[asked_by].tolist(),
        history.people.number[history.orders.person[history.tickets.order]].tolist(),
        strict=True,
    )
    return sorted({(f"zendesk:{user}", person) for user, person in asked})


def reported_on(seed: np.random.SeedSequence, world: World, window: Window, history: History) -> Ints:
    """The day since the start on which each report of the ESP arrives, but for an outage; `seed` is that of the exports."""
    happened_at = history.mailing.responses.happened_at
    key = keys_of(seed, EMAIL_KEY + 1)[EMAIL_KEY]
    days: Ints = (happened_at - window.start) // DAY + draw_delays(key + 100, world, len(happened_at))
    return days


def _customers(key: int, window: Window, history: History) -> Export:
    is_synced = uniforms(key, np.arange(len(history.people))) < SYNCED_SHARE
    versions = shopify_customers.write_customers(
        history.people, history.selves, history.opt_ins, history.orders,
        unsubscribed_at=history.mailing.unsubscribed_at, is_synced=is_synced, start=window.start,
    )  # fmt: skip
    ids = [str(number) for number in versions.account_id.tolist()]
    delivery = deliver(versions.text, ids, versions.updated_at, window.start, winner="newest")
    return Export("shopify/customers", "document", "customers", delivery, DRIFTS["shopify/customers"])


def accepts_marketing(history: History) -> Bools:
    """The box at the checkout of each order, shape (orders,): whoever has left the list does not tick it again."""
    person = history.orders.person
    left_at = history.mailing.unsubscribed_at[person]
    is_ticked: Bools = history.opt_ins.can_be_mailed[person] & (
        (left_at == NONE) | (left_at > history.orders.ordered_at)
    )
    return is_ticked


def _orders(key: int, world: World, catalogue: Catalogue, window: Window, history: History) -> Export:
    orders = history.orders
    versions = shopify_orders.write_orders(
        catalogue, history.people, history.selves, orders, accepts_marketing=accepts_marketing(history)
    )
    ids = [str(number) for number in orders.id[versions.order].tolist()]
    delivery = deliver(versions.text, ids, versions.updated_at, window.start, winner="newest")
    delivery = withhold(delivery, history.prevented[versions.order])
    return Export("shopify/orders", "lines", "", spoil(key, world, delivery, ORDER_SPOILERS))


def _web_events(key: int, world: World, catalogue: Catalogue, window: Window, history: History) -> Export:
    events = history.web_events
    # A server keeps nothing for days.
    delays = np.where(events.session == NONE, 0, draw_delays(key, world, len(events.kind)))
    envelopes = segment.write_events(
        key + 100, catalogue, history.people, history.selves, history.orders, history.sessions, events, delays
    )
    delivery = deliver(envelopes.text, envelopes.message_id, events.happened_at, window.start)
    if len(history.orders):
        delivery = withhold(delivery, (events.order != NONE) & history.prevented[events.order])
    delivery = redeliver(key + 200, world, delay(delivery, delays))
    return Export("segment/events", "lines", "", spoil(key + 300, world, delivery, WEB_SPOILERS), can_be_cut=True)


def _email_events(key: int, world: World, window: Window, history: History) -> Export:
    responses = history.mailing.responses
    ids = hex_ids(key, np.arange(len(responses.send)))
    written = sendgrid.write_events(history.selves, history.mailing.sends, responses, ids)
    delivery = deliver(written, ids, responses.happened_at, window.start)
    delivery = redeliver(key + 200, world, delay(delivery, draw_delays(key + 100, world, len(written))))
    return Export("sendgrid/events", "array", "", spoil(key + 300, world, delivery, EMAIL_SPOILERS))


def _support(name: str, window: Window, history: History) -> Export:
    people, selves = history.people, history.selves
    users, asked_by = zendesk.find_users(people, history.orders, history.tickets)
    if name == "zendesk/users":
        rows = zendesk.write_users(people, selves, users, window.start)
    else:
        rows = zendesk.write_tickets(people, users, asked_by, history.tickets)
    delivery = deliver(rows.text, rows.ids, rows.written_at, window.start, winner="newest")
    if name == "zendesk/tickets":
        delivery = withhold(delivery, history.prevented[history.tickets.order])
    return Export(name, "document", name.rpartition("/")[2], delivery)


def _table(name: str, key: int, world: World, window: Window, history: History) -> Export:
    people, selves = history.people, history.selves
    winner: Winner = "first"
    rows: plain.Rows | hubspot.Rows
    match name:
        case "plain/tickets":
            header, winner = plain.TICKETS, "newest"
            rows = plain.write_tickets(people, history.orders, history.tickets)
        case "hubspot/contacts":
            header, winner = hubspot.HEADER, "newest"
            rows = hubspot.write_contacts(history, window.start)
        case "plain/consents":
            header, rows = plain.CONSENTS, plain.write_consents(people, selves, history.statements)
        case _:
            header = plain.ASSIGNMENTS
            rows = plain.write_assignments(world, selves, history.experiment, window.start)
    delivery = deliver(*rows, window.start, winner=winner)
    if name == "plain/tickets":
        delivery = withhold(delivery, history.prevented[history.tickets.order])
    return Export(name, "table", header, spoil(key, world, delivery, (BROKEN_ROW,)), DRIFTS.get(name))


def export_stock(catalogue: Catalogue, stock: Ints, window: Window) -> Export:
    """The products of the whole shop, day by day; `stock` has the units at the end of each, shape (variants, days)."""
    records, ids, exported_at = write_products(catalogue, stock, window.start)
    delivery = deliver(records, ids, exported_at, window.start, winner="newest")
    return Export("shopify/products", "document", "products", delivery)
