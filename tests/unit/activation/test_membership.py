"""Stays are long enough, refreshes small enough, and a day that is moved again says the same."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.state.moves import forget_moves, read_moves
from tests.unit.activation.house import MONDAY, House, played, segment


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "state")


def told(words: Sequence[str], minimum_days: int) -> list[bool]:
    """Whether one person is in, day by day, told apart from the code under test."""
    inside, moved, found = False, None, []
    for offset, word in enumerate(words):
        rested = moved is None or offset - moved >= minimum_days
        if inside and (word == "out" or (word == "leave" and rested)):
            inside, moved = False, offset
        elif not inside and word == "enter" and rested:
            inside, moved = True, offset
        found.append(inside)
    return found


HISTORY = st.lists(st.sampled_from(["enter", "stay", "leave", "out"]), min_size=12, max_size=12)


@settings(max_examples=25, deadline=None)
@given(st.lists(HISTORY, min_size=3, max_size=3), st.integers(0, 5))
def test_everybody_is_in_exactly_when_the_story_says_so(histories: list[list[str]], minimum_days: int) -> None:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        days = played(house, zip(*histories, strict=True), segment(minimum_days=minimum_days, minimum_size=100))

        for number, words in enumerate(histories):
            found = [f"c{number}" in house.members(day) for day in days]
            assert found == told(words, minimum_days)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["enter", "leave"]), min_size=25, max_size=25), st.integers(2, 9))
def test_who_swings_around_the_threshold_does_not_flip_within_the_minimum_days(
    words: list[str], minimum_days: int
) -> None:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        played(house, [[word] for word in words], segment(minimum_days=minimum_days))

        moved = [day for day, *_ in house.moves()]
        assert all((after - before).days >= minimum_days for before, after in pairwise(moved))
        assert (words == ["leave"] * 25) == (moved == [])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["enter", "stay", "leave"]), min_size=30, max_size=30), min_size=5, max_size=5)
)
def test_no_more_move_by_the_rule_than_the_flip_budget_allows(days: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        found = played(house, days, segment(minimum_days=0, minimum_size=10, flip_budget=0.2))

        size = 0
        for day in found:
            entered = sum(1 for on, _, kind, _ in house.moves() if on == day and kind == "entered")
            left = sum(1 for on, _, kind, _ in house.moves() if on == day and kind == "left")
            if any(on < day for on, *_ in house.moves()):
                allowed = max(size, 10) * 20 // 100
                assert max(entered, left) <= allowed
            size += entered - left
            assert size == len(house.members(day))


def test_what_the_budget_holds_is_shown_and_moves_later(house: House) -> None:
    everybody = [["enter"] * 20, ["leave"] * 20, ["leave"] * 20]
    days = played(house, everybody, segment(minimum_days=0, minimum_size=10, flip_budget=0.25))

    shown = house.connection.execute(
        "select member_count, left_count, held_in_count, over_budget_count, flip_limit from marts.segment_days order by as_of"
    ).fetchall()
    assert shown == [(20, 0, 0, 0, None), (15, 5, 15, 15, 5), (12, 3, 12, 12, 3)]
    assert sum(held for _, held in house.members(days[1]).values()) == 15


def test_a_fact_ends_a_stay_whatever_the_budget_and_the_minimum_days_say(house: House) -> None:
    days = played(house, [["enter"] * 20, ["out"] * 20], segment(minimum_days=28, flip_budget=0.05))

    assert house.members(days[1]) == {}
    assert {reason for on, _, _, reason in house.moves() if on == days[1]} == {"facts"}


def test_days_that_are_moved_again_say_the_same_and_leave_later_ones_alone(house: House) -> None:
    weeks = [["enter", "leave", "stay", "enter"], ["leave", "enter", "stay", "out"], ["enter"] * 4, ["leave"] * 4] * 3
    days = played(house, weeks, segment(minimum_days=2, minimum_size=2, flip_budget=0.5))
    rows, moves = house.rows(), house.moves()

    house.move(days[4], segment(minimum_days=2, minimum_size=2, flip_budget=0.5))
    assert (house.rows(), house.moves()) == (rows, moves)

    house.connection.execute("delete from marts.segment_membership")
    house.connection.execute("delete from marts.segment_days")
    for day in days:
        house.move(day, segment(minimum_days=2, minimum_size=2, flip_budget=0.5))
    assert (house.rows(), house.moves()) == (rows, moves)


def test_an_earlier_day_does_not_see_what_was_moved_after_it(house: House) -> None:
    days = played(house, [["enter"], ["stay"], ["out"], ["out"]])
    read_moves(house.connection, house.state, before=days[1])

    assert house.connection.execute("select count(*), max(moved_on) from membership_moves").fetchone() == (1, days[0])
    assert house.move(days[1]).members == 1


def test_a_weekly_segment_moves_on_sundays_only(house: House) -> None:
    words = [["enter", "out"]] + [["leave", "enter"]] * 13
    days = played(house, words, segment(refresh="weekly", minimum_days=0, minimum_size=9))
    sundays = [day for day in days if day.isoweekday() == 7]

    assert {day for day, *_ in house.moves()} == {days[0], sundays[0]}  # the first day of all fills it
    assert house.members(days[3]) == {"c0": (days[0], True)}
    assert house.members(sundays[0]) == {"c1": (sundays[0], False)}


def test_a_sunday_that_was_not_moved_is_made_up_for(house: House) -> None:
    house.person("c0")
    weekly = segment(refresh="weekly", minimum_days=0)
    for day, word in ((MONDAY, "enter"), (MONDAY + timedelta(days=8), "leave")):
        house.day(day, {"c0": word})
        house.move(day, weekly)

    assert house.members(MONDAY + timedelta(days=8)) == {}


def test_a_merge_goes_on_with_the_longer_stay_and_starts_none(house: House) -> None:
    merged = MONDAY + timedelta(days=3)
    house.person("a", until=merged)
    house.person("b", until=merged)
    house.person("a", since=merged)
    house.person("a", "p_a", since=merged, profile="p_b")
    house.day(MONDAY, {"a": "stay", "b": "enter"})
    house.day(MONDAY + timedelta(days=1), {"a": "enter", "b": "stay"})
    house.day(MONDAY + timedelta(days=2), {"a": "stay", "b": "stay"})
    house.day(merged, {"a": "enter"})
    house.move(MONDAY, last=merged)

    assert house.members(merged) == {"a": (MONDAY, False)}
    assert [move for move in house.moves() if move[0] == merged] == []

    house.day(merged + timedelta(days=1), {"a": "out"})
    house.move(merged + timedelta(days=1))
    assert {root for on, root, *_ in house.moves() if on > merged} == {"p_a", "p_b"}


def test_a_segment_has_no_members_after_it_expires_and_goes_on_when_it_is_renewed(house: House) -> None:
    days = played(house, [["enter"], ["stay"], ["stay"]], segment(expires_on=MONDAY))

    assert house.members(days[0]) == {"c0": (MONDAY, False)}
    assert house.members(days[1]) == house.members(days[2]) == {}
    house.move(days[2], segment())
    assert house.members(days[2]) == {"c0": (MONDAY, False)}


def test_who_is_no_customer_of_the_day_is_no_member(house: House) -> None:
    house.person("c0")
    house.day(MONDAY, {"c0": "enter"})
    house.day(MONDAY + timedelta(days=1), {"somebody": "enter"})
    house.move(MONDAY, segment(refresh="weekly"), last=MONDAY + timedelta(days=1))

    assert house.members(MONDAY + timedelta(days=1)) == {}


def test_segments_do_not_disturb_each_other(house: House) -> None:
    house.person("c0")
    house.day(MONDAY, {"c0": "enter"})
    other = segment(segment="others", minimum_days=0)
    counts = house.move(MONDAY, [segment(), other])

    assert (counts.members, house.members(MONDAY, "others")) == (1, {})


def test_an_erased_person_is_in_no_move_and_others_stay(house: House) -> None:
    played(house, [["enter", "enter"], ["out", "stay"]])
    before = house.moves()
    counted = forget_moves(house.state, lambda key: key == "p_c0", lambda value: f"erased:{len(value)}", dry_run=True)

    assert (counted, house.moves()) == (2, before)
    assert forget_moves(house.state, lambda key: key == "p_c0", lambda value: f"erased:{len(value)}") == 2
    assert {root for _, root, *_ in house.moves()} == {"erased:4", "p_c1"}
    kept = [move for move in before if move[1] == "p_c1"]
    assert [move for move in house.moves() if move[1] == "p_c1"] == kept
