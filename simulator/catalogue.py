"""What the shop sells: coffee, tea and what one needs to make them."""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Bools, Floats, Ints

CATEGORIES = ("Coffee Beans", "Ground Coffee", "Black Tea", "Green & Herbal Tea", "Equipment", "Gifts")

# title, category, price in cents, popularity, has a large pack
PRODUCTS = (
    ("Harbour Blend Espresso Beans", 0, 1195, 10, True),
    ("Hilltop Morning Roast Beans", 0, 1095, 9, True),
    ("Ethiopia Yirgacheffe Single Origin", 0, 1450, 6, True),
    ("Colombia Huila Single Origin", 0, 1350, 7, True),
    ("Guatemala Antigua Beans", 0, 1395, 4, True),
    ("Sumatra Mandheling Dark Roast", 0, 1425, 4, True),
    ("Decaf House Beans", 0, 1250, 3, True),
    ("Winter Spice Limited Roast", 0, 1595, 2, False),
    ("Harbour Blend Ground", 1, 1095, 9, True),
    ("Breakfast Filter Grind", 1, 945, 8, True),
    ("French Press Coarse Grind", 1, 1050, 5, True),
    ("Moka Pot Fine Grind", 1, 1075, 4, True),
    ("Decaf Filter Grind", 1, 1125, 3, True),
    ("Cold Brew Bags", 1, 1290, 4, False),
    ("English Breakfast Loose Leaf", 2, 795, 9, True),
    ("Earl Grey with Bergamot", 2, 845, 8, True),
    ("Assam Second Flush", 2, 995, 4, True),
    ("Darjeeling First Flush", 2, 1495, 3, True),
    ("Lapsang Souchong", 2, 1050, 2, True),
    ("Masala Chai", 2, 895, 6, True),
    ("Sencha Green Tea", 3, 995, 6, True),
    ("Jasmine Pearls", 3, 1350, 4, True),
    ("Peppermint Leaves", 3, 595, 7, True),
    ("Chamomile Flowers", 3, 645, 5, True),
    ("Rooibos Vanilla", 3, 745, 5, True),
    ("Lemon & Ginger Infusion", 3, 695, 5, True),
    ("Ceramic Pour-Over Dripper", 4, 2495, 4, False),
    ("Paper Filters, 100 Pack", 4, 595, 9, False),
    ("Hand Grinder", 4, 4995, 2, False),
    ("Gooseneck Kettle", 4, 6495, 2, False),
    ("French Press, 1 Litre", 4, 3295, 3, False),
    ("Cast Iron Teapot", 4, 4595, 2, False),
    ("Tea Infuser Basket", 4, 1295, 5, False),
    ("Coffee Discovery Box", 5, 3495, 4, False),
    ("Tea Discovery Box", 5, 2995, 4, False),
    ("Breakfast for Two Gift Set", 5, 4995, 2, False),
)
LARGE_PACK_PRICE = 3.4
SHOP_ID = 71_000_000


@dataclass(frozen=True)
class Catalogue:
    """Variants in the order of `PRODUCTS`, small pack first; every array has one entry per variant unless noted."""

    product: Ints
    title: tuple[str, ...]
    pack: tuple[str, ...]
    sku: tuple[str, ...]
    category: Ints
    price_cents: Ints
    variant_id: Ints
    product_id: Ints
    first_variant: Ints
    """Per product: its small pack."""
    has_large: Bools
    """Per product."""
    popularity: Floats
    """Categories x products: cumulative chance of a product given its category."""


def slug(title: str) -> str:
    """The handle under which the storefront shows a product."""
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower())
    return "-".join(words.split())


def build_catalogue() -> Catalogue:
    """The fixed assortment; no draws, so that products are the same for every seed."""
    rows = [
        (number, title, pack, category, price)
        for number, (title, category, cents, _, has_large) in enumerate(PRODUCTS)
        for pack, price in _packs(category, cents, has_large=has_large)
    ]
    product = np.array([row[0] for row in rows])
    weights = np.zeros((len(CATEGORIES), len(PRODUCTS)))
    for number, (_, category, _, popularity, _) in enumerate(PRODUCTS):
        weights[category, number] = popularity
    return Catalogue(
        product=product,
        title=tuple(row[1] for row in rows),
        pack=tuple(row[2] for row in rows),
        sku=tuple(f"HH-{row[0]:03d}-{'L' if row[2] in ('1 kg', '500 g') else 'S'}" for row in rows),
        category=np.array([row[3] for row in rows]),
        price_cents=np.array([row[4] for row in rows]),
        variant_id=SHOP_ID * 1_000_000 + 500_000 + np.arange(len(rows)),
        product_id=SHOP_ID * 1_000_000 + 1_000 + product,
        first_variant=np.searchsorted(product, np.arange(len(PRODUCTS))),
        has_large=np.array([row[4] for row in PRODUCTS], dtype=np.bool_),
        popularity=np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1),
    )


def _packs(category: int, cents: int, *, has_large: bool) -> list[tuple[str, int]]:
    if not has_large:
        return [("Default Title", cents)]
    small, large = ("250 g", "1 kg") if category in {0, 1} else ("100 g", "500 g")
    return [(small, cents), (large, round(cents * LARGE_PACK_PRICE / 100) * 100 - 5)]


def draw_variants(rng: np.random.Generator, catalogue: Catalogue, taste: Floats, price_level: Floats) -> Ints:
    """One variant per row.

    Args:
        rng: Source of the draws.
        catalogue: The assortment.
        taste: Cumulative chances of the categories, shape (n, categories).
        price_level: Chance of the large pack where there is one, shape (n,).

    Returns:
        Variant numbers, shape (n,).
    """
    size = len(price_level)
    category = (rng.random((size, 1)) > taste).sum(axis=1).clip(0, len(CATEGORIES) - 1)
    product = (rng.random((size, 1)) > catalogue.popularity[category]).sum(axis=1).clip(0, len(PRODUCTS) - 1)
    is_large = catalogue.has_large[product] & (rng.random(size) < price_level)
    variant: Ints = catalogue.first_variant[product] + is_large
    return variant


def stock_by_day(catalogue: Catalogue, sold: Ints) -> Ints:
    """Units on the shelf at the end of each day.

    The limited roast is never reordered and runs out; all else is filled up on Mondays of the shop, every seventh day.

    Args:
        catalogue: The assortment.
        sold: Units, shape (variants, days).

    Returns:
        Units, shape (variants, days), never negative.
    """
    daily = np.maximum(sold.mean(axis=1), 0.2)
    full = np.ceil(daily * 24).astype(np.int64) + 6
    is_limited = np.array(["Limited" in title for title in catalogue.title])
    stock = np.empty_like(sold)
    level = full.copy()
    for day in range(sold.shape[1]):
        if day % 7 == 0:
            level = np.where(is_limited, level, np.maximum(level, full))
        level = np.maximum(level - sold[:, day], 0)
        stock[:, day] = level
    return stock
