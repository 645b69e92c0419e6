"""A folder that is no truth is refused by name."""

import pytest

from simulator.scoreboard.planted import TruthUnreadable, open_truth
from tests.unit.simulator.scoreboard.conftest import SALT, Shop


def test_missing_tables_are_named(shop: Shop) -> None:
    shop.plant()
    (shop.folder / "consent.parquet").unlink()
    (shop.folder / "world.json").unlink()

    with pytest.raises(TruthUnreadable, match=r"lacks consent, world\.json"):
        open_truth(shop.connection, shop.folder, salt=SALT)


def test_truth_of_another_shape_is_refused_in_one_line(shop: Shop) -> None:
    shop.plant()
    shop.connection.execute(f"copy (select 1 as person) to '{shop.folder / 'profiles.parquet'}' (format parquet)")

    with pytest.raises(TruthUnreadable, match="not a truth of this version") as refused:
        open_truth(shop.connection, shop.folder, salt=SALT)

    assert "\n" not in str(refused.value)
