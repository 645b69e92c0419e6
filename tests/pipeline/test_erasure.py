"""An erased person is nowhere any more, cannot come back by a file, and nobody else's rows changed."""

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.erasure.lineage import STRONG, kind_of
from orchestration.erasure.records import salvage
from simulator.shop import simulate
from tests.pipeline.conftest import Platform

DAYS = 70
START = date(2025, 1, 1)
LAST = START + timedelta(days=DAYS - 1)
DAY = LAST - timedelta(days=1)
SALT = "holdfast"  # the default of HOLDFAST_SALT

# What an erasure changes of others: ranks among all customers, what is fitted to all, counts and habits of all people, and the note
# that a row was refused.
RELATIVE = {
    "marts.send_health",
    "marts.variant_health",
    "intermediate.int_sends__followed",
    "activation.breaker_states",
    "activation.ramp_states",
    "marts.customer_rfm",
    "marts.customer_send_hours",
    "marts.rfm_movements",
    "marts.rfm_thresholds",
    "marts.dim_customers",
    "marts.product_replenishments",
    "intermediate.int_event_days__counted",
    "marts.event_freshness",
    "intermediate.int_experiment_units__described",
    "intermediate.int_experiment_units__measured",
    "measurement.experiment_cells",
    "measurement.experiment_values",
    "measurement.experiment_weeks",
    "measurement.holdout_report",
    "measurement.kpi_chain",
    "measurement.revenue_claims",
    "marts.customer_predictions",
    "marts.training_features",
    "marts.training_choices",
    "marts.customer_options",
    "ml.training_value",
    "ml.customer_value",
    "ml.uplift_report",
    "marts.product_similarities",
    "marts.recommender_evaluations",
    "marts.customer_recommendations",
    "marts.training_interests",
    "ml.interest_clusters",
    "ml.customer_interests",
    "marts.outcome_counts",
    "ml.model_health",
    "ml.feature_drift",
    "segments.good_customers_with_full_carts",
    "segments.high_value_at_risk",
    "segments.loyal_high_spenders",
    "marts.segment_membership",
    "marts.segment_days",
}

# What is compared of a table that is relative in part: a choice depends on what everybody chooses.
COMPARED = {"ml.customer_scores": "where choice is null"}

COLUMNS = """
select columns.schema_name, columns.table_name, columns.column_name
from duckdb_columns() as columns inner join duckdb_tables() as tables using (database_oid, schema_oid, table_oid)
where not columns.internal
"""


@dataclass(frozen=True)
class Ada:
    """Who is erased in these tests: what landed and was derived of one customer."""

    email: str
    customer_id: str
    profiles: frozenset[str]
    raw: frozenset[str]  # addresses, phone numbers, ids, street addresses
    keys: frozenset[str]  # the platform's own keys


@dataclass(frozen=True)
class Erased:
    """A platform after an erasure, with what it was before."""

    platform: Platform
    ada: Ada
    kept: Path
    originals: Path
    reached: dict[str, set[str]]
    preview: str


def hashed(value: str) -> str:
    return hashlib.sha256(f"{SALT}:{value}".encode()).hexdigest()


def pick(platform: Platform) -> Ada:
    """Somebody who is mailed, with as many profiles as anybody."""
    [(email, customer)] = platform.query(
        """
        select send_list.email, send_list.customer_id from activation.send_list
        inner join marts.identity_map using (customer_id)
        group by all order by count(*) desc, send_list.email limit 1
        """
    )
    person = "select profile_key from marts.identity_map where customer_id = $customer"
    profiles = {row[0] for row in platform.query(person, customer=customer)}
    sightings = platform.query(
        f"select email, phone, user_id, device from intermediate.int_profile_sightings__unioned where profile_key in ({person})",
        customer=customer,
    )
    addresses = platform.query(
        f"select address from intermediate.int_profiles__unioned where profile_key in ({person}) and first_name is not null",
        customer=customer,
    )
    raw = {str(value) for row in [*sightings, *addresses] for value in row if value}
    emails = {value for value in raw if "@" in value}
    keys = {str(customer), *map(str, profiles), *(hashed(value) for value in emails)}
    return Ada(str(email), str(customer), frozenset(map(str, profiles)), frozenset(raw), frozenset(keys))


