"""Experiments within a flow: nested in the global holdout, arms by hash, generic emails, ghosts of the flow."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

import pyarrow as pa
import pytest

from activation.decision.arms import snapshot_assignments
from activation.load import PlaybookError, load_playbook
from activation.playbook.experiments import Experiment
from activation.playbook.playbook import Playbook
from activation.state.store import ASSIGNMENT_SCHEMA
from tests.unit.activation.shop import DAY, MODELS, PLAYBOOK, SEGMENTS, Shop, people, playbook
from tests.unit.activation.test_playbook import folder, replace  # noqa: F401

SALT = "ab_1"
ARMS = (
    {"arm": "none", "share": 0.2, "gets": "nothing"},
    {"arm": "plain", "share": 0.4, "gets": "generic"},
    {"arm": "own", "share": 0.4},
)
HELD = people("holdout", 1)[0]


def with_experiment(*arms: dict[str, Any], flow: str = "win_back") -> Playbook:
    book = playbook()
    experiment = Experiment.model_validate(
        {
            "experiment": "ab", "scope": "flow", "flow": flow, "salt": SALT, "baseline_arm": (arms or ARMS)[0]["arm"],
            "arms": arms or ARMS, "srm_alarm_p": 0.001, "source": "test",
        }
    )  # fmt: skip
    return book.model_copy(update={"experiments": (book.global_holdout, experiment)})


def in_arm(first: float, last: float, count: int) -> Sequence[str]:
    """Treated people whose hash of the experiment's salt lies between two shares, computed apart from the code under test."""
    hashes = ((name, hashlib.md5(f"{SALT}:{name}".encode()).hexdigest()) for name in people("treatment", 300))  # noqa: S324
    buckets = ((name, int(digest[:13], 16) % 10_000) for name, digest in hashes)
    return list(islice((name for name, bucket in buckets if first * 10_000 <= bucket < last * 10_000), count))


NONE, PLAIN, OWN = in_arm(0, 0.2, 1)[0], in_arm(0.2, 0.6, 1)[0], in_arm(0.6, 1, 1)[0]


def triggered(shop: Shop, *names: str, flow: str = "win_back") -> None:
    for name in names:
        shop.customer(name)
        shop.trigger(name, flow)
        shop.member(name, "repeat_buyers_with_replenishment_risk")


def hero(shop: Shop, name: str) -> dict[str, Any]:
    (row,) = [row for row in shop.rows() if row["customer_id"] == name]
    found: dict[str, Any] = json.loads(str(row["block_choices"]))["hero"]
    return found


def test_each_arm_gets_what_it_is_for(shop: Shop) -> None:
    triggered(shop, NONE, PLAIN, OWN, HELD)
    summary = shop.decide(book=with_experiment())
    assert {name: fate for (name, *_), fate in shop.outcomes().items()} == {
        NONE: ("held_out", "flow_holdout"), PLAIN: ("sent", None), OWN: ("sent", None), HELD: ("held_out", "holdout"),
    }  # fmt: skip
    assert (hero(shop, OWN)["variant"], hero(shop, OWN)["fallback_used"]) == ("replenish_now", False)
    assert hero(shop, PLAIN) == {
        "variant": "news_since_then", "rule": "fallback", "confidence": None, "fallback_used": True,
        "fallback_reason": "arm_without_personalisation, arm_without_personalisation",
    }  # fmt: skip
    written = {row["customer_id"]: (row["arm"], row["flow_experiment"], row["flow_arm"]) for row in shop.rows()}
    assert written == {
        NONE: ("treatment", "ab", "none"), PLAIN: ("treatment", "ab", "plain"), OWN: ("treatment", "ab", "own"),
        HELD: ("holdout", None, None),
    }  # fmt: skip
    recorded = {(row["experiment"], row["customer_id"], row["arm"]) for row in summary.new_assignments.to_pylist()}
    assert {row for row in recorded if row[0] == "ab"} == {
        ("ab", NONE, "none"),
        ("ab", PLAIN, "plain"),
        ("ab", OWN, "own"),
    }
    assert len([row for row in recorded if row[0] == "global_holdout"]) == 4


def test_experiment_is_of_its_flow_only(shop: Shop) -> None:
    triggered(shop, NONE, flow="welcome")
    summary = shop.decide(book=with_experiment())
    assert shop.outcomes()[NONE, "welcome", "1"] == ("sent", None)
    assert {row["experiment"] for row in summary.new_assignments.to_pylist()} == {"global_holdout"}


