"""Breakers open where the planted complaints are, on the day they show, and by chance almost never."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from activation.deliverability.breakers import BreakerState, Trip, judge_cells, record_trips, trips_by
from activation.deliverability.evidence import SendDay, share_of
from activation.playbook.cohorts import Cell
from activation.playbook.playbook import Playbook
from activation.playbook.policies import Policies
from tests.unit.activation.shop import DAY, Shop, people, playbook

GMAIL = Cell("mailbox_at_gmail", "reacted_last_30_days")
YAHOO = Cell("mailbox_at_yahoo", "reacted_last_30_days")
POLICIES = playbook().policies
ANN, BEN = people("treatment", 2)
HELD = people("holdout", 1)[0]


def sends(
    cell: Cell,
    sent_on: date,
    delivered: int,
    *,
    complaints: int = 0,
    bounces: int = 0,
    unsubscribes: int = 0,
    flow: str = "welcome",
) -> SendDay:
    return SendDay(flow, *cell, sent_on, delivered, bounces, complaints, unsubscribes)


def judge(
    *days: SendDay,
    as_of: date = DAY,
    trips: tuple[Trip, ...] = (),
    resumed: dict[Cell, date] | None = None,
    policies: Policies = POLICIES,
) -> dict[tuple[str, str, str], BreakerState]:
    states = judge_cells(days, policies, trips=trips, resumed=resumed or {}, as_of=as_of)
    return {(state.provider, state.engagement, state.metric): state for state in states}


@pytest.mark.parametrize(("events", "emails"), [(0, 50), (1, 10), (3, 1_000), (10, 10), (7, 2_500)])
def test_bounds_are_those_of_the_binomial_test(events: int, emails: int) -> None:
    share = share_of("complaints", [sends(GMAIL, DAY, emails, complaints=events)], alpha=0.01)
    tested = stats.binomtest(events, emails).proportion_ci(0.98, method="exact")
    assert (share.low, share.high) == pytest.approx((tested.low, tested.high), abs=1e-9)


def test_bounces_are_a_share_of_all_whose_outcome_is_known() -> None:
    share = share_of("bounces", [sends(GMAIL, DAY, 90, bounces=10)], alpha=0.01)
    assert (share.emails, share.events, share.share) == (100, 10, 0.1)
    assert share_of("bounces", [], alpha=0.01)[2:] == (None, None, None)


@pytest.mark.parametrize(
    ("metric", "emails", "events", "state"),
    [
        ("complaints", 2_000, 2, "closed"),
        ("complaints", 2_000, 5, "warn"),  # 0.25 %: the lower bound is 0.064 %
        ("complaints", 2_000, 8, "hold"),  # 0.40 %: 0.145 %
        ("complaints", 2_000, 16, "rolled_back"),  # 0.80 %: 0.41 %
        ("complaints", 99, 9, "closed"),  # fewer emails than the policies ask for
        ("complaints", 100, 2, "closed"),  # fewer complaints
        ("complaints", 100, 3, "rolled_back"),
        ("bounces", 1_000, 35, "warn"),
        ("bounces", 1_000, 80, "hold"),
        ("bounces", 1_000, 160, "rolled_back"),
        ("unsubscribes", 1_000, 200, "warn"),  # everyone may leave: there is no limit that holds
    ],
)
def test_state_is_how_far_the_share_is_over_its_limits_beyond_chance(
    metric: str, emails: int, events: int, state: str
) -> None:
    delivered = emails - events if metric == "bounces" else emails
    found = judge(sends(GMAIL, DAY, delivered, **{metric: events}))[(*GMAIL, metric)]  # type: ignore[arg-type]
    assert found.state == state
    assert found.is_held == (state in {"hold", "rolled_back"})
    limits = POLICIES.budget_of(found.metric)
    limit = {"warn": limits.warn, "hold": limits.hold, "rolled_back": limits.roll_back}.get(state)
    if limit is not None:
        assert stats.binomtest(events, emails, limit, alternative="greater").pvalue < 0.01


def test_planted_complaints_open_their_cell_on_their_day_and_no_other() -> None:
    started = DAY - timedelta(days=9)
    days = [
        sends(cell, started + timedelta(days=at), 400, complaints=4 if cell == GMAIL and at >= 5 else 0)
        for at in range(10)
        for cell in (GMAIL, YAHOO, Cell("mailbox_at_gmail", "mailed_without_reaction"))
    ]
    opened = {}
    for at in range(10):
        as_of = started + timedelta(days=at)
        for key, state in judge(*days, as_of=as_of).items():
            if state.is_held:
                opened.setdefault(key, as_of)
    # 4 of 2,400 are no proof of 0.1 %; 8 of 2,800 are.
    assert opened == {(*GMAIL, "complaints"): started + timedelta(days=6)}


def test_cells_at_half_the_limit_open_by_chance_less_often_than_alpha() -> None:
    draws = np.random.default_rng(11)
    cells = [Cell("mailbox_at_gmail", f"cell_{number}") for number in range(1_000)]
    volumes = draws.integers(5, 200, size=1_000)
    complaints = draws.binomial(volumes[:, None], POLICIES.complaint_rate.hold / 2, size=(1_000, 60))  # type: ignore[operator]
    ever, on_last_day = set(), 0
    for last in range(27, 60, 4):
        window = range(last - 27, last + 1)
        days = [
            sends(cell, DAY + timedelta(days=at), int(volumes[row]), complaints=int(complaints[row, at]))
            for row, cell in enumerate(cells)
            for at in window
        ]
        states = judge(*days, as_of=DAY + timedelta(days=last))
        found = {key for key, state in states.items() if state.is_held}
        ever |= found
        on_last_day = len(found)
    assert POLICIES.breakers is not None
    assert on_last_day <= POLICIES.breakers.alpha * 1_000
    assert len(ever) <= POLICIES.breakers.alpha * 1_000  # also when it is read every few days for a month


def test_cells_at_three_times_the_limit_open_nearly_all() -> None:
    draws = np.random.default_rng(12)
    rate = 3 * (POLICIES.complaint_rate.hold or 0)
    days = [
        sends(Cell("mailbox_at_gmail", f"cell_{number}"), DAY, 20_000, complaints=int(draws.binomial(20_000, rate)))
        for number in range(200)
    ]
    held = sum(state.is_held for state in judge(*days).values())
    assert held >= 0.98 * 200


def test_emails_before_and_after_the_window_do_not_count() -> None:
    bad = {"complaints": 20}
    outside = (sends(GMAIL, DAY - timedelta(days=28), 400, **bad), sends(GMAIL, DAY + timedelta(days=1), 400, **bad))
    assert judge(*outside, sends(GMAIL, DAY, 400))[(*GMAIL, "complaints")].state == "closed"
    assert judge(sends(GMAIL, DAY - timedelta(days=27), 400, **bad))[(*GMAIL, "complaints")].state == "rolled_back"


def test_a_hold_ends_by_itself_and_a_rollback_by_a_persons_word() -> None:
    bad = sends(GMAIL, DAY, 1_000, complaints=20)
    tripped = Trip(*GMAIL, "complaints", "rolled_back", DAY, 1_000, 20)
    later = DAY + timedelta(days=40)
    key = (*GMAIL, "complaints")
    still = judge(bad, as_of=later, trips=(tripped,))[key]
    assert (still.state, still.is_held, still.tripped_on, still.email_count) == ("rolled_back", False, DAY, 0)
    assert judge(bad, as_of=later, trips=(tripped._replace(state="hold"),)) == {}
    resumed = {GMAIL: DAY + timedelta(days=2)}
    word = judge(bad, as_of=DAY + timedelta(days=3), trips=(tripped,), resumed=resumed)
    assert word == {}  # what was sent before the word neither holds nor rolls back
    worse = sends(GMAIL, DAY + timedelta(days=3), 1_000, complaints=20)
    assert judge(bad, worse, as_of=DAY + timedelta(days=3), resumed=resumed)[key].tripped_on == DAY + timedelta(days=3)
    assert judge(bad, as_of=DAY, trips=(tripped._replace(tripped_on=DAY + timedelta(days=1)),))[key].tripped_on == DAY


def test_a_playbook_without_breakers_judges_nothing() -> None:
    before = POLICIES.model_copy(update={"breakers": None})
    assert judge(sends(GMAIL, DAY, 1_000, complaints=100), policies=before) == {}


def test_trips_are_recorded_once_and_stand(shop: Shop) -> None:
    states = list(judge(sends(GMAIL, DAY, 1_000, complaints=20), sends(YAHOO, DAY, 1_000, bounces=90)).values())
    assert record_trips(shop.state, states, resumed={}, as_of=DAY) == 3
    assert record_trips(shop.state, states, resumed={}, as_of=DAY) == 0
    found = {(trip.cell, trip.metric, trip.state) for trip in trips_by(shop.state, DAY)}
    assert found == {
        (GMAIL, "complaints", "hold"),
        (GMAIL, "complaints", "rolled_back"),
        (YAHOO, "bounces", "hold"),
    }
    assert trips_by(shop.state, DAY - timedelta(days=1)) == []
    later, word = DAY + timedelta(days=9), {GMAIL: DAY + timedelta(days=5), YAHOO: DAY + timedelta(days=5)}
    assert record_trips(shop.state, [], resumed={GMAIL: DAY}, as_of=later) == 0  # the word is not newer than the trip
    assert [record_trips(shop.state, [], resumed=word, as_of=later) for _ in range(2)] == [1, 0]
    (ended,) = [trip for trip in trips_by(shop.state, later) if trip.tripped_on == later]
    assert (ended.cell, ended.metric, ended.state) == (GMAIL, "complaints", "resumed")
    with shop.state.transaction() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute("delete from breaker_trips")


def state_row(cell: Cell, *, state: str, is_held: bool, day: date = DAY) -> dict[str, Any]:
    return {
        "as_of": day, "provider": cell.provider, "engagement": cell.engagement, "metric": "complaints", "state": state,
        "is_held": is_held,
    }  # fmt: skip


def stand(shop: Shop, name: str, cell: Cell, *, day: date = DAY) -> None:
    shop.insert(
        "marts.mailbox_cohorts", as_of=day, mailbox_hash=f"m_{name}", provider=cell.provider, engagement=cell.engagement
    )


def opened(shop: Shop, row: dict[str, Any]) -> None:
    shop.decide()  # creates the tables
    shop.insert("activation.breaker_states", **row)
    shop.decide()


def welcomed(shop: Shop, name: str, cell: Cell) -> None:
    shop.customer(name)
    shop.trigger(name)
    stand(shop, name, cell)


def test_nobody_in_a_held_cell_is_mailed_held_out_or_not(shop: Shop) -> None:
    welcomed(shop, ANN, GMAIL)
    welcomed(shop, HELD, GMAIL)
    welcomed(shop, BEN, YAHOO)
    opened(shop, state_row(GMAIL, state="hold", is_held=True))
    reason = ("deferred", "held_by_breaker_gmail_complaints")
    assert shop.outcomes() == {
        (ANN, "welcome", "1"): reason,
        (HELD, "welcome", "1"): reason,
        (BEN, "welcome", "1"): ("sent", None),
    }
    assert [row["all_reasons"] for row in shop.rows() if row["customer_id"] == HELD] == [
        '["held_by_breaker_gmail_complaints","holdout"]'
    ]


def test_a_held_email_takes_no_place_from_another_of_the_mailbox(shop: Shop) -> None:
    welcomed(shop, ANN, GMAIL)
    shop.trigger(ANN, "win_back")
    opened(shop, state_row(YAHOO, state="hold", is_held=True))
    assert sorted(outcome for outcome, _ in shop.outcomes().values()) == ["deferred", "sent"]
    opened(shop, state_row(GMAIL, state="hold", is_held=True))
    assert set(shop.outcomes().values()) == {("deferred", "held_by_breaker_gmail_complaints")}


def test_a_rolled_back_cell_gets_every_blocks_fallback(shop: Shop) -> None:
    for name, cell in ((ANN, GMAIL), (BEN, YAHOO)):
        shop.customer(name)
        shop.trigger(name, "win_back")
        shop.member(name, "repeat_buyers_with_replenishment_risk")
        stand(shop, name, cell)
    opened(shop, state_row(GMAIL, state="rolled_back", is_held=False))
    choices = {row["customer_id"]: str(row["block_choices"]) for row in shop.rows()}
    assert {outcome for outcome, _ in shop.outcomes().values()} == {"sent"}
    assert '"variant":"news_since_then"' in choices[ANN]
    assert "rolled_back_by_breaker" in choices[ANN]
    assert '"variant":"replenish_now"' in choices[BEN]


def test_a_day_that_is_decided_again_is_the_same(shop: Shop) -> None:
    welcomed(shop, ANN, GMAIL)
    opened(shop, state_row(GMAIL, state="hold", is_held=True))
    before = shop.rows()
    shop.insert(
        "activation.breaker_states", **state_row(YAHOO, state="hold", is_held=True, day=DAY + timedelta(days=1))
    )
    shop.decide()
    assert shop.rows() == before


def test_a_persons_word_is_found_by_day() -> None:
    override = {
        "override_id": "go_on", "resume_cell": {"provider": GMAIL.provider, "engagement": GMAIL.engagement}, "owner": "lead",
        "reason": "the form that was abused is closed", "decided_on": "2025-06-10", "expires_on": "2025-07-10",
    }  # fmt: skip
    book = playbook()
    spoken = Playbook.model_validate({**book.model_dump(), "overrides": [override]})
    assert spoken.resumed_on(date(2025, 6, 9)) == {}
    assert spoken.resumed_on(date(2025, 6, 10)) == {GMAIL: date(2025, 6, 10)}
    assert spoken.resumed_on(date(2025, 7, 11)) == {}
