"""What marketing says of a segment is complete, or its file and line are named; an approval is of all that decides who is in."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from activation.playbook.segments import Segment, content_of, read_segments
from tests.unit.activation.shop import RULES, SAID_OF_SEGMENTS

META = """\
models:
  - name: browsers
    config:
      meta:
        action: "write"
        owner: team:lifecycle
        refresh: daily
        expires_on: '2027-12-31'
        minimum_size: 50
        minimum_days: 7
        flip_budget: 0.2
"""
SUNDAY = date(2025, 6, 1)


def written(folder: Path, text: str = META) -> Path:
    (folder / "browsers.sql").write_text("select 1")
    (folder / "browsers.yml").write_text(text)
    return folder


def browsers(tmp_path: Path) -> Segment:
    ((segment,), faults) = read_segments(written(tmp_path))
    assert faults == ()
    return segment


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("        minimum_days: 7\n", "", 4, "minimum_days is missing"),
        ("flip_budget: 0.2", "flip_budget: 1.2", 11, "flip_budget: input should be less than or equal to 1"),
        ("flip_budget: 0.2", "flip_budget: 0", 11, "flip_budget: input should be greater than 0"),
        ("refresh: daily", "refresh: hourly", 7, "refresh: input should be 'daily' or 'weekly'"),
        ("minimum_size: 50", "minimum_size: 0", 9, "minimum_size: input should be greater than or equal to 1"),
        ("'2027-12-31'", "soon", 8, "expires_on: input should be a valid date"),
        ("owner: team:lifecycle", "owner: somebody", 6, "owner: string should match pattern"),
        ("action:", "acton:", 5, "acton is not known here"),
        ("      meta:\n", "      other:\n", 1, "models[0].config.meta is missing"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    _, faults = read_segments(written(tmp_path, META.replace(old, new)))

    assert any(str(fault).startswith(f"{tmp_path.name}/browsers.yml:{line}: {message}") for fault in faults), faults


def test_a_rule_without_its_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "browsers.sql").write_text("select 1")

    assert [str(fault) for fault in read_segments(tmp_path)[1]] == [
        f"{tmp_path.name}/browsers.yml:1: the file is missing"
    ]


def test_segments_of_the_project_are_many_and_of_both_rhythms() -> None:
    assert read_segments(RULES)[1] == ()
    assert len(SAID_OF_SEGMENTS) >= 12
    assert {segment.refresh for segment in SAID_OF_SEGMENTS} == {"daily", "weekly"}


def test_an_approval_ends_with_all_that_decides_who_is_in_and_with_nothing_else(tmp_path: Path) -> None:
    segment = browsers(tmp_path)
    approved = content_of("select 1", segment)
    changes: dict[str, object] = {
        "minimum_days": 8, "flip_budget": 0.3, "refresh": "weekly", "minimum_size": 49, "expires_on": SUNDAY,
    }  # fmt: skip

    assert content_of("select 2", segment) != approved
    assert all(
        content_of("select 1", segment.model_copy(update={name: to})) != approved for name, to in changes.items()
    )
    assert content_of("select 1", segment.model_copy(update={"action": "call", "owner": "team:support"})) == approved


def test_a_weekly_segment_is_due_on_sundays_and_after_one_that_was_missed(tmp_path: Path) -> None:
    weekly = browsers(tmp_path).model_copy(update={"refresh": "weekly"})
    due = [weekly.refreshes(SUNDAY + timedelta(days=day), SUNDAY + timedelta(days=day - 1)) for day in range(8)]

    assert due == [1, 0, 0, 0, 0, 0, 0, 1]
    assert weekly.refreshes(SUNDAY + timedelta(days=9), SUNDAY + timedelta(days=6)) == 1
    assert weekly.refreshes(SUNDAY + timedelta(days=14), SUNDAY) == 2
    assert weekly.refreshes(SUNDAY + timedelta(days=3), None) == 1


def test_a_daily_segment_makes_up_for_days_that_were_not_moved(tmp_path: Path) -> None:
    daily = browsers(tmp_path)

    assert [daily.refreshes(SUNDAY, SUNDAY - timedelta(days=days)) for days in (1, 5)] == [1, 5]
