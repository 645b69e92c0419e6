"""The gate comes to the same findings on Spark tables as on the DuckDB file."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from expectations.gate import EXAMPLES, Finding, run_gate, run_gate_on_spark
from expectations.register import SUITES
from tests.unit.expectations.test_gate import DAY, FAULTS, MEMBERSHIP, SCORES, WAREHOUSE, failed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pyspark = pytest.importorskip("pyspark", reason="no pyspark: make spark")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    if not shutil.which("java"):
        pytest.skip("no Java: apt-get install openjdk-17-jre-headless")
    from pyspark.sql import SparkSession

    found = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("spark")))
        .config("spark.sql.catalogImplementation", "in-memory")
        .getOrCreate()
    )
    found.sparkContext.setLogLevel("OFF")
    yield found
    found.stop()


def warehouse(path: Path, *faults: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(WAREHOUSE.read_text())
        for fault in faults:
            connection.execute(fault)
    return path


def mirror(session: "SparkSession", database: Path, folder: Path) -> None:
    """Copy every table of a DuckDB file into the session's catalogue."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall():
            file = folder / f"{schema}.{name}.parquet"
            connection.execute(f"copy (select * from {schema}.{name}) to '{file}'")
            session.sql(f"create database if not exists {schema}")
            session.sql(f"drop table if exists {schema}.{name}")
            session.read.parquet(str(file)).write.saveAsTable(f"{schema}.{name}")


def both(session: "SparkSession", database: Path, folder: Path, *tables: str) -> tuple[list[Finding], list[Finding]]:
    mirror(session, database, folder)
    on_spark = run_gate_on_spark(session, tables, start=DAY, end=DAY)
    return run_gate(database, tables, start=DAY, end=DAY), on_spark


def test_planted_faults_are_found_alike(session: "SparkSession", tmp_path: Path) -> None:
    faults = [fault for *_, fault in FAULTS if "drop " not in fault]
    on_file, on_spark = both(session, warehouse(tmp_path / "warehouse.duckdb", *faults), tmp_path, *SUITES)

    assert len(failed(on_file)) > 60
    # Of more bad rows than are shown, any may be.
    shown = [
        [finding if finding.unexpected_count <= EXAMPLES else replace(finding, examples=()) for finding in found]
        for found in (on_file, on_spark)
    ]
    differing = [(file, spark) for file, spark in zip(*shown, strict=True) if file != spark]
    assert not differing, "\n".join(f"{file}\n{spark}" for file, spark in differing)


def test_what_is_missing_is_found_alike(session: "SparkSession", tmp_path: Path) -> None:
    faults = f"alter table {MEMBERSHIP} drop column is_new", "drop table marts.customer_features"
    session.sql("drop table if exists marts.customer_features")
    on_file, on_spark = both(session, warehouse(tmp_path / "warehouse.duckdb", *faults), tmp_path, MEMBERSHIP, SCORES)

    assert failed(on_spark) == failed(on_file)
    assert len(failed(on_file)) == 4