def holding(database: Path, values: frozenset[str]) -> set[str]:
    """Columns of a warehouse that hold one of some values, anywhere in a cell."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            f"{schema}.{table}.{column}"
            for schema, table, column in connection.execute(COLUMNS).fetchall()
            if connection.execute(
                f'select exists (select 1 from "{schema}"."{table}" as searched, unnest($values) as held(sought)'
                f' where contains(lower(cast(searched."{column}" as varchar)), lower(held.sought)))',
                {"values": sorted(values)},
            ).fetchall()[0][0]
        }


def texts(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Every file as text, uncompressed; Parquet as its cells."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix == ".parquet":
                yield path, str(pq.read_table(path).to_pylist()).lower()
            elif path.is_file() and path.suffix not in {".duckdb", ".wal"}:
                yield path, salvage(path).decode("utf-8", errors="replace").lower()


def files_holding(values: frozenset[str], *folders: Path) -> list[str]:
    wanted = [value.lower() for value in values]
    return [str(path) for path, text in texts(*folders) if any(value in text for value in wanted)]


def tables_reached(preview: str) -> dict[str, set[str]]:
    names = [line.split()[1] for line in preview.splitlines() if line.strip().startswith("warehouse ")]
    return {"tables": set(names)}


@pytest.fixture(scope="module")
def erased(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """One person of a shop that ran and released, erased after a first attempt that was killed."""
    folder = tmp_path_factory.mktemp("erasure")
    simulate(customers=300, days=DAYS, seed=11, out=folder / "landing", truth=folder / "truth", start=START)
    for path in (folder / "landing").glob(f"*/*/landed_on={LAST}"):
        shutil.rmtree(path)
    platform = holdfast("erased", folder / "landing")
    platform.ok("run", "--date", str(DAY))
    platform.ok("release", "--date", str(DAY), "--allow-past")
    ada = pick(platform)
    page = Path(platform.ok("preview", "welcome", "1", "--email", ada.email).split()[-1])
    assert page.parent == platform.home / "publish" / "preview"
    assert page.exists()
    kept = Path(shutil.copy(platform.home / "warehouse.duckdb", folder / "kept.duckdb"))
    originals = Path(shutil.copytree(folder / "landing", folder / "originals"))
    preview = platform.ok("erase", ada.email, "--dry-run")
    assert files_holding(ada.raw, originals) == [
        path.replace(str(platform.landing), str(originals)) for path in files_holding(ada.raw, platform.landing)
    ]
    process = platform.start("erase", ada.email, "--yes", "--why", "request 42")
    time.sleep(9)
    process.kill()
    process.wait()
    platform.call("unlock", "--yes")
    platform.ok("erase", ada.email, "--yes", "--why", "request 42")
    return Erased(platform, ada, kept, originals, tables_reached(preview), preview)


def test_person_was_everywhere_before(erased: Erased) -> None:
    assert len(files_holding(erased.ada.raw, erased.originals)) > 3
    assert len(holding(erased.kept, erased.ada.raw | erased.ada.keys)) > 40
    assert len(erased.ada.profiles) > 1


def test_every_table_that_held_the_person_is_reached(erased: Erased) -> None:
    held = {name.rpartition(".")[0] for name in holding(erased.kept, erased.ada.raw | erased.ada.keys)}
    assert held - erased.reached["tables"] == set()


def test_every_column_that_held_the_person_is_personal_by_mark_or_name(erased: Erased) -> None:
    # A column that nobody marked shows here even if its rows are reached by another column.
    known = {"decision_id", "occurrence", "order_key", "event_key", "consent_evidence_id"}
    known |= {"evidence_id", "row_key", "idempotency_key", "shipping_address", "first_affirmed_evidence_id"}
    wrong = [
        name
        for name in holding(erased.kept, erased.ada.raw | erased.ada.keys)
        if kind_of(name.rpartition(".")[2], schema=name.partition(".")[0]) is None
        and name.rpartition(".")[2] not in known
    ]
    assert wrong == []


def test_new_table_that_nobody_marked_would_be_noticed(erased: Erased, tmp_path: Path) -> None:
    copy = Path(shutil.copy(erased.kept, tmp_path / "kept.duckdb"))
    with duckdb.connect(str(copy)) as connection:
        connection.execute("create table marts.new_table as select $email as contact", {"email": erased.ada.email})
    held = {name.rpartition(".")[0] for name in holding(copy, erased.ada.raw)}
    assert held - erased.reached["tables"] == {"marts.new_table"}
    assert kind_of("contact", schema="marts") not in STRONG


def test_nothing_is_left_of_the_person(erased: Erased) -> None:
    platform, ada = erased.platform, erased.ada
    assert holding(platform.home / "warehouse.duckdb", ada.raw | ada.keys) == set()
    assert files_holding(ada.raw, platform.home, platform.landing) == []
    assert not any(value.encode() in (platform.home / "warehouse.duckdb").read_bytes() for value in ada.raw)


def test_previews_that_may_show_the_person_are_gone(erased: Erased) -> None:
    assert list((erased.platform.home / "publish" / "preview").iterdir()) == []


def test_state_keeps_salted_hashes_only(erased: Erased) -> None:
    ids = {value for value in erased.ada.keys if not value.startswith("mailbox:")} - {
        hashed(value) for value in erased.ada.raw
    }
    assert files_holding(frozenset(ids), erased.platform.home / "state") == []
    with sqlite3.connect(erased.platform.home / "state" / "state.sqlite") as connection:
        tombstones = dict(connection.execute("select hash, kind from tombstones").fetchall())
        events = connection.execute("select event, reason, requested_by, counts from erasures").fetchall()
        ledger = connection.execute("select count(*) from ledger where root_profile_key like 'erased:%'").fetchone()
    assert tombstones[hashed(erased.ada.email)] == "email"
    assert [event[0] for event in events][-2:] == ["started", "completed"]
    assert {event[1] for event in events} == {"request 42"}
    assert ledger == (1,)


def test_manifests_describe_the_files_beside_them(erased: Erased) -> None:
    manifests = sorted((erased.platform.home / "publish").rglob("manifest.json"))
    rewritten = 0
    for manifest in manifests:
        content = json.loads(manifest.read_text())
        rewritten += "rewritten" in content
        for described in content["files"]:
            data = (manifest.parent / described["name"]).read_bytes()
            assert described["sha256"] == hashlib.sha256(data).hexdigest()
            assert described["bytes"] == len(data)
    assert rewritten == 2


def test_rerun_gives_the_same_rows_without_the_person(erased: Erased) -> None:
    platform, ada = erased.platform, erased.ada
    platform.ok("run", "--date", str(DAY))  # a blocking test of it counts the rows of every file
    with duckdb.connect() as connection:
        connection.execute(f"attach '{erased.kept}' as before (read_only)")
        connection.execute(f"attach '{platform.home / 'warehouse.duckdb'}' as after (read_only)")
        names = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'after'"
            " and schema_name in ('intermediate', 'marts', 'segments', 'activation', 'measurement', 'ml')"
        ).fetchall()
        found = {}
        for schema, table in names:
            only = COMPARED.get(f"{schema}.{table}", "")
            sides = [f"select * from {side}.{schema}.{table} {only}" for side in ("before", "after")]
            new = connection.execute(f"select count(*) from ({sides[1]} except all {sides[0]})").fetchall()[0][0]
            if new and f"{schema}.{table}" not in RELATIVE:
                found[f"{schema}.{table}"] = new
    assert found == {}
    assert platform.value("select count(*) from marts.identity_map where customer_id = $c", c=ada.customer_id) == 0
    refused = "select count(*), count(raw) from quarantine.rows where rule = 'erased'"
    [(rows, raws)] = platform.query(refused)
    assert isinstance(rows, int)
    assert (rows > 5, raws) == (True, 0)


def test_second_erasure_finds_nothing(erased: Erased) -> None:
    assert "nothing is left" in erased.platform.ok("erase", erased.ada.email, "--dry-run")


def test_files_that_land_again_are_refused(erased: Erased) -> None:
    platform, ada = erased.platform, erased.ada
    again = {}
    for name in files_holding(ada.raw, erased.originals):
        source = Path(name)
        target = platform.landing / source.parent.parent.relative_to(erased.originals) / f"landed_on={LAST}"
        target.mkdir(parents=True, exist_ok=True)
        again[Path(shutil.copy(source, target / f"again-{source.parent.name}-{source.name}"))] = source
    platform.ok("run", "--date", str(LAST))
    refused = "select count(*) from quarantine.rows where rule = 'erased' and landed_on = $day and raw is null"
    assert platform.value(refused, day=LAST)
    assert holding(platform.home / "warehouse.duckdb", ada.raw | ada.keys) == set()
    platform.ok("erase", ada.email, "--yes")
    assert files_holding(ada.raw, platform.home, platform.landing) == []
    for path in again:
        path.unlink()
    platform.ok("run", "--date", str(DAY))


def test_released_batch_is_published_again_without_the_person(erased: Erased) -> None:
    platform = erased.platform
    released = platform.home / "publish" / "send_list" / str(LAST) / "released"
    before = (released / "send_list.csv").read_bytes()
    platform.ok("release", "--date", str(DAY), "--allow-past")
    assert (released / "send_list.csv").read_bytes() == before
    assert files_holding(erased.ada.raw, platform.home / "publish") == []


def test_what_cannot_be_meant_is_refused_in_one_line(erased: Erased) -> None:
    assert "whole address" in erased.platform.fails("erase", "ada")
    assert "--yes" in erased.platform.fails("erase", erased.ada.email)
