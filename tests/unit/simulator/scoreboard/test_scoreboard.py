"""All questions together, of a shop with nothing in it but one email, and of a truth that the simulator wrote."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from simulator.scoreboard.holdout import Holdout
from simulator.scoreboard.scoreboard import score
from simulator.shop import simulate
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


def test_truth_of_the_simulator_is_read(shop: Shop, tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    simulate(customers=200, days=69, seed=3, out=tmp_path / "landing", truth=truth)
    resolved = "select profile_key, 'c' || person, profile_key, date '2025-01-01', date '9999-12-31' from truth"
    shop.connection.execute(f"create table truth as from read_parquet('{truth}/profiles.parquet') where not is_shared")
    shop.connection.execute(f"insert into marts.identity_map {resolved} where not starts_with(profile_key, 'mailbox:')")
    shop.connection.execute(
        "insert into ml.customer_scores select date '2025-03-10', 'c' || person, 'churn_risk', '1', random(), 'model' from"
        " (select distinct person from truth)"
    )

    found = score(shop.connection, truth, DAY, salt=SALT, holdout=HOLDOUT)

    assert (found.identity.precision, found.identity.recall, found.identity.split_persons) == (1, 1, 0)
    assert found.models[0].best is not None
    assert found.models[0].best.area > found.models[0].models[0].area
    assert all(kind.caught == 0 for kind in found.faults.kinds)
    assert {effect.group for lift in found.lift for effect in lift.effects} >= {"everybody", "desktop"}
