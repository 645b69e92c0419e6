"""Release: claimed first, rechecked, published byte for byte, nobody twice."""

import csv
import hashlib
import io
import json
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.playbook.playbook import Playbook
from activation.release import release as release_module
from activation.release.publish import publish_send_list
from activation.release.release import BLOCKED_SCHEMA, ReleaseRefused
from activation.state import payloads
from activation.state.erasure import Tombstone, forget_people
from activation.state.payloads import payloads_of
from activation.state.store import StateStore
from tests.unit.activation.shop import DAY, Shop, people, playbook, recheck

ANN, BEN, CY = people("treatment", 3)
HELD = people("holdout", 1)[0]
SEND_DATE = DAY + timedelta(days=1)


@pytest.fixture
def decided(shop: Shop) -> Shop:
    """Three to send and one to hold out."""
    for name in (ANN, BEN, CY, HELD):
        shop.customer(name)
        shop.trigger(name)
    shop.decide()
    return shop


def released_emails(shop: Shop) -> list[str]:
    text = shop.files()["send_list.csv"].decode()
    return sorted(row["email"] for row in csv.DictReader(io.StringIO(text)))


def emails(*names: str) -> list[str]:
    return sorted(f"{name}@shop.example" for name in names)


def test_release_claims_publishes_and_records(decided: Shop) -> None:
    summary = decided.release()
    assert (summary.sends, summary.ghosts, summary.dropped, summary.is_repeat) == (3, 1, {}, False)
    assert released_emails(decided) == emails(ANN, BEN, CY)
    assert {(row["customer_id"], row["kind"], row["status"]) for row in decided.ledger()} == {
        (ANN, "send", "published"), (BEN, "send", "published"), (CY, "send", "published"), (HELD, "ghost", "published"),
    }  # fmt: skip
    assert {row["send_date"] for row in decided.ledger()} == {SEND_DATE}


def test_who_left_the_topic_since_is_not_released(decided: Shop) -> None:
    closed = pa.table({"mailbox_hash": [f"m_{ANN}", f"m_{BEN}"], "flow": ["welcome", "win_back"]})
    summary = decided.release(closed_flows=closed)
    assert released_emails(decided) == emails(BEN, CY)
    assert summary.dropped == {"send": {"now_unsubscribed_topic": 1}}


def test_ledger_holds_no_address(decided: Shop) -> None:
    decided.release()
    assert "@" not in str(decided.ledger())


def test_release_twice_is_the_same_bytes(decided: Shop) -> None:
    decided.release()
    before, ledger = decided.files(), decided.ledger()
    again = decided.release(run_id="run_2", recheck=recheck(**{ANN: "unsubscribed"}))
    assert again.is_repeat
    assert decided.files() == before
    assert decided.ledger() == ledger


def test_templates_of_what_is_sent_lie_beside_the_list(decided: Shop) -> None:
    book = playbook()
    decided.state.register_playbook(book, effective_from=DAY, registered_at=datetime.combine(DAY, datetime.min.time()))
    decided.release(contents=decided.state.contents())
    files = decided.files()
    assert [name for name in files if name.startswith("templates")] == [
        "templates/welcome_1.html",
        "templates/welcome_1.txt",
    ]
    assert {row["template"] for row in csv.DictReader(io.StringIO(files["send_list.csv"].decode()))} == {"welcome_1"}
    manifest = {file["name"]: file for file in json.loads(files["manifest.json"])["files"]}
    assert set(manifest) == set(files) - {"manifest.json"}
    for name, file in manifest.items():
        assert (file["bytes"], file["sha256"]) == (len(files[name]), hashlib.sha256(files[name]).hexdigest())
    assert b"A small shop that is particular" in files["templates/welcome_1.html"]
    assert b"{% assign first_name = person.first_name" in files["templates/welcome_1.txt"]


