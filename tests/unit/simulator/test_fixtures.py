"""What the simulator's files have in common with real exports of the same systems: columns by name, values by type."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from simulator.shop import simulate
from simulator.world import World
from tests.unit.simulator.landed import records

FILES = {
    "shopify_api_json/order.json": "shopify/orders",
    "shopify_api_json/customer.json": "shopify/customers",
    "shopify_api_json/product.json": "shopify/products",
    "fivetran_shopify/shopify_order_data.csv": "shopify/orders",
    "fivetran_shopify/shopify_customer_data.csv": "shopify/customers",
    "fivetran_shopify/shopify_product_data.csv": "shopify/products",
    "fivetran_zendesk/ticket_data.csv": "zendesk/tickets",
    "fivetran_zendesk/user_data.csv": "zendesk/users",
    "sendgrid_webhook/sendgrid_event_webhook_sample.json": "sendgrid/events",
}
COMMON = {
    "shopify_api_json/order.json": (
        "billing_address buyer_accepts_marketing cancel_reason cancelled_at cart_token checkout_token closed_at confirmed contact_email "
        "created_at currency current_total_price customer discount_codes email financial_status fulfillment_status fulfillments id "
        "landing_site line_items name note note_attributes number order_number payment_gateway_names processed_at referring_site "
        "refunds shipping_address shipping_lines source_name subtotal_price tags tax_lines taxes_included test token total_discounts "
        "total_line_items_price total_price total_tax total_tip_received total_weight updated_at"
    ),
    "shopify_api_json/customer.json": (
        "created_at default_address email email_marketing_consent first_name id last_name multipass_identifier note orders_count phone "
        "sms_marketing_consent state tags tax_exempt updated_at verified_email"
    ),
    "shopify_api_json/product.json": (
        "body_html created_at handle id image images options product_type published_at published_scope tags template_suffix title "
        "updated_at variants vendor"
    ),
    "fivetran_shopify/shopify_order_data.csv": (
        "buyer_accepts_marketing cancel_reason cancelled_at cart_token checkout_token closed_at created_at currency email "
        "financial_status fulfillment_status id name note number order_number processed_at referring_site source_name subtotal_price "
        "taxes_included test token total_discounts total_line_items_price total_price total_tax total_weight updated_at"
    ),
    "fivetran_shopify/shopify_customer_data.csv": (
        "created_at email first_name id last_name orders_count phone state tax_exempt updated_at verified_email"
    ),
    "fivetran_shopify/shopify_product_data.csv": (
        "created_at handle id product_type published_at published_scope title updated_at vendor"
    ),
    "fivetran_zendesk/ticket_data.csv": (
        "allow_channelback assignee_id brand_id created_at description due_at external_id followup_ids forum_topic_id group_id "
        "has_incidents id is_public organization_id priority problem_id recipient requester_id status subject submitter_id type "
        "updated_at url"
    ),
    "fivetran_zendesk/user_data.csv": (
        "active alias created_at details email external_id id last_login_at locale locale_id moderator name notes only_private_comments "
        "organization_id phone restricted_agent role shared shared_agent signature suspended ticket_restriction time_zone "
        "two_factor_auth_enabled updated_at url verified"
    ),
    "sendgrid_webhook/sendgrid_event_webhook_sample.json": (
        "bounce_classification category email event ip reason response sg_event_id sg_machine_open sg_message_id smtp-id status "
        "timestamp url useragent"
    ),
}
KINDS = {bool: "flag", int: "number", float: "number", str: "text", list: "list", dict: "object"}
SEVERAL_KINDS = {("sendgrid/events", "category"): {"text", "list"}}
"""SendGrid posts one category as text and several as a list."""


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fixtures")
    objects = tuple(sorted(set(FILES.values()) - {"shopify/products"}))
    simulate(customers=300, days=40, seed=3, out=folder, truth=None, world=World(objects=objects))
    return folder


def sample(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    content = json.loads(path.read_text())
    return content if isinstance(content, list) else list(content.values())


def kinds(values: Iterable[Any], *, as_table: bool) -> set[str]:
    """The types of the values that are there; of a table, what their text reads as."""
    return {_read_kind(str(value)) if as_table else KINDS[type(value)] for value in values if value not in (None, "")}


def _read_kind(text: str) -> str:
    if text.lower() in {"true", "false"}:
        return "flag"
    if text.startswith("["):
        return "list"
    return "number" if text.replace(".", "", 1).lstrip("-").isdigit() else "text"


@pytest.mark.parametrize("name", FILES)
def test_files_share_columns_and_types_with_real_exports(landing: Path, shared_data: Path, name: str) -> None:
    theirs, ours = sample(shared_data / name), [record for _, record in records(landing, FILES[name])]
    common = {key for record in theirs for key in record} & {key for record in ours for key in record}
    assert sorted(common) == COMMON[name].split()
    as_table = name.endswith(".csv")
    wrong = {}
    for key in common:
        real = kinds((record.get(key) for record in theirs), as_table=as_table)
        real |= SEVERAL_KINDS.get((FILES[name], key), set())
        written = kinds((record.get(key) for record in ours), as_table=as_table)
        if real and written - real:
            wrong[key] = (written, real)
    assert not wrong
