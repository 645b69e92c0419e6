"""A partition is a pure function of what had landed and been released by its day."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.conftest import LAST, ROOT, Platform
from tests.pipeline.warehouses import differences

D0, D1, D2 = LAST - timedelta(days=2), LAST - timedelta(days=1), LAST


def release_all(platform: Platform, *days: date) -> None:
    for day in days:
        platform.ok("run", "--date", str(day))
        platform.ok("release", "--date", str(day), "--allow-past")


def cut(shop: Path, folder: Path, last: date) -> Path:
    """A copy of the landing zone that ends on a day."""

    def later(_directory: str, names: list[str]) -> set[str]:
        return {name for name in names if name.startswith("landed_on=") and name[10:] > str(last)}

    shutil.copytree(shop, folder, ignore=later)
    return folder


@pytest.fixture(scope="module")
def ran_shop(shop: Path, holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Three days run and released one by one, each on the day on which only its data had landed."""
    landing = tmp_path_factory.mktemp("growing") / "landing"
    platform = holdfast("one_by_one", landing)
    for day in (D0, D1, D2):
        shutil.rmtree(landing, ignore_errors=True)
        cut(shop, landing, day)
        release_all(platform, day)
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
    template = json.loads(next(folder.glob("*.jsonl")).read_text().splitlines()[0])
    late = template | {
        "messageId": "late-1",
        "timestamp": f"{D0}T12:00:00.000Z",
        "originalTimestamp": f"{D0}T12:00:00.000Z",
    }
    extra = folder / "late.jsonl"
    extra.write_text(json.dumps(late) + "\n")
    try:
        ran_shop.ok("backfill", "--from", str(D0), "--to", str(D2))
        landed = ran_shop.value(
            "select count(*) from intermediate.int_web_events__unioned where event_key like '%late-1'"
        )
        before = differences(kept, ran_shop.home / "warehouse.duckdb", until=D1)
        after = differences(kept, ran_shop.home / "warehouse.duckdb")
    finally:
        extra.unlink()
        ran_shop.ok("run", "--date", str(D2))
    assert landed == 1
    assert before == {}
    assert "intermediate.int_web_events__unioned" in after


@pytest.fixture(scope="module")
def decided(shop: Path, holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The last day run and nothing released."""
    platform = holdfast("decided", cut(shop, tmp_path_factory.mktemp("decided_landing") / "landing", D2))
    platform.ok("run", "--date", str(D2))
    return platform


def copied(platform: Platform, folder: Path) -> Platform:
    """The same platform in a home and a landing zone of its own."""
    shutil.copytree(platform.home, folder / "home")
    shutil.copytree(platform.landing, folder / "landing")
    return Platform(folder / "home", folder / "landing")


def test_release_killed_in_the_middle_loses_nothing_and_doubles_nothing(decided: Platform, tmp_path: Path) -> None:
    platform = copied(decided, tmp_path)
    expected = platform.value("select count(*) from activation.send_decisions where outcome in ('sent', 'held_out')")
    for seconds in (3.0, 6.0, 9.0):
        process = platform.start("release", "--date", str(D2), "--allow-past")
        time.sleep(seconds)
        process.kill()
        process.wait()
        platform.call("unlock", "--yes")
    platform.ok("release", "--date", str(D2), "--allow-past")
    assert platform.value("select count(*) from activation.send_ledger") == expected
    assert platform.value("select count(distinct idempotency_key) from activation.send_ledger") == expected
    released = platform.home / "publish" / "send_list" / str(D2 + timedelta(days=1)) / "released" / "send_list.parquet"
    rows = duckdb.sql(f"select count(*), count(distinct mailbox_hash) from '{released}'").fetchone()
    sent = platform.value("select count(*) from activation.send_ledger where kind = 'send'")
    assert rows == (sent, sent)


def test_unsubscribe_between_decision_and_release_is_not_released(decided: Platform, tmp_path: Path) -> None:
    platform = copied(decided, tmp_path)
    email, mailbox = platform.query("select email, mailbox_hash from activation.send_list order by email")[0]
    today = platform.landing / "sendgrid" / "events" / f"landed_on={D2 + timedelta(days=1)}"
    today.mkdir()
    noon = int(time.mktime((D2 + timedelta(days=1)).timetuple()))
    event = {"email": email, "timestamp": noon, "event": "unsubscribe", "sg_event_id": "u1", "sg_message_id": "m1"}
    (today / "events.json").write_text(json.dumps([event]))
    platform.ok("release", "--date", str(D2), "--allow-past")
    assert platform.value("select count(*) from activation.send_ledger where kind = 'send'") > 0  # type: ignore[operator]
    assert (
        platform.value("select count(*) from activation.send_ledger where mailbox_hash = $mailbox", mailbox=mailbox)
        == 0
    )


def test_shop_goes_on_with_what_was_released_and_nobody_is_mailed_who_must_not_be(
    decided: Platform, shop: Path, tmp_path: Path
) -> None:
    platform, truth = copied(decided, tmp_path), tmp_path / "truth"
    shutil.copytree(shop.parent / "truth", truth)
    platform.ok("release", "--date", str(D2), "--allow-past")
    tomorrow = D2 + timedelta(days=1)
    platform.ok("step", "--date", str(tomorrow), "--truth", str(truth))
    platform.ok("run", "--date", str(tomorrow))
    decisions = "select decision_id from activation.send_decisions where as_of = $day and outcome = 'sent'"
    answered = platform.value(
        f"select count(*) from intermediate.int_email_events__unioned where landed_on = $next and decision_id in ({decisions})",
        day=D2, next=tomorrow,
    )  # fmt: skip
    sent = platform.value("select count(*) from activation.send_ledger where kind = 'send'")
    assert isinstance(answered, int)
    assert isinstance(sent, int)
    # Nearly every email that was sent is reported as delivered or bounced by the end of its day.
    assert answered >= 0.9 * sent > 0
    platform.ok("score", "--truth", str(truth), "--date", str(tomorrow))
    score = json.loads((platform.home / "publish" / "scoreboard" / "score.json").read_text())
    assert score["sends"]["released"] == sent
    assert {line["to"]: line["emails"] for line in score["sends"]["forbidden"] if line["emails"]} == {}


def test_concurrent_runs_queue_for_the_warehouse(shop: Path, holdfast: Callable[..., Platform]) -> None:
    platform = holdfast("concurrent", shop)
    processes = [platform.start("run", "--date", str(day)) for day in (D1, D2)]
    ends = [(process.communicate(timeout=500), process.returncode) for process in processes]
    assert [code for _, code in ends] == [0, 0], ends
    days = platform.query("select distinct as_of from marts.dim_customers order by as_of")
    assert days == [(D1,), (D2,)]


def test_dbt_unit_tests_pass_by_dbts_own_command(ran_shop: Platform) -> None:
    dbt, project = Path(sys.executable).with_name("dbt"), ROOT / "dbt_project"
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", ran_shop.home / "dbt_by_hand"]
    command = [dbt, "test", "--select", "test_type:unit", *folders, "--log-level-file", "none"]
    done = subprocess.run(
        command, env=ran_shop.environment(), cwd=ran_shop.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "ERROR=0" in done.stdout
