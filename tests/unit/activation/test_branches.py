"""A branch is chosen by what holds on the day, once; where somebody stands is still read from the ledger alone."""

import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from activation.load import PlaybookError, load_playbook
from activation.playbook.flows import Flow
from activation.playbook.playbook import Playbook
from tests.unit.activation.shop import DAY, MODELS, PLAYBOOK, SEGMENTS, Shop, people, playbook

ANN, BEN = people("treatment", 2)
HELD = people("holdout", 1)[0]
SEGMENT = "high_value_at_risk"
# After step 1: who is worth it gets step 2 after 2 days; whom the model gives 0.6, step 3 after 4; all others step 4 after 7, which also
# follows step 2.
BRANCHES: tuple[dict[str, Any], ...] = (
    {"step": 2, "when": {"segment": SEGMENT}},
    {"step": 3, "when": {"model": "churn_risk", "min_score": 0.6}},
    {"step": 4},
)
DELAYS = {1: 0, 2: 2, 3: 4, 4: 7}


def branched(branches: tuple[dict[str, Any], ...] = BRANCHES, *, approved: bool = True) -> Playbook:
    """The playbook with a win-back flow of four steps."""
    book = playbook()
    before = next(flow for flow in book.flows if flow.flow == "win_back")
    template = before.steps[0].model_dump() | {"blocks": ()}
    steps = [
        {**template, "step": step, "delay_days": delay, "due_days": 3, "next": {1: branches, 2: ({"step": 4},)}.get(step, ())}
        for step, delay in DELAYS.items()
    ]  # fmt: skip
    flow = Flow.model_validate({**before.model_dump(), "steps": steps})
    changed = book.model_copy(update={"flows": tuple(flow if one.flow == "win_back" else one for one in book.flows)})
    approvals = tuple(
        one.model_copy(update={"content_hash": changed.content_hash(one.item)})
        for one in book.approvals
        if approved or one.segment != SEGMENT
    )
    return changed.model_copy(update={"approvals": approvals})


BOOK = branched()


def released(shop: Shop, name: str, step: int, *, decided_on: date, kind: str = "send", occurrence: str = "o") -> None:
    send_at = datetime.combine(decided_on + timedelta(days=1), time(9))
    shop.claimed(name, send_at=send_at, flow="win_back", step=str(step), kind=kind, occurrence=occurrence)


def due(shop: Shop, day: date, book: Playbook = BOOK) -> list[str]:
    shop.fresh(day=day)
    shop.decide(day, book=book)
    return sorted(step for _, _, step in shop.outcomes(day))


def due_after(shop: Shop, days: int, *, name: str = ANN, book: Playbook = BOOK) -> list[str]:
    day = DAY + timedelta(days=days)
    shop.customer(name, day=day)
    return due(shop, day, book)


@pytest.mark.parametrize("kind", ["send", "ghost"])
@pytest.mark.parametrize(
    ("is_member", "score", "step"),
    [(True, 0.9, 2), (True, None, 2), (False, 0.6, 3), (False, 0.59, 4), (False, None, 4)],
)
def test_the_first_branch_that_holds_is_due_in_its_own_time(
    shop: Shop, kind: str, is_member: bool, score: float | None, step: int
) -> None:
    name = HELD if kind == "ghost" else ANN
    released(shop, name, 1, decided_on=DAY, kind=kind)
    for days in (DELAYS[step] - 1, DELAYS[step], DELAYS[step] + 3, DELAYS[step] + 4):
        if is_member:
            shop.member(name, SEGMENT, day=DAY + timedelta(days=days))
        if score is not None:
            shop.score(name, score, day=DAY + timedelta(days=days))
        is_due = DELAYS[step] <= days <= DELAYS[step] + 3
        assert due_after(shop, days, name=name) == ([str(step)] if is_due else []), days


def test_a_rules_score_and_an_unapproved_segment_hold_no_branch(shop: Shop) -> None:
    released(shop, ANN, 1, decided_on=DAY)
    for days in (2, 4, 7):
        shop.member(ANN, SEGMENT, day=DAY + timedelta(days=days))
        shop.score(ANN, 0.9, tier="fallback", day=DAY + timedelta(days=days))
    unapproved = branched(approved=False)
    assert [due_after(shop, days, book=unapproved) for days in (2, 4, 7)] == [[], [], ["4"]]


