"""Web events in the envelope of the Segment Spec, ecommerce v2 names."""

import json
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Ints, Texts, texts
from simulator.browsing import (
    ADDED,
    CHECKOUT,
    COMPLETED,
    IDENTIFIED,
    PAGE,
    RENEWED,
    SIGNED_UP,
    VIEWED,
    Sessions,
    WebEvents,
)  # fmt: skip
from simulator.catalogue import CATEGORIES, Catalogue, slug
from simulator.instants import DAY, write_utc
from simulator.mixing import hex_ids, uniforms
from simulator.names import CITIES
from simulator.people import People
from simulator.purchases import Orders
from simulator.selves import Selves
from simulator.shapes.shopify_orders import money

SHOP = "https://harbourandhill.example"
EVENT_NAMES = {
    SIGNED_UP: "Signed Up", VIEWED: "Product Viewed", ADDED: "Product Added", CHECKOUT: "Checkout Started",
    COMPLETED: "Order Completed", RENEWED: "Subscription Renewed",
}  # fmt: skip
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Mobile/15E148 Safari/604.1"
    ),
)
ENVELOPE = (
    '{%s"messageId":"%s","channel":"%s","context":%s,"integrations":{},"originalTimestamp":"%s","receivedAt":"%s","sentAt":"%s",'
    '"timestamp":"%s",%s,"userId":%s,"version":2}'
)


class Envelopes(NamedTuple):
    """Events as Segment stores them, shape (k,) each."""

    text: list[str]
    message_id: list[str]


def write_events(
    key: int,
    catalogue: Catalogue,
    people: People,
    selves: Selves,
    orders: Orders,
    sessions: Sessions,
    events: WebEvents,
    delays: Ints,
) -> Envelopes:
    """Write every event; those that are `delays` days late were kept on the device until then."""
    size = len(events.kind)
    message_id = [f"ajs-next-{raw}" for raw in hex_ids(key, np.arange(size))]
    in_session = events.session != NONE
    device = (
        np.where(in_session, '"anonymousId":"' + sessions.device[events.session] + '",', "")
        if len(sessions.person)
        else texts([""] * size)
    )
    sent_at, received_at = arrival_times(key, events, delays)
    happened = write_utc(events.happened_at)
    rows = zip(
        device.tolist(), message_id, np.where(in_session, "client", "server").tolist(),
        _write_contexts(catalogue, selves, sessions, events), happened, write_utc(received_at), write_utc(sent_at), happened,
        _write_payloads(catalogue, people, selves, orders, sessions, events),
        _write_user_ids(selves, orders, sessions, events), strict=True,
    )  # fmt: skip
    return Envelopes(text=[ENVELOPE % row for row in rows], message_id=message_id)


