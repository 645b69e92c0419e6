"""What the simulator lands in either form is staged, and each planted fault ends as the truth expects."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.landing_zone.files import register_files
from simulator.shop import Form, simulate
from simulator.world import World

PROJECT = Path(__file__).parents[2] / "dbt_project"
OPTIONS = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
SELECTION = ["--select", "resource_type:seed", "staging", "quarantine", "assert_landed_rows_reconcile"]
START, DAYS, CUSTOMERS = date(2025, 3, 1), 45, 500
DIRTY = World(
    late_share=0.03, redelivered_share=0.03, broken_share=0.01, impossible_time_share=0.01, negative_price_share=0.01,
    changed_copy_share=0.01, redelivered_file_share=0.1, cut_file_share=0.1,
)  # fmt: skip


class Staged:
    """A warehouse into which a dirty shop was staged, and the truth about its faults."""

    def __init__(self, folder: Path, form: Form) -> None:
        self.summary = simulate(
            customers=CUSTOMERS, days=DAYS, seed=9, out=folder / "landing", truth=folder / "truth", start=START, world=DIRTY,
            form=form,
        )  # fmt: skip
        self.faults = pq.read_table(folder / "truth" / "faults.parquet")
        self._warehouse = folder / "warehouse.duckdb"
        end = START + timedelta(days=DAYS - 1)
        with duckdb.connect(str(self._warehouse)) as connection:
            self.registered = register_files(connection, folder / "landing", start=START, end=end)
        window = json.dumps({"window_start": str(START), "window_end": str(end)})
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (
                ("HOLDFAST_HOME", folder), ("DBT_TARGET_PATH", folder / "target"), ("DBT_LOG_PATH", folder / "logs"),
                ("DO_NOT_TRACK", "true"),
            ):  # fmt: skip
                patch.setenv(name, str(value))
            try:
                outcome = dbtRunner().invoke(
                    ["build", *SELECTION, "--exclude-resource-type", "unit_test", "--vars", window, *OPTIONS]
                )
            finally:
                DuckDBConnectionManager.close_all_connections()
        assert outcome.success, [node.message for node in outcome.result if node.status in {"error", "fail"}]

    def query(self, sql: str) -> list[tuple[object, ...]]:
        faults = self.faults
        with duckdb.connect(str(self._warehouse)) as connection:
            return connection.register("faults", faults).execute(sql).fetchall()

    def statuses(self) -> str:
        """SQL for (file, row_number, status) of every row that landed; a refused file has row 0."""
        names = self.query(
            "select table_name from information_schema.tables where table_name like 'base\\_%' escape '\\'"
        )
        bases = " union all ".join(f"select file, row_number, row_status from staging.{name}" for (name,) in names)
        return f"""
            {bases} union all
            select file, coalesce(row_number, 0), if(row_number is null, 'refused', 'quarantined') from ops.landing_rejects
        """


@pytest.fixture(scope="module", params=["systems", "columns"])
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    return Staged(tmp_path_factory.mktemp(request.param), request.param)


def test_every_landed_row_is_staged_a_duplicate_or_quarantined(staged: Staged) -> None:
    ((rows,),) = staged.query(f"select count(*) from ({staged.statuses()}) where row_status <> 'refused'")
    assert rows == staged.summary.rows == staged.registered.rows


def test_each_planted_row_ends_as_expected(staged: Staged) -> None:
    wrong = staged.query(
        f"""
        select kind, expected, row_status, count(*), any_value(faults.file || ':' || faults.row)
        from faults left join ({staged.statuses()}) as statuses
            on faults.file = statuses.file and faults.row = statuses.row_number
        where faults.row > 0 and row_status is distinct from expected
        group by all
        """
    )
    assert wrong == []
    kinds = Counter(staged.faults.filter(staged.faults["row"].to_numpy() > 0)["kind"].to_pylist())
    assert {"late", "redelivered", "impossible_time", "negative_price", "changed_copy"} <= kinds.keys()


def test_each_planted_file_ends_as_expected(staged: Staged) -> None:
    whole = staged.query(
        f"""
        select kind, expected, row_status, count(*)
        from faults inner join ({staged.statuses()}) as statuses on faults.file = statuses.file
        where faults.row = 0 and not exists (
            select 1 from faults as own where own.file = statuses.file and own.row = statuses.row_number and own.row > 0
        )
        group by all
        """
    )
    found = {(kind, expected, status) for kind, expected, status, _ in whole}
    assert {"redelivered_file", "cut_file", "renamed_column"} <= {kind for kind, _, _ in found}
    assert "new_column" in staged.faults["kind"].to_pylist()
    assert {row for row in found if row[1] != row[2]} <= {("new_column", "staged", "duplicate")}
    # Several versions of one record on one day are duplicates without any fault.


def test_nothing_is_quarantined_that_was_not_planted(staged: Staged) -> None:
    strays = staged.query(
        f"""
        select statuses.file, row_number from ({staged.statuses()}) as statuses
        where row_status in ('quarantined', 'refused') and not exists (
            select 1 from faults
            where faults.file = statuses.file and faults.row in (0, statuses.row_number) and expected = row_status
        )
        """
    )
    assert strays == []
