"""What goes wrong on the way is planted at its rate, stands where the truth says, and changes nothing else."""

import gzip
import json
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.instants import DAY, HOUR, SECOND, ZONES, day_start, write_local
from simulator.mishaps import DELAYED, DUPLICATE, LATE, STAGED, Delivery, deliver, expect, hold_back
from simulator.mixing import hex_array, hex_ids, uniforms
from simulator.shop import FIRST_DAY, simulate
from simulator.world import World
from tests.unit.simulator.conftest import Shop
from tests.unit.simulator.landed import files, landed_on, parse, records

DIRTY = World(
    broken_share=0.01, impossible_time_share=0.01, negative_price_share=0.01, changed_copy_share=0.01,
    redelivered_file_share=0.1, cut_file_share=0.1, outage_source="segment",
)  # fmt: skip
OUT = [date(2025, 1, 25), date(2025, 1, 26)]
"""60 % of 40 days from the first of January."""


@pytest.fixture(scope="module")
def dirty_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("dirty")
    landing, truth = folder / "landing", folder / "truth"
    return Shop(landing, truth, simulate(customers=800, days=40, seed=4, out=landing, truth=truth, world=DIRTY))


def planted(shop: Shop) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(shop.truth / "faults.parquet").to_pylist()
    return rows


def within(found: float, share: float, size: int) -> bool:
    """Four standard errors: a sound sampler fails once in 16,000 tests."""
    return abs(found - share) < 4 * (share * (1 - share) / size) ** 0.5


def test_shares_of_planted_rows_follow_the_world(dirty_shop: Shop) -> None:
    rows = dict(dirty_shop.summary.rows_by_object)
    counts = Counter(
        (fault["kind"], fault["file"].rpartition("/landed_on=")[0])
        for fault in planted(dirty_shop)
        if "-again-" not in fault["file"]
    )
    shares = {
        "late": DIRTY.late_share, "redelivered": DIRTY.redelivered_share, "impossible_time": DIRTY.impossible_time_share,
        "changed_copy": DIRTY.changed_copy_share,
    }  # fmt: skip
    for name in ("segment/events", "sendgrid/events"):
        size = sum(1 for _ in records(dirty_shop.landing, name))
        assert size <= rows[name]
        for kind, share in shares.items():
            assert within(counts[kind, name] / size, share, size), (kind, name)


def test_every_planted_row_stands_where_the_truth_says(dirty_shop: Shop) -> None:
    seen = Counter[str]()
    for fault in planted(dirty_shop):
        path = dirty_shop.landing / fault["file"]
        assert path.is_file()
        if not fault["row"]:
            continue
        text = row_of(path, fault["row"])
        if fault["kind"] == "broken_row":
            assert parse(text) is None
            assert fault["expected"] == "quarantined"
        else:
            assert fault["record"] in text
        seen[fault["kind"]] += 1
    assert {
        "late",
        "redelivered",
        "broken_row",
        "impossible_time",
        "negative_price",
        "changed_copy",
        "outage",
    } == seen.keys()


def row_of(path: Path, row: int) -> str:
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        return json.dumps((content if isinstance(content, list) else next(iter(content.values())))[row - 1])
    return path.read_text().splitlines()[row - (path.suffix != ".csv")]


def test_no_line_is_broken_that_is_not_listed(dirty_shop: Shop) -> None:
    listed = {(fault["file"], fault["row"]) for fault in planted(dirty_shop) if fault["kind"] == "broken_row"}
    found = set()
    for name in ("segment/events", "shopify/orders", "hubspot/contacts"):
        for path in (dirty_shop.landing / name).glob("*/*.[jc]s*"):
            if path.suffix == ".gz" or "-renamed-" in path.name:
                continue
            lines = path.read_text().splitlines()
            file = path.relative_to(dirty_shop.landing).as_posix()
            if path.suffix == ".csv":
                commas = lines.pop(0).count(",")
                found |= {(file, row) for row, line in enumerate(lines, 1) if line.count(",") < commas}
            else:
                found |= {(file, row) for row, line in enumerate(lines, 1) if parse(line) is None}
    assert found == {(file, row) for file, row in listed if not file.startswith(("plain/consents", "plain/assign"))}
    assert len(found) > 50


