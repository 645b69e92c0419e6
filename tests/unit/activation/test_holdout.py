"""The holdout: hash, record, keep; held-out candidates walk the whole waterfall."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest

from activation.decision.arms import snapshot_assignments
from activation.state.store import ASSIGNMENT_SCHEMA
from tests.unit.activation.shop import DAY, Shop, people, playbook

ANN, BEN = people("treatment", 2)
HELD, ALSO_HELD = people("holdout", 2)


def assign(shop: Shop, key: str, arm: str, on: date) -> None:
    row = {
        "experiment": "global_holdout",
        "profile_key": key,
        "customer_id": "x",
        "arm": arm,
        "bucket": 1,
        "assigned_on": on,
    }
    shop.state.record_assignments(pa.Table.from_pylist([row], schema=ASSIGNMENT_SCHEMA))
    shop.mirror()


def test_arms_are_the_hash_and_are_recorded(shop: Shop) -> None:
    shop.customer(ANN, profiles=(f"p_{ANN}", "device"))
    shop.customer(HELD)
    for name in (ANN, HELD):
        shop.trigger(name)
    summary = shop.decide()
    recorded = {(row["profile_key"], row["arm"]) for row in summary.new_assignments.to_pylist()}
    assert recorded == {(f"p_{ANN}", "treatment"), ("device", "treatment"), (f"p_{HELD}", "holdout")}
    assert shop.outcomes()[HELD, "welcome", "1"] == ("held_out", "holdout")
    assert [row["email"] for row in shop.rows("activation.send_list")] == [f"{ANN}@shop.example"]


def test_ineligible_people_are_not_assigned(shop: Shop) -> None:
    shop.customer(HELD, consent="unsubscribed")
    shop.trigger(HELD)
    assert shop.decide().new_assignments.num_rows == 0
    assert "holdout" not in str(shop.rows()[0]["all_reasons"])


@pytest.mark.parametrize("order", [("treatment", "holdout"), ("holdout", "treatment")])
def test_earliest_assignment_of_any_member_holds(shop: Shop, order: tuple[str, str]) -> None:
    shop.customer(ANN, profiles=("first", "second"))
    shop.trigger(ANN)
    assign(shop, "first", order[1], date(2025, 3, 2))
    assign(shop, "second", order[0], date(2025, 3, 1))
    shop.decide()
    assert shop.rows()[0]["arm"] == order[0]


def test_assignment_of_a_later_day_is_not_seen(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN)
    assign(shop, f"p_{ANN}", "holdout", DAY + timedelta(days=1))
    shop.decide()
    assert shop.rows()[0]["arm"] == "treatment"


def test_recorded_arm_is_never_overwritten(shop: Shop) -> None:
    assign(shop, "p", "holdout", date(2025, 3, 1))
    assign(shop, "p", "treatment", date(2025, 2, 1))
    rows = shop.connection.execute("select arm, assigned_on from activation.assignments").fetchall()
    assert rows == [("holdout", date(2025, 3, 1))]


def test_held_out_are_suppressed_deferred_and_capped_like_everyone(shop: Shop) -> None:
    capped, late = people("holdout", 4)[2:]
    for name in (HELD, ALSO_HELD, capped, late):
        shop.customer(name)
        shop.trigger(name)
    shop.suppress("open_support_ticket", customer_id=ALSO_HELD)
    shop.claimed(capped, send_at=datetime.fromisoformat("2025-06-10T20:00"), kind="ghost")
    shop.trigger(late, "win_back")
    shop.score(late, 0.9)
    shop.decide()
    assert shop.outcomes() == {
        (HELD, "welcome", "1"): ("held_out", "holdout"),
        (ALSO_HELD, "welcome", "1"): ("suppressed", "open_support_ticket"),
        (capped, "welcome", "1"): ("capped", "cap_16_hours"),
        (late, "win_back", "1"): ("held_out", "holdout"),
        (late, "welcome", "1"): ("deferred", "lost_arbitration"),
    }


def test_ghosts_use_up_caps_and_steps(shop: Shop) -> None:
    shop.customer(HELD)
    shop.trigger(HELD)
    shop.decide()
    assert shop.release().ghosts == 1
    tomorrow = DAY + timedelta(days=1)
    shop.customer(HELD, day=tomorrow)
    shop.fresh(day=tomorrow)
    shop.trigger(HELD, day=tomorrow, at=datetime.fromisoformat("2025-06-10T10:00"))
    shop.trigger(HELD, "win_back", day=tomorrow)
    # The ghost of 09:00 on the 11th is 24 hours old when the next email would go out: the step is used up, the cap no longer.
    shop.decide(tomorrow)
    assert shop.outcomes(tomorrow) == {(HELD, "win_back", "1"): ("held_out", "holdout")}


@pytest.mark.parametrize("held_is_due", [True, False])
def test_nobody_is_mailed_at_a_mailbox_of_someone_held_out(shop: Shop, held_is_due: bool) -> None:
    shop.customer(ANN, mailbox="home")
    shop.customer(HELD, mailbox="home")
    shop.trigger(ANN, "win_back")
    shop.score(ANN, 0.9)
    if held_is_due:
        shop.trigger(HELD)
    summary = shop.decide()
    assert shop.outcomes()[ANN, "win_back", "1"] == ("held_out", "mailbox_shared_with_holdout")
    assert shop.rows("activation.send_list") == []
    assert summary.contaminated == 1 + held_is_due
    assert {row["customer_id"]: row["arm"] for row in shop.rows()}[ANN] == "treatment"


def test_snapshot_shows_arms_and_contamination(shop: Shop) -> None:
    for name, mailbox in ((ANN, "home"), (HELD, "home"), (BEN, "")):
        shop.customer(name, mailbox=mailbox)
        shop.trigger(name)
    shop.decide()
    for _ in range(2):
        count = snapshot_assignments(shop.connection, playbook(), as_of=DAY)
    rows = shop.connection.execute(
        "select customer_id, arm, assigned_on, is_contaminated from measurement.experiment_assignments"
    ).fetchall()
    assert count == len(rows) == 3
    assert set(rows) == {(ANN, "treatment", DAY, True), (HELD, "holdout", DAY, True), (BEN, "treatment", DAY, False)}


def test_split_shares_are_close_to_the_plan(shop: Shop) -> None:
    shop.connection.execute(
        "insert into marts.dim_customers by name select date '2025-06-10' as as_of, 'k' || i as customer_id,"
        " 'k' || i || '@shop.example' as primary_email, 'm' || i as mailbox_hash, 'subscribed' as consent_status,"
        " 'subscribed' as consent_basis from range(4000) as n(i)"
    )
    shop.connection.execute(
        "insert into marts.identity_map select 'p' || i, 'k' || i, 'p' || i, date '2025-01-01', date '9999-12-31' from range(4000) as n(i)"
    )
    shop.connection.execute(
        "insert into marts.flow_triggers select date '2025-06-10', 'welcome', 'k' || i, 'o' || i, timestamp '2025-06-10 10:00'"
        " from range(4000) as n(i)"
    )
    summary = shop.decide()
    assert summary.outcome("sent") + summary.outcome("held_out") == 4000
    assert abs(summary.outcome("held_out") - 200) < 4 * (4000 * 0.05 * 0.95) ** 0.5
