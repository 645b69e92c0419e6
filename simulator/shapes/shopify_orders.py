"""Orders as the Shopify Admin API returns them, each landing again whenever it changes."""

import json
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Bools, Ints, Texts, texts
from simulator.catalogue import Catalogue
from simulator.instants import SECOND, STORE_ZONES, UTC, write_local
from simulator.names import CITIES, CITY_COUNTRIES
from simulator.people import People
from simulator.purchases import TAX_RATE, Orders
from simulator.selves import Selves

APP_EVERY = 10
PAID, FULFILLED, CANCELLED, REFUNDED = range(4)

LINE = (
    '{"id":%s,"variant_id":%s,"title":%s,"quantity":%s,"price":"%s","grams":250,"sku":"%s","variant_title":%s,"vendor":"Harbour & Hill",'
    '"fulfillment_service":"manual","product_id":%s,"requires_shipping":true,"taxable":true,"gift_card":false,"name":%s,'
    '"variant_inventory_management":"shopify","properties":[],"product_exists":true,"fulfillable_quantity":%s,"total_discount":"0.00",'
    '"discount_allocations":%s,"fulfillment_status":null,"tax_lines":[]}'
)
BODY = (
    '"id":%(id)s,"admin_graphql_api_id":"gid://shopify/Order/%(id)s","name":"#%(number)s","number":%(number)s,"order_number":%(number)s,'
    '"email":"%(email)s","contact_email":"%(email)s","phone":null,"created_at":"%(created)s","processed_at":"%(processed)s","closed_at":null,'
    '"currency":"USD","presentment_currency":"USD","total_price":"%(total)s","subtotal_price":"%(subtotal)s","total_line_items_price":"%(items)s",'
    '"total_discounts":"%(discount)s","total_tax":"%(tax)s","total_shipping_price_set":{"shop_money":{"amount":"%(shipping)s","currency_code":"USD"}},'
    '"total_tip_received":"0.00","total_weight":0,"taxes_included":false,"test":%(test)s,"confirmed":true,"note":null,"note_attributes":[],'
    '"buyer_accepts_marketing":%(marketing)s,"cart_token":%(cart)s,"checkout_token":%(checkout)s,"token":"%(token)s","source_name":"%(source)s",'
    '"landing_site":"/","referring_site":"","payment_gateway_names":["%(gateway)s"],"discount_codes":%(codes)s,"tags":"%(tags)s",'
    '"tax_lines":[{"title":"Sales Tax","price":"%(tax)s","rate":%(rate)s}],"line_items":[%(lines)s],'
    '"shipping_lines":[{"id":%(id)s1,"title":"Standard","price":"%(shipping)s","code":"Standard","source":"shopify","tax_lines":[]}],'
    '"billing_address":%(address)s,"shipping_address":%(address)s,"customer":%(customer)s'
)
STATE = (
    '{"financial_status":"%s","fulfillment_status":%s,"cancelled_at":%s,"cancel_reason":%s,"updated_at":"%s","current_total_price":"%s",'
    '"fulfillments":[%s],"refunds":[%s],%s}'
)


class OrderVersions(NamedTuple):
    """Orders as they stood after each change, shape (m,) each."""

    text: list[str]
    order: Ints
    updated_at: Ints


def store_zones(people: People) -> Ints:
    """The zone of each person's storefront, shape (n,)."""
    zones: Ints = np.array(STORE_ZONES)[people.store]
    return zones


def is_app_paid(orders: Orders) -> Bools:
    """Orders whose payment another app processed, which writes its own times, shape (m,)."""
    is_paid: Bools = np.arange(len(orders)) % APP_EVERY == 1
    return is_paid


def money(cents: Ints) -> list[str]:
    """`12.50` for 1250."""
    return [f"{value / 100:.2f}" for value in cents.tolist()]


def address_texts(selves: Selves, person: Ints, phone: Texts) -> list[str]:
    """The address block of each person with a phone, shape (m,)."""
    own = (selves.first_name, selves.last_name, selves.street, selves.city, selves.zip_code)
    rows = zip(*(column[person].tolist() for column in own), phone.tolist(), strict=True)
    return [_address(*row) for row in rows]


