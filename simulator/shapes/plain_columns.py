"""The plain tables as Arrow columns, made from arrays without touching a row in Python."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.arrays import NONE, Bools, Floats, Ints, Texts
from simulator.browsing import ADDED, CHECKOUT, COMPLETED, IDENTIFIED, PAGE, RENEWED, SIGNED_UP, VIEWED
from simulator.catalogue import CATEGORIES, Catalogue, slug
from simulator.consents import OptIns, Statements
from simulator.histories import History
from simulator.instants import DAY, HOUR, SECOND
from simulator.mixing import hex_array
from simulator.names import CITIES, CITY_COUNTRIES
from simulator.people import People
from simulator.purchases import Orders
from simulator.response import BLOCKED, BOUNCED, CLICKED, COMPLAINED, DELIVERED, OPENED, UNSUBSCRIBED
from simulator.selves import Selves
from simulator.shapes.segment import AGENTS, EVENT_NAMES, SHOP, arrival_times
from simulator.shapes.sendgrid import LINKS
from simulator.shapes.shopify_customers import phones_at
from simulator.tickets import Tickets
from simulator.win_back import ASSIGNED_HOUR, CONTROL, EXPERIMENT, SENT_HOUR, TREATMENT, WinBack
from simulator.world import World

WEB_EVENTS = {**EVENT_NAMES, PAGE: "Page Viewed", IDENTIFIED: "Signed In"}
EMAIL_EVENTS = {
    DELIVERED: "Email Delivered", OPENED: "Email Opened", CLICKED: "Email Link Clicked", UNSUBSCRIBED: "Email Unsubscribed",
    COMPLAINED: "Email Marked as Spam", BOUNCED: "Email Bounced", BLOCKED: "Email Blocked",
}  # fmt: skip
REASONS = {BOUNCED: "550 5.1.1 mailbox does not exist", BLOCKED: "421 4.7.0 try again later"}
MACHINE_AGENT = "Mozilla/5.0"
INSTANT = pa.timestamp("ms", "UTC")
MONEY = pa.decimal128(18, 2)


class Plain(NamedTuple):
    """A table, and when each row was written, shape (n,)."""

    table: pa.Table
    written_at: Ints


def words(index: Ints, vocabulary: Sequence[str]) -> pa.DictionaryArray:
    """Words of a small vocabulary; null where the index is negative."""
    # Parquet writes the dictionary as it is, and leaves bytes of chance where a word stands in it twice.
    own = pa.array(vocabulary, pa.string()).dictionary_encode()
    places = np.append(own.indices.to_numpy(), NONE)
    return _look_up(places[index], own.dictionary, np.int16)


def names(index: Ints, values: pa.Array | Texts) -> pa.DictionaryArray:
    """One of many names (of people, orders, visits) per row; null where the index is negative."""
    return _look_up(index, values if isinstance(values, pa.Array) else pa.array(values, pa.string()), np.int32)


def _look_up(index: Ints, values: pa.Array, kind: type[np.signedinteger]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(kind), mask=index < 0), values)


def instants(at: Ints) -> pa.Array:
    """Times in UTC; null where there is none."""
    return pa.array(at, mask=at == NONE).view(INSTANT)


def money(cents: Ints) -> pa.Array:
    """Exact amounts: a decimal is its cents as a number of 128 bits."""
    halves = np.stack([cents, cents >> 63], axis=1).astype(np.int64)
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(np.ascontiguousarray(halves))])


def numbered(prefix: str, numbers: Ints) -> pa.Array:
    """`<prefix><number>` per row."""
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _constant(value: str, size: int) -> pa.DictionaryArray:
    return words(np.zeros(size, dtype=np.int64), [value])


def _nulls(size: int) -> pa.Array:
    return pa.nulls(size, pa.string())


def _accounts(selves: Selves) -> pa.Array:
    """The ids of all first accounts, then of all second ones, shape (2 * people,)."""
    return pa.array(np.concatenate([selves.account_id, selves.second_account_id])).cast(pa.string())


def _account_index(selves: Selves, person: Ints, account_id: Ints) -> Ints:
    """Where `_accounts` has an account; `NONE` without one."""
    is_second = account_id == selves.second_account_id[person]
    return np.where(account_id == NONE, NONE, person + len(selves.account_id) * is_second)


def profiles(people: People, selves: Selves, start: int) -> Plain:
    """One row per account, and another when its phone changes; those from before the window are in the first export."""
    accounts = (selves.account_id != NONE, selves.second_account_id != NONE, selves.phone_changed_at != NONE)
    groups = [np.flatnonzero(has) for has in (*accounts[:2], accounts[0] & accounts[2])]
    person, kind = np.concatenate(groups), np.repeat(range(3), [len(group) for group in groups])
    is_second = kind == 1
    created_at = np.where(is_second, selves.second_joined_at[person], people.joined_at[person])
    updated_at = np.where(kind == 2, selves.phone_changed_at[person], created_at)
    city, own = selves.city[person], person + len(people) * is_second
    phones = phones_at(selves, person, updated_at)
    table = pa.table(
        {
            "profile_id": names(own, _accounts(selves)),
            "email": names(own, np.concatenate([selves.mailbox, selves.second_mailbox])),
            "phone": pa.array(phones, pa.string(), mask=phones == ""),
            "user_id": _nulls(len(person)),
            "first_name": names(person, selves.first_name),
            "last_name": names(person, selves.last_name),
            "date_of_birth": _nulls(len(person)),
            "address": names(person, selves.street),
            "postcode": names(person, selves.zip_code),
            "city": words(city, [row[0] for row in CITIES]),
            "region": words(city, [row[1] for row in CITIES]),
            "country": words(city, [code for _, code in CITY_COUNTRIES]),
            "company": _nulls(len(person)),
            "created_at": instants(created_at),
            "updated_at": instants(updated_at),
            "timezone": words(city, [row[4] for row in CITIES]),
        }
    )
    return Plain(table, np.maximum(updated_at, start))


def orders(selves: Selves, placed: Orders) -> Plain:
    """Every order when it is paid, cancelled or paid back; a part that is paid back is a credit note of its own."""
    size = len(placed)
    is_part = (placed.refunded_at != NONE) & ~placed.is_full_refund
    at = np.stack(
        [
            placed.ordered_at + SECOND,
            placed.cancelled_at,
            placed.refunded_at,
            np.where(is_part, placed.refunded_at, NONE),
        ]
    )
    order, state = np.nonzero(at.T != NONE)
    updated_at = at[state, order]
    is_note = state == 3
    status = np.where(is_note, 0, np.where((state == 2) & is_part[order], 3, state))
    ids = pa.array(placed.id).cast(pa.string())
    both = pa.concat_arrays([ids, pc.binary_join_element_wise(ids, "R", "-")])
    own = ~is_note
    table = pa.table(
        {
            "order_id": names(order + size * is_note, both),
            "profile_id": names(_account_index(selves, placed.person, placed.account_id)[order], _accounts(selves)),
            "email": names(order, placed.email),
            "ordered_at": instants(np.where(is_note, updated_at, placed.ordered_at[order])),
            "updated_at": instants(updated_at),
            "status": words(status, ["paid", "cancelled", "refunded", "partially_refunded"]),
            "currency": _constant("USD", len(order)),
            "total_amount": money(np.where(is_note, -placed.refund_cents[order], placed.total_cents[order])),
            "discount_amount": money(placed.discount_cents[order] * own),
            "tax_amount": money(placed.tax_cents[order] * own),
            "shipping_amount": money(placed.shipping_cents[order] * own),
            "is_renewal": pa.array(placed.is_renewal[order]),
            "is_test": pa.array(placed.is_test[order]),
        }
    )
    return Plain(table, updated_at)


def order_lines(catalogue: Catalogue, placed: Orders) -> Plain:
    """The lines of each order, and the returned one of each credit note."""
    counts = np.diff(placed.first_line)
    order = np.repeat(np.arange(len(placed)), counts)
    noted = np.flatnonzero((placed.refunded_at != NONE) & ~placed.is_full_refund)
    line = np.concatenate([np.arange(len(order)), placed.first_line[noted]])
    number = line - placed.first_line[:-1][np.concatenate([order, noted])] + 1
    is_note = np.repeat([False, True], [len(order), len(noted)])
    ids = pa.array(placed.id).cast(pa.string())
    both = pa.concat_arrays([ids, pc.binary_join_element_wise(ids, "R", "-")])
    variant = placed.line_variant[line]
    table = pa.table(
        {
            "order_id": names(np.concatenate([order, noted + len(placed)]), both),
            "line_number": pa.array(number),
            "product_id": words(variant, _product_ids(catalogue)),
            "description": words(variant, catalogue.title),
            "category": words(catalogue.category[variant], CATEGORIES),
            "quantity": pa.array(np.where(is_note, -1, 1) * placed.line_quantity[line]),
            "unit_price": money(catalogue.price_cents[variant]),
        }
    )
    return Plain(table, np.concatenate([placed.ordered_at[order] + SECOND, placed.refunded_at[noted]]))


def _product_ids(catalogue: Catalogue) -> list[str]:
    return [str(number) for number in catalogue.product_id.tolist()]


def web_events(key: int, catalogue: Catalogue, history: History, delays: Ints) -> Plain:
    """What happened in the visits; a login shows the address."""
    people, selves, placed, sessions, events = (
        history.people, history.selves, history.orders, history.sessions, history.web_events,
    )  # fmt: skip
    in_session, has_order = events.session != NONE, events.order != NONE
    person = np.where(in_session, _at(sessions.person, events.session), _at(placed.person, events.order))
    order = np.where(has_order, events.order, np.where(in_session, _at(sessions.order, events.session), NONE))
    account = selves.account_id[person]
    account = np.where((order != NONE) & (events.kind != SIGNED_UP), _at(placed.account_id, order), account)
    account = np.where(events.is_known, account, NONE)
    email = np.where(events.kind == IDENTIFIED, np.where(has_order, events.order, len(placed) + person), NONE)
    is_basket = np.isin(events.kind, (ADDED, CHECKOUT, COMPLETED, RENEWED))
    cart = np.where(is_basket, np.where(has_order, events.order, len(placed) + events.session), NONE)
    visits = numbered(f"cart-{people.block:05d}-", np.arange(len(sessions.person)))
    urls, place = _places(catalogue, events.kind, events.variant)
    table = pa.table(
        {
            "event_id": hex_array(key, np.arange(len(events.kind))),
            "event": words(events.kind, [WEB_EVENTS[kind] for kind in range(len(WEB_EVENTS))]),
            "occurred_at": instants(events.happened_at),
            "received_at": instants(arrival_times(key, events, delays)[1]),
            "profile_id": names(_account_index(selves, person, account), _accounts(selves)),
            "anonymous_id": names(events.session, sessions.device),
            "email": names(email, np.concatenate([placed.email, selves.mailbox])),
            "url": words(np.where(in_session, place, NONE), urls),
            "product_id": words(events.variant, _product_ids(catalogue)),
            "cart_id": names(cart, pa.concat_arrays([pa.array(placed.cart_token, pa.string()), visits])),
            "device_type": words(
                np.where(in_session, _at(sessions.is_phone, events.session), NONE), ["desktop", "mobile"]
            ),
        }
    )
    return Plain(table, events.happened_at)


def _at(values: Ints | Bools, index: Ints) -> Ints:
    """`values[index]`, and `NONE` where the index is negative."""
    found = np.full(len(index), NONE)
    rows = np.flatnonzero(index >= 0)
    found[rows] = values[index[rows]]
    return found


def _places(catalogue: Catalogue, kind: Ints, variant: Ints) -> tuple[list[str], Ints]:
    """The addresses of the storefront, and which of them each event happened at."""
    urls = [f"{SHOP}/products/{slug(title)}" for title in catalogue.title]
    checkout, register, home = range(len(urls), len(urls) + 3)
    place = np.where(kind == VIEWED, variant, np.where(variant != NONE, variant, home))
    place = np.where(np.isin(kind, (CHECKOUT, COMPLETED, IDENTIFIED, RENEWED)), checkout, place)
    place = np.where(kind == SIGNED_UP, register, place)
    return [*urls, f"{SHOP}/checkout", f"{SHOP}/account/register", f"{SHOP}/"], place


def email_events(key: int, history: History) -> Plain:
    """What the ESP reported."""
    sends, responses = history.mailing.sends, history.mailing.responses
    kind, send = responses.kind, responses.send
    person = sends.person[send]
    messages = pa.array(sends.id, pa.string())
    flow, arm = (pa.array(column, pa.string()).dictionary_encode() for column in (sends.flow, sends.arm))
    reasons = list(REASONS)
    reason = np.full(len(kind), NONE)
    for number, reported in enumerate(reasons):
        reason[kind == reported] = number
    is_read = np.isin(kind, (OPENED, CLICKED))
    table = pa.table(
        {
            "event_id": hex_array(key, np.arange(len(kind))),
            "event": words(kind, [EMAIL_EVENTS[kind] for kind in range(len(EMAIL_EVENTS))]),
            "occurred_at": instants(responses.happened_at // SECOND * SECOND),
            "email": names(person, history.selves.mailbox),
            "message_id": names(send, messages),
            "flow": words(flow.indices.to_numpy()[send], flow.dictionary.to_pylist()),
            "step": _constant("1", len(kind)),
            "arm": words(arm.indices.to_numpy()[send], arm.dictionary.to_pylist()),
            "url": words(np.where(kind == CLICKED, responses.link, NONE), LINKS),
            "user_agent": words(np.where(is_read, responses.is_machine_open, NONE), [AGENTS[0], MACHINE_AGENT]),
            "is_machine": pa.array(responses.is_machine_open),
            "reason": words(reason, [REASONS[kind] for kind in reasons]),
        }
    )
    return Plain(table, responses.happened_at)


def tickets(people: People, placed: Orders, asked: Tickets) -> Plain:
    """One row per version of a ticket."""
    table = pa.table(
        {
            "ticket_id": numbered(f"T-{people.block:05d}-", asked.ticket),
            "profile_id": _nulls(len(asked.ticket)),
            "email": names(asked.order, placed.email),
            "status": pa.array(asked.status, pa.string()),
            "priority": pa.array(asked.priority, pa.string()),
            "created_at": instants(asked.created_at),
            "updated_at": instants(asked.updated_at),
            "satisfaction": pa.array(asked.satisfaction, pa.string(), mask=asked.satisfaction == ""),
        }
    )
    return Plain(table, asked.updated_at)


def consents(people: People, selves: Selves, opt_ins: OptIns, statements: Statements, start: int) -> Plain:
    """What was said outside of emails: here the account form is a statement too, asked to be confirmed or not."""
    holder = np.flatnonzero(people.has_consented & ~people.is_guest & selves.is_mailbox_owner)
    form = np.where(opt_ins.is_double[holder], "pending", "subscribed")
    person = np.concatenate([statements.person, holder])
    size = len(person)
    stated_at = np.concatenate([statements.stated_at, people.joined_at[holder]])
    table = pa.table(
        {
            "evidence_id": numbered(f"C-{people.block:05d}-", np.arange(size)),
            "email": names(person, selves.mailbox),
            "channel": _constant("email", size),
            "statement": pa.array(np.concatenate([statements.statement, form.astype(object)]), pa.string()),
            "stated_at": instants(stated_at),
            "topic": _constant("newsletter", size),
            "legal_basis": _constant("consent", size),
            "source": pa.array(
                np.concatenate([statements.source, np.full(len(holder), "account_form", dtype=object)]), pa.string()
            ),
        }
    )
    return Plain(table, np.concatenate([statements.landed_at, np.maximum(people.joined_at[holder], start)]))


def assignments(world: World, selves: Selves, experiment: WinBack, start: int) -> Plain:
    """One row per assigned person."""
    day = start + experiment.assigned_on * DAY
    mailed_at, treated = day + SENT_HOUR * HOUR, experiment.is_treated
    share: Floats = np.where(treated, world.win_back_share, 1 - world.win_back_share)
    table = pa.table(
        {
            "experiment": _constant(EXPERIMENT, len(day)),
            "profile_id": _nulls(len(day)),
            "email": names(experiment.person, selves.mailbox),
            "arm": words(treated.astype(np.int64), [CONTROL, TREATMENT]),
            "assigned_at": instants(day + ASSIGNED_HOUR * HOUR),
            "planned_share": pa.array(share),
            "exposed_at": instants(np.where(treated, mailed_at, NONE)),
            "ghost_at": instants(np.where(treated, NONE, mailed_at)),
        }
    )
    return Plain(table, mailed_at)


def products(catalogue: Catalogue, stock: Ints, start: int) -> Plain:
    """One row per product and day; `stock` has the units of each variant at the end of each day, shape (variants, days)."""
    days = stock.shape[1]
    size = len(catalogue.first_variant)
    by_product = np.add.reduceat(stock, catalogue.first_variant, axis=0).T.reshape(-1)
    product = np.tile(np.arange(size), days)
    first = catalogue.first_variant[product]
    exported_at = np.repeat(start + np.arange(days) * DAY + 22 * HOUR, size)
    table = pa.table(
        {
            "product_id": words(first, _product_ids(catalogue)),
            "title": words(first, catalogue.title),
            "category": words(catalogue.category[first], CATEGORIES),
            "price": money(catalogue.price_cents[first]),
            "currency": _constant("USD", len(product)),
            "stock": pa.array(by_product),
            "updated_at": instants(exported_at),
        }
    )
    return Plain(table, exported_at)
