"""A preview is what the next refresh would do with the rule as it reads, and it changes nothing."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from activation.decision.membership import MembershipTables
from activation.decision.preview import Preview, preview_segment, uses_of
from activation.playbook.flows import Branch, Condition
from activation.playbook.segments import Segment
from activation.state.moves import read_moves
from tests.unit.activation.house import MONDAY, House, played, segment
from tests.unit.activation.shop import playbook

TODAY = MONDAY + timedelta(days=1)
LEDGER = """(
    select * from (values
        ('m_c0', date '2025-06-02'), ('m_c0', date '2025-05-27'), ('m_c0', date '2025-05-26'), ('m_c3', date '2025-06-01')
    ) as sent (mailbox_hash, send_date)
)"""
PROVIDERS = ("mailbox_at_gmail", "mailbox_at_gmail", "mailbox_at_yahoo", "mailbox_elsewhere")
# The rule as it was edited: whoever is c3 may enter now, and c0 may not stay.
EDITED = "(select as_of, customer_id, customer_id <> 'c0' as may_enter, customer_id <> 'c0' as may_stay from rules)"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "state")


def previewed(house: House, said: Segment, rule: str = EDITED) -> Preview:
    house.connection.execute("alter table marts.dim_customers add column if not exists mailbox_hash varchar")
    house.connection.execute("update marts.dim_customers set mailbox_hash = 'm_' || customer_id")
    house.connection.execute("create table marts.mailbox_cohorts (as_of date, mailbox_hash varchar, provider varchar)")
    for number, provider in enumerate(PROVIDERS):
        house.connection.execute(
            "insert into marts.mailbox_cohorts values (?, ?, ?)", (MONDAY, f"m_c{number}", provider)
        )
    read_moves(house.connection, house.state, before=TODAY)
    return preview_segment(
        house.connection, playbook(), said, as_of=MONDAY, today=TODAY, salt="salt", tables=MembershipTables({"browsers": rule}),
        ledger=LEDGER,
    )  # fmt: skip


def test_preview_says_who_enters_and_leaves_against_the_membership_in_force(house: House) -> None:
    said = segment(minimum_days=0, minimum_size=4)
    played(house, [["enter", "enter", "enter", "leave"]], said)
    rows, moves = house.rows(), house.moves()

    found = previewed(house, said)

    assert (found.in_force, found.members, found.by_rule, found.enters, found.leaves) == (3, 3, 3, 1, 1)
    assert (found.held, found.is_within_budget, found.is_large_enough) == ({}, True, False)
    assert found.providers == {"mailbox_at_gmail": 1, "mailbox_at_yahoo": 1, "mailbox_elsewhere": 1}
    assert found.pressure == {0: 2, 1: 1}
    assert {side: len(keys) for side, keys in found.movers.items()} == {"enters": 1, "leaves": 1}
    assert all(re.fullmatch(r"[0-9a-f]{16}", key) for keys in found.movers.values() for key in keys)
    assert (house.rows(), house.moves()) == (rows, moves)


def test_preview_shows_what_stability_would_hold(house: House) -> None:
    said = segment(minimum_days=1, minimum_size=1, flip_budget=0.3)
    played(house, [["enter", "enter", "enter", "leave"]], said)

    found = previewed(house, said)

    assert (found.members, found.enters, found.leaves) == (3, 0, 0)
    assert (found.held, found.flip_limit, found.is_within_budget) == (
        {"entered_by_budget": 1, "left_by_dwell": 1}, 0, False,
    )  # fmt: skip
    # Whom a person mailed twice in a week is counted by emails; one of eight days ago is over.
    assert found.pressure == {0: 2, 2: 1}


def test_preview_of_a_segment_that_never_had_a_member_lets_everybody_in(house: House) -> None:
    played(house, [["out", "out", "out", "stay"]])

    found = previewed(house, segment(flip_budget=0.1))

    assert (found.in_force, found.members, found.flip_limit) == (0, 1, None)


def test_preview_names_the_variants_that_ask_for_a_segment() -> None:
    assert uses_of(playbook(), "first_time_buyers") == ("first_purchase step 2: hero what_you_looked_at",)
    assert "win_back step 2: offer free_shipping" in uses_of(playbook(), "high_value_at_risk")
    assert uses_of(playbook(), "unhappy_customers") == ()


def test_preview_names_the_branches_that_ask_for_a_segment() -> None:
    book = playbook()
    flow = next(each for each in book.flows if each.flow == "win_back")
    branches = (Branch(step=2, when=Condition(segment="unhappy_customers")), Branch(step=2))
    step = flow.steps[0].model_copy(update={"next": branches})
    changed = flow.model_copy(update={"steps": (step, *flow.steps[1:])})

    assert uses_of(book.model_copy(update={"flows": (changed,)}), "unhappy_customers") == (
        "win_back step 1: step 2 follows",
    )