def test_ghost_of_a_flow_takes_the_step_and_the_caps(shop: Shop) -> None:
    triggered(shop, NONE)
    shop.decide(book=with_experiment())
    assert (shop.release().sends, shop.release().ghosts) == (0, 1)
    later = DAY + timedelta(days=1)
    shop.fresh(day=later)
    shop.customer(NONE, day=later)
    shop.trigger(NONE, "welcome", day=later)
    shop.decide(later, book=with_experiment())
    assert shop.outcomes(later)[NONE, "welcome", "1"] == ("sent", None)
    due = later + timedelta(days=6)
    shop.fresh(day=due)
    shop.customer(NONE, day=due)
    shop.decide(due, book=with_experiment())
    assert shop.outcomes(due) == {(NONE, "win_back", "2"): ("held_out", "flow_holdout")}


def test_mailbox_shared_with_the_flows_holdout_gets_nothing_of_the_flow(shop: Shop) -> None:
    for name in (NONE, OWN):
        shop.customer(name, mailbox="home")
    shop.trigger(OWN, "win_back")
    shop.decide(book=with_experiment())
    assert shop.outcomes()[OWN, "win_back", "1"] == ("held_out", "mailbox_shared_with_flow_holdout")
    assert shop.rows()[0]["flow_arm"] == "own"


def assign(shop: Shop, name: str, arm: str) -> None:
    row = {
        "experiment": "ab", "profile_key": f"p_{name}", "customer_id": name, "arm": arm, "bucket": 1, "assigned_on": date(2025, 3, 1),
    }  # fmt: skip
    shop.state.record_assignments(pa.Table.from_pylist([row], schema=ASSIGNMENT_SCHEMA))
    shop.mirror()


def test_recorded_arm_holds_whatever_the_hash_says(shop: Shop) -> None:
    triggered(shop, OWN)
    assign(shop, OWN, "plain")
    shop.decide(book=with_experiment())
    assert (shop.rows()[0]["flow_arm"], hero(shop, OWN)["variant"]) == ("plain", "news_since_then")


def test_arm_that_was_taken_out_gets_what_the_baseline_gets(shop: Shop) -> None:
    triggered(shop, OWN)
    assign(shop, OWN, "bold")
    arms = ({"arm": "plain", "share": 0.5, "gets": "generic"}, {"arm": "own", "share": 0.5})
    shop.decide(book=with_experiment(*arms))
    assert (shop.rows()[0]["flow_arm"], hero(shop, OWN)["variant"]) == ("bold", "news_since_then")


def test_snapshot_has_a_row_for_each_experiment(shop: Shop) -> None:
    triggered(shop, PLAIN, OWN)
    shop.connection.execute("update marts.dim_customers set mailbox_hash = 'm_both'")
    book = with_experiment()
    shop.decide(book=book)
    assert snapshot_assignments(shop.connection, book, as_of=DAY) == 4
    rows = shop.connection.execute(
        "select experiment, customer_id, arm, is_contaminated from measurement.experiment_assignments"
    )
    assert set(rows.fetchall()) == {
        ("global_holdout", PLAIN, "treatment", False), ("global_holdout", OWN, "treatment", False),
        ("ab", PLAIN, "plain", True), ("ab", OWN, "own", True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flow: win_back", "flow: spring", "flow spring is unknown"),
        ("scope: flow\n    flow: win_back", "scope: flow", "scope flow and flow belong together"),
        (
            "arm: treatment, share: 0.95",
            "arm: treatment, share: 0.95, gets: generic",
            "some arm gets nothing and the others",
        ),
    ],
)
def test_what_cannot_be_an_experiment_is_named(folder: Any, old: str, new: str, message: str) -> None:  # noqa: F811
    replace(folder, "experiments.yml", old, new)
    with pytest.raises(PlaybookError, match=message):
        load_playbook(folder, segments=SEGMENTS, models=MODELS)


def test_repository_asks_whether_personalisation_beats_a_generic_email() -> None:
    (experiment,) = load_playbook(PLAYBOOK, segments=SEGMENTS, models=MODELS).flow_experiments
    assert [experiment.treatment_of(arm) for arm in experiment.arms] == ["generic", "personalised"]