def _address(first: str, last: str, street: str, city: int, zip_code: str, phone: str) -> str:
    town, province, code, _, _ = CITIES[city]
    country, country_code = CITY_COUNTRIES[city]
    return (
        f'{{"first_name":"{first}","last_name":"{last}","name":"{first} {last}","company":null,"address1":"{street}",'
        f'"address2":null,"city":"{town}","province":"{province}","province_code":"{code}","zip":"{zip_code}",'
        f'"country":"{country}","country_code":"{country_code}",'
        f'"phone":{json.dumps(phone or None)},"latitude":null,"longitude":null}}'
    )


def write_orders(
    catalogue: Catalogue, people: People, selves: Selves, orders: Orders, *, accepts_marketing: Bools
) -> OrderVersions:
    """All versions of all orders: paid, then fulfilled or cancelled, then perhaps refunded.

    `accepts_marketing` is the box at the checkout, shape (orders,).
    """
    bodies = texts(_write_bodies(catalogue, people, selves, orders, accepts_marketing))
    at = np.stack([orders.ordered_at + SECOND, orders.fulfilled_at, orders.cancelled_at, orders.refunded_at])
    order, state = np.nonzero(at.T != NONE)
    updated_at = at[state, order]
    zone = store_zones(people)[orders.person]
    # Some orders are changed by an app that keeps its clock in UTC.
    written_at = write_local(updated_at, np.where(order % APP_EVERY == 0, UTC, zone[order])).tolist()
    total, refund = money(orders.total_cents), money(orders.refund_cents)
    rest = money(orders.total_cents - orders.refund_cents)
    refunds, fulfilled_at = (
        _write_refunds(orders, refund),
        write_local(orders.fulfilled_at, zone).tolist(),
    )
    ids, is_full = orders.id.tolist(), orders.is_full_refund.tolist()
    text = []
    for k, version, updated, body in zip(
        order.tolist(), state.tolist(), written_at, bodies[order].tolist(), strict=True
    ):
        is_fulfilled = version in {FULFILLED, REFUNDED}
        is_returned = version in {CANCELLED, REFUNDED}
        financial = "paid" if not is_returned else "refunded" if is_full[k] else "partially_refunded"
        cancelled, reason = (f'"{updated}"', '"customer"') if version == CANCELLED else ("null", "null")
        done = (
            f'{{"id":{ids[k]}2,"order_id":{ids[k]},"status":"success","created_at":"{fulfilled_at[k]}"}}'
            if is_fulfilled
            else ""
        )
        parts = (
            financial, '"fulfilled"' if is_fulfilled else "null", cancelled, reason, updated,
            rest[k] if is_returned else total[k], done, refunds[k] % (updated, updated, updated) if is_returned else "", body,
        )  # fmt: skip
        text.append(STATE % parts)
    return OrderVersions(text=text, order=order, updated_at=updated_at)


