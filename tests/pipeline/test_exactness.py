"""A partition is a pure function of what had landed and been released by its day."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pipeline.conftest import LAST, ROOT, Platform, cut
from tests.pipeline.warehouses import differences

D0, D1, D2 = LAST - timedelta(days=2), LAST - timedelta(days=1), LAST


@pytest.fixture(scope="module")
def ran_shop(shop: Path, holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Three days run and released one by one, each on the day on which only its data had landed."""
    landing = tmp_path_factory.mktemp("growing") / "landing"
    platform = holdfast("one_by_one", landing)
    with platform.session() as session:
        for day in (D0, D1, D2):
            shutil.rmtree(landing, ignore_errors=True)
            cut(shop, landing, day)
            session.holdfast("run", "--date", str(day))
            session.holdfast("release", "--date", str(day), "--allow-past")
    return platform


def keep(platform: Platform, folder: Path) -> Path:
    return Path(shutil.copy(platform.home / "warehouse.duckdb", folder / "kept.duckdb"))


def test_send_list_is_not_empty_and_holdout_is_kept_back(ran_shop: Platform) -> None:
    sent = ran_shop.value("select count(*) from activation.send_ledger where kind = 'send'")
    ghosts = ran_shop.value("select count(*) from activation.send_ledger where kind = 'ghost'")
    held = ran_shop.value("select count(*) from activation.send_decisions where outcome = 'held_out'")
    assert isinstance(sent, int)
    assert sent > 20
    assert ghosts == held


def test_backfill_after_losing_the_warehouse_gives_the_same_rows(ran_shop: Platform, tmp_path: Path) -> None:
    kept = keep(ran_shop, tmp_path)
    published = {
        path: path.read_bytes() for path in (ran_shop.home / "publish" / "send_list").rglob("*") if path.is_file()
    }
    (ran_shop.home / "warehouse.duckdb").unlink()
    ran_shop.ok("backfill", "--from", str(D0), "--to", str(D2))
    assert differences(kept, ran_shop.home / "warehouse.duckdb") == {}
    ran_shop.ok("run", "--date", str(D0))
    assert differences(kept, ran_shop.home / "warehouse.duckdb") == {}
    assert {path: path.read_bytes() for path in published} == published


def test_released_keys_are_unique_and_a_second_release_adds_none(ran_shop: Platform) -> None:
    ledger = "select * exclude (released_at, run_id) from activation.send_ledger order by all"
    before = ran_shop.query(ledger)
    ran_shop.ok("release", "--date", str(D1), "--allow-past")
    assert ran_shop.query(ledger) == before
    doubled = """
        select count(*) from (
            select mailbox_hash, send_date from activation.send_ledger where kind = 'send' group by all having count(*) > 1
            union all
            select customer_id, flow || step || occurrence from activation.send_ledger group by all having count(*) > 1
        )
    """
    assert ran_shop.value(doubled) == 0


def test_changed_row_of_a_landed_file_changes_only_what_depends_on_it(ran_shop: Platform, tmp_path: Path) -> None:
    kept = keep(ran_shop, tmp_path)
    files = sorted((ran_shop.landing / "zendesk" / "tickets").glob("landed_on=*/tickets-0*.json"))
    file = next(path for path in files if json.loads(path.read_text())["tickets"])
    original = file.read_bytes()
    document = json.loads(original)
    ticket = document["tickets"][0]
    ticket["priority"] = "urgent" if ticket["priority"] != "urgent" else "low"
    file.write_text(json.dumps(document))
    try:
        ran_shop.ok("run", "--date", str(D2))
        changed = set(differences(kept, ran_shop.home / "warehouse.duckdb"))
    finally:
        file.write_bytes(original)
        ran_shop.ok("run", "--date", str(D2))
    assert changed
    assert changed <= {"staging.base_zendesk__tickets", "intermediate.int_tickets__versioned"}
    assert differences(kept, ran_shop.home / "warehouse.duckdb") == {}


def test_late_event_leaves_earlier_partitions_as_they_were(ran_shop: Platform, tmp_path: Path) -> None:
    kept = keep(ran_shop, tmp_path)
    folder = ran_shop.landing / "segment" / "events" / f"landed_on={D2}"
    landed = (json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines())
    template = next(event for event in landed if event["type"] == "page")
    late = template | {
        "messageId": "late-1",
        "timestamp": f"{D0}T12:00:00.000Z",
        "originalTimestamp": f"{D0}T12:00:00.000Z",
    }
    extra = folder / "late.jsonl"
    extra.write_text(json.dumps(late) + "\n")
    try:
        ran_shop.ok("backfill", "--from", str(D0), "--to", str(D2))
        staged = ran_shop.value(
            "select count(*) from intermediate.int_web_events__unioned where event_key like '%late-1'"
        )
        before = differences(kept, ran_shop.home / "warehouse.duckdb", until=D1)
        after = differences(kept, ran_shop.home / "warehouse.duckdb")
    finally:
        extra.unlink()
        ran_shop.ok("run", "--date", str(D2))
    assert staged == 1
    assert before == {}
    assert "intermediate.int_web_events__unioned" in after


def test_dbt_unit_tests_pass_by_dbts_own_command(ran_shop: Platform) -> None:
    dbt, project = Path(sys.executable).with_name("dbt"), ROOT / "dbt_project"
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", ran_shop.home / "dbt_by_hand"]
    command = [dbt, "test", "--select", "test_type:unit", *folders, "--log-level-file", "none"]
    done = subprocess.run(
        command, env=ran_shop.environment(), cwd=ran_shop.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "ERROR=0" in done.stdout