def test_rows_come_again_byte_for_byte_unless_they_were_changed(small_shop: Shop) -> None:
    lines = Counter(
        line for path in files(small_shop.landing, "segment/events") for line in path.read_text().splitlines()
    )
    faults = [
        fault for fault in planted(small_shop) if fault["file"].startswith("segment") and "-again-" not in fault["file"]
    ]
    kinds = Counter(fault["kind"] for fault in faults)
    assert sum(count - 1 for count in lines.values()) == kinds["redelivered"] > 0
    ids = Counter(record["messageId"] for line in lines if (record := parse(line)))
    assert sum(count - 1 for count in ids.values()) == kinds["changed_copy"] + kinds["impossible_time"]


def test_an_outage_holds_all_rows_back_until_it_is_over(dirty_shop: Shop) -> None:
    days = {landed_on(path) for path in files(dirty_shop.landing, "segment/events")}
    assert not days & {str(day) for day in OUT}
    assert len(days) == 38
    after = str(OUT[-1] + timedelta(days=1))
    happened = {
        record["timestamp"][:10] for day, record in records(dirty_shop.landing, "segment/events") if day == after
    }
    assert {str(day) for day in OUT} <= happened
    held = [fault for fault in planted(dirty_shop) if fault["kind"] == "outage"]
    assert {fault["file"].split("/")[2] for fault in held} == {f"landed_on={after}"}
    assert len(files(dirty_shop.landing, "sendgrid/events")) == 40


def test_a_file_that_comes_again_is_the_one_of_the_day_before(dirty_shop: Shop) -> None:
    again = sorted(dirty_shop.landing.glob("*/*/*/*-again-*"))
    assert len({path.parts[-3] for path in again}) > 3
    for path in again:
        before = date.fromisoformat(landed_on(path)) - timedelta(days=1)
        first = path.parent.parent / f"landed_on={before}" / path.name.replace("again-", "")
        assert path.read_bytes() == first.read_bytes()


def test_a_cut_file_cannot_be_read_and_stands_beside_the_whole_one(dirty_shop: Shop) -> None:
    cut = sorted(dirty_shop.landing.glob("*/*/*/*-cut-*"))
    assert cut
    for path in cut:
        with pytest.raises(EOFError), gzip.open(path) as stream:
            stream.read()
        assert (path.parent / path.name.replace("cut-", "").removesuffix(".gz")).is_file()


def test_a_column_appears_and_another_bears_a_wrong_name_for_two_days(dirty_shop: Shop) -> None:
    headers = {
        landed_on(path): path.read_text().splitlines()[0] for path in files(dirty_shop.landing, "plain/consents")
    }
    with_column = sorted(day for day, header in headers.items() if header.endswith(",ip_country"))
    assert with_column == sorted(headers)[20:]
    renamed = sorted(dirty_shop.landing.glob("plain/consents/*/*-renamed-*"))
    assert [landed_on(path) for path in renamed] == ["2025-01-29", "2025-01-30"]
    for path in renamed:
        wrong, right = (
            each.read_text().splitlines() for each in (path, path.parent / path.name.replace("renamed-", ""))
        )
        assert wrong[0] == right[0].replace("email,", "email_address,")
        assert wrong[1:] == right[1:]
    keys = {day: "tax_exemptions" in record for day, record in records(dirty_shop.landing, "shopify/customers")}
    assert {day for day, has in keys.items() if has} == set(with_column) & keys.keys()


def test_a_calm_world_has_no_faults(tmp_path: Path) -> None:
    calm = World(
        late_share=0, redelivered_share=0, broken_share=0, impossible_time_share=0, negative_price_share=0,
        changed_copy_share=0, redelivered_file_share=0, cut_file_share=0, new_column_from=1, renamed_column_days=0,
        outage_days=0,
    )  # fmt: skip
    summary = simulate(customers=100, days=20, seed=1, out=tmp_path, truth=None, world=calm)
    assert summary.fault_count == 0
    assert summary.files == (len(calm.objects) + 1) * 20


