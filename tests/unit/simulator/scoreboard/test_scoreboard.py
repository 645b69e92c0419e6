"""All questions together, of a shop with nothing in it but one email."""

from dataclasses import replace
from datetime import timedelta

from simulator.scoreboard.holdout import Holdout
from simulator.scoreboard.scoreboard import score
from tests.unit.simulator.scoreboard.conftest import DAY, SALT, Shop, mailbox_hash

HOLDOUT = Holdout("global_holdout", "salt", "holdout", (("holdout", 0.0), ("treatment", 1.0)))


def test_numbers_that_must_be_zero_and_are_not_are_named(shop: Shop) -> None:
    address = "ada@shop.example"
    shop.plant()
    row = ("1", "send", "published", DAY, DAY + timedelta(days=1), mailbox_hash(address), "c1", "win_back")
    shop.land(activation__send_ledger=[row])

    found = score(shop.connection, shop.folder, DAY, salt=SALT, holdout=HOLDOUT)

    assert [line.what for line in found.broken()] == ["To mailboxes that never consented"]
    assert replace(found, sends=replace(found.sends, forbidden=())).broken() == ()


def test_empty_warehouse_answers_every_question(shop: Shop) -> None:
    shop.plant()

    sections = score(shop.connection, shop.folder, DAY, salt=SALT, holdout=HOLDOUT).sections()

    assert [section.name for section in sections] == [
        "sends", "identity", "faults", "machines", "models", "policy", "lift",
    ]  # fmt: skip
    assert all(section.lines or section.lead for section in sections)
