"""The state store: promotions, playbook versions, typed mirrors."""

import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.playbook.playbook import Playbook
from activation.state import store as state
from activation.state.store import ASSIGNMENT_SCHEMA, LEDGER_SCHEMA, PROMOTION_SCHEMA, StateStore
from tests.unit.activation.shop import playbook

SUNDAY = date(2025, 3, 9)
NOW = datetime.fromisoformat("2025-03-10T06:00")


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "state")


def changed() -> Playbook:
    return playbook().model_copy(update={"approvals": ()})


def test_empty_mirrors_are_typed(store: StateStore) -> None:
    store.mirror()
    for folder, schema in (
        ("send_ledger", LEDGER_SCHEMA),
        ("assignments", ASSIGNMENT_SCHEMA),
        ("promotions", PROMOTION_SCHEMA),
    ):
        table = pq.read_table(store.directory / folder)
        assert (table.num_rows, table.schema) == (0, schema)


def test_mirror_of_an_earlier_version_is_written_anew(store: StateStore) -> None:
    claim = (
        "k",
        "ghost",
        "published",
        "m",
        "c",
        "p",
        "welcome",
        "1",
        "o",
        None,
        None,
        "2025-06-10",
        "2025-06-11",
        *3 * ["2025-06-11"],
    )
    with store.transaction() as connection:
        connection.execute(f"insert into ledger values ({', '.join('?' * 16)})", claim)
    store.mirror()
    folder = store.directory / "send_ledger"
    files = sorted(folder.glob("*.parquet"))
    assert [file.stem for file in files] == ["2025-06-10", "ledger"]
    known = {file: file.read_bytes() for file in files}
    for file in files:
        pq.write_table(pq.read_table(file).drop_columns(["variants"]), file)
    store.mirror()
    assert pq.read_table(folder).schema == LEDGER_SCHEMA
    assert {file: file.read_bytes() for file in files} == known


def promote(store: StateStore, version: str, trained_on: date, *, lead: int = 1) -> None:
    store.record_promotion(
        "churn_risk",
        version,
        training_partition=trained_on,
        effective_on=trained_on + timedelta(days=lead),
        reason="beat the recency rule",
    )


def test_promotion_is_seen_from_its_day_on(store: StateStore) -> None:
    promote(store, "1", SUNDAY)
    promote(store, "2", SUNDAY + timedelta(days=7))
    seen = [store.promotion_in_force("churn_risk", SUNDAY + timedelta(days=days)) for days in (0, 1, 7, 8)]
    assert [one and one.model_version for one in seen] == [None, "1", "1", "2"]
    assert store.promotion_in_force("other", SUNDAY + timedelta(days=9)) is None


def test_model_never_scores_the_day_it_was_trained_on(store: StateStore) -> None:
    promote(store, "1", SUNDAY, lead=0)
    assert store.promotion_in_force("churn_risk", SUNDAY) is None


def test_same_promotion_again_changes_nothing(store: StateStore) -> None:
    promote(store, "1", SUNDAY)
    promote(store, "1", SUNDAY)
    store.mirror()
    assert pq.read_table(store.directory / "promotions").num_rows == 1


def test_a_person_may_go_back_and_forth_on_a_day_and_the_gate_says_nothing_twice(store: StateStore) -> None:
    def say(version: str, by: str = "ada") -> None:
        store.record_promotion(
            "churn_risk", version, training_partition=SUNDAY, effective_on=SUNDAY + timedelta(days=1),
            reason="why", promoted_by=by, evidence={"auc": 0.8, "incumbent": "1"},
        )  # fmt: skip

    def in_force() -> str | None:
        found = store.promotion_in_force("churn_risk", SUNDAY + timedelta(days=1))
        return found and found.model_version

    seen = []
    for version, by in (("1", "gate"), ("2", "ada"), ("1", "gate"), ("1", "ada"), ("1", "ada"), ("2", "ada")):
        say(version, by)
        seen.append(in_force())
    assert seen == ["1", "2", "2", "1", "1", "2"]
    store.mirror()
    rows = pq.read_table(store.directory / "promotions").to_pylist()
    assert [row["promoted_by"] for row in rows] == ["gate", "ada", "ada", "ada"]
    assert {row["evidence"] for row in rows} == {'{"auc": 0.8, "incumbent": "1"}'}


@pytest.mark.parametrize("statement", ["delete from promotions", "update promotions set model_version = '9'"])
def test_promotions_are_append_only(store: StateStore, statement: str) -> None:
    promote(store, "1", SUNDAY)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), store.transaction() as connection:
        connection.execute(statement)


