"""Approvals are of content and end; a person's word wins over rules and models, until the day it says."""

import hashlib
import json
import shutil
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from activation.load import PlaybookError, load_playbook
from activation.playbook.flows import Flow
from activation.playbook.governance import Approval, Item, standing_of
from activation.playbook.playbook import Playbook
from orchestration import preflight
from orchestration.commands import approve as approve_module
from orchestration.commands.approve import approve, list_standings
from orchestration.resources import UserError
from tests.unit.activation.shop import DAY, MODELS, PLAYBOOK, SEGMENTS, Shop, people, playbook

ANN, BEN, CY = people("treatment", 3)
HELD = people("holdout", 1)[0]
OLD, NEW = "0" * 12, "1" * 12


def approval(number: int, *, of: str | None = NEW, until: date = DAY) -> Approval:
    return Approval(
        approval_id=f"a{number}", flow="welcome", role="lead", approved_on=DAY, expires_on=until, content_hash=of
    )


@pytest.mark.parametrize(
    ("approvals", "named", "fault"),
    [
        ([], None, "not_approved"),
        ([approval(1)], "a1", None),
        ([approval(1, until=DAY - timedelta(days=1))], "a1", "approval_expired"),
        ([approval(1, of=OLD, until=date(2030, 1, 1))], "a1", "changed_since_approval"),
        ([approval(1, of=OLD, until=date(2030, 1, 1)), approval(2)], "a2", None),
        ([approval(1, of=OLD, until=date(2030, 1, 1)), approval(2, until=date(2025, 1, 1))], "a2", "approval_expired"),
        ([approval(1, of=None)], "a1", None),
    ],
)
def test_only_an_approval_of_what_stands_there_counts(
    approvals: list[Approval], named: str | None, fault: str | None
) -> None:
    standing = standing_of(tuple(approvals), NEW, DAY)
    assert (standing.approval and standing.approval.approval_id, standing.fault) == (named, fault)


def changed(book: Playbook, **of_first_step: Any) -> Playbook:
    """The playbook with another first step of `welcome`."""
    flows = []
    for flow in book.flows:
        written = flow.model_dump()
        if flow.flow == "welcome":
            written["steps"] = [{**written["steps"][0], **of_first_step}, *written["steps"][1:]]
        flows.append(Flow.model_validate(written))
    return book.model_copy(update={"flows": tuple(flows)})


def overridden(**action: Any) -> Playbook:
    stored = json.loads(playbook().to_json())
    override = {
        "override_id": "o1", "owner": "crm", "reason": "they asked", "decided_on": str(DAY), "expires_on": str(DAY), **action,
    }  # fmt: skip
    return Playbook.from_json(json.dumps({**stored, "overrides": [override]}))


def test_flow_is_blocked_when_anything_of_what_it_sends_changes(shop: Shop) -> None:
    book = playbook()
    assert book.brand is not None
    shop.customer(ANN)
    shop.trigger(ANN)
    for other in (
        changed(book, subject="Act now"),
        changed(book, preheader="Only today"),
        book.model_copy(update={"brand": book.brand.model_copy(update={"postal_address": "Elsewhere 2"})}),
        book.model_copy(update={"variables": book.variables[1:]}),
        *(
            book.model_copy(update={"content": {**book.content, name: book.content[name] + " "}})
            for name in ("layout.mjml", "layout.txt", "blocks/hero/brand_story.mjml", "blocks/message/welcome.txt")
        ),
    ):
        shop.decide(book=other)
        assert shop.outcomes()[ANN, "welcome", "1"] == ("blocked_by_governance", "changed_since_approval")
    for same in (
        changed(book, subject=book.flows[-2].steps[0].subject),
        book.model_copy(update={"content": {**book.content, "blocks/hero/your_cart.txt": "Of another flow"}}),
    ):
        shop.decide(book=same)
        assert shop.outcomes()[ANN, "welcome", "1"] == ("sent", None)


def test_version_stored_before_there_were_blocks_goes_on_with_its_approval(shop: Shop) -> None:
    stored = json.loads(playbook().to_json())
    del stored["brand"], stored["variables"], stored["policies"]["content"]
    stored["content"] = {"welcome_1.txt": "Hello. {{ unsubscribe_url }} {{ postal_address }}"}
    welcome = next(flow for flow in stored["flows"] if flow["flow"] == "welcome")
    del welcome["why_you_get_this"]
    step = {
        "step": 1, "delay_days": 0, "due_days": 3, "subject": "Welcome", "template": "welcome_1.txt",
        "blocks": [{"block": "hero", "fallback": "brand_story"}],
    }  # fmt: skip
    welcome["steps"] = [step]
    stored["flows"] = [welcome]
    # As approvals were made then: the flow without what it did not say, its template, in canonical JSON.
    said = {key: welcome[key] for key in ("flow", "topic", "description", "trigger", "reentry")}
    said |= {"value": {"amount": 6.0, "weight_without_score": 0.2}, "steps": [step]}
    text = json.dumps({"flow": said, "templates": stored["content"]}, sort_keys=True, separators=(",", ":"))
    approved = hashlib.sha256(text.encode()).hexdigest()[:12]
    stored["approvals"] = [{**one, "content_hash": approved} for one in stored["approvals"] if one["flow"] == "welcome"]
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.decide(book=Playbook.from_json(json.dumps(stored)))
    assert shop.outcomes()[ANN, "welcome", "1"] == ("sent", None)
    assert shop.rows("activation.send_list")[0]["template"] == "welcome_1.txt"


