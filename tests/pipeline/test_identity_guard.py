"""A day on which too many customers become another one stops before anybody is decided on."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.pipeline.conftest import Platform

KNOWN, JOINED = "2025-03-01", "2025-03-02"
PEOPLE = 30


def land(landing: Path, table: str, day: str, rows: Iterable[dict[str, object]]) -> None:
    """One plain file of a day."""
    folder = landing / "plain" / table / f"landed_on={day}"
    folder.mkdir(parents=True)
    rows = list(rows)
    with (folder / f"{table}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def view(number: int, day: str, **more: object) -> dict[str, object]:
    at = f"{day}T10:00:00Z"
    event = {"event_id": f"{day}-{number}", "event": "product_viewed", "occurred_at": at, "received_at": at}
    return event | {"anonymous_id": f"device-of-{number}"} | more


def test_run_that_changes_too_many_customers_stops_before_anybody_is_decided_on(
    holdfast: Callable[..., Platform], tmp_path: Path
) -> None:
    """Devices and people are known apart; on the second day every person signs in on a device."""
    landing = tmp_path / "landing"
    land(landing, "profiles", KNOWN, ({"profile_id": n, "email": f"person{n}@shop.example"} for n in range(PEOPLE)))
    land(landing, "web_events", KNOWN, (view(n, KNOWN) for n in range(PEOPLE)))
    land(landing, "web_events", JOINED, (view(n, JOINED, email=f"person{n}@shop.example") for n in range(PEOPLE)))
    platform = holdfast("joining", landing)
    platform.ok("run", "--date", KNOWN)
    stopped = platform.call("run", "--date", JOINED)
    assert stopped.returncode == 1
    assert "30 of 60 customers (50.0%) changed, limit 2.0%" in stopped.stderr
    report = (platform.home / "publish" / "identity_changes" / f"{JOINED}.md").read_text()
    assert "merged by email" in report
    assert "shop.example" not in report + stopped.stderr
    decided = "select count(*) from activation.send_decisions where as_of = cast($day as date)"
    assert platform.value(decided, day=JOINED) == 0
    assert not (platform.home / "publish" / "send_list" / "2025-03-03").exists()
