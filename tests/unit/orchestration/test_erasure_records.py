"""Rewritten files stay readable: every other record keeps its bytes and its row number, in every format."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.state.erasure import Tombstone, salted
from orchestration.erasure.lineage import LandedColumn
from orchestration.erasure.records import BLANK_JSON, MARK, read_text, rewrite, salvage
from orchestration.erasure.values import Matcher, matcher_of_landed, redacted

ADA = "ada@example.com"
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ['a"b', "a,b", "line\nbreak", "", ADA.upper(), "null"]
)
RECORDS = st.lists(st.fixed_dictionaries({"id": TEXTS, "email": st.sampled_from([ADA, "ben@example.com"])}), max_size=6)


def is_ada(record: Mapping[str, Any]) -> bool:
    return bool(record["email"] == ADA)


def keep(text: str) -> str:
    return text


def landed(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    content = text.encode()
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(content))
    elif name.endswith(".zst"):
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes(content)
    return path


@given(records=RECORDS, ending=st.sampled_from([".jsonl", ".jsonl.gz", ".jsonl.zst"]))
def test_blanked_lines_keep_their_place(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], ending: str
) -> None:
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path = landed(tmp_path_factory.mktemp("lines"), f"events{ending}", "\n".join(lines))
    done = rewrite(path, "lines", is_ada, redact=keep)
    expected = [BLANK_JSON if is_ada(record) else line for record, line in zip(records, lines, strict=True)]
    assert read_text(path).decode() == "\n".join(expected)
    assert done.erased == sum(map(is_ada, records))


@given(records=RECORDS, wrapper=st.sampled_from([None, "orders"]), indent=st.sampled_from([None, 2]))
def test_blanked_elements_keep_their_place(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], wrapper: str | None, indent: int | None
) -> None:
    content: Any = {"page": 1, wrapper: records} if wrapper else records
    text = json.dumps(content, indent=indent)
    path = landed(tmp_path_factory.mktemp("array"), "orders.json", text)
    rewrite(path, "document" if wrapper else "array", is_ada, redact=keep, wrapper=wrapper or "")
    found = json.loads(path.read_text())
    expected = [json.loads(BLANK_JSON) if is_ada(record) else record for record in records]
    assert (found[wrapper] if wrapper else found) == expected


def test_json_that_is_not_touched_keeps_its_bytes(tmp_path: Path) -> None:
    text = '{"orders": [ {"email": "ada@example.com"},\n {"email":"b@c.de", "total": 10.00} ], "n": 1.50}'
    path = landed(tmp_path, "orders.json", text)
    rewrite(path, "document", is_ada, redact=keep, wrapper="orders")
    assert path.read_text() == text.replace('{"email": "ada@example.com"}', BLANK_JSON)


def write_csv(records: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["id", "email"])
    writer.writerows([record["id"], record["email"]] for record in records)
    return out.getvalue()


@given(records=RECORDS, bom=st.sampled_from(["", "\ufeff"]))
def test_blanked_csv_rows_keep_their_place(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], bom: str
) -> None:
    path = landed(tmp_path_factory.mktemp("csv"), "profiles.csv", bom + write_csv(records))
    rewrite(path, "csv", is_ada, redact=keep)
    text = path.read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert text.startswith(bom)
    assert rows[1:] == [[MARK, ""] if is_ada(record) else [record["id"], record["email"]] for record in records]


@given(records=RECORDS)
def test_dropped_csv_rows_leave_the_bytes_of_the_others(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]]
) -> None:
    path = landed(tmp_path_factory.mktemp("drop"), "send_list.csv", write_csv(records))
    rewrite(path, "csv", is_ada, redact=keep, drop=True)
    assert path.read_bytes().decode() == write_csv([record for record in records if not is_ada(record)])


@pytest.mark.parametrize("drop", [False, True])
def test_parquet_rows_are_blanked_or_dropped(tmp_path: Path, *, drop: bool) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"n": [1, 2, 3], "email": ["b@c.de", ADA, None], "deep": [{"a": 1}, {"a": 2}, None]})
    pq.write_table(table, path)
    assert rewrite(path, "parquet", is_ada, redact=keep, drop=drop).erased == 1
    rows = pq.read_table(path).to_pylist()
    others = [row for row in table.to_pylist() if row["email"] != ADA]
    assert rows == (others if drop else [others[0], {"n": None, "email": MARK, "deep": None}, others[1]])
    seen = duckdb.sql(f"select count(*) from read_parquet('{path}')").fetchall()
    assert seen == [(len(rows),)]


@pytest.mark.parametrize("name", ["events.jsonl.gz", "events.jsonl.zst"])
def test_what_a_cut_file_still_holds_is_found(tmp_path: Path, name: str) -> None:
    path = landed(tmp_path, name, "\n".join(f'{{"email": "{number:x}{ADA}"}}' for number in range(50_000)))
    assert salvage(path) == read_text(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert ADA.encode() in salvage(path)


def test_counting_writes_nothing(tmp_path: Path) -> None:
    path = landed(tmp_path, "events.jsonl", json.dumps({"email": ADA}))
    before = path.read_bytes()
    assert rewrite(path, "lines", is_ada, redact=keep, write=False).erased == 1
    assert path.read_bytes() == before


def test_malformed_csv_row_that_mentions_the_person_is_blanked(tmp_path: Path) -> None:
    path = landed(tmp_path, "profiles.csv", f"id,email\n1,b@c.de\n2,x,{ADA}\n")
    done = rewrite(path, "csv", is_ada, redact=lambda text: text.replace(ADA, "erased"))
    assert done.erased == 1
    assert path.read_text() == f"id,email\n1,b@c.de\n{MARK},\n"


COLUMNS = (
    LandedColumn(("id",), ("$.id",), "profile_key"),
    LandedColumn(("mails",), ("$.traits.email",), "email"),
    LandedColumn(("phone",), ("$.lines[0].phone",), "phone"),
)


def matcher(*known: tuple[str, str]) -> Matcher:
    tombstones = {Tombstone(kind, salted("grain", value)) for kind, value in known}  # type: ignore[arg-type]
    return matcher_of_landed(tombstones, "grain", vendor="shopify", columns=COLUMNS, is_json=True)


@pytest.mark.parametrize(
    ("known", "record", "is_erased"),
    [
        (("email", ADA), {"traits": {"email": " ADA@Example.com "}}, True),
        (("email", ADA), {"traits": {"email": "ben@example.com;ada@example.com"}}, True),
        (("email", ADA), {"traits": {"email": "ada@example.com.evil"}}, False),
        (("profile_key", "shopify:17"), {"id": 17}, True),
        (("profile_key", "plain:17"), {"id": 17}, False),
        (("phone", "+4915112345678"), {"lines": [{"phone": "'+49 151 1234-5678"}]}, True),
        (("phone", "+4915112345678"), {"id": 9, "lines": [{"phone": "+4915112345678"}]}, False),
        (("phone", "+4915112345678"), {"lines": []}, False),
    ],
)
def test_record_is_known_by_its_identifiers(known: tuple[str, str], record: dict[str, Any], *, is_erased: bool) -> None:
    assert matcher(known).is_erased(record) is is_erased


def test_mention_in_the_record_of_somebody_else_is_taken_out() -> None:
    tombstones = {Tombstone("email", salted("grain", ADA))}
    text = '{"note": "gift for Ada@Example.com, thanks", "email": "ben@example.com"}'
    assert redacted(text, tombstones, "grain") == text.replace("Ada@Example.com", "erased")
