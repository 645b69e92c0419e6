"""A ramp widens once its emails are known to be under budget, goes back when they are over it, and keeps whom it has."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from activation.decision.why import explain
from activation.deliverability.evidence import SendDay, VariantDay
from activation.deliverability.ramps import HELD, Move, RampState, judge_ramps, moves_by, record_moves
from activation.playbook.cohorts import MOST_ENGAGED_FIRST
from activation.playbook.flows import Flow, Ramp
from activation.playbook.governance import Override, Pin
from activation.playbook.playbook import Playbook
from activation.state.payloads import remove_payloads
from tests.unit.activation.shop import DAY, Shop, people, playbook

STAGES = (
    {"cohort": "reacted_last_30_days", "share": 0.1, "minimum_days": 3, "minimum_emails": 500},
    {"cohort": "reacted_31_to_90_days_ago", "share": 0.5, "minimum_days": 5, "minimum_emails": 1_000},
)
RAMP = {"salt": "welcome_ramp_1", "stages": STAGES}


def ramped(ramp: dict[str, object] | None = None) -> Playbook:
    """The playbook with a ramp of the welcome flow."""
    flow = flow_of(playbook(), "welcome")
    return with_flow(playbook(), Flow.model_validate({**flow.model_dump(), "ramp": ramp or RAMP}))


def with_flow(book: Playbook, flow: Flow) -> Playbook:
    """The playbook with another version of a flow, approved."""
    flows = tuple(flow if flow.flow == each.flow else each for each in book.flows)
    changed = book.model_copy(update={"flows": flows, "approvals": ()})
    approvals = tuple(
        approval.model_copy(update={"content_hash": changed.content_hash(approval.item)}) for approval in book.approvals
    )
    return changed.model_copy(update={"approvals": approvals})


def flow_of(book: Playbook, name: str) -> Flow:
    return next(flow for flow in book.flows if flow.flow == name)


BOOK = ramped()


def emails(day: int, delivered: int, *, complaints: int = 0, bounces: int = 0, flow: str = "welcome") -> SendDay:
    sent_on = DAY + timedelta(days=day)
    return SendDay(flow, "mailbox_at_gmail", "reacted_last_30_days", sent_on, delivered, bounces, complaints, 0)


def judge(*days: SendDay, day: int = 0, moves: tuple[Move, ...] = ()) -> RampState:
    (state,) = judge_ramps(
        [flow_of(BOOK, "welcome")], days, BOOK.policies, moves=moves, as_of=DAY + timedelta(days=day)
    )
    return state


def stood(stage: int, day: int = 0) -> Move:
    return Move("welcome", "welcome_ramp_1", stage, DAY + timedelta(days=day))


def test_a_ramp_begins_with_its_first_stage() -> None:
    state = judge(emails(-5, 9_000))
    assert (state.stage, state.state, state.move, state.next_bucket, state.engagement_rank) == (
        1,
        "ramping",
        "began",
        1_000,
        1,
    )
    assert (state.moved_on, state.email_count) == (DAY, 0)  # what was sent before is no evidence


# Under budget are 0 complaints of 2,995 emails: (1 - 0.001) ** 2995 is 5 %.
@pytest.mark.parametrize(
    ("days", "delivered", "complaints", "bounces", "stage"),
    [
        (3, 2_995, 0, 0, 2),
        (3, 2_994, 0, 0, 1),
        (2, 9_000, 0, 0, 1),  # too soon
        (3, 9_000, 3, 0, 2),
        (3, 9_000, 8, 0, 1),  # between: neither under nor over
        (3, 9_000, 20, 0, 0),  # over: back
        (3, 9_000, 0, 380, 2),
        (3, 9_000, 0, 460, 1),
        (3, 9_000, 0, 700, 0),
    ],
)
def test_a_stage_moves_by_exact_tests_of_its_own_emails(
    days: int, delivered: int, complaints: int, bounces: int, stage: int
) -> None:
    sent = emails(1, delivered, complaints=complaints, bounces=bounces)
    noise = emails(1, 50_000, complaints=5_000, flow="win_back"), emails(0, 50_000, complaints=5_000)
    state = judge(sent, *noise, day=days, moves=(stood(1),))
    assert state.stage == stage, state.sentence
    known = delivered + bounces
    p_under = [
        stats.binomtest(complaints, delivered, 0.001, alternative="less").pvalue,
        stats.binomtest(bounces, known, 0.05, alternative="less").pvalue,
    ]
    assert (max(p_under) < 0.05 and days >= 3) == (stage == 2)


def test_the_last_stage_opens_to_everybody_and_an_open_ramp_can_close() -> None:
    wide = judge(emails(1, 4_000), day=5, moves=(stood(2),))
    assert (wide.stage, wide.state, wide.next_bucket, wide.engagement_rank) == (3, "open", 10_000, 4)
    back = judge(emails(6, 4_000, complaints=20), day=9, moves=(stood(2), stood(3, day=5)))
    assert (back.stage, back.move, back.moved_on) == (2, "back", DAY + timedelta(days=9))


def test_a_held_ramp_stays_held_until_another_salt() -> None:
    held = judge(emails(9, 9_000), day=20, moves=(stood(1), stood(HELD, day=4)))
    assert (held.stage, held.state, held.next_bucket) == (0, "held", 0)
    other = ramped({**RAMP, "salt": "welcome_ramp_2"})
    (anew,) = judge_ramps(
        [flow_of(other, "welcome")], [], other.policies, moves=(stood(HELD),), as_of=DAY + timedelta(days=20)
    )
    assert (anew.stage, anew.move) == (1, "began")


def test_a_day_that_is_judged_again_says_the_same_and_later_moves_are_not_seen(shop: Shop) -> None:
    sent = emails(1, 4_000)
    first = judge(sent, day=3, moves=(stood(1),))
    assert record_moves(shop.state, [first]) == 1
    assert record_moves(shop.state, [first]) == 0
    record_moves(shop.state, [judge(day=4, moves=(stood(1), stood(3, day=4)))])
    known = moves_by(shop.state, DAY + timedelta(days=3))
    assert judge(sent, day=3, moves=(stood(1), *known)) == first
    assert [move.stage for move in moves_by(shop.state, DAY + timedelta(days=2))] == []


def test_what_was_recorded_of_a_day_stands() -> None:
    recorded = judge(day=3, moves=(stood(1), stood(2, day=3)))
    assert (recorded.stage, recorded.moved_on, recorded.sentence) == (
        2,
        DAY + timedelta(days=3),
        "as it was recorded on the day",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("reacted_last_30_days", 0.5), ("reacted_last_30_days", 0.5)),
        (("reacted_last_30_days", 0.5), ("reacted_last_30_days", 0.4)),
        (("mailed_without_reaction", 0.1), ("reacted_last_30_days", 0.5)),
    ],
)
def test_a_ramp_that_narrows_is_refused(first: tuple[str, float], second: tuple[str, float]) -> None:
    stages = [
        {"cohort": cohort, "share": share, "minimum_days": 1, "minimum_emails": 1} for cohort, share in (first, second)
    ]
    with pytest.raises(ValidationError, match="must reach more people"):
        Ramp.model_validate({"salt": "x", "stages": stages})


def set_stage(shop: Shop, state: RampState) -> None:
    shop.connection.execute("delete from activation.ramp_states")
    shop.insert("activation.ramp_states", **vars(state))


def begun(shop: Shop) -> set[str]:
    shop.decide(book=BOOK)
    return {name for (name, _, _), (_, reason) in shop.outcomes().items() if reason != "not_in_ramp"}


def crowd(shop: Shop, names: list[str]) -> dict[str, str]:
    """People of all cohorts in turn, due to be welcomed."""
    cohorts = {}
    for number, name in enumerate(names):
        cohorts[name] = MOST_ENGAGED_FIRST[number % 4]
        shop.customer(name)
        shop.trigger(name)
        shop.insert(
            "marts.mailbox_cohorts",
            as_of=DAY,
            mailbox_hash=f"m_{name}",
            provider="mailbox_at_gmail",
            engagement=cohorts[name],
        )
    return cohorts


def test_each_stage_keeps_the_people_of_the_one_before_in_both_arms(shop: Shop) -> None:
    names = people("treatment", 300) + people("holdout", 60)
    cohorts = crowd(shop, names)
    shop.decide(book=BOOK)
    assert begun(shop) == set()  # no state, nobody
    moves = ((), (stood(2, day=-1),), (stood(3, day=-1),))
    reached = []
    for known in moves:
        set_stage(shop, judge(moves=known))
        reached.append(begun(shop))
    assert all(before < after for before, after in pairwise(reached))
    assert {cohorts[name] for name in reached[0]} == {MOST_ENGAGED_FIRST[0]}
    assert {cohorts[name] for name in reached[1]} == set(MOST_ENGAGED_FIRST[:2])
    assert reached[2] == set(names)
    held = set(people("holdout", 60))
    assert reached[1] & held
    outcomes = shop.outcomes()
    assert {outcomes[name, "welcome", "1"] for name in reached[1] & held} == {("held_out", "holdout")}
    shares = [len(reached[1] & group) / (len(group) / 2) for group in (held, set(names) - held)]
    assert shares == pytest.approx([0.5, 0.5], abs=0.2)


def test_who_is_not_in_the_ramp_waits_and_who_began_goes_on(shop: Shop) -> None:
    (ann,) = people("treatment", 1)
    crowd(shop, [ann])
    shop.decide(book=BOOK)
    set_stage(shop, judge(emails(9, 9_000), moves=(stood(HELD, day=-1),)))
    shop.decide(book=BOOK)
    assert shop.outcomes() == {(ann, "welcome", "1"): ("deferred", "not_in_ramp")}
    sent_at = datetime.combine(DAY - timedelta(days=4), time(12))
    shop.claimed(ann, flow="welcome", occurrence=f"welcome_{ann}", send_at=sent_at)
    shop.decide(book=BOOK)
    assert shop.outcomes() == {(ann, "welcome", "2"): ("sent", None)}


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), st.integers(0, 40)), min_size=1, max_size=40))
def test_a_ramp_never_skips_a_stage_and_waits_its_days(days: list[tuple[int, int, int]]) -> None:
    sent: list[SendDay] = []
    moves: list[Move] = []
    before: RampState | None = None
    for at, (delivered, complaints, bounces) in enumerate(days):
        sent.append(emails(at, delivered * 20, complaints=min(complaints, delivered * 20), bounces=bounces))
        state = judge(*sent, day=at, moves=tuple(moves))
        if state.moved_on == state.as_of:
            moves.append(Move(state.flow, state.salt, state.stage, state.moved_on))
        if before is not None:
            assert abs(state.stage - before.stage) <= 1
            assert not (before.state == "held" and state.state != "held")
            if state.stage > before.stage:
                assert (state.as_of - before.moved_on).days >= STAGES[before.stage - 1]["minimum_days"]
                assert state.email_count >= STAGES[before.stage - 1]["minimum_emails"]
        before = state


VARIANT_RAMP = {"salt": "replenish_now_1", "stages": STAGES}


def ramped_variant(ramp: dict[str, object] | None = None) -> Playbook:
    """The playbook in which the first of two variants of the hero of `win_back` has a ramp, and nothing else has."""
    flow = flow_of(playbook(), "win_back").model_dump()
    for step in flow["steps"]:
        for block in step["blocks"]:
            block["variants"] = [{**variant, "ramp": None} for variant in block["variants"]]
    hero = next(block for block in flow["steps"][0]["blocks"] if block["block"] == "hero")
    assert [variant["variant"] for variant in hero["variants"]] == ["replenish_now", "we_miss_you"]
    hero["variants"][0]["ramp"] = ramp or VARIANT_RAMP
    return with_flow(playbook(), Flow.model_validate(flow))


VARIANT_BOOK = ramped_variant()


def showing(
    day: int, delivered: int, *, complaints: int = 0, bounces: int = 0, of: str = "hero replenish_now"
) -> VariantDay:
    block, variant = of.split()
    return VariantDay("win_back", block, variant, DAY + timedelta(days=day), delivered, bounces, complaints, 0)


def judge_variant(
    *shown: VariantDay,
    day: int = 0,
    moves: tuple[Move, ...] = (),
    sent: tuple[SendDay, ...] = (),
    book: Playbook = VARIANT_BOOK,
) -> RampState:
    (state,) = judge_ramps(
        book.flows, sent, book.policies, moves=moves, as_of=DAY + timedelta(days=day), variant_days=shown
    )
    return state


def variant_stood(stage: int, day: int = 0, salt: str = "replenish_now_1") -> Move:
    return Move("win_back", salt, stage, DAY + timedelta(days=day))


@pytest.mark.parametrize(
    ("complaints", "bounces", "stage", "move"),
    [(0, 0, 2, "wider"), (8, 0, 1, "stayed"), (20, 0, 0, "back"), (0, 460, 1, "stayed"), (0, 700, 0, "back")],
)
def test_a_variant_moves_by_exact_tests_of_the_emails_that_showed_it(
    complaints: int, bounces: int, stage: int, move: str
) -> None:
    noise = (
        showing(1, 50_000, complaints=5_000, of="hero we_miss_you"),
        showing(1, 50_000, complaints=5_000, of="offer replenish_now"),
        showing(1, 50_000, complaints=5_000)._replace(flow="replenishment"),
        showing(0, 50_000, complaints=5_000),
    )
    others = (emails(1, 50_000, complaints=5_000, flow="win_back"),)
    mine = showing(1, 9_000, complaints=complaints, bounces=bounces)
    state = judge_variant(mine, *noise, day=3, moves=(variant_stood(1),), sent=others)
    assert (state.stage, state.move, state.block, state.variant) == (stage, move, "hero", "replenish_now"), (
        state.sentence
    )
    assert (state.email_count, state.complaint_count, state.bounce_count) == (9_000, complaints, bounces)
    under = max(
        stats.binomtest(complaints, 9_000, 0.001, alternative="less").pvalue,
        stats.binomtest(bounces, 9_000 + bounces, 0.05, alternative="less").pvalue,
    )
    over = min(
        stats.binomtest(complaints, 9_000, 0.001, alternative="greater").pvalue,
        stats.binomtest(bounces, 9_000 + bounces, 0.05, alternative="greater").pvalue,
    )
    assert (under < 0.05, over < 0.05) == (stage == 2, stage == 0)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9_000), st.integers(0, 30), st.integers(0, 500)), max_size=8),
    st.integers(0, 3),
)
def test_a_variant_is_judged_as_a_flow_with_the_same_emails(days: list[tuple[int, int, int, int]], stage: int) -> None:
    sent = tuple(emails(at, count, complaints=bad, bounces=back) for at, count, bad, back in days)
    shown = tuple(showing(at, count, complaints=bad, bounces=back) for at, count, bad, back in days)
    of_flow = judge(*sent, day=6, moves=(stood(stage),))
    of_variant = judge_variant(*shown, day=6, moves=(variant_stood(stage),))
    assert replace(of_variant, flow="welcome", salt="welcome_ramp_1", block=None, variant=None) == of_flow


def heroes(shop: Shop, book: Playbook) -> dict[str, tuple[str, str, str | None]]:
    """Variant, rule and reason of the fallback of each person's hero."""
    shop.decide(book=book)
    found = {str(row["customer_id"]): json.loads(str(row["block_choices"]))["hero"] for row in shop.rows()}
    return {name: (hero["variant"], hero["rule"], hero["fallback_reason"]) for name, hero in found.items()}


