"""Each fault of the input or the call ends in one line that says what to do, exit 2, and nothing half-written."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pipeline.conftest import LAST, ROOT, Platform


def test_missing_landing_folder_is_named(holdfast: Callable[..., Platform], tmp_path: Path) -> None:
    platform = holdfast("no_landing", tmp_path / "nowhere")
    assert "HOLDFAST_LANDING" in platform.fails("run", "--date", str(LAST))
    assert not (platform.home / "warehouse.duckdb").exists()


def test_day_on_which_nothing_landed_is_refused(holdfast: Callable[..., Platform], shop: Path) -> None:
    platform = holdfast("empty_partition", shop)
    line = platform.fails("run", "--date", str(LAST + timedelta(days=1)))
    assert str(LAST) in line
    assert "--allow-empty" in line


def test_partition_that_is_not_over_is_refused(holdfast: Callable[..., Platform], shop: Path) -> None:
    assert "not over" in holdfast("future", shop).fails("run", "--date", "2999-01-01")


def test_landing_folder_of_the_future_is_named(holdfast: Callable[..., Platform], shop: Path, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for day in ("2025-01-01", "2999-01-01"):
        shutil.copytree(
            shop / "shopify" / "products" / "landed_on=2025-01-01",
            landing / "shopify" / "products" / f"landed_on={day}",
        )
    assert "2999-01-01" in holdfast("future_folder", landing).fails("run", "--date", "2025-01-01")


def test_unknown_time_zone_is_named(holdfast: Callable[..., Platform], shop: Path) -> None:
    line = holdfast("zone", shop, timezone="Mars/Olympus").fails("run", "--date", str(LAST))
    assert "Mars/Olympus" in line
    assert "Europe/London" in line


def test_warehouse_held_by_another_process_is_named(holdfast: Callable[..., Platform], shop: Path) -> None:
    platform = holdfast("held", shop)
    file = str(platform.home / "warehouse.duckdb")
    script = f"import duckdb, time; held = duckdb.connect({file!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        try:
            line = platform.fails("run", "--date", str(LAST))
        finally:
            holder.kill()
    assert str(holder.pid) in line


def test_release_without_a_send_list_or_not_due_is_refused(holdfast: Callable[..., Platform], shop: Path) -> None:
    platform = holdfast("undue", shop)
    assert "--allow-past" in platform.fails("release", "--date", str(LAST))
    assert "holdfast run" in platform.fails("release", "--date", str(LAST), "--allow-past")


def test_unknown_segment_in_the_playbook_is_named_with_file_and_line(tmp_path: Path) -> None:
    from activation.load import PlaybookError, load_playbook

    copy = tmp_path / "playbook"
    shutil.copytree(ROOT / "playbook", copy)
    with pytest.raises(PlaybookError, match=r"\.yml:\d+: .*segment"):
        load_playbook(copy, segments={"no_such_segment": "0" * 12}, models={})


def test_day_of_empty_files_gives_an_explicit_empty_send_list(
    holdfast: Callable[..., Platform], tmp_path: Path
) -> None:
    folder = tmp_path / "landing" / "segment" / "events" / "landed_on=2025-03-03"
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("")
    platform = holdfast("empty_day", tmp_path / "landing")
    platform.ok("run", "--date", "2025-03-03")
    files = {path.name for path in (platform.home / "publish" / "send_list" / "2025-03-04").iterdir()}
    assert {"send_list.parquet", "send_list.csv", "manifest.json"} <= files
    assert platform.value("select count(*) from activation.send_list") == 0
