"""What a release says at its end: the counts, and whom lists of several days would reach together."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.commands.report import summarise_release
from orchestration.resources import Settings

DAY = date(2025, 3, 10)
NOON = datetime(2025, 3, 13, 12, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ((1, "send", "published", NOON + timedelta(hours=2)), "2 of these mailboxes"),
        ((1, "send", "claimed", NOON - timedelta(hours=23)), "2 of these mailboxes"),
        ((1, "send", "published", NOON - timedelta(hours=24)), None),
        ((1, "send", "settled", NOON), None),
        ((1, "ghost", "published", NOON), None),
        ((0, "send", "published", NOON), None),
    ],
)
def test_mailboxes_on_lists_of_two_days_released_within_a_day_are_counted(
    tmp_path: Path, other: tuple[int, str, str, datetime], said: str | None
) -> None:
    days, kind, status, at = other
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema activation")
        warehouse.execute(
            "create table activation.send_ledger (as_of date, mailbox_hash varchar, kind varchar, status varchar, released_at timestamp)"
        )
        own = [(DAY, mailbox, "send", "published", NOON) for mailbox in "abc"]
        others = [(DAY + timedelta(days=days), mailbox, kind, status, at) for mailbox in "abx"]
        warehouse.executemany("insert into activation.send_ledger values (?, ?, ?, ?, ?)", own + others)
    told = summarise_release(Settings(tmp_path, tmp_path / "landing", "UTC", "", "duckdb", "salt"), DAY)
    assert (said in told) if said else ("several lists" not in told)
