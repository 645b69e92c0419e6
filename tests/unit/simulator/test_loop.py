"""The closed loop: people react to released emails, and landing day after day equals landing at once."""

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from simulator.aftermath import Released, react_to, read_released
from simulator.arrays import texts
from simulator.catalogue import build_catalogue
from simulator.histories import Window, live
from simulator.instants import DAY, HOUR, day_start
from simulator.loop import step
from simulator.scenarios import SCENARIOS
from simulator.shop import FIRST_DAY, simulate
from simulator.world import World, effects_of
from tests.unit.simulator.landed import records

CUSTOMERS, DAYS, STEPS, SEED = 800, 60, 5, 3
LAST = FIRST_DAY + timedelta(days=DAYS - 1)
NEXT_DAYS = [LAST + timedelta(days=days) for days in range(1, STEPS + 1)]


class Loop(NamedTuple):
    """A shop that went on for some days."""

    landing: Path
    truth: Path
    lists: Path


def release(lists: Path, day: date, addresses: list[str]) -> None:
    """Write a send list as a release does."""
    size = len(addresses)
    rows = {
        "email": addresses,
        "send_after_utc": pa.array([np.datetime64(f"{day}T09:00:00", "us")] * size),
        "flow": ["win_back"] * size,
        "step": ["2"] * size,
        "arm": ["treatment"] * size,
        "decision_id": [f"{day}-{number}" for number in range(size)],
    }
    folder = lists / day.isoformat() / "released"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(rows), folder / "send_list.parquet")


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    root = tmp_path_factory.mktemp("loop")
    shop = Loop(root / "landing", root / "truth", root / "lists")
    simulate(customers=CUSTOMERS, days=DAYS, seed=SEED, out=shop.landing, truth=shop.truth)
    people = pq.read_table(shop.truth / "people.parquet")
    addresses = [address for address in people["mailbox"].to_pylist() if not address.startswith("info@")]
    for number, day in enumerate(NEXT_DAYS):
        release(shop.lists, day, addresses[number * 50 : number * 50 + 150])
        step(truth=shop.truth, day=day, released=shop.lists, out=shop.landing)
    return shop


def contents(landing: Path, days: list[date]) -> dict[str, bytes]:
    """The files of some days by path."""
    found = (path for day in days for path in landing.glob(f"*/*/landed_on={day}/*"))
    return {str(path.relative_to(landing)): path.read_bytes() for path in found}


def test_stepping_day_by_day_writes_what_landing_at_once_does(loop: Loop, tmp_path: Path) -> None:
    released = read_released(loop.lists)
    simulate(
        customers=CUSTOMERS, days=DAYS, seed=SEED, out=tmp_path / "landing", truth=tmp_path / "truth",
        only=range(DAYS, DAYS + STEPS), released=released,
    )  # fmt: skip
    assert contents(tmp_path / "landing", NEXT_DAYS) == contents(loop.landing, NEXT_DAYS)
    for name in ("purchases", "sends", "consent", "machine_events"):
        assert pq.read_table(tmp_path / "truth" / f"{name}.parquet").equals(
            pq.read_table(loop.truth / f"{name}.parquet")
        )


def test_day_can_be_landed_again(loop: Loop) -> None:
    before, faults = contents(loop.landing, NEXT_DAYS), pq.read_table(loop.truth / "faults.parquet")
    step(truth=loop.truth, day=NEXT_DAYS[2], released=loop.lists, out=loop.landing)
    assert contents(loop.landing, NEXT_DAYS) == before
    again = pq.read_table(loop.truth / "faults.parquet")
    order = [("file", "ascending"), ("row", "ascending"), ("kind", "ascending")]
    assert again.sort_by(order).equals(faults.sort_by(order))


def test_reports_bear_the_decision_of_their_email(loop: Loop) -> None:
    decisions = {
        (record["decision_id"], record["flow"], record["step"])
        for _, record in records(loop.landing, "sendgrid/events")
        if str(record["decision_id"]).startswith("2025-03")
    }
    sends = pq.read_table(loop.truth / "sends.parquet").to_pylist()
    mailed = {(send["send_id"], send["flow"], "2") for send in sends if send["send_id"].startswith("2025-03")}
    assert decisions
    assert decisions <= mailed


def test_purchases_of_the_loop_land_as_orders_of_their_own(loop: Loop) -> None:
    landed = {str(order["id"]) for _, order in records(loop.landing, "shopify/orders")}
    end = day_start(NEXT_DAYS[-1]) + DAY
    purchases = pq.read_table(loop.truth / "purchases.parquet").to_pylist()
    begin = np.datetime64(day_start(NEXT_DAYS[0]), "ms").astype(object)
    made = [row for row in purchases if begin <= row["bought_at"] < np.datetime64(end, "ms").astype(object)]
    caused = [row for row in made if row["cause"] == "win_back" and row["happened"]]
    assert caused
    assert {str(row["order_id"]) for row in caused} <= landed
    assert len({row["order_id"] for row in purchases}) == len(purchases)
    assert not {str(row["order_id"]) for row in made if not row["happened"]} & landed


def mail_everybody(world: World, size: int, days: int) -> tuple[float, float, int]:
    """Chance that an email moves a purchase up, and down, in a block all of whom are mailed once after the window; and its size."""
    window = Window(day_start(FIRST_DAY), days)
    catalogue = build_catalogue()
    history = live(np.random.SeedSequence(5), world, catalogue, window, block=0, size=size)
    owners = np.flatnonzero(history.selves.is_mailbox_owner)
    label = texts(["x"] * len(owners))
    sent_at = np.full(len(owners), window.start + days * DAY + 9 * HOUR)
    flow = texts(["win_back"] * len(owners))
    released = Released(history.selves.mailbox[owners], sent_at, flow, label, label, label)
    after, aftermaths = react_to(world, catalogue, window, history, released)
    own = (history.orders.cause == "own") & (history.orders.ordered_at > sent_at[0]) & ~history.orders.is_renewal
    own &= history.orders.ordered_at <= sent_at[0] + 14 * DAY
    could = len(np.unique(history.orders.person[own & np.isin(history.orders.person, owners)]))
    return len(aftermaths[0].history.orders) / len(owners), after.prevented.sum() / max(could, 1), len(owners)


@pytest.mark.parametrize("effect", [0.3, 0.0, -0.3])
def test_emails_of_the_loop_have_the_planted_effect(effect: float) -> None:
    flow = effects_of("win_back", desktop=effect, phone=effect, loyal=effect, office=effect)
    calm = SCENARIOS["calm"].world
    changes = {"effects": flow, "win_back_gone_factor": 1.0, "newsletter_weekdays": (), "blocked_share": 0.0}
    world = World(**{**vars(calm), **changes, "dead_mailbox_share": 0.0})
    added, prevented, size = mail_everybody(world, 4_000, 40)
    expected = max(effect, 0.0)
    assert added == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / size))
    # Of those who would have bought, the share that does not: the same chance, of fewer people.
    low, high = stats.binom.interval(0.9999, 400, max(-effect, 0.0)) if effect < 0 else (0, 0)
    assert low / 400 <= prevented <= high / 400


def test_faults_of_a_call_are_named(loop: Loop, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no truth"):
        step(truth=tmp_path, day=NEXT_DAYS[0], released=loop.lists, out=loop.landing)
    with pytest.raises(ValueError, match="not among the days after"):
        step(truth=loop.truth, day=LAST, released=loop.lists, out=loop.landing)
