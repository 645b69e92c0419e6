"""The landed files have the keys and the days of the real exports."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.exports import NO_TIME
from tests.unit.simulator.conftest import DAYS, Shop
from tests.unit.simulator.landed import files, landed_on, parse, records

KEYS = {
    "shopify/customers": "id email phone first_name last_name state created_at updated_at email_marketing_consent tags default_address",
    "shopify/orders": (
        "id name email customer created_at processed_at updated_at cancelled_at financial_status fulfillment_status currency total_price "
        "subtotal_price total_discounts buyer_accepts_marketing cart_token checkout_token source_name test tags line_items refunds "
        "shipping_address tax_lines discount_codes"
    ),
    "shopify/products": "id title product_type tags status variants",
    "segment/events": "type messageId timestamp receivedAt sentAt originalTimestamp context userId",
    "sendgrid/events": "email timestamp event sg_event_id sg_message_id decision_id flow step arm",
    "hubspot/contacts": (
        "hs_object_id email hs_additional_emails firstname lastname phone company createdate lastmodifieddate lifecyclestage "
        "hs_email_optout hs_email_hard_bounce_reason_enum hs_merged_object_ids hs_legal_basis hs_timezone"
    ),
    "zendesk/tickets": "id requester_id status priority subject created_at updated_at satisfaction_rating",
    "zendesk/users": "id email name role phone created_at updated_at iana_time_zone",
    "plain/consents": "evidence_id email channel statement stated_at topic legal_basis source",
    "plain/assignments": "experiment profile_id email arm assigned_at planned_share exposed_at ghost_at",
}


@pytest.mark.parametrize("name", KEYS)
def test_every_record_has_the_required_keys(small_shop: Shop, name: str) -> None:
    missing = Counter(
        key for _, record in records(small_shop.landing, name) for key in KEYS[name].split() if key not in record
    )
    assert not missing
    assert files(small_shop.landing, name)


def test_api_objects_share_the_keys_of_the_vendor_samples(small_shop: Shop, shared_data: Path) -> None:
    for name, sample, known in (("orders", "order", 40), ("customers", "customer", 16), ("products", "product", 14)):
        text = (shared_data / "shopify_api_json" / f"{sample}.json").read_text()
        official = (parse(text) or {})[sample]
        _, ours = next(records(small_shop.landing, f"shopify/{name}"))
        assert len(official.keys() & ours.keys()) >= known, sorted(official.keys() - ours.keys())


def test_summary_counts_files_and_rows_that_are_there(small_shop: Shop) -> None:
    written = [path for path in small_shop.landing.rglob("*") if path.is_file()]
    assert small_shop.summary.files == len(written)
    assert small_shop.summary.bytes == sum(path.stat().st_size for path in written)
    lines = sum(
        len(path.read_text().splitlines())
        for path in written
        if path.suffix == ".jsonl" and "segment/events" in path.as_posix()
    )
    assert dict(small_shop.summary.rows_by_object)["segment/events"] == lines


def test_order_amounts_add_up(small_shop: Shop) -> None:
    seen = 0
    for _, order in records(small_shop.landing, "shopify/orders"):
        lines = sum(cents(line["price"]) * line["quantity"] for line in order["line_items"])
        shipping = sum(cents(line["price"]) for line in order["shipping_lines"])
        subtotal = lines - cents(order["total_discounts"])
        assert subtotal == cents(order["subtotal_price"])
        assert subtotal + shipping + cents(order["total_tax"]) == cents(order["total_price"])
        discounts = [cents(part["amount"]) for line in order["line_items"] for part in line["discount_allocations"]]
        assert sum(discounts) == cents(order["total_discounts"])
        seen += 1
    assert seen > 1_000


def test_refunded_orders_show_what_was_paid_back(small_shop: Shop) -> None:
    statuses = Counter[str]()
    for _, order in records(small_shop.landing, "shopify/orders"):
        paid_back = sum(cents(part["amount"]) for refund in order["refunds"] for part in refund["transactions"])
        statuses[order["financial_status"]] += 1
        expected = {"paid": paid_back == 0, "refunded": paid_back == cents(order["total_price"])}
        assert expected.get(order["financial_status"], 0 < paid_back < cents(order["total_price"]))
        assert cents(order["current_total_price"]) == cents(order["total_price"]) - paid_back
    assert set(statuses) == {"paid", "refunded", "partially_refunded"}


def test_updated_orders_land_again_with_a_newer_time(small_shop: Shop) -> None:
    versions: dict[int, list[tuple[str, datetime]]] = {}
    for day, order in records(small_shop.landing, "shopify/orders"):
        versions.setdefault(order["id"], []).append((day, datetime.fromisoformat(order["updated_at"])))
    repeated = [found for found in versions.values() if len(found) > 1]
    assert len(repeated) > len(versions) / 2
    assert all(earlier[1] < later[1] for found in repeated for earlier, later in pairwise(found))


def test_offsets_differ_inside_an_order(small_shop: Shop) -> None:
    mixed = [
        order
        for _, order in records(small_shop.landing, "shopify/orders")
        if order["created_at"][-6:] != order["processed_at"][-6:]
    ]
    assert mixed
    assert all(
        datetime.fromisoformat(order["created_at"]) == datetime.fromisoformat(order["processed_at"]) for order in mixed
    )


def test_times_belong_to_their_landing_day(small_shop: Shop) -> None:
    times = {
        "segment/events": lambda record: record["receivedAt"],
        "shopify/orders": lambda record: record["updated_at"],
        "shopify/products": lambda record: record["updated_at"],
        "zendesk/tickets": lambda record: record["updated_at"],
    }
    for name, time in times.items():
        strays = sum(utc_day(time(record)) != day for day, record in records(small_shop.landing, name))
        kinds = {"redelivered", "changed_copy"} | ({"impossible_time"} if name == "shopify/orders" else set())
        moved = [fault for kind in kinds for fault in planted(small_shop, kind) if fault["file"].startswith(name)]
        assert strays == sum("-again-" not in fault["file"] for fault in moved), name


def test_nothing_lands_before_it_happens(small_shop: Shop) -> None:
    early = [
        record
        for day, record in records(small_shop.landing, "segment/events")
        if record["timestamp"] != NO_TIME and utc_day(record["timestamp"]) > day
    ]
    assert not early


def test_landing_days_are_those_of_the_window(small_shop: Shop) -> None:
    days = {landed_on(path) for path in files(small_shop.landing, "shopify/products")}
    assert days == {(date(2025, 1, 1) + timedelta(days=day)).isoformat() for day in range(DAYS)}


def test_every_product_lands_each_day_with_a_stock(small_shop: Shop) -> None:
    stock = [
        variant["inventory_quantity"]
        for _, product in records(small_shop.landing, "shopify/products")
        for variant in product["variants"]
    ]
    assert min(stock) == 0
    assert max(stock) > 0


def test_the_last_day_has_something_to_decide(small_shop: Shop) -> None:
    status: dict[str, str] = {}
    for _, ticket in records(small_shop.landing, "zendesk/tickets"):
        status[ticket["id"]] = ticket["status"]
    assert Counter(status.values()).keys() > {"solved"}
    since = (date(2025, 1, 1) + timedelta(days=DAYS - 14)).isoformat()
    new = [
        customer
        for day, customer in records(small_shop.landing, "shopify/customers")
        if day >= since and customer["email_marketing_consent"]["state"] == "subscribed"
    ]
    assert len(new) > 20
    last_order: dict[int, str] = {}
    for day, order in records(small_shop.landing, "shopify/orders"):
        if order["customer"]:
            last_order[order["customer"]["id"]] = day
    lapsed = [day for day in last_order.values() if day < (date(2025, 1, 1) + timedelta(days=DAYS - 45)).isoformat()]
    assert len(lapsed) > 100


def cents(amount: str) -> int:
    return round(float(amount) * 100)


def utc_day(text: str) -> str:
    return "never" if text == NO_TIME else datetime.fromisoformat(text).astimezone(UTC).date().isoformat()


def planted(shop: Shop, kind: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [fault for fault in pq.read_table(shop.truth / "faults.parquet").to_pylist() if fault["kind"] == kind]