def _write_bodies(
    catalogue: Catalogue, people: People, selves: Selves, orders: Orders, accepts_marketing: Bools
) -> list[str]:
    """The part of each order that never changes."""
    lines, addresses = _write_lines(catalogue, orders), address_texts(selves, orders.person, orders.phone)
    customers = _write_customers(people, selves, orders)
    person = orders.person
    zone = store_zones(people)
    columns = {
        "id": orders.id.tolist(),
        "number": orders.number.tolist(),
        "email": orders.email.tolist(),
        "created": write_local(orders.ordered_at, zone[person]).tolist(),
        "processed": write_local(orders.ordered_at, np.where(is_app_paid(orders), UTC, zone[person])).tolist(),
        "total": money(orders.total_cents),
        "subtotal": money(orders.items_cents - orders.discount_cents),
        "items": money(orders.items_cents),
        "discount": money(orders.discount_cents),
        "tax": money(orders.tax_cents),
        "shipping": money(orders.shipping_cents),
        "test": ["true" if value else "false" for value in orders.is_test.tolist()],
        "gateway": ["bogus" if value else "shopify_payments" for value in orders.is_test.tolist()],
        "marketing": ["true" if value else "false" for value in accepts_marketing.tolist()],
        "cart": [
            "null" if renewed else f'"{token}"'
            for renewed, token in zip(orders.is_renewal, orders.cart_token, strict=True)
        ],
        "checkout": [
            "null" if renewed else f'"{token[::-1]}"'
            for renewed, token in zip(orders.is_renewal, orders.cart_token, strict=True)
        ],
        "token": [token[16:] + token[:16] for token in orders.cart_token.tolist()],
        "source": ["subscription_contract" if value else "web" for value in orders.is_renewal.tolist()],
        "tags": ["Subscription, Subscription Recurring Order" if value else "" for value in orders.is_renewal.tolist()],
        "codes": [
            f'[{{"code":"HARBOUR10","amount":"{cents / 100:.2f}","type":"percentage"}}]' if cents else "[]"
            for cents in orders.discount_cents.tolist()
        ],
        "rate": [TAX_RATE] * len(orders),
        "lines": lines,
        "address": addresses,
        "customer": customers,
    }
    names = list(columns)
    return [BODY % dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _write_lines(catalogue: Catalogue, orders: Orders) -> list[str]:
    """The line items of each order, joined by commas."""
    counts = np.diff(orders.first_line)
    place = np.arange(len(orders.line_variant)) - np.repeat(orders.first_line[:-1], counts)
    ids = np.repeat(orders.id, counts) * 100 + place
    titles = texts([json.dumps(title) for title in catalogue.title])
    packs = texts([json.dumps(pack if pack != "Default Title" else "") for pack in catalogue.pack])
    names = [
        title if pack == "Default Title" else f"{title} - {pack}"
        for title, pack in zip(catalogue.title, catalogue.pack, strict=True)
    ]
    variant = orders.line_variant
    quantity = orders.line_quantity.tolist()
    allocations = [
        f'[{{"amount":"{cents / 100:.2f}","discount_application_index":0}}]' if cents else "[]"
        for cents in orders.line_discount_cents.tolist()
    ]
    columns = (
        ids.tolist(), catalogue.variant_id[variant].tolist(), titles[variant].tolist(), quantity,
        texts(money(catalogue.price_cents))[variant].tolist(), texts(list(catalogue.sku))[variant].tolist(), packs[variant].tolist(),
        catalogue.product_id[variant].tolist(), texts([json.dumps(name) for name in names])[variant].tolist(), quantity, allocations,
    )  # fmt: skip
    written = [LINE % row for row in zip(*columns, strict=True)]
    bounds = orders.first_line.tolist()
    return [",".join(written[first:last]) for first, last in pairwise(bounds)]


def _write_customers(people: People, selves: Selves, orders: Orders) -> list[str]:
    """The customer block of each order; null for a guest checkout."""
    created = write_local(people.joined_at, store_zones(people))
    person = orders.person
    rows = zip(
        orders.account_id.tolist(), orders.email.tolist(), selves.first_name[person].tolist(), selves.last_name[person].tolist(),
        created[person].tolist(), strict=True,
    )  # fmt: skip
    return [
        "null"
        if account == NONE
        else f'{{"id":{account},"email":"{email}","first_name":"{first}","last_name":"{last}","state":"enabled","verified_email":true,'
        f'"tax_exempt":false,"tags":"","created_at":"{at}"}}'
        for account, email, first, last, at in rows
    ]


def _write_refunds(orders: Orders, amount: list[str]) -> list[str]:
    """The refund of each order, with a place for its three times; used only where there is one."""
    written = []
    variant_line = orders.first_line[:-1].tolist()
    bounds = orders.first_line.tolist()
    quantity = orders.line_quantity.tolist()
    for k, (order, refunded, is_full) in enumerate(
        zip(orders.id.tolist(), amount, orders.is_full_refund.tolist(), strict=True)
    ):
        if orders.refund_cents[k] == 0:
            written.append("")
            continue
        last = bounds[k + 1] if is_full else variant_line[k] + 1
        items = ",".join(
            f'{{"id":{order}4{place},"line_item_id":{order * 100 + place},"quantity":{quantity[line]},"restock_type":"return"}}'
            for place, line in enumerate(range(variant_line[k], last))
        )
        written.append(
            f'{{"id":{order}3,"order_id":{order},"created_at":"%s","processed_at":"%s","note":null,"restock":true,"refund_line_items":[{items}],'
            f'"transactions":[{{"id":{order}5,"order_id":{order},"kind":"refund","status":"success","gateway":"shopify_payments",'
            f'"amount":"{refunded}","currency":"USD","created_at":"%s"}}],"order_adjustments":[]}}'
        )
    return written