def choice(shop: Shop, book: Playbook, block: str = "hero") -> dict[str, Any]:
    shop.decide(book=book)
    choices: dict[str, Any] = json.loads(str(shop.rows()[0]["block_choices"]))
    found: dict[str, Any] = choices[block]
    return found


def test_rule_on_a_segment_or_model_that_nobody_stands_for_gives_the_fallback(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "win_back")
    shop.member(ANN, "repeat_buyers_with_replenishment_risk")
    shop.score(ANN, 0.9)
    book = playbook()
    assert choice(shop, book)["variant"] == "replenish_now"

    hashes = {**book.content_hashes, "segment/repeat_buyers_with_replenishment_risk": OLD}
    assert choice(shop, book.model_copy(update={"content_hashes": hashes}))["variant"] == "we_miss_you"

    flows_only = tuple(each for each in book.approvals if each.flow)
    found = choice(shop, book.model_copy(update={"approvals": flows_only}))
    assert (found["variant"], found["fallback_used"]) == ("news_since_then", True)
    assert found["fallback_reason"] == (
        "segment_repeat_buyers_with_replenishment_risk_not_approved, model_churn_risk_not_approved"
    )
    flow = next(flow for flow in book.flows if flow.flow == "win_back")
    assert shop.rows()[0]["expected_value"] == pytest.approx(flow.value.amount * flow.value.weight_without_score)


def test_version_stored_before_segments_were_approved_goes_on(shop: Shop) -> None:
    stored = json.loads(playbook().to_json())
    del stored["content_hashes"], stored["overrides"], stored["policies"]["approval_roles"]
    stored["approvals"] = [{**one, "content_hash": None} for one in stored["approvals"] if one["flow"]]
    shop.customer(ANN)
    shop.trigger(ANN, "win_back")
    shop.score(ANN, 0.9)
    assert choice(shop, Playbook.from_json(json.dumps(stored)))["variant"] == "we_miss_you"
    assert shop.rows()[0]["outcome"] == "sent"


def test_excluded_mailbox_is_closed_on_the_days_named_and_no_other_is(shop: Shop) -> None:
    box = sha256(b"ann").hexdigest()
    for day in (DAY, DAY + timedelta(days=1)):
        shop.fresh(day=day)
        for name in (ANN, BEN):
            shop.customer(name, day=day)
            shop.trigger(name, day=day)
    shop.connection.execute(
        "update marts.dim_customers set mailbox_hash = $box where customer_id = $ann", {"box": box, "ann": ANN}
    )
    book = overridden(exclude={"mailbox_hash": box})
    shop.decide(book=book)
    assert shop.outcomes()[ANN, "welcome", "1"] == ("suppressed", "excluded_by_override")
    assert shop.outcomes()[BEN, "welcome", "1"] == ("sent", None)
    shop.decide(DAY + timedelta(days=1), book=book)
    assert shop.outcomes(DAY + timedelta(days=1))[ANN, "welcome", "1"] == ("sent", None)


def test_excluded_profile_is_followed_through_a_merge(shop: Shop) -> None:
    shop.customer(ANN, profiles=("shop:1", "club:7"))
    shop.trigger(ANN)
    shop.decide(book=overridden(exclude={"profile": "club:7"}))
    assert shop.outcomes()[ANN, "welcome", "1"] == ("suppressed", "excluded_by_override")


def test_stopped_flow_stands_still_and_others_go_on(shop: Shop) -> None:
    for name, flow in ((ANN, "welcome"), (BEN, "win_back")):
        shop.customer(name)
        shop.trigger(name, flow)
    shop.decide(book=overridden(stop_flow="welcome"))
    assert shop.outcomes() == {
        (ANN, "welcome", "1"): ("blocked_by_governance", "stopped_by_override"),
        (BEN, "win_back", "1"): ("sent", None),
    }


def test_stopped_variant_gives_the_next_rule(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "win_back")
    shop.member(ANN, "repeat_buyers_with_replenishment_risk")
    shop.score(ANN, 0.9)
    found = choice(shop, overridden(stop_variant={"block": "hero", "variant": "replenish_now"}))
    assert (found["variant"], found["fallback_used"]) == ("we_miss_you", False)
    shop.connection.execute("delete from ml.customer_scores")
    found = choice(shop, overridden(stop_variant={"block": "hero", "variant": "replenish_now"}))
    assert found["fallback_reason"] == "stopped_by_o1, no_score_of_churn_risk"