def test_a_store_of_an_earlier_version_learns_who_promoted(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with sqlite3.connect(tmp_path / "state" / "state.sqlite") as connection:
        connection.execute(
            "create table promotions (number integer primary key, model_name text not null, model_version text not null,"
            " training_partition text not null, effective_on text not null, reason text not null, promoted_at text)"
        )
        connection.execute(
            "insert into promotions values (1, 'churn_risk', '1', '2025-03-02', '2025-03-03', 'first', null)"
        )
    store = StateStore(tmp_path / "state")
    promote(store, "2", SUNDAY)
    first, second = (store.promotion_in_force("churn_risk", SUNDAY + timedelta(days=days)) for days in (0, 1))
    assert first is not None
    assert second is not None
    assert (first.model_version, first.promoted_by, first.evidence) == ("1", "gate", {})
    assert second.model_version == "2"


def test_first_playbook_is_in_force_from_the_beginning(store: StateStore) -> None:
    assert store.playbook_in_force(SUNDAY) is None
    assert store.register_playbook(playbook(), effective_from=SUNDAY, registered_at=NOW)
    assert store.playbook_in_force(date(2011, 5, 31)) == playbook()


def test_changed_playbook_holds_from_its_day_on(store: StateStore) -> None:
    store.register_playbook(playbook(), effective_from=SUNDAY, registered_at=NOW)
    assert not store.register_playbook(playbook(), effective_from=SUNDAY, registered_at=NOW)
    assert store.register_playbook(changed(), effective_from=SUNDAY, registered_at=NOW)
    assert store.playbook_in_force(SUNDAY - timedelta(days=1)) == playbook()
    assert store.playbook_in_force(SUNDAY) == changed()


def test_store_opens_again_with_what_it_held(store: StateStore) -> None:
    promote(store, "1", SUNDAY)
    again = StateStore(store.directory).promotion_in_force("churn_risk", SUNDAY + timedelta(days=1))
    assert again is not None
    assert (again.model_version, again.training_partition) == ("1", SUNDAY)


def test_mirror_holds_what_the_store_holds_whatever_is_written_in_it(store: StateStore) -> None:
    rows = [
        ("e", 'a "quoted", name', "", "two\nlines", 1, date(2025, 3, 9)),
        ("e", "b'\r\n", "NULL", "ümläut ☕", 2, date(2025, 3, 10)),
        ("e", "c", "null", "", -3, date(2025, 3, 11)),
    ]
    assert (
        store.record_assignments(
            pa.Table.from_pylist([dict(zip(ASSIGNMENT_SCHEMA.names, row, strict=True)) for row in rows])
        )
        == 3
    )
    store.mirror()
    mirrored = pq.read_table(store.directory / "assignments")
    assert mirrored.schema == ASSIGNMENT_SCHEMA
    assert [tuple(row.values()) for row in mirrored.to_pylist()] == sorted(rows, key=lambda row: row[5])


def test_last_row_of_a_mirror_keeps_its_null(store: StateStore) -> None:
    row = (
        "k",
        "send",
        "published",
        "m",
        "c",
        "p",
        "news",
        "1",
        "o",
        "e",
        None,
        *("2025-03-09",) * 3,
        "2025-03-10",
        "run",
    )
    with store.transaction() as connection:
        connection.execute(f"insert into ledger values ({', '.join('?' * len(row))})", row)
    store.mirror()
    (mirrored,) = pq.read_table(store.directory / "send_ledger").to_pylist()
    assert (mirrored["arm"], mirrored["segment"]) == (None, None)


def test_mirror_is_read_in_pieces(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LINES", 2)
    columns = {"experiment": "e", "customer_id": "c", "arm": "a", "bucket": 1, "assigned_on": SUNDAY}
    store.record_assignments(
        pa.Table.from_pylist([{**columns, "profile_key": f"p{number}"} for number in range(5)]).select(
            ASSIGNMENT_SCHEMA.names
        )
    )
    store.mirror()
    assert pq.read_table(store.directory / "assignments")["profile_key"].to_pylist() == [
        f"p{number}" for number in range(5)
    ]


def assigned(store: StateStore, *profiles: str, day: date) -> None:
    row = {"experiment": "e", "customer_id": "c", "arm": "a", "bucket": 1, "assigned_on": day}
    store.record_assignments(
        pa.Table.from_pylist([{**row, "profile_key": profile} for profile in profiles]).select(ASSIGNMENT_SCHEMA.names)
    )
    store.mirror()


def mirrored(store: StateStore) -> list[str]:
    return sorted(pq.read_table(store.directory / "assignments")["profile_key"].to_pylist())


def test_mirror_writes_only_the_days_that_changed(store: StateStore) -> None:
    assigned(store, "p", day=SUNDAY)
    before = (store.directory / "assignments" / f"{SUNDAY}.parquet").stat()
    assigned(store, "q", day=SUNDAY + timedelta(days=1))
    assert (store.directory / "assignments" / f"{SUNDAY}.parquet").stat().st_ino == before.st_ino
    assigned(store, "r", day=SUNDAY)
    assert mirrored(store) == ["p", "q", "r"]


def test_mirror_that_was_lost_is_written_again(store: StateStore) -> None:
    assigned(store, "p", day=SUNDAY)
    assigned(store, "q", day=SUNDAY + timedelta(days=1))
    (store.directory / "assignments" / f"{SUNDAY}.parquet").unlink()
    store.mirror()
    assert mirrored(store) == ["p", "q"]


def test_mirror_of_an_earlier_version_in_one_file_is_cut(store: StateStore) -> None:
    assigned(store, "p", day=SUNDAY)
    folder = store.directory / "assignments"
    (folder / f"{SUNDAY}.parquet").replace(folder / "assignments.parquet")
    store.mirror()
    assert mirrored(store) == ["p"]
    assert pq.read_metadata(folder / "assignments.parquet").num_rows == 0