def test_claimed_batch_keeps_the_templates_of_the_version_that_decided_it(decided: Shop) -> None:
    book, at = playbook(), datetime.combine(DAY, datetime.min.time())
    decided.state.register_playbook(book, effective_from=DAY, registered_at=at)
    decided.release(contents=decided.state.contents())
    before = decided.files()
    rewritten = {name: text.replace("particular", "peculiar") for name, text in book.content.items()}
    newer = Playbook.from_json(book.model_copy(update={"content": rewritten}).to_json())
    assert decided.state.register_playbook(newer, effective_from=DAY, registered_at=at)
    decided.release(contents=decided.state.contents(), run_id="run_2")
    assert decided.files() == before
    assert "peculiar" in decided.state.contents()[newer.version].files["blocks/hero/brand_story.mjml"]


def test_template_that_an_earlier_list_needed_goes(decided: Shop, tmp_path: Path) -> None:
    mails = playbook().mails
    assert mails is not None
    folder = tmp_path / "send_list" / SEND_DATE.isoformat() / "templates"
    folder.mkdir(parents=True)
    (folder / "win_back_1.html").write_text("of an earlier decision")
    (folder / "welcome_1.html.tmp").write_text("of a writer that was killed")
    publish_send_list(decided.connection, tmp_path, send_date=SEND_DATE, contents={playbook().version: mails})
    assert sorted(path.name for path in folder.iterdir()) == ["welcome_1.html", "welcome_1.txt"]


def test_repeat_does_not_need_the_warehouse_as_it_was(decided: Shop) -> None:
    decided.release()
    before = decided.files()
    decided.connection.execute("delete from activation.send_list")
    decided.connection.execute("delete from activation.send_decisions")
    decided.release(recheck())
    assert decided.files() == before


def test_rows_decided_after_the_claim_are_told_and_not_added(decided: Shop) -> None:
    decided.release()
    dan = people("treatment", 4)[3]
    decided.customer(dan)
    decided.trigger(dan)
    decided.decide()
    summary = decided.release()
    assert (summary.sends, summary.outside_batch) == (3, 1)
    assert released_emails(decided) == emails(ANN, BEN, CY)


def test_empty_release_does_not_close_the_partition(shop: Shop) -> None:
    shop.decide()
    assert shop.release().sends == 0
    assert len(shop.files()["send_list.csv"].splitlines()) == 1
    shop.customer(ANN)
    shop.trigger(ANN)
    shop.decide()
    assert shop.release().sends == 1


@pytest.mark.parametrize("status", ["unsubscribed", "complained", "bounced", "unknown"])
def test_who_left_since_the_decision_is_dropped_and_counted(decided: Shop, status: str) -> None:
    summary = decided.release(recheck(BEN, CY, **{ANN: status, HELD: status}))
    assert released_emails(decided) == emails(BEN, CY)
    assert summary.dropped == {"send": {f"now_{status}": 1}, "ghost": {f"now_{status}": 1}}
    assert json.loads(decided.files()["manifest.json"])["release"]["dropped"] == summary.dropped
    assert ANN not in {row["customer_id"] for row in decided.ledger()}


def test_mailbox_that_was_not_rechecked_is_not_mailed(decided: Shop) -> None:
    summary = decided.release(recheck(BEN))
    assert released_emails(decided) == emails(BEN)
    assert summary.dropped["send"] == {"now_unknown": 2}


def test_blocked_person_is_dropped(decided: Shop) -> None:
    blocked = pa.Table.from_pylist([{"customer_id": CY, "reason": "open_support_ticket"}], schema=BLOCKED_SCHEMA)
    summary = decided.release(blocked=blocked)
    assert summary.dropped == {"send": {"now_open_support_ticket": 1}}
    assert released_emails(decided) == emails(ANN, BEN)


def test_person_blocked_under_the_name_of_a_later_merge_is_dropped(decided: Shop) -> None:
    decided.connection.execute("delete from marts.identity_map where profile_key = $key", {"key": f"p_{CY}"})
    decided.identity(f"p_{CY}", CY, f"p_{CY}", until=SEND_DATE)
    decided.identity(f"p_{CY}", "elder", "p_elder", since=SEND_DATE)
    blocked = pa.Table.from_pylist([{"customer_id": "elder", "reason": "excluded_by_override"}], schema=BLOCKED_SCHEMA)
    summary = decided.release(blocked=blocked)
    assert summary.dropped == {"send": {"now_excluded_by_override": 1}}
    assert released_emails(decided) == emails(ANN, BEN)