def test_pinned_variant_is_everybodys(shop: Shop) -> None:
    shop.customer(ANN)
    shop.trigger(ANN, "win_back")
    shop.member(ANN, "repeat_buyers_with_replenishment_risk")
    found = choice(shop, overridden(pin={"flow": "win_back", "step": 1, "block": "hero", "variant": "we_miss_you"}))
    assert (found["variant"], found["rule"], found["fallback_used"]) == ("we_miss_you", "pinned by o1", False)


def test_flow_that_was_stopped_since_drops_sends_and_ghosts_alike(shop: Shop) -> None:
    for name in (ANN, HELD):
        shop.customer(name)
        shop.trigger(name)
    shop.decide()
    summary = shop.release(stopped_flows=frozenset({"welcome"}))
    assert (summary.sends, summary.ghosts) == (0, 0)
    assert summary.dropped == {"send": {"now_stopped_by_override": 1}, "ghost": {"now_stopped_by_override": 1}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("stop_flow: spring", "flow spring is unknown"),
        ("stop_variant: {block: hero, variant: none}", "no block hero has a variant none"),
        (
            "stop_variant: {block: hero, variant: news_since_then}",
            "news_since_then is what everybody else gets: pin another",
        ),
        (
            "pin: {flow: win_back, step: 2, block: hero, variant: a}",
            "step 2 of win_back has no block hero with a variant a",
        ),
        ("exclude: {profile: nobody}", "profile: string should match"),
        ("exclude: {}", "a person is named by one of profile and mailbox_hash"),
        ("{}", "an override does one thing"),
    ],
)
def test_override_that_cannot_hold_is_named_with_its_line(folder: Path, action: str, message: str) -> None:
    does = "" if action == "{}" else f"    {action}\n"
    (folder / "overrides.yml").write_text(
        "overrides:\n  - override_id: o1\n"
        f"{does}    owner: crm\n    reason: x\n    decided_on: 2025-01-01\n    expires_on: 2025-02-01\n"
    )
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("playbook/overrides.yml:")
    assert message in line


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A playbook that commands may write to."""
    for module in (approve_module, preflight):
        monkeypatch.setattr(module, "PLAYBOOK", folder)
    return folder


def test_approve_stands_for_what_is_written_now(repository: Path) -> None:
    step = repository / "flows" / "win_back.yml"
    step.write_text(step.read_text().replace("It has been a while", "Come back"))
    item = Item("flow", "win_back")
    assert preflight.load_valid_playbook().standing(item, DAY).fault == "changed_since_approval"
    assert any(line.startswith("flow/win_back") and "changed since approval" in line for line in list_standings(DAY))
    before = (repository / "approvals.yml").read_text()
    (said,) = approve(["flow/win_back"], role="lifecycle_marketing_lead", today=DAY, until=DAY + timedelta(days=9))
    assert "approval_flow_win_back_1" in said
    assert (repository / "approvals.yml").read_text().startswith(before.rstrip())
    standing = preflight.load_valid_playbook().standing(item, DAY)
    assert standing.approval is not None
    assert (standing.approval.approval_id, standing.fault) == ("approval_flow_win_back_1", None)


@pytest.mark.parametrize(
    ("names", "role", "days", "message"),
    [
        (["flow/nothing"], "lifecycle_marketing_lead", 9, "there is no 'flow/nothing'"),
        (["flow/welcome", "model/churn_risk"], "lifecycle_marketing_lead", 9, "approved by data_science_lead"),
        (["flow/welcome"], "lifecycle_marketing_lead", -1, "is over already"),
    ],
)
def test_approval_that_may_not_be_writes_nothing(
    repository: Path, names: list[str], role: str, days: int, message: str
) -> None:
    before = (repository / "approvals.yml").read_text()
    with pytest.raises(UserError, match=message):
        approve(names, role=role, today=DAY, until=DAY + timedelta(days=days))
    assert (repository / "approvals.yml").read_text() == before


def test_first_approval_of_an_empty_file(repository: Path) -> None:
    (repository / "approvals.yml").write_text("# by hand\napprovals: []\n")
    approve(["segment/repeat_buyers"], role="lifecycle_marketing_lead", today=DAY, until=DAY)
    (only,) = preflight.load_valid_playbook().approvals
    assert (only.item, only.expires_on) == (Item("segment", "repeat_buyers"), DAY)
    assert (repository / "approvals.yml").read_text().startswith("# by hand\napprovals:\n  - ")


def test_a_hash_of_digits_alone_stays_a_text(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playbook, "content_hash", lambda _playbook, _item: "512062854376")
    approve(["flow/win_back"], role="lifecycle_marketing_lead", today=DAY, until=DAY)
    assert preflight.load_valid_playbook().approvals[-1].content_hash == "512062854376"
    assert 'content_hash: "512062854376"' in (repository / "approvals.yml").read_text()


def test_everything_in_the_repository_is_approved() -> None:
    book = preflight.load_valid_playbook()
    assert [str(item) for item in book.items() if book.standing(item, date(2026, 1, 1)).fault] == []
    assert {item.kind for item in book.items()} == {"flow", "segment", "model", "prompt"}
