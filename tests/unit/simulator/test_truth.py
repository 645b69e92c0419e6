"""What lands agrees with the parameters, and the truth says where each fault is."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator.catalogue import build_catalogue
from simulator.histories import History, Window, live
from simulator.instants import DAY, day_start
from simulator.people import engagement_by_day
from simulator.shop import FIRST_DAY
from simulator.win_back import OUTCOME_DAYS
from simulator.world import World
from tests.unit.simulator.conftest import CUSTOMERS, Shop
from tests.unit.simulator.landed import records

WORLD = World()
WINDOW = Window(day_start(FIRST_DAY), 180)


@pytest.fixture(scope="module")
def history() -> History:
    return live(np.random.SeedSequence(3), WORLD, build_catalogue(), WINDOW, block=0, size=10_000)


def truth(shop: Shop, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(shop.truth / f"{name}.parquet").to_pylist()
    return rows


def within(found: float, share: float, size: int) -> bool:
    """Four standard errors: a sound sampler fails once in 16,000 tests."""
    return abs(found - share) < 4 * (share * (1 - share) / size) ** 0.5


def test_shares_of_people_follow_the_world(history: History) -> None:
    people, size = history.people, len(history.people)
    assert within(people.has_consented.mean(), WORLD.consent_share, size)
    assert within(people.is_existing.mean(), WORLD.existing_share, size)
    assert within(people.is_guest.mean(), WORLD.guest_share, size)
    own = (history.selves.mailbox_kind == "own") & ~people.is_guest
    assert within((history.selves.second_mailbox[own] != "").mean(), WORLD.second_mailbox_share, int(own.sum()))
    assert (history.selves.mailbox_kind == "info").sum() == WORLD.info_people
    # Odd neighbours join with twice the share, if neither is a guest.
    households = WORLD.household_share * (1 - WORLD.guest_share) ** 2
    assert within((history.selves.mailbox_kind == "household").mean(), households, size)


def test_purchases_follow_the_rates(history: History) -> None:
    people, orders = history.people, history.orders
    alive = np.clip(np.minimum(people.alive_until, WINDOW.days) - people.alive_from, 0, None)
    expected = float((people.purchase_rate * alive).sum())
    regular = (
        len(orders) - orders.is_renewal.sum() - people.buys_at_sign_up.sum() - len(history.experiment.extra.person)
    )
    # Poisson noise of 10,000 events is 1 %; the season of January to June adds 3 to 4 %.
    assert 0.95 < regular / expected < 1.12
    assert abs(people.purchase_rate.mean() / WORLD.purchase_mean - 1) < 0.05


def test_lifetimes_follow_the_lomax_distribution(history: History) -> None:
    lifetime = history.people.alive_until - history.people.alive_from
    for days in (30, 90, 180):
        expected = (WORLD.dropout_scale / (WORLD.dropout_scale + days)) ** WORLD.dropout_shape
        assert within((lifetime > days).mean(), expected, len(lifetime))


def test_visits_and_opens_fade_before_the_dropout(history: History) -> None:
    people = history.people
    level = engagement_by_day(people, WORLD, WINDOW.days)
    left = people.alive_until[:, None] - (np.arange(WINDOW.days) + 0.5)
    joined = np.arange(WINDOW.days) >= people.alive_from[:, None]
    phases = [joined & (left > 50), joined & (left > 0) & (left < 20), joined & (left < 0)]
    sessions = history.sessions
    idle = sessions.order < 0
    day = (sessions.started_at - WINDOW.start) // DAY
    inside = idle & (day >= 0) & (day < WINDOW.days)
    visits = np.zeros_like(level)
    np.add.at(visits, (sessions.person[inside], day[inside]), 1)
    well, fading, gone = (visits[phase].mean() for phase in phases)
    assert well > 1.5 * fading > 2 * gone


def test_experiment_is_balanced_and_its_effect_is_positive(history: History) -> None:
    experiment = history.experiment
    size = len(experiment.person)
    assert within(experiment.is_treated.mean(), WORLD.win_back_share, size)
    truly = experiment.buys_if_treated.mean() - experiment.buys_if_control.mean()
    new_buyers = (experiment.effect * ~experiment.buys_if_control).mean()
    assert abs(truly - new_buyers) < 4 * (new_buyers / size) ** 0.5
    bought = buyers_after_assignment(history)
    seen = bought[experiment.is_treated].mean() - bought[~experiment.is_treated].mean()
    error = (2 * bought.mean() / (size / 2)) ** 0.5
    assert seen > 0
    assert abs(seen - truly) < 4 * error


def test_landed_purchases_are_the_outcome_of_the_arm(history: History) -> None:
    experiment = history.experiment
    expected = np.where(experiment.is_treated, experiment.buys_if_treated, experiment.buys_if_control)
    assert (buyers_after_assignment(history) == expected).all()


def buyers_after_assignment(history: History) -> np.ndarray[Any, Any]:
    experiment, orders = history.experiment, history.orders
    assigned = np.full(len(history.people), np.iinfo(np.int64).max)
    assigned[experiment.person] = WINDOW.start + experiment.assigned_on * DAY
    since = orders.ordered_at - assigned[orders.person]
    counted = (since >= 6 * 3_600_000) & (since < OUTCOME_DAYS * DAY + 6 * 3_600_000)
    return np.isin(experiment.person, orders.person[counted])


def test_recorded_experiment_is_the_true_one(small_shop: Shop) -> None:
    landed = {record["email"]: record for _, record in records(small_shop.landing, "plain/assignments")}
    told = truth(small_shop, "experiments")
    assert len(told) == len(landed) > 50
    for row in told:
        record = landed[row["email"]]
        assert record["arm"] == row["arm"]
        assert record["assigned_at"][:10] == row["assigned_on"].isoformat()
        assert bool(record["exposed_at"]) == (row["arm"] == "treatment")
        assert bool(record["ghost_at"]) == (row["arm"] == "control")


def test_nobody_is_mailed_after_leaving(small_shop: Shop) -> None:
    left: dict[str, int] = {}
    sent: dict[str, list[int]] = {}
    for _, event in records(small_shop.landing, "sendgrid/events"):
        is_end = event["event"] in {"unsubscribe", "spamreport"} or (
            event["event"] == "bounce" and event["type"] == "bounce"
        )
        if is_end:
            left[event["email"]] = event["timestamp"]
        if event["event"] == "delivered":
            sent.setdefault(event["email"], []).append(event["timestamp"])
    assert left
    assert not [email for email, at in left.items() if max(sent.get(email, [0])) > at]


def test_profiles_lead_back_to_every_person(small_shop: Shop) -> None:
    profiles = truth(small_shop, "profiles")
    assert {row["person"] for row in profiles} == set(range(CUSTOMERS))
    keys = {row["profile_key"] for row in profiles}
    for _, customer in records(small_shop.landing, "shopify/customers"):
        assert f"shopify:{customer['id']}" in keys
        assert f"mailbox:{customer['email']}" in keys
    for _, event in records(small_shop.landing, "segment/events"):
        assert event["userId"] is None or f"segment:user:{event['userId']}" in keys
        assert "anonymousId" not in event or f"segment:anon:{event['anonymousId']}" in keys


def test_shared_mailboxes_and_the_kiosk_have_many_people(small_shop: Shop) -> None:
    people = Counter(row["profile_key"] for row in truth(small_shop, "profiles"))
    assert people["mailbox:info@office-0.example"] == WORLD.info_people
    kiosk = max(count for key, count in people.items() if key.startswith("segment:anon:"))
    assert kiosk == round(CUSTOMERS * WORLD.kiosk_share)
    assert sum(count == 2 for key, count in people.items() if key.startswith("mailbox:")) > 10


def test_the_import_names_some_who_have_left(small_shop: Shop) -> None:
    imported = {
        record["email"] for _, record in records(small_shop.landing, "plain/consents") if record["source"] == "import"
    }
    left = {
        event["email"] for _, event in records(small_shop.landing, "sendgrid/events") if event["event"] == "unsubscribe"
    }
    assert imported & left


def test_machine_events_are_named(small_shop: Shop) -> None:
    machines = {row["sg_event_id"]: row["kind"] for row in truth(small_shop, "machine_events")}
    flagged = {
        event["sg_event_id"]
        for _, event in records(small_shop.landing, "sendgrid/events")
        if event.get("sg_machine_open")
    }
    assert flagged <= {event for event, kind in machines.items() if kind == "machine_open"}
    assert Counter(machines.values())["scanner_click"] > 0


def test_platform_never_imports_the_truth() -> None:
    root = Path(__file__).parents[3]
    packages = ("orchestration", "ml", "expectations", "activation", "reporting")
    sources = [path for package in packages for path in (root / package).rglob("*.py")]
    assert not [path for path in sources if "simulator.truth" in path.read_text()]