@pytest.mark.parametrize(
    ("due_on", "allow_past", "message"),
    [
        (SEND_DATE + timedelta(days=1), False, "say --allow-past"),
        (SEND_DATE - timedelta(days=1), False, "after today"),
        (SEND_DATE - timedelta(days=1), True, "after today"),
    ],
)
def test_release_that_is_not_due_is_refused(decided: Shop, due_on: date, allow_past: bool, message: str) -> None:
    with pytest.raises(ReleaseRefused, match=message):
        decided.release(due_on=due_on, allow_past=allow_past)
    assert decided.ledger() == []
    assert not (decided.publish / "send_list").exists()


def test_past_release_is_possible_when_asked_for(decided: Shop) -> None:
    assert decided.release(due_on=SEND_DATE + timedelta(days=3), allow_past=True).sends == 3


def test_approval_that_expired_meanwhile_drops_all(decided: Shop) -> None:
    summary = decided.release(due_on=date(2028, 1, 1), allow_past=True)
    assert summary.sends == 0
    assert summary.dropped["send"] == {"approval_expired": 3}


def test_conflicts_with_other_partitions_are_counted_by_key(decided: Shop) -> None:
    occurrence = f"welcome_{BEN}"
    noon = datetime.fromisoformat("2025-06-11T12:00")
    decided.claimed("someone", send_at=noon, mailbox=ANN)
    decided.claimed(BEN, send_at=noon, mailbox="old", flow="welcome", occurrence=occurrence)
    decided.claimed("other", send_at=noon - timedelta(days=9), mailbox=CY, flow="welcome", occurrence=f"welcome_{CY}")
    summary = decided.release()
    assert summary.sends == 0
    assert summary.dropped["send"] == {
        "mailbox_already_sent_that_day": 1, "step_already_sent_to_customer": 1, "step_already_sent_to_mailbox": 1,
    }  # fmt: skip


def test_ghost_does_not_take_the_day_of_a_mailbox_from_a_send(decided: Shop) -> None:
    noon = datetime.fromisoformat("2025-06-11T12:00")
    decided.claimed("someone", send_at=noon, mailbox=ANN, kind="ghost")
    assert decided.release().sends == 3


def test_person_merged_since_the_decision_is_not_sent_the_step_twice(decided: Shop) -> None:
    noon = datetime.fromisoformat("2025-06-09T12:00")
    decided.claimed("twin", send_at=noon, flow="welcome", occurrence="sign_up_of_twin", root="p_twin")
    decided.connection.execute("delete from marts.identity_map where profile_key = $key", {"key": f"p_{ANN}"})
    decided.identity(f"p_{ANN}", ANN, f"p_{ANN}", until=SEND_DATE)
    decided.identity(f"p_{ANN}", "twin", "p_twin", since=SEND_DATE)
    decided.identity("p_twin", "twin", "p_twin")
    summary = decided.release()
    assert summary.dropped["send"] == {"flow_already_started_for_customer": 1}
    assert released_emails(decided) == emails(BEN, CY)


def test_two_who_became_one_since_the_decision_are_not_both_welcomed(decided: Shop) -> None:
    decided.connection.execute("delete from marts.identity_map where profile_key = $key", {"key": f"p_{BEN}"})
    decided.identity(f"p_{BEN}", BEN, f"p_{BEN}", until=SEND_DATE)
    decided.identity(f"p_{BEN}", ANN, f"p_{ANN}", since=SEND_DATE)
    summary = decided.release()
    assert summary.dropped == {"send": {"merged_with_another_of_the_batch": 1}}
    assert sorted([*released_emails(decided), *emails(CY)]) in (emails(ANN, CY, CY), emails(BEN, CY, CY))