def arrival_times(key: int, events: WebEvents, delays: Ints) -> tuple[Ints, Ints]:
    """When each event left the device and when it reached the servers; those kept for days arrive so much later."""
    # What reaches the servers after midnight of its own day would be late; the last second of a day hides that.
    day_end = (events.happened_at // DAY + 1) * DAY - 1
    index = np.arange(len(delays))
    sent_after = 20 + (880 * uniforms(key + 10, index)).astype(np.int64)
    received_after = 900 + (1_100 * uniforms(key + 11, index)).astype(np.int64)
    sent_at, received_at = (
        np.minimum(events.happened_at + wait, day_end) + delays * DAY for wait in (sent_after, received_after)
    )
    return sent_at, received_at


def _person(orders: Orders, sessions: Sessions, events: WebEvents) -> Ints:
    """Whose event it is, shape (k,)."""
    by_order = orders.person[events.order] if len(orders) else events.order
    by_session = sessions.person[events.session] if len(sessions.person) else events.session
    return np.where(events.session == NONE, by_order, by_session)


def _write_user_ids(selves: Selves, orders: Orders, sessions: Sessions, events: WebEvents) -> list[str]:
    """The account id as a string, of the order's account where there is an order."""
    account = selves.account_id[_person(orders, sessions, events)]
    of_session = sessions.order[events.session] if len(sessions.person) else events.session
    order = np.where(events.order != NONE, events.order, np.where(events.session != NONE, of_session, NONE))
    if len(orders):
        account = np.where((order != NONE) & (events.kind != SIGNED_UP), orders.account_id[order], account)
    is_known = events.is_known & (account != NONE)
    return [f'"{value}"' if known else "null" for value, known in zip(account.tolist(), is_known.tolist(), strict=True)]


def _write_contexts(catalogue: Catalogue, selves: Selves, sessions: Sessions, events: WebEvents) -> list[str]:
    """Library, page and browser; only the library for what the server reports."""
    handles = [f"/products/{slug(title)}" for title in catalogue.title]
    paths = [*handles, "/checkout", "/account/register", "/"]
    place = np.where(events.variant != NONE, events.variant, len(handles) + 2)
    place = np.where(np.isin(events.kind, (CHECKOUT, COMPLETED, IDENTIFIED)), len(handles), place)
    place = np.where(events.kind == SIGNED_UP, len(handles) + 1, place)
    browsers = texts(
        [_browser(path, city[4], is_phone=phone) for phone in (False, True) for city in CITIES for path in paths]
    )
    contexts = np.append(browsers, '{"library":{"name":"analytics-node","version":"2.2.0"}}')
    browser = sessions.is_phone * len(CITIES) + selves.city[sessions.person]
    in_session = events.session != NONE
    index = np.full(len(place), len(contexts) - 1)
    index[in_session] = browser[events.session[in_session]] * len(paths) + place[in_session]
    return list(contexts[index])


def _browser(path: str, zone: str, *, is_phone: bool) -> str:
    return (
        f'{{"library":{{"name":"analytics.js","version":"npm:next-1.76.0"}},"page":{{"path":"{path}","url":"{SHOP}{path}"}},'
        f'"userAgent":"{AGENTS[is_phone]}","device":{{"type":"{"mobile" if is_phone else "desktop"}"}},"locale":"en-US",'
        f'"timezone":"{zone}"}}'
    )


def _write_payloads(
    catalogue: Catalogue, people: People, selves: Selves, orders: Orders, sessions: Sessions, events: WebEvents
) -> list[str]:
    """Type, event name and properties or traits of each event."""
    payload: Texts = np.empty(len(events.kind), dtype=object)
    tracked = {kind: f'"type":"track","event":"{name}","properties":%s' for kind, name in EVENT_NAMES.items()}
    for kind in range(IDENTIFIED + 2):
        rows = np.flatnonzero(events.kind == kind)
        if not len(rows):
            continue
        variant, quantity, order = events.variant[rows], events.quantity[rows], events.order[rows]
        if kind == PAGE:
            payload[rows] = (
                f'"type":"page","name":"Home","properties":{{"path":"/","title":"Harbour & Hill","url":"{SHOP}/"}}'
            )
        elif kind == IDENTIFIED:
            payload[rows] = _write_traits(selves, orders, _person(orders, sessions, events)[rows], order)
        elif kind == SIGNED_UP:
            payload[rows] = tracked[kind] % '{"method":"email"}'
        elif kind == VIEWED:
            payload[rows] = texts([tracked[kind] % f"{{{text}}}" for text in _product_texts(catalogue)])[variant]
        elif kind == ADDED:
            carts = _write_carts(people, orders, events.session[rows], order)
            products = texts(_product_texts(catalogue))[variant].tolist()
            added = zip(carts, products, quantity.tolist(), strict=True)
            payload[rows] = [
                tracked[kind] % f'{{"cart_id":"{cart}",{product},"quantity":{count}}}' for cart, product, count in added
            ]
        elif kind == CHECKOUT:
            payload[rows] = [tracked[kind] % text for text in _write_checkouts(catalogue, people, orders, events, rows)]
        else:
            payload[rows] = texts([tracked[kind] % text for text in _write_completed(catalogue, orders)])[order]
    written: list[str] = payload.tolist()
    return written


def _product_texts(catalogue: Catalogue) -> list[str]:
    """The product properties of each variant, without braces."""
    prices = money(catalogue.price_cents)
    return [
        f'"product_id":"{catalogue.product_id[k]}","sku":"{catalogue.sku[k]}","name":{json.dumps(title)},'
        f'"category":{json.dumps(CATEGORIES[catalogue.category[k]])},"variant":"{catalogue.pack[k]}","price":{prices[k]},"currency":"USD"'
        for k, title in enumerate(catalogue.title)
    ]


def _write_traits(selves: Selves, orders: Orders, person: Ints, order: Ints) -> list[str]:
    email = selves.mailbox[person]
    if len(orders):
        email = np.where(order != NONE, orders.email[order], email)
    return [f'"type":"identify","traits":{{"email":"{address}"}}' for address in email.tolist()]


def _write_carts(people: People, orders: Orders, session: Ints, order: Ints) -> list[str]:
    """The order's cart token, or one of the visit."""
    tokens = orders.cart_token if len(orders) else texts([""])
    rows = zip(session.tolist(), order.tolist(), tokens[order].tolist(), strict=True)
    return [token if placed != NONE else f"cart-{people.block:05d}-{visit:07x}" for visit, placed, token in rows]


def _write_checkouts(catalogue: Catalogue, people: People, orders: Orders, events: WebEvents, rows: Ints) -> list[str]:
    variant, order = events.variant[rows], events.order[rows]
    carts = _write_carts(people, orders, events.session[rows], order)
    items = texts(_write_items(catalogue, orders))
    singles = texts([f'{{{text},"quantity":1}}' for text in _product_texts(catalogue)])
    is_placed = order != NONE
    value = catalogue.price_cents[variant]
    basket = singles[variant]
    value[is_placed], basket[is_placed] = orders.items_cents[order[is_placed]], items[order[is_placed]]
    return [
        f'{{"checkout_id":"{cart[::-1]}","cart_id":"{cart}","value":{amount},"currency":"USD","products":[{products}]}}'
        for cart, amount, products in zip(carts, money(value), basket.tolist(), strict=True)
    ]


def _write_completed(catalogue: Catalogue, orders: Orders) -> list[str]:
    """The properties of each order's completion (or renewal), shape (orders,)."""
    rows = zip(
        orders.id.tolist(), money(orders.total_cents), money(orders.items_cents - orders.discount_cents), money(orders.shipping_cents),
        money(orders.tax_cents), money(orders.discount_cents), orders.cart_token.tolist(), _write_items(catalogue, orders), strict=True,
    )  # fmt: skip
    return [
        f'{{"order_id":"{order}","checkout_id":"{cart[::-1]}","cart_id":"{cart}","total":{total},"revenue":{revenue},"shipping":{shipping},'
        f'"tax":{tax},"discount":{discount},"currency":"USD","products":[{items}]}}'
        for order, total, revenue, shipping, tax, discount, cart, items in rows
    ]


def _write_items(catalogue: Catalogue, orders: Orders) -> list[str]:
    """The products of each order, joined by commas."""
    products = texts([f"{{{text}," for text in _product_texts(catalogue)])[orders.line_variant].tolist()
    items = [
        f'{product}"quantity":{count}}}' for product, count in zip(products, orders.line_quantity.tolist(), strict=True)
    ]
    bounds = orders.first_line.tolist()
    return [",".join(items[first:last]) for first, last in pairwise(bounds)]
