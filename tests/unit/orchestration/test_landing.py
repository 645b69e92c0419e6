"""What the landing zone is read as: days, files, faults and counts."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing_zone.files import (
    LandingError,
    LandingSummary,
    landing_days,
    pending_days,
    register_files,
    unread_objects,
)
from orchestration.landing_zone.vendors import enabled_vendors, enabling_line, shipped_vendors

D1, D2, D3 = date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def land(root: Path, path: str, content: bytes | str, *, day: date = D1) -> Path:
    folder, name = path.rsplit("/", 1)
    target = root / folder / f"landed_on={day}" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def registered(
    connection: duckdb.DuckDBPyConnection, columns: str = "format, shape, row_count, status"
) -> dict[str, tuple]:
    rows = connection.execute(f"select split_part(file, '/', -1), {columns} from ops.landing_files").fetchall()
    return {row[0]: row[1:] for row in rows}


def rejects(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        "select split_part(file, '/', -1), row_number, rule, raw from ops.landing_rejects order by file, row_number"
    ).fetchall()


def test_landing_days_are_those_of_known_objects(tmp_path: Path) -> None:
    land(tmp_path, "shopify/orders/a.jsonl", "", day=D2)
    land(tmp_path, "plain/orders/a.csv", "", day=D1)
    land(tmp_path, "unknown/orders/a.csv", "", day=D3)
    assert landing_days(tmp_path) == [D1, D2]


def test_a_missing_root_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match=r"no landing folder at .*nowhere: set HOLDFAST_LANDING or pass --landing"):
        landing_days(tmp_path / "nowhere")


@pytest.mark.parametrize("folder", ["landed_on=2025-13-01", "landed_on=yesterday", "2025-01-01"])
def test_a_folder_that_is_no_day_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "plain/orders" / folder).mkdir(parents=True)
    with pytest.raises(LandingError, match=f"{folder} is not a landing day"):
        landing_days(tmp_path)


def test_every_shape_is_counted(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    land(tmp_path, "segment/events/lines.jsonl", '\ufeff{"a":1}\r\n\r\n  \n{"a":2}')
    land(tmp_path, "segment/events/packed.jsonl.gz", gzip.compress(b'{"a":1}\n{"a":2}\n{"a":3}\n'))
    land(tmp_path, "segment/events/named_json.json", '{"a":1}\n{"a":2}\n')
    land(tmp_path, "sendgrid/events/array.json", "[{}, {}, 3]")
    land(tmp_path, "shopify/orders/wrapped.json", json.dumps({"orders": [{"id": 1}, {"id": 2}]}))
    land(tmp_path, "shopify/orders/single.json", json.dumps({"order": {"id": 1}}))
    land(tmp_path, "plain/orders/table.csv", '\ufefforder_id,email\n1,"a\nb"\n\n2,c\n')
    land(tmp_path, "plain/orders/table.parquet", b"")
    pq.write_table(pa.table({"order_id": ["1", "2", "3"]}), tmp_path / f"plain/orders/landed_on={D1}/table.parquet")
    with pa.output_stream(str(tmp_path / f"segment/events/landed_on={D1}/z.jsonl.zst"), compression="zstd") as stream:
        stream.write(b'{"a":1}\n' * 5)

    summary = register_files(connection, tmp_path, start=D1, end=D1)

    assert registered(connection) == {
        "lines.jsonl": ("jsonl", "lines", 2, "readable"),
        "packed.jsonl.gz": ("jsonl", "lines", 3, "readable"),
        "named_json.json": ("jsonl", "lines", 2, "readable"),
        "z.jsonl.zst": ("jsonl", "lines", 5, "readable"),
        "array.json": ("json", "array", 3, "readable"),
        "wrapped.json": ("json", "document", 2, "readable"),
        "single.json": ("json", "document", 1, "readable"),
        "table.csv": ("csv", "table", 2, "readable"),
        "table.parquet": ("parquet", "table", 3, "readable"),
    }
    assert summary == LandingSummary(files=9, rows=23, refused_files=0, rejected_rows=0)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("segment/events/cut.jsonl.gz", gzip.compress(b'{"a":1}\n' * 1000, mtime=0)[:-20]),
        ("segment/events/latin.jsonl", b'{"a":"\xe9"}\n'),
        ("sendgrid/events/broken.json", b'[{"a":1},'),
        ("sendgrid/events/empty.json", b""),
        ("sendgrid/events/number.json", b"7"),
        ("plain/orders/cut.csv.gz", gzip.compress(b"order_id\n1\n", mtime=0)[:-4]),
        ("plain/orders/latin.csv", b"order_id,email\n1,\xe9\n"),
        ("plain/orders/empty.csv", b""),
        ("plain/orders/broken.parquet", b"PAR1"),
        ("plain/orders/sheet.xlsx", b"PK"),
    ],
)
def test_an_unreadable_file_is_refused_and_the_load_goes_on(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, path: str, content: bytes
) -> None:
    land(tmp_path, path, content)
    land(tmp_path, "plain/orders/good.csv", "order_id\n1\n")
    summary = register_files(connection, tmp_path, start=D1, end=D1)
    name = path.rsplit("/", 1)[-1]
    assert summary == LandingSummary(files=2, rows=1, refused_files=1, rejected_rows=0)
    assert registered(connection, "status, row_count") == {name: ("refused", 0), "good.csv": ("readable", 1)}
    assert rejects(connection) == [(name, None, "unreadable_file", None)]


def test_records_of_the_wrong_shape_are_rejected_and_counted(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    land(tmp_path, "plain/orders/a.csv", 'order_id,email\n1,a\n2\n3,b\n4,c,d,e\n5,"open\n')
    land(tmp_path, "plain/orders/b.csv", "order_id,email\n1,a\n")
    summary = register_files(connection, tmp_path, start=D1, end=D1)
    assert summary == LandingSummary(files=2, rows=6, refused_files=0, rejected_rows=3)
    assert rejects(connection) == [
        ("a.csv", 2, "malformed_row", "2"),
        ("a.csv", 4, "malformed_row", "4,c,d,e"),
        ("a.csv", 5, "malformed_row", '5,"open\n'),
    ]


def test_a_header_with_repeated_and_odd_names_is_read(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    land(tmp_path, "plain/orders/a.csv", "order_id,it's,Order_ID,\n1,2,3,4\n")
    register_files(connection, tmp_path, start=D1, end=D1)
    assert registered(connection, "header, row_count") == {"a.csv": (["order_id", "it's", "Order_ID_3", "column_4"], 1)}


def test_pending_days_are_new_changed_or_emptied(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    for day in (D1, D2, D3):
        land(tmp_path, "plain/orders/a.csv", "order_id\n1\n", day=day)
    assert pending_days(connection, tmp_path, until=D2) == [D1, D2]
    register_files(connection, tmp_path, start=D1, end=D3)
    assert pending_days(connection, tmp_path, until=D3) == []
    land(tmp_path, "plain/orders/a.csv", "order_id\n1\n2\n", day=D2)
    (tmp_path / f"plain/orders/landed_on={D3}/a.csv").unlink()
    assert pending_days(connection, tmp_path, until=D3) == [D2, D3]
    register_files(connection, tmp_path, start=D2, end=D3)
    assert pending_days(connection, tmp_path, until=D3) == []


def test_a_file_of_equal_size_and_later_time_is_pending(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    target = land(tmp_path, "plain/orders/a.csv", "order_id\n1\n")
    register_files(connection, tmp_path, start=D1, end=D1)
    os.utime(target, ns=(target.stat().st_atime_ns, target.stat().st_mtime_ns + 1_000_000))
    assert pending_days(connection, tmp_path, until=D1) == [D1]


def test_registering_replaces_the_window_only(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    land(tmp_path, "plain/orders/first.csv", "order_id\n1,2\n", day=D1)
    land(tmp_path, "plain/orders/second.csv", "order_id\n1,2\n", day=D2)
    register_files(connection, tmp_path, start=D1, end=D2)
    land(tmp_path, "plain/orders/second.csv", "order_id\n1\n", day=D2)
    (tmp_path / f"plain/orders/landed_on={D1}/first.csv").unlink()
    register_files(connection, tmp_path, start=D2, end=D2)
    assert set(registered(connection)) == {"first.csv", "second.csv"}
    assert [reject[0] for reject in rejects(connection)] == ["first.csv"]


def test_messages_quote_nothing_of_the_file(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    land(tmp_path, "sendgrid/events/a.json", '[{"email":"ann@example.org"')
    land(tmp_path, "plain/orders/a.csv", "order_id,email\n1,ann@example.org,ann@example.org\n")
    register_files(connection, tmp_path, start=D1, end=D1)
    messages = connection.execute("select message from ops.landing_rejects").fetchall()
    assert len(messages) == 2
    assert not any("ann" in message for (message,) in messages)


def test_folder_that_is_not_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    for name in (
        "plain/orders",
        "plain/wishes",
        "snowplow/events",
        "klaviyo/events",
        "klaviyo/profiles",
        "klaviyo/flows",
    ):
        (tmp_path / name / "landed_on=2025-01-01").mkdir(parents=True)
    not_enabled, unknown_klaviyo, unknown_plain, unknown_vendor = unread_objects(tmp_path)
    assert not_enabled.startswith("klaviyo is not enabled: add `klaviyo: {reads: [events, profiles], gives: [consents,")
    assert unknown_klaviyo == "klaviyo/flows is not among what is read of klaviyo: events, profiles"
    assert unknown_plain.startswith("plain/wishes is not among what is read of plain: assignments,")
    assert unknown_vendor.startswith("snowplow/events is no source that Holdfast knows")


def test_enabled_vendors_are_listed_as_their_folders_have_them() -> None:
    shipped = shipped_vendors()
    for name, listed in enabled_vendors().items():
        assert {*listed.reads} == {*shipped[name].reads}, name
        assert {*listed.gives} == {*shipped[name].gives}, name


def test_the_line_that_enables_a_vendor_does_so(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project.yml"
    project.write_text(f"vars:\n  vendors:\n    {enabling_line('klaviyo')}\n")
    assert enabled_vendors(project) == {"klaviyo": shipped_vendors()["klaviyo"]}
