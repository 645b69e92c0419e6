"""Products as the Shopify Admin API returns them: one full export a day, for the stock."""

import json

import numpy as np

from simulator.arrays import Ints
from simulator.catalogue import CATEGORIES, Catalogue, slug
from simulator.instants import DAY, HOUR, NEW_YORK, write_local

CREATED_AT = "2023-03-01T09:00:00-05:00"


def write_products(catalogue: Catalogue, stock: Ints, start: int) -> tuple[list[str], list[str], Ints]:
    """One record per product and day.

    Args:
        catalogue: The assortment.
        stock: Units at the end of each day, shape (variants, days).
        start: First millisecond of the window.

    Returns:
        Records, product ids and export times, by day and product.
    """
    days = stock.shape[1]
    exported_at = start + np.arange(days) * DAY + 22 * HOUR
    written_at = write_local(exported_at, np.full(days, NEW_YORK)).tolist()
    by_product = np.split(np.arange(len(catalogue.product)), catalogue.first_variant[1:])
    records, ids, times = [], [], []
    for day in range(days):
        for variants in by_product:
            records.append(_product(catalogue, variants, stock[:, day], written_at[day]))
            ids.append(str(catalogue.product_id[variants[0]]))
            times.append(int(exported_at[day]))
    return records, ids, np.array(times)


def _product(catalogue: Catalogue, variants: Ints, stock: Ints, updated_at: str) -> str:
    first = int(variants[0])
    title, category = catalogue.title[first], CATEGORIES[catalogue.category[first]]
    record = {
        "id": int(catalogue.product_id[first]),
        "title": title,
        "body_html": f"<p>{title}</p>",
        "vendor": "Harbour & Hill",
        "product_type": category,
        "created_at": CREATED_AT,
        "handle": slug(title),
        "updated_at": updated_at,
        "published_at": CREATED_AT,
        "template_suffix": None,
        "published_scope": "global",
        "status": "active",
        "tags": "limited" if "Limited" in title else "",
        "variants": [_variant(catalogue, int(variant), int(stock[variant]), updated_at) for variant in variants],
        "options": [{"product_id": int(catalogue.product_id[first]), "name": "Size", "position": 1}],
        "images": [],
        "image": None,
    }
    return json.dumps(record, separators=(",", ":"))


def _variant(catalogue: Catalogue, variant: int, stock: int, updated_at: str) -> dict[str, object]:
    return {
        "id": int(catalogue.variant_id[variant]),
        "product_id": int(catalogue.product_id[variant]),
        "title": catalogue.pack[variant],
        "price": f"{catalogue.price_cents[variant] / 100:.2f}",
        "sku": catalogue.sku[variant],
        "inventory_policy": "deny",
        "inventory_management": "shopify",
        "inventory_quantity": stock,
        "requires_shipping": True,
        "updated_at": updated_at,
    }