def test_a_branch_that_was_taken_is_the_only_one(shop: Shop) -> None:
    released(shop, ANN, 1, decided_on=DAY)
    released(shop, ANN, 2, decided_on=DAY + timedelta(days=2))
    shop.score(ANN, 0.9, day=DAY + timedelta(days=4))
    assert due_after(shop, 4) == []  # no longer in the segment, and step 3 is not offered any more
    assert due_after(shop, 7) == []
    assert due_after(shop, 9) == ["4"]  # seven days after step 2
    without = branched(approved=False)
    assert due_after(shop, 7, book=without) == []


def test_where_no_branch_holds_the_flow_ends(shop: Shop) -> None:
    released(shop, ANN, 1, decided_on=DAY)
    ends = branched(BRANCHES[:2])
    assert [due_after(shop, days, book=ends) for days in (2, 4, 7, 10)] == [[]] * 4


def test_a_merge_starts_nothing_twice(shop: Shop) -> None:
    day = DAY + timedelta(days=4)
    shop.identity(f"p_{ANN}", ANN, f"p_{ANN}")
    shop.identity(f"p_{BEN}", BEN, f"p_{BEN}", until=day)
    shop.identity(f"p_{BEN}", ANN, f"p_{ANN}", since=day)
    shop.customer(ANN, day=day)
    released(shop, ANN, 1, decided_on=DAY)
    released(shop, BEN, 1, decided_on=DAY, occurrence="of_ben")
    released(shop, BEN, 2, decided_on=DAY + timedelta(days=2), occurrence="of_ben")
    shop.score(ANN, 0.9, day=day)
    assert due(shop, day) == ["3"]  # of her own beginning; his has taken its branch
    (row,) = shop.rows(day=day)
    assert (row["occurrence"], row["outcome"]) == ("o", "capped")


def test_nobody_takes_two_branches_whatever_holds_when(shop: Shop) -> None:
    draws = np.random.default_rng(5)
    names = people("treatment", 24)
    taken: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        released(shop, name, 1, decided_on=DAY)
    for days in range(2, 15):
        day = DAY + timedelta(days=days)
        shop.fresh(day=day)
        for name in names:
            shop.customer(name, day=day)
            if draws.random() < 0.3:
                shop.member(name, SEGMENT, day=day)
            if draws.random() < 0.3:
                shop.score(name, 0.9, day=day)
        shop.decide(day, book=BOOK)
        found = [(name, step) for name, _, step in shop.outcomes(day)]
        assert len({name for name, _ in found}) == len(found)
        for name, step in found:
            if draws.random() < 0.5:
                released(shop, name, int(step), decided_on=day)
                taken[name].append(step)
    ways = {tuple(steps) for steps in taken.values()}
    assert ways <= {(), ("2",), ("3",), ("4",), ("2", "4")}
    assert len(ways) >= 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[{step: 1}]", "step 1 does not follow step 1"),
        ("[{step: 3}]", "step 3 does not follow step 1"),
        ("[{step: 2, when: {segment: big_spenders}}]", "segment big_spenders is unknown"),
        ("[{step: 2, when: {model: oracle, min_score: 1}}]", "model oracle is unknown"),
        ("[{step: 2, when: {model: churn_risk}}]", "model and min_score belong together"),
        ("[{step: 2, when: {}}]", "a branch must ask for something: segment, or model with min_score"),
        ("[{step: 2}, {step: 2}]", "what stands after a branch without a condition is never asked"),
        ("[]", "no branch leads to step 2"),
    ],
)
def test_a_branch_that_leads_nowhere_is_named_with_its_line(folder: Path, written: str, message: str) -> None:
    path = folder / "flows" / "welcome.yml"
    text = path.read_text()
    path.write_text(text.replace("    due_days: 3\n", f"    due_days: 3\n    next: {written}\n", 1))
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    (found,) = [line for line in str(caught.value).splitlines() if message in line]
    assert found.startswith("playbook/flows/welcome.yml:")


def test_who_is_worth_most_is_won_back_sooner(shop: Shop) -> None:
    shipped = playbook()
    released(shop, ANN, 1, decided_on=DAY)
    released(shop, HELD, 1, decided_on=DAY, kind="ghost")
    for days in (3, 7):
        day = DAY + timedelta(days=days)
        shop.fresh(day=day)
        for name in (ANN, HELD):
            shop.customer(name, day=day)
        shop.member(ANN, SEGMENT, day=day)
        shop.decide(day, book=shipped)
    assert list(shop.outcomes(DAY + timedelta(days=3))) == [(ANN, "win_back", "3")]
    assert {key: outcome for key, (outcome, _) in shop.outcomes(DAY + timedelta(days=7)).items()} == {
        (ANN, "win_back", "3"): "sent",
        (HELD, "win_back", "2"): "held_out",
    }
