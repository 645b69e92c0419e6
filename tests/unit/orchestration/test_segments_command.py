"""`holdfast segments` says what a person needs before they approve, and in one line what is wrong with the call."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from activation.decision.preview import Preview
from orchestration.commands.segments import as_text, list_segments, preview
from orchestration.resources import Settings, UserError, Warehouse
from tests.unit.activation.house import segment

DAY = date(2025, 6, 10)


def settings(home: Path) -> Settings:
    return Settings(home=home, landing=home / "landing", timezone="UTC", currency="", target="duckdb", salt="salt")


def previewed(**changes: object) -> Preview:
    found: dict[str, object] = {
        "segment": segment(minimum_size=50, flip_budget=0.2), "as_of": DAY, "standing": "changed since approval", "in_force": 40,
        "by_rule": 60, "members": 44, "enters": 6, "leaves": 2, "held": {"entered_by_budget": 20, "left_by_dwell": 4},
        "flip_limit": 10, "providers": {"mailbox_at_gmail": 33, "no_mailbox": 11}, "pressure": {0: 22, 3: 22},
        "used_by": ("win_back step 1: hero news",), "movers": {"enters": ("0123456789abcdef",), "leaves": ()},
    }  # fmt: skip
    return Preview(**(found | changes))  # type: ignore[arg-type]


def said(text: str) -> dict[str, str]:
    """What stands behind each name of a printed preview."""
    rows = (re.findall(r"│ (.*?) +│ (.*?) +│", line) for line in text.splitlines())
    return {name: value for row in rows for name, value in row}


def test_preview_says_what_stability_holds_and_what_is_too_small() -> None:
    lines = said(as_text(previewed(), with_ids=False))

    assert lines["members after a refresh"] == "44 (6 enter, 2 leave)"
    assert lines["held"] == "20 would enter, over the flip budget, 4 would leave and entered too lately"
    assert lines["flip budget"] == "20%: 10 may enter and 10 leave; exceeded: the others wait for the next refresh"
    assert lines["minimum size"] == "50: too few, its content takes the fallback"
    assert lines["mailboxes"] == "mailbox at gmail 75%, no mailbox 25%"
    assert lines["emails in 7 days"] == "0: 50%, 3+: 50%"
    assert lines["approval"] == "changed since approval"
    assert "enters" not in lines


def test_preview_of_an_empty_segment_divides_by_nothing_and_hashes_come_when_asked() -> None:
    lines = said(as_text(previewed(members=0, flip_limit=None, held={}), with_ids=True))

    assert lines["flip budget"] == "20%; all enter at once, it never had a member"
    assert (lines["held"], lines["enters"], lines["leaves"]) == ("nobody", "0123456789abcdef", "nobody")
    assert lines["mailboxes"] == "mailbox at gmail 0%, no mailbox 0%"


def test_list_names_every_segment_with_its_size_on_the_newest_day(tmp_path: Path) -> None:
    assert {row["members"] for row in json.loads(list_segments(settings(tmp_path), None, as_json=True))} == {None}

    with Warehouse(settings(tmp_path).warehouse).connect() as connection:
        connection.execute("create schema marts; create table marts.mailbox_cohorts (as_of date)")
        connection.execute("create table marts.segment_days (as_of date, segment varchar, member_count bigint)")
        connection.execute(
            "insert into marts.segment_days values ('2025-06-09', 'repeat_buyers', 7), ('2025-06-10', 'repeat_buyers', 1234)"
        )
    listed = {row["segment"]: row for row in json.loads(list_segments(settings(tmp_path), None, as_json=True))}
    assert len(listed) >= 12
    assert (listed["repeat_buyers"]["members"], listed["lapsed_buyers"]["members"]) == (1234, None)
    assert "│ 1,234 │" in re.sub(" +", " ", list_segments(settings(tmp_path), DAY, as_json=False))
    assert "│ 7 │" in re.sub(" +", " ", list_segments(settings(tmp_path), date(2025, 6, 9), as_json=False))


def test_what_cannot_be_previewed_is_said_in_one_line(tmp_path: Path) -> None:
    home = settings(tmp_path)
    with pytest.raises(UserError, match="there is no segment 'nobody'"):
        preview(home, "nobody", DAY, with_ids=False, as_json=False)
    with pytest.raises(UserError, match="nothing was computed yet"):
        preview(home, "repeat_buyers", DAY, with_ids=False, as_json=False)
    with Warehouse(home.warehouse).connect() as connection:
        connection.execute("create table anything (number integer)")
    with pytest.raises(UserError, match="2025-06-10 was not computed: `holdfast run --date 2025-06-10` first"):
        preview(home, "repeat_buyers", DAY, with_ids=False, as_json=False)
