"""The truth agrees with what lands, table by table."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from simulator.response import group_effects
from simulator.selves import PLACEHOLDER_EMAILS
from simulator.truth import OTHER_FLOWS, SCHEMAS
from simulator.world import ANY_FLOW, RESPONSE_GROUPS, World
from tests.unit.simulator.conftest import CUSTOMERS, DAYS, SEED, Shop
from tests.unit.simulator.landed import records

WORLD = World()
START = date(2025, 1, 1)


def truth(shop: Shop, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(shop.truth / f"{name}.parquet").to_pylist()
    return rows


def test_every_table_has_its_schema(small_shop: Shop) -> None:
    assert {path.name for path in small_shop.truth.iterdir()} == {
        *(f"{name}.parquet" for name in SCHEMAS),
        "world.json",
    }
    for name, schema in SCHEMAS.items():
        table = pq.read_table(small_shop.truth / f"{name}.parquet")
        assert table.schema.names == schema.names
        assert table.num_rows > 0, name


def test_the_world_can_be_made_again(small_shop: Shop) -> None:
    written = json.loads((small_shop.truth / "world.json").read_text())
    facts = {name: written[name] for name in ("customers", "days", "future", "seed", "scenario", "form", "start")}
    assert facts == {
        "customers": CUSTOMERS, "days": DAYS, "future": 60, "seed": SEED, "scenario": "everyday", "form": "systems",
        "start": START.isoformat(),
    }  # fmt: skip
    assert written["world"] == json.loads(json.dumps(asdict(WORLD)))
    (outage,) = [event for event in written["events"] if event["kind"] == "outage"]
    assert 0 < outage["from_day"] < outage["from_day"] + outage["days"] < DAYS


def test_people_are_all_there_with_their_traits(small_shop: Shop) -> None:
    people = truth(small_shop, "people")
    assert [row["person"] for row in people] == list(range(CUSTOMERS))
    for row in people:
        assert len(row["taste"]) == 6
        assert row["taste"] == sorted(row["taste"])
        assert abs(row["taste"][-1] - 1) < 1e-9
        assert row["store"] in {"us", "eu"}
        assert row["response_group"] in RESPONSE_GROUPS
        assert (row["response_group"] == "phone") == row["prefers_phone"]
        assert row["mailbox"] == row["mailbox"].lower()
        assert row["company"] is None or row["mailbox"].endswith(f"@company-{row['company']}.example")
    assert {row["mailbox_kind"] for row in people} == {"own", "household", "info"}


def test_profiles_lead_back_to_every_person(small_shop: Shop) -> None:
    profiles = truth(small_shop, "profiles")
    assert {row["person"] for row in profiles} == set(range(CUSTOMERS))
    keys = {row["profile_key"] for row in profiles}
    for _, customer in records(small_shop.landing, "shopify/customers"):
        assert f"shopify:{customer['id']}" in keys
        assert f"mailbox:{customer['email'].lower()}" in keys
    for _, order in records(small_shop.landing, "shopify/orders"):
        assert f"mailbox:{order['email'].lower()}" in keys
    for _, event in records(small_shop.landing, "segment/events"):
        assert event["userId"] is None or f"segment:user:{event['userId']}" in keys
        assert "anonymousId" not in event or f"segment:anon:{event['anonymousId']}" in keys
    for name in ("sendgrid/events", "plain/consents", "zendesk/users"):
        assert all(
            f"mailbox:{row['email'].lower()}" in keys
            for _, row in records(small_shop.landing, name)
            if row.get("email") and row.get("role", "end-user") == "end-user"
        )


def test_shared_keys_are_those_of_several_people_and_placeholders(small_shop: Shop) -> None:
    profiles = truth(small_shop, "profiles")
    assert len({(row["profile_key"], row["person"]) for row in profiles}) == len(profiles)
    people = Counter(row["profile_key"] for row in profiles)
    placeholders = {f"mailbox:{address}" for address in PLACEHOLDER_EMAILS}
    for row in profiles:
        assert row["is_shared"] == (people[row["profile_key"]] > 1 or row["profile_key"] in placeholders)
    assert people["mailbox:info@office-0.example"] == WORLD.info_people
    kiosk = max(count for key, count in people.items() if key.startswith("segment:anon:"))
    assert kiosk == round(CUSTOMERS * WORLD.kiosk_share)
    assert sum(count == 2 for key, count in people.items() if key.startswith("mailbox:")) > 10
    assert placeholders & people.keys()


def test_landed_orders_are_the_purchases_that_happened(small_shop: Shop) -> None:
    purchases = {row["order_id"]: row for row in truth(small_shop, "purchases")}
    landed: dict[int, dict[str, Any]] = {}
    for _, order in records(small_shop.landing, "shopify/orders"):
        landed[order["id"]] = order
    end = START + timedelta(days=DAYS)
    happened = {key for key, row in purchases.items() if row["happened"] and row["bought_at"].date() < end}
    assert set(landed) <= happened
    # An order of the last second of the window is paid after it.
    assert len(happened - set(landed)) <= 1
    for key, order in landed.items():
        row = purchases[key]
        assert round(float(order["total_price"]) * 100) == round(row["total_amount"] * 100)
        assert order["test"] == row["is_test"]
        assert ("Recurring" in order["tags"]) == row["is_renewal"]
    last = max(row["bought_at"].date() for row in purchases.values())
    assert last == end + timedelta(days=59)
    causes = Counter((row["cause"], row["happened"]) for row in purchases.values())
    assert causes["own", True] > 10 * causes["win_back", True] > 10
    assert causes["win_back", False] > 10
    assert 0 < sum(row["net_amount"] == 0 for row in purchases.values()) < len(purchases) / 10


def test_sends_are_those_that_the_esp_reports(small_shop: Shop) -> None:
    sends = {row["send_id"]: row for row in truth(small_shop, "sends")}
    seen = set()
    for _, event in records(small_shop.landing, "sendgrid/events"):
        row = sends[event["decision_id"]]
        seen.add(event["decision_id"])
        assert (event["email"], event["flow"], event["arm"]) == (row["mailbox"], row["flow"], row["arm"])
        if event["timestamp"]:
            assert event["timestamp"] >= row["sent_at"].timestamp() // 1 - 7 * 3600
    # What was sent on the last days may be reported after the window.
    assert len(seen) > 0.97 * len(sends)
    caused = sum(row["causes_purchase"] for row in sends.values())
    assert caused == sum(row["cause"] != "own" and row["happened"] for row in truth(small_shop, "purchases"))


def test_effects_are_those_of_the_response_group(small_shop: Shop) -> None:
    groups = {row["person"]: row["response_group"] for row in truth(small_shop, "people")}
    effects = truth(small_shop, "effects")
    flows = {row["flow"] for row in effects}
    assert flows == {"newsletter", "win_back", "welcome", OTHER_FLOWS}
    assert len(effects) == CUSTOMERS * len(flows)
    planted = {flow: group_effects(WORLD, ANY_FLOW if flow == OTHER_FLOWS else flow) for flow in flows}
    assert all(row["effect"] == planted[row["flow"]][RESPONSE_GROUPS.index(groups[row["person"]])] for row in effects)


def test_recorded_experiment_is_the_true_one(small_shop: Shop) -> None:
    landed = {
        record["email"]: record for _, record in records(small_shop.landing, "plain/assignments") if record["arm"]
    }
    told = truth(small_shop, "experiments")
    assert len(told) >= len(landed) > 50
    by_email = {row["email"]: row for row in told}
    for email, record in landed.items():
        row = by_email[email]
        assert record["arm"] == row["arm"]
        assert record["assigned_at"][:10] == row["assigned_on"].isoformat()
        assert bool(record["exposed_at"]) == (row["arm"] == "treatment")
        assert bool(record["ghost_at"]) == (row["arm"] == "control")


def test_both_outcomes_follow_from_the_purchases(small_shop: Shop) -> None:
    bought: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in truth(small_shop, "purchases"):
        if row["happened"] and not row["is_test"]:
            bought[row["person"]].append(row)
    for row in truth(small_shop, "experiments"):
        window = row["assigned_on"], row["assigned_on"] + timedelta(days=28)
        inside = [
            each for each in bought[row["person"]]
            if window[0] <= (each["bought_at"] - timedelta(hours=6)).date() < window[1]
        ]  # fmt: skip
        arm = "treated" if row["arm"] == "treatment" else "control"
        assert bool(inside) == row[f"buys_if_{arm}"]
        assert abs(sum(each["net_amount"] for each in inside) - row[f"revenue_if_{arm}"]) < 0.005


def test_consent_is_what_was_said_and_reported(small_shop: Shop) -> None:
    changes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in truth(small_shop, "consent"):
        assert row["landed_on"] >= START
        assert row["landed_on"] >= row["stated_at"].date()
        changes[row["mailbox"]].append(row)
    left = Counter[tuple[str, str]]()
    names = {"unsubscribe": "unsubscribed", "spamreport": "complained", "bounce": "bounced"}
    for _, event in records(small_shop.landing, "sendgrid/events"):
        if event["event"] in names and event.get("type") != "blocked" and event["timestamp"]:
            left[event["email"], names[event["event"]]] += 1
    told = {(mailbox, row["reason"]) for mailbox, rows in changes.items() for row in rows}
    assert left
    assert set(left) <= told
    consents = list(records(small_shop.landing, "plain/consents"))
    confirmed = {row["email"] for _, row in consents if row.get("statement") == "confirmed" and row.get("email")}
    assert confirmed <= {mailbox for mailbox, reason in told if reason == "confirmed"}
    imported = {row["email"] for _, row in consents if row.get("source") == "import" and row.get("email")}
    unsubscribed = {mailbox for mailbox, reason in told if reason == "unsubscribed"}
    assert imported & unsubscribed


def test_machine_events_are_named(small_shop: Shop) -> None:
    machines = {row["sg_event_id"]: row["kind"] for row in truth(small_shop, "machine_events")}
    flagged, clicked = set(), set()
    for _, event in records(small_shop.landing, "sendgrid/events"):
        if event.get("sg_machine_open"):
            flagged.add(event["sg_event_id"])
        if event["event"] == "click":
            clicked.add(event["sg_event_id"])
    assert flagged <= {event for event, kind in machines.items() if kind == "machine_open"}
    scanned = {event for event, kind in machines.items() if kind == "scanner_click"}
    assert len(scanned & clicked) > 0.9 * len(scanned) > 10
    assert clicked - scanned


def test_rates_of_the_truth_explain_the_purchases(small_shop: Shop) -> None:
    people = truth(small_shop, "people")
    own = Counter(
        row["person"] for row in truth(small_shop, "purchases") if row["cause"] == "own" and not row["is_renewal"]
    )
    rates = np.array([row["purchase_rate"] for row in people])
    counts = np.array([own[row["person"]] for row in people])
    order = np.argsort(rates)
    tenths = [counts[rows].mean() for rows in np.array_split(order, 10)]
    assert tenths[-1] > 4 * tenths[0]


def test_platform_never_imports_the_truth() -> None:
    root = Path(__file__).parents[3]
    packages = ("orchestration", "ml", "expectations", "activation", "reporting")
    sources = [path for package in packages for path in (root / package).rglob("*.py")]
    assert not [path for path in sources if "simulator.truth" in path.read_text()]