def versions(*rows: tuple[str, int, int, int]) -> Delivery:
    """A delivery of (key, version, day, fault)."""
    keys, version, day, fault = (list(column) for column in zip(*rows, strict=True))
    made = deliver([""] * len(rows), keys, np.array(version), 0, winner="newest")
    return made.__class__(
        made.records, made.ids, made.record, made.sort_at, np.array(day), np.array(fault), made.winner
    )


def test_a_late_version_is_a_duplicate_once_a_newer_one_is_known() -> None:
    delivery = versions(
        ("a", 1, 5, LATE), ("a", 2, 3, 0), ("b", 1, 5, LATE), ("b", 2, 6, 0), ("c", 1, 4, DELAYED), ("c", 2, 4, DELAYED)
    )  # fmt: skip
    assert expect(delivery).tolist() == [DUPLICATE, STAGED, STAGED, STAGED, DUPLICATE, STAGED]


def test_rows_of_an_outage_keep_their_own_fault() -> None:
    is_out = np.array([False, True, True, False])
    held = hold_back(versions(("a", 1, 0, 0), ("b", 1, 1, 0), ("c", 1, 2, LATE), ("d", 1, 9, 0)), is_out)
    assert held.day.tolist() == [0, 3, 3, 9]
    assert held.fault.tolist() == [0, DELAYED, LATE, 0]


@given(st.integers(0, 2**62), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_draws_depend_on_key_and_index_alone(key: int, size: int) -> None:
    index = np.arange(size)
    ids = hex_ids(key, index)
    assert len(set(ids)) == size
    assert ids[size // 2 :] == hex_ids(key, index[size // 2 :])
    assert hex_array(key, index).to_pylist() == hex_ids(key, index, 1)
    numbers = uniforms(key, index)
    assert ((numbers >= 0) & (numbers < 1)).all()


def test_uniforms_are_uniform_and_independent_of_their_neighbours() -> None:
    size = 100_000
    numbers, next_key = uniforms(12, np.arange(size)), uniforms(13, np.arange(size))
    assert np.abs(np.bincount((numbers * 20).astype(int)) / size - 0.05).max() < 4 * (0.05 * 0.95 / size) ** 0.5
    for other in (np.roll(numbers, 1), next_key):
        assert abs(np.corrcoef(numbers, other)[0, 1]) < 4 / size**0.5


@given(st.integers(day_start(date(1995, 1, 1)), day_start(date(2055, 1, 1))), st.sampled_from(range(len(ZONES))))
@settings(deadline=None)
def test_offsets_are_those_of_the_zone_at_that_instant(at: int, zone: int) -> None:
    written = write_local(np.array([at]), np.array([zone]))[0]
    whole = at // SECOND
    assert written == datetime.fromtimestamp(whole, ZoneInfo(ZONES[zone])).isoformat()


@pytest.mark.parametrize(("day", "zone"), [(date(2025, 3, 9), 1), (date(2025, 11, 2), 1), (date(2025, 10, 26), 2)])
def test_clocks_change_at_the_right_second(day: date, zone: int) -> None:
    seconds = day_start(day) + np.arange(0, DAY, HOUR)
    around = np.concatenate([seconds - SECOND, seconds])
    written = write_local(around, np.full(len(around), zone)).tolist()
    assert len({text[-6:] for text in written}) == 2
    assert [datetime.fromisoformat(text).timestamp() for text in written] == (around / SECOND).tolist()


def test_offsets_follow_daylight_saving_within_an_order(tmp_path: Path) -> None:
    """An order before the clocks change that is fulfilled after it has two offsets of one storefront."""
    simulate(customers=600, days=20, seed=2, out=tmp_path, truth=None, start=date(2025, 3, 1))
    seen = Counter(
        (order["created_at"][-6:], order["updated_at"][-6:])
        for _, order in records(tmp_path, "shopify/orders")
        if order["updated_at"] > "2025-03-02"
    )
    assert seen["-05:00", "-04:00"] > 0
    assert {created for created, _ in seen} == {"-05:00", "-04:00", "+01:00"}


def test_first_day_is_where_the_landing_begins(small_shop: Shop) -> None:
    assert min(landed_on(path) for path in small_shop.landing.rglob("*.csv")) == FIRST_DAY.isoformat()