def quiet_customers(shop: Shop, names: list[str]) -> dict[str, str]:
    """People of all cohorts in turn whom the first variant is for; every other one would get the second."""
    cohorts = {}
    for number, name in enumerate(names):
        cohorts[name] = MOST_ENGAGED_FIRST[number // 2 % 4]
        shop.customer(name)
        shop.trigger(name, "win_back")
        shop.member(name, "repeat_buyers_with_replenishment_risk")
        shop.score(name, 0.9 if number % 2 else 0.1)
        shop.insert(
            "marts.mailbox_cohorts", as_of=DAY, mailbox_hash=f"m_{name}", provider="mailbox_at_gmail", engagement=cohorts[name],
        )  # fmt: skip
    return cohorts


def bucket(salt: str, name: str) -> int:
    return int(hashlib.md5(f"{salt}:{name}".encode()).hexdigest()[:13], 16) % 10_000  # noqa: S324


FIRST = ("replenish_now", "segment repeat_buyers_with_replenishment_risk", None)
SECOND = ("we_miss_you", "churn_risk >= 0.6", None)
NEITHER = ("news_since_then", "fallback", "not_in_ramp, low_score_of_churn_risk")


def test_whom_a_variants_ramp_has_not_reached_gets_the_next_rule_or_the_fallback_in_both_arms(shop: Shop) -> None:
    holdout = people("holdout", 80)
    names = people("treatment", 240) + holdout
    cohorts = quiet_customers(shop, names)
    otherwise = {name: SECOND if number % 2 else NEITHER for number, name in enumerate(names)}
    assert heroes(shop, VARIANT_BOOK) == otherwise  # no state, nobody
    told = explain(shop.connection, f"m_{names[0]}", DAY).lines()
    assert "  block hero: news_since_then (fallback, not_in_ramp, low_score_of_churn_risk)" in told
    reached = []
    for stage, cohort_count, share in ((0, 0, 0), (1, 1, 0.1), (2, 2, 0.5), (3, 4, 1)):
        set_stage(shop, judge_variant(moves=(variant_stood(stage, day=-1),)))
        found = heroes(shop, VARIANT_BOOK)
        mine = {
            name
            for name in names
            if cohorts[name] in MOST_ENGAGED_FIRST[:cohort_count] and bucket("replenish_now_1", name) < share * 10_000
        }
        assert found == {name: FIRST if name in mine else otherwise[name] for name in names}
        reached.append(mine)
        outcomes = {name: outcome for (name, _, _), outcome in shop.outcomes().items()}
        assert {outcomes[name] for name in holdout} == {("held_out", "holdout")}  # nobody is kept back by it
        assert {outcomes[name] for name in names[:240]} == {("sent", None)}
    assert all(before < after for before, after in pairwise(reached))
    assert all(0 < len(mine & set(holdout)) < len(mine) for mine in reached[2:])


def test_another_salt_begins_a_variant_anew_with_other_people(shop: Shop) -> None:
    names = people("treatment", 240)
    cohorts = quiet_customers(shop, names)
    held = judge_variant(showing(9, 9_000), day=20, moves=(variant_stood(HELD, day=4),))
    assert (held.stage, held.state) == (0, "held")
    again = ramped_variant({"salt": "replenish_now_2", "stages": STAGES})
    anew = judge_variant(showing(-9, 9_000, complaints=900), moves=(variant_stood(HELD, day=-4),), book=again)
    assert (anew.stage, anew.move, anew.salt) == (1, "began", "replenish_now_2")
    assert set(heroes(shop, again).values()) == {SECOND, NEITHER}
    set_stage(shop, anew)
    found = {name for name, hero in heroes(shop, again).items() if hero == FIRST}
    assert found == {
        name for name in names if cohorts[name] == MOST_ENGAGED_FIRST[0] and bucket("replenish_now_2", name) < 1_000
    }
    assert set(heroes(shop, VARIANT_BOOK).values()) == {SECOND, NEITHER}  # the state of one salt is none of the other's


def test_a_pin_wins_over_a_ramp_and_what_stops_a_variant_too(shop: Shop) -> None:
    names = people("treatment", 16)
    quiet_customers(shop, names)
    word = {"override_id": "all", "owner": "lead", "reason": "the board asks", "decided_on": DAY, "expires_on": DAY}
    pin = Override.model_validate(
        {**word, "pin": Pin(flow="win_back", step=1, block="hero", variant="replenish_now").model_dump()}
    )
    pinned = VARIANT_BOOK.model_copy(update={"overrides": (pin,)})
    assert set(heroes(shop, pinned).values()) == {("replenish_now", "pinned by all", None)}
    stop = Override.model_validate({**word, "stop_variant": {"block": "hero", "variant": "replenish_now"}})
    set_stage(shop, judge_variant(moves=(variant_stood(3, day=-1),)))
    assert set(heroes(shop, VARIANT_BOOK).values()) == {FIRST}
    stopped = heroes(shop, VARIANT_BOOK.model_copy(update={"overrides": (stop,)}))
    assert {hero[2] for hero in stopped.values()} == {None, "stopped_by_all, low_score_of_churn_risk"}


def test_the_ledger_says_what_an_email_showed_and_nothing_of_ghosts_and_erased_people(shop: Shop) -> None:
    ann, bob = people("treatment", 2)
    (eve,) = people("holdout", 1)
    quiet_customers(shop, [ann, bob, eve])
    shop.decide(book=VARIANT_BOOK)
    shop.release()
    choices = {row["customer_id"]: json.loads(str(row["block_choices"])) for row in shop.rows()}
    told = {row["customer_id"]: (row["kind"], row["variants"]) for row in shop.ledger()}
    assert told[eve] == ("ghost", None)
    for name in (ann, bob):
        assert told[name][0] == "send"
        shown = [f"{block}:{choice['variant']}" for block, choice in choices[name].items()]
        assert json.loads(told[name][1]) == shown
    with shop.state.transaction() as connection:
        query = "select as_of, idempotency_key from ledger where mailbox_hash = ?"
        [(day, key)] = connection.execute(query, (f"m_{ann}",)).fetchall()
        assert remove_payloads(connection, day, [key]) == 1
    shop.mirror()
    after = {row["customer_id"]: (row["kind"], row["variants"]) for row in shop.ledger()}
    assert after == {**told, ann: ("send", None)}