def test_two_who_became_one_both_get_what_each_occurrence_gets(shop: Shop) -> None:
    for name in (ANN, BEN):
        shop.customer(name)
        shop.trigger(name, "renewal")
    shop.decide()
    shop.connection.execute("update marts.identity_map set customer_id = $who", {"who": ANN})
    assert shop.release().sends == 2


def test_released_after_its_successor_gives_each_key_once(decided: Shop) -> None:
    tomorrow = SEND_DATE
    for name in (ANN, BEN, CY):
        decided.customer(name, day=tomorrow)
        decided.trigger(name, day=tomorrow)
    decided.fresh(day=tomorrow)
    decided.decide(tomorrow)
    decided.release(day=tomorrow)
    late = decided.release(due_on=SEND_DATE + timedelta(days=1), allow_past=True)
    assert late.sends == 0
    assert late.dropped["send"] == {"already_claimed": 3}


def stop_at(shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A release that breaks off at one of its steps."""

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(release_module, name, die)
        with pytest.raises(KeyboardInterrupt):
            shop.release()
    shop.mirror()
    assert {row["status"] for row in shop.ledger()} == {"claimed"}


def test_who_left_after_the_claim_but_before_the_files_is_withdrawn(
    decided: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(decided, monkeypatch, "write_files")
    summary = decided.release(recheck(BEN, CY, HELD, **{ANN: "unsubscribed"}), run_id="run_2")
    assert released_emails(decided) == emails(BEN, CY)
    assert summary.dropped == {"send": {"now_unsubscribed": 1}}
    assert {row["customer_id"]: row["status"] for row in decided.ledger()}[ANN] == "settled"
    before = decided.files()
    decided.release(run_id="run_3")
    assert decided.files() == before


def test_approval_that_expired_after_the_claim_but_before_the_files_withdraws_all(
    decided: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(decided, monkeypatch, "write_files")
    summary = decided.release(due_on=date(2028, 1, 1), allow_past=True, run_id="run_2")
    assert released_emails(decided) == []
    assert summary.dropped == {"send": {"approval_expired": 3}}


def test_files_that_were_handed_over_stay_as_they_are(decided: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(decided, monkeypatch, "mark_published")
    before = decided.files()
    decided.release(recheck(BEN, CY, HELD, **{ANN: "unsubscribed"}), run_id="run_2")
    assert decided.files() == before
    assert {row["status"] for row in decided.ledger()} == {"published"}


def test_erased_person_is_gone_from_what_can_be_published(decided: Shop) -> None:
    decided.release()
    counts = forget_people(decided.state, {Tombstone("email", f"m_{ANN}")}, salt="grain")
    assert (counts.payloads, counts.ledger) == (1, 1)
    decided.release()
    assert released_emails(decided) == emails(BEN, CY)
    assert f"{ANN}@shop.example".encode() not in (decided.state.directory / "state.sqlite").read_bytes()


def as_an_earlier_version(shop: Shop) -> None:
    """Keep each row to publish as JSON beside its claim, as stores did before they kept Parquet."""
    with shop.state.transaction() as connection:
        rows = payloads_of(connection, DAY.isoformat())
        shop.connection.register("rows_to_publish", rows)
        texts = shop.connection.execute(
            "select idempotency_key, mailbox_hash, cast(to_json(listed) as varchar) from rows_to_publish as listed"
        ).fetchall()
        shop.connection.unregister("rows_to_publish")
        connection.execute("drop table payloads")
        connection.execute(
            "create table claim_payloads (idempotency_key text primary key references ledger, mailbox_hash text not null,"
            " payload text not null) without rowid"
        )
        connection.executemany("insert into claim_payloads values (?, ?, ?)", texts)
        assert len(texts) == 3


def test_store_of_an_earlier_version_publishes_the_same_bytes(decided: Shop) -> None:
    decided.connection.execute(
        "update activation.send_list set expected_value = 1.0 / 3, first_name = 'A \"quoted\" ü\n' "
    )
    decided.release()
    before, ledger = decided.files(), decided.ledger()
    as_an_earlier_version(decided)
    decided.state = StateStore(decided.state.directory)
    decided.release(run_id="run_2")
    assert decided.files() == before
    assert decided.ledger() == ledger
    with decided.state.transaction() as connection:
        assert connection.execute("select 1 from sqlite_master where name = 'claim_payloads'").fetchone() is None
    assert forget_people(decided.state, {Tombstone("email", f"m_{ANN}")}, salt="grain").payloads == 1


def test_rows_to_publish_are_stored_so_that_a_search_for_an_address_finds_them(decided: Shop) -> None:
    decided.release()
    assert f"{ANN}@shop.example".encode() in (decided.state.directory / "state.sqlite").read_bytes()


def test_rows_in_several_pieces_are_published_as_from_one(decided: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "ROWS_A_PIECE", 2)
    decided.release()
    assert released_emails(decided) == emails(ANN, BEN, CY)
    ids = [row["decision_id"] for row in csv.DictReader(io.StringIO(decided.files()["send_list.csv"].decode()))]
    assert ids == sorted(ids)
    assert forget_people(decided.state, {Tombstone("email", f"m_{ANN}")}, salt="grain", dry_run=True).payloads == 1
    assert forget_people(decided.state, {Tombstone("email", f"m_{ANN}")}, salt="grain").payloads == 1
    decided.release(run_id="run_2")
    assert released_emails(decided) == emails(BEN, CY)


def test_ledger_refuses_to_forget_or_to_be_rewritten(decided: Shop) -> None:
    decided.release()
    for statement in ("delete from ledger", "update ledger set mailbox_hash = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), decided.state.transaction() as connection:
            connection.execute(statement)
    assert len(decided.ledger()) == 4


STEP_KEY = ("flow", "step", "occurrence")


@pytest.mark.parametrize(
    "key", [("mailbox_hash", "send_date"), ("mailbox_hash", *STEP_KEY), ("root_profile_key", *STEP_KEY)]
)
def test_ledger_has_its_three_unique_keys(decided: Shop, key: tuple[str, ...]) -> None:
    decided.release()
    with decided.state.transaction() as connection:
        columns = [name for _, name, *_ in connection.execute("pragma table_info(ledger)")]
    fresh = {"idempotency_key", "mailbox_hash", "root_profile_key", "flow", "send_date"} - set(key)
    values = [f"'new_' || {name}" if name in fresh else name for name in columns]
    copy = f"insert into ledger ({', '.join(columns)}) select {', '.join(values)} from ledger limit 1"
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), decided.state.transaction() as connection:
        connection.execute(copy)
    everything = [f"'new_' || {name}" if name in {*fresh, *key} - {"kind", "status"} else name for name in columns]
    with decided.state.transaction() as connection:
        connection.execute(
            f"insert into ledger ({', '.join(columns)}) select {', '.join(everything)} from ledger limit 1"
        )


def test_proposal_is_published_with_its_checksums(decided: Shop) -> None:
    import hashlib

    manifest = publish_send_list(decided.connection, decided.publish, send_date=SEND_DATE, status="proposed")
    folder = decided.publish / "send_list" / SEND_DATE.isoformat()
    written = json.loads((folder / "manifest.json").read_text())
    assert (written["rows"], written["status"], written["playbook_versions"]) == (3, "proposed", [playbook().version])
    assert {file["name"]: file["sha256"] for file in written["files"]} == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("send_list.parquet", "send_list.csv")
    }
    assert manifest.rows == pq.read_table(folder / "send_list.parquet").num_rows == 3


def test_proposal_of_an_empty_day_is_typed_and_sweeps_leftovers(shop: Shop) -> None:
    folder: Path = shop.publish / "send_list" / SEND_DATE.isoformat()
    folder.mkdir(parents=True)
    (folder / "send_list.csv.tmp").write_text("half")
    shop.decide()
    assert publish_send_list(shop.connection, shop.publish, send_date=SEND_DATE).rows == 0
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "send_list.csv", "send_list.parquet"]
    assert pq.read_schema(folder / "send_list.parquet").field("send_after_utc").type == pa.timestamp("us")
