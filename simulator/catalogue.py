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


def choose_variants(
    catalogue: Catalogue, taste: Floats, price_level: Floats, uniforms: tuple[Floats, Floats, Floats]
) -> Ints:
    """One variant per row.

    Args:
        catalogue: The assortment.
        taste: Cumulative chances of the categories, shape (n, categories).
        price_level: Chance of the large pack where there is one, shape (n,).
        uniforms: Numbers between 0 and 1 that decide on category, product and pack, shape (n,) each.

    Returns:
        Variant numbers, shape (n,).
    """
    category = (uniforms[0][:, None] > taste).sum(axis=1).clip(0, len(CATEGORIES) - 1)
    # One ascending row of all categories, each lifted by its number, so that one search serves all rows.
    lifted = (catalogue.popularity + np.arange(len(CATEGORIES))[:, None]).reshape(-1)
    product = np.searchsorted(lifted, category + uniforms[1]) - category * len(PRODUCTS)
    product = product.clip(0, len(PRODUCTS) - 1)
    is_large = catalogue.has_large[product] & (uniforms[2] < price_level)
    variant: Ints = catalogue.first_variant[product] + is_large
    return variant


def is_limited(catalogue: Catalogue) -> Bools:
    """The variants that are never reordered, shape (variants,)."""
    return np.array(["Limited" in title for title in catalogue.title])


def substitute(catalogue: Catalogue, variant: Ints) -> Ints:
    """What is bought in place of a variant that has run out: the small pack of its category's favourite, shape (n,)."""
    favourite = np.diff(catalogue.popularity, axis=1, prepend=0.0).argmax(axis=1)
    chosen: Ints = catalogue.first_variant[favourite[catalogue.category[variant]]]
    return chosen


def stock_by_day(catalogue: Catalogue, sold: Ints, *, days: int, limited: int) -> Ints:
    """Units on the shelf at the end of each day.

    The limited roast is never reordered and runs out; all else is filled up on Mondays of the shop, every seventh day.

    Args:
        catalogue: The assortment.
        sold: Units, shape (variants, days).
        days: Length of the window, from whose whole weeks the shop has learned how much to keep.
        limited: Units of each limited variant on the first day: of all blocks, see `limited_units`.

    Returns:
        Units, shape (variants, days), never negative.
    """
    weeks = -(-sold.shape[1] // 7) * 7
    by_week = np.pad(sold, ((0, 0), (0, weeks - sold.shape[1]))).reshape(len(sold), -1, 7).cumsum(axis=2)
    # Filled up to twice what the best week took, so that hardly anything but the limited roast is ever missed.
    level = 2 * by_week[:, : max(days // 7, 1), -1].max(axis=1) + 6
    stock = (level[:, None, None] - by_week).reshape(len(sold), -1)[:, : sold.shape[1]]
    left: Ints = np.where(is_limited(catalogue)[:, None], limited - sold.cumsum(axis=1), stock)
    return np.maximum(left, 0)


def limited_units(share: float, size: int) -> int:
    """The part of the limited roast that a block of `size` people may buy; `share` is `World.limited_stock`."""
    return int(np.ceil(share * size))
