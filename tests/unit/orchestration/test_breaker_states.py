"""Day after day, breakers and ramps are judged, recorded and obeyed; a day that is judged again is the same."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.playbook.playbook import Playbook
from activation.state.store import StateStore
from activation.state.tables import create_tables
from orchestration.defs.audiences.breaker_states import checked, judge_day
from tests.unit.activation.shop import DAY, Shop, people
from tests.unit.activation.test_ramps import BOOK

(ANN,) = people("treatment", 1)
HEALTH = """
create table marts.send_health (
    as_of date, flow varchar, provider varchar, engagement varchar, sent_on date, sent_count bigint, delivered_count bigint,
    bounce_count bigint, complaint_count bigint, unsubscribe_count bigint
)
"""
VARIANT_HEALTH = """
create table marts.variant_health (
    as_of date, flow varchar, block varchar, variant varchar, sent_on date, sent_count bigint, delivered_count bigint,
    bounce_count bigint, complaint_count bigint, unsubscribe_count bigint
)
"""
GMAIL = ("mailbox_at_gmail", "reacted_last_30_days")
TABLES = ("activation.breaker_states", "activation.ramp_states")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(StateStore(tmp_path / "state"))
    made.connection.execute(HEALTH)
    made.connection.execute(VARIANT_HEALTH)
    create_tables(made.connection)
    made.state.register_playbook(BOOK, effective_from=DAY, registered_at=datetime(2025, 1, 1, tzinfo=UTC))
    yield made
    made.connection.close()


def heard(shop: Shop, day: date, *, complaints: int, flow: str = "win_back", cell: tuple[str, str] = GMAIL) -> None:
    """1,000 emails of a day, which all later days know too."""
    for later in range(15):
        shop.insert(
            "marts.send_health", as_of=day + timedelta(days=later), flow=flow, provider=cell[0], engagement=cell[1], sent_on=day,
            sent_count=1_000, delivered_count=1_000, bounce_count=0, complaint_count=complaints, unsubscribe_count=0,
        )  # fmt: skip


def judge(shop: Shop, first: int, last: int) -> None:
    for at in range(first, last + 1):
        judge_day(shop.connection, shop.state, DAY + timedelta(days=at))


def found(shop: Shop) -> list[tuple[Any, ...]]:
    return [row for table in TABLES for row in shop.connection.execute(f"from {table} order by all").fetchall()]


def trips_of(shop: Shop) -> list[tuple[str, date]]:
    """As dbt reads them."""
    pattern = str(shop.state.directory / "breaker_trips" / "*.parquet")
    rows = shop.connection.execute("select state, tripped_on from read_parquet($pattern)", {"pattern": pattern})
    return rows.fetchall()


def states(shop: Shop) -> list[tuple[int, str, bool]]:
    query = "select as_of, state, is_held from activation.breaker_states where metric = 'complaints' order by as_of"
    return [((day - DAY).days, state, held) for day, state, held in shop.connection.execute(query).fetchall()]


def test_a_rollback_outlasts_its_evidence_and_days_again_are_the_same(shop: Shop) -> None:
    heard(shop, DAY, complaints=0)
    heard(shop, DAY + timedelta(days=2), complaints=25)
    judge(shop, 0, 5)
    assert states(shop) == [
        (0, "closed", False), (1, "closed", False), *((at, "rolled_back", True) for at in (2, 3, 4, 5))
    ]  # fmt: skip
    before, trips = found(shop), trips_of(shop)
    assert set(trips) >= {("rolled_back", DAY + timedelta(days=2))}
    judge(shop, 3, 3)
    judge(shop, 0, 5)
    assert found(shop) == before
    shop.connection.execute("delete from marts.send_health")
    judge(shop, 40, 40)
    assert states(shop)[-1] == (40, "rolled_back", False)


def test_a_persons_word_ends_it_from_its_day_on(shop: Shop) -> None:
    heard(shop, DAY, complaints=25)
    word = {
        "override_id": "go_on", "resume_cell": {"provider": GMAIL[0], "engagement": GMAIL[1]}, "owner": "lead",
        "reason": "the abused form is closed", "decided_on": DAY + timedelta(days=2), "expires_on": DAY + timedelta(days=9),
    }  # fmt: skip
    spoken = Playbook.model_validate({**BOOK.model_dump(), "overrides": [word]})
    shop.state.register_playbook(
        spoken, effective_from=DAY + timedelta(days=2), registered_at=datetime(2025, 6, 12, tzinfo=UTC)
    )
    heard(shop, DAY + timedelta(days=4), complaints=0)
    judge(shop, 0, 5)
    assert states(shop) == [
        (0, "rolled_back", True), (1, "rolled_back", True), (4, "closed", False), (5, "closed", False)
    ]  # fmt: skip
    rows = trips_of(shop)
    assert rows.count(("resumed", DAY + timedelta(days=2))) == 1
    assert {day for state, day in rows if state == "resumed"} == {DAY + timedelta(days=2)}


def test_a_ramp_moves_from_day_to_day_and_the_decision_follows(shop: Shop) -> None:
    for at in range(1, 5):
        heard(shop, DAY + timedelta(days=at), complaints=0, flow="welcome")
    heard(shop, DAY + timedelta(days=6), complaints=40, flow="welcome")
    judge(shop, 0, 7)
    query = "select stage, move from activation.ramp_states where variant is null order by as_of"
    assert shop.connection.execute(query).fetchall() == [
        (1, "began"), (1, "stayed"), (1, "stayed"), (2, "wider"), (2, "stayed"), (2, "stayed"), (1, "back"), (1, "stayed"),
    ]  # fmt: skip
    before = found(shop)
    judge(shop, 6, 6)
    judge(shop, 0, 7)
    assert found(shop) == before
    day = DAY + timedelta(days=6)
    shop.fresh(day=day)
    shop.customer(ANN, day=day)
    shop.trigger(ANN, "win_back", day=day)
    shop.insert("marts.mailbox_cohorts", as_of=day, mailbox_hash=f"m_{ANN}", provider=GMAIL[0], engagement=GMAIL[1])
    shop.decide(day, book=BOOK)
    assert shop.outcomes(day) == {(ANN, "win_back", "1"): ("deferred", "held_by_breaker_gmail_complaints")}


def shown(shop: Shop, day: date, *, complaints: int) -> None:
    """3,100 emails of a day that showed the offer whose ramp the playbook has, which all later days know too."""
    for later in range(40):
        shop.insert(
            "marts.variant_health", as_of=day + timedelta(days=later), flow="win_back", block="offer", variant="free_shipping",
            sent_on=day, sent_count=3_100, delivered_count=3_100, bounce_count=0, complaint_count=complaints, unsubscribe_count=0,
        )  # fmt: skip


def test_a_variants_ramp_moves_from_day_to_day_and_is_shown(shop: Shop) -> None:
    shown(shop, DAY + timedelta(days=1), complaints=0)
    shown(shop, DAY + timedelta(days=9), complaints=12)
    judge(shop, 0, 10)
    query = "select stage, move, email_count from activation.ramp_states where variant = 'free_shipping' order by as_of"
    assert shop.connection.execute(query).fetchall() == [
        (1, "began", 0), *[(1, "stayed", 3_100)] * 6, (2, "wider", 3_100), (2, "stayed", 0), (1, "back", 3_100), (1, "stayed", 0),
    ]  # fmt: skip
    before = found(shop)
    judge(shop, 7, 9)
    judge(shop, 0, 10)
    assert found(shop) == before
    _, ramp = checked(*judge_day(shop.connection, shop.state, DAY + timedelta(days=9)))
    assert not ramp.passed
    assert str(ramp.description).startswith("offer free_shipping of win_back: back by a stage: complaints are at least")


def test_checks_warn_of_what_is_held_and_of_nothing_else(shop: Shop) -> None:
    heard(shop, DAY, complaints=0)
    quiet = list(checked(*judge_day(shop.connection, shop.state, DAY)))
    assert [result.passed for result in quiet] == [True, True]
    heard(shop, DAY + timedelta(days=1), complaints=40, flow="welcome")
    cells, stages = judge_day(shop.connection, shop.state, DAY + timedelta(days=1))
    cell, ramp = checked(cells, stages)
    assert (cell.passed, ramp.passed) == (False, False)
    assert "40 complaints of 2,000 emails to mailbox_at_gmail reacted_last_30_days" in str(cell.description)
    assert "welcome: back by a stage" in str(ramp.description)
    assert {result.severity.value for result in (cell, ramp)} == {"WARN"}
