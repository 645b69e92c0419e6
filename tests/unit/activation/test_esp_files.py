"""The files for ESPs: whom the list has, in the columns that their importers take, and nothing that a spreadsheet would run."""

import csv
import hashlib
import io
import json
import re
from datetime import timedelta

import pyarrow as pa
import pytest

from activation.playbook.destinations import Destinations, Esp
from activation.release.esp_files import write_esp_files
from activation.state.tables import LIST_COLUMNS
from tests.unit.activation.shop import DAY, Shop, people

NAMES = people("treatment", 6)
HOSTILE = {
    NAMES[0]: '=HYPERLINK("http://evil.example","click")',
    NAMES[1]: "  \t@SUM(1+1)*cmd|'/C calc'!A0",
    NAMES[2]: 'Zoë "Zed", of\r\nNewline\x00',
    NAMES[3]: "-2+3",
    NAMES[4]: "ليلى",
}
ADDRESS = {"klaviyo": "Email", "mailchimp": "Email Address", "sendgrid": "email"}
FIRST_NAME = {"klaviyo": "First Name", "mailchimp": "FNAME", "sendgrid": "first_name"}
DECISION = {"klaviyo": "holdfast_decision_id", "mailchimp": "DECISION", "sendgrid": "holdfast_decision_id"}
ESPS: tuple[Esp, ...] = ("klaviyo", "mailchimp", "sendgrid")


@pytest.fixture
def released(shop: Shop) -> Shop:
    for name in NAMES:
        shop.customer(name)
        shop.trigger(name)
        shop.connection.execute(
            "update marts.dim_customers set first_name = $first where customer_id = $name",
            {"first": HOSTILE.get(name), "name": name},
        )
    shop.decide()
    shop.release()
    return shop


def rows(shop: Shop, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shop.files()[name].decode("utf-8"), newline="")))


@pytest.mark.parametrize("esp", ESPS)
def test_file_of_an_esp_names_everybody_of_the_list_once(released: Shop, esp: Esp) -> None:
    expected = {row["email"]: row for row in rows(released, "send_list.csv")}
    found = rows(released, f"{esp}.csv")
    assert [row[ADDRESS[esp]] for row in found] == list(expected)
    assert len(found) == len(NAMES)
    assert {row[ADDRESS[esp]]: row[DECISION[esp]] for row in found} == {
        email: row["decision_id"] for email, row in expected.items()
    }
    assert next(iter(found[0])) == ADDRESS[esp]


def test_choices_of_blocks_are_properties(released: Shop) -> None:
    chosen = {row["email"]: json.loads(row["block_choices"]) for row in rows(released, "send_list.csv")}
    assert all(chosen.values())
    for row in rows(released, "klaviyo.csv"):
        for block, choice in chosen[row["Email"]].items():
            assert row[f"holdfast_block_{block}"] == choice["variant"]
    for row in rows(released, "mailchimp.csv"):
        variants = sorted(choice["variant"] for choice in chosen[row["Email Address"]].values())
        assert sorted(value for name, value in row.items() if name.startswith("B_") and value) == variants


@pytest.mark.parametrize("esp", ESPS)
def test_hostile_names_are_text_and_nothing_else(released: Shop, esp: Esp) -> None:
    named = {row[ADDRESS[esp]]: row[FIRST_NAME[esp]] for row in rows(released, f"{esp}.csv")}
    assert named == {
        f"{NAMES[0]}@shop.example": "'" + HOSTILE[NAMES[0]],
        f"{NAMES[1]}@shop.example": "'@SUM(1+1)*cmd|'/C calc'!A0",
        f"{NAMES[2]}@shop.example": 'Zoë "Zed", of Newline',
        f"{NAMES[3]}@shop.example": "'-2+3",
        f"{NAMES[4]}@shop.example": "ليلى",
        f"{NAMES[5]}@shop.example": "",
    }


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("+news@shop.example", "+news@shop.example"),
        ("-ann=b@shop.example", "-ann=b@shop.example"),
        ("=cmd|'/C'!A0@shop.example", "'=cmd|'/C'!A0@shop.example"),
        ("o'neill|x@shop.example", "o'neill|x@shop.example"),
    ],
)
def test_only_a_harmful_address_is_changed(
    tmp_path_factory: pytest.TempPathFactory, address: str, written: str
) -> None:
    values = {name: [address if name == "email" else None] for name in LIST_COLUMNS}
    kinds = {"send_date": pa.date32(), "send_after_utc": pa.timestamp("us"), "send_before_utc": pa.timestamp("us")}
    table = pa.table({name: pa.array(column, kinds.get(name, pa.string())) for name, column in values.items()})
    folder = tmp_path_factory.mktemp("it's")
    write_esp_files(table, ["klaviyo"], folder, ending=".csv")
    with (folder / "klaviyo.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["Email"] == written


def test_headers_are_what_the_importers_take(released: Shop) -> None:
    for name in rows(released, "sendgrid.csv")[0]:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    tags = [name for name in rows(released, "mailchimp.csv")[0] if name not in {"Email Address", "Tags"}]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,9}", tag) for tag in tags)
    assert len(set(tags)) == len(tags)
    send_date = DAY + timedelta(days=1)
    assert {row["Tags"] for row in rows(released, "mailchimp.csv")} == {f"holdfast_{send_date},welcome_1"}


def test_manifest_names_each_file_and_a_repeat_gives_the_same_bytes(released: Shop) -> None:
    before = released.files()
    described = {file["name"]: file["sha256"] for file in json.loads(before["manifest.json"])["files"]}
    names = {"send_list.parquet", "send_list.csv", "klaviyo.csv", "mailchimp.csv", "sendgrid.csv"}
    assert described == {name: hashlib.sha256(before[name]).hexdigest() for name in names}
    released.release(run_id="run_2")
    assert released.files() == before


def test_playbook_says_which_files_are_written(shop: Shop) -> None:
    shop.decide()
    shop.release(destinations=Destinations(esp_files=("sendgrid",)))
    assert sorted(shop.files()) == ["manifest.json", "send_list.csv", "send_list.parquet", "sendgrid.csv"]


def test_proposal_has_no_file_that_an_esp_would_import(shop: Shop) -> None:
    from activation.release.publish import publish_send_list

    shop.decide()
    publish_send_list(shop.connection, shop.publish, send_date=DAY + timedelta(days=1))
    folder = shop.publish / "send_list" / (DAY + timedelta(days=1)).isoformat()
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "send_list.csv", "send_list.parquet"]
