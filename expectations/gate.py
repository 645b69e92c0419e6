"""The gate: run the suites of some tables on a window of partitions, as SQL where the tables are."""

import hashlib
import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from expectations.register import SUITES
from expectations.suite import Expectation, Severity, Suite

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXAMPLES = 20


@dataclass(frozen=True)
class Finding:
    """How one expectation of one table came out.

    Attributes:
        table: Schema and name.
        expectation: The claim.
        column: The column it is about, if it is about one.
        severity: `critical` or `warning`; what could not be evaluated is critical.
        success: Whether the claim holds.
        unexpected_count: Rows (or columns) against it.
        examples: Up to 20 bad rows: the first 16 hex digits of the SHA-256 of their key columns joined by `|`, so
            `where substr(sha256(concat_ws('|', <key>)), 1, 16) = ...` finds them and a log shows nobody.
    """

    table: str
    expectation: str
    column: str | None
    severity: Severity
    success: bool
    unexpected_count: int
    examples: tuple[str, ...] = ()


class Engine(Protocol):
    """Where tables are: the DuckDB file or a Spark session."""

    def columns(self, table: str) -> frozenset[str]:
        """Column names of a table (schema and name); empty if there is none."""

    def batch(self, context: Any, name: str, query: str) -> tuple[Any, dict[str, object]]:
        """Great Expectations' batch definition of a query's rows, and the parameters to run it with."""

    def written(self, sql: str) -> str:
        """An expectation's query, written for DuckDB, in the engine's own SQL."""

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of a query in the engine's own SQL."""


def run_gate(database: Path, tables: Sequence[str], *, start: date, end: date) -> list[Finding]:
    """Run the suites of some tables of the warehouse on the partitions start..end.

    Args:
        database: The DuckDB file; nobody in this process may hold it open for writing.
        tables: Names with schema, each with a suite.
        start: First partition day.
        end: Last partition day, inclusive.

    Returns:
        One finding per expectation, in the order of the tables; a missing table is one critical finding.

    Raises:
        KeyError: If a table has no suite.
    """
    from expectations.warehouse import Warehouse

    with Warehouse(database) as warehouse:
        return _judge(warehouse, tables, start, end)


def run_gate_on_spark(session: "SparkSession", tables: Sequence[str], *, start: date, end: date) -> list[Finding]:
    """Run the same suites on tables of a Spark session's catalogue; see `run_gate`.

    Args:
        session: A session whose time zone is UTC; its catalogue holds the tables under the same schemas and names.
        tables: Names with schema, each with a suite.
        start: First partition day.
        end: Last partition day, inclusive.
    """
    from expectations.spark import Spark

    return _judge(Spark(session), tables, start, end)


def _judge(engine: Engine, tables: Sequence[str], start: date, end: date) -> list[Finding]:
    context = _context()
    findings = []
    for suite in [SUITES[table] for table in tables]:
        columns = {table: engine.columns(table) for table in (suite.table, *suite.needs)}
        missing = [table for table, names in columns.items() if not names]
        findings += [
            Finding(suite.table, f"{table}_exists", None, "critical", success=False, unexpected_count=1)
            for table in missing
        ]
        if not missing:
            expectations = suite.expectations_on(columns[suite.table], start=start, end=end)
            findings += _validate(context, engine, suite, expectations, suite.query(start=start, end=end))
    return findings


def _context() -> Any:
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # where pyspark is, GX imports it
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    settings = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False)
    context = gx.get_context(mode="ephemeral", project_config=settings)
    context.variables.progress_bars = {"globally": False}
    return context


def _validate(
    context: Any, engine: Engine, suite: Suite, expectations: Sequence[Expectation], query: str
) -> list[Finding]:
    import great_expectations as gx

    batch, parameters = engine.batch(context, suite.table, query)
    named = gx.ExpectationSuite(
        name=suite.table, expectations=[_configuration(engine, each, at) for at, each in enumerate(expectations)]
    )
    validation = gx.ValidationDefinition(name=suite.table, data=batch, suite=context.suites.add(named))
    outcome = context.validation_definitions.add(validation).run(
        batch_parameters=parameters,
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": list(suite.key),
            "partial_unexpected_count": EXAMPLES,
        },
    )
    results = {result.expectation_config.meta["at"]: result for result in outcome.results}
    return [_finding(engine, suite, each, results[at], query) for at, each in enumerate(expectations)]


def _configuration(engine: Engine, expectation: Expectation, at: int) -> dict[str, object]:
    """Great Expectations' own form of an expectation; it substitutes {batch}, so other braces are doubled."""
    arguments = dict(expectation.arguments)
    text = arguments.get("unexpected_rows_query")
    if isinstance(text, str):
        written = engine.written(text)
        arguments["unexpected_rows_query"] = (
            written.replace("{", "{{").replace("}", "}}").replace("{{batch}}", "{batch}")
        )
    return {"type": expectation.kind, "kwargs": arguments, "severity": expectation.severity, "meta": {"at": at}}


def _finding(engine: Engine, suite: Suite, expectation: Expectation, result: Any, query: str) -> Finding:
    if not result.success and not result.result:
        claim = f"{expectation.claim} (could not be evaluated)"
        return Finding(suite.table, claim, expectation.column, "critical", success=False, unexpected_count=0)
    count = 0 if result.success else _count(result.result)
    examples = () if result.success else _examples(engine, suite, expectation, result.result, query)
    return Finding(
        suite.table,
        expectation.claim,
        expectation.column,
        expectation.severity,
        bool(result.success),
        count,
        examples,
    )


def _count(result: Mapping[str, Any]) -> int:
    if "unexpected_count" in result:
        return int(result["unexpected_count"])
    if "details" in result:
        return len(result["details"]["mismatched"]["missing"])
    return int(result["observed_value"])


def _examples(
    engine: Engine, suite: Suite, expectation: Expectation, result: Mapping[str, Any], query: str
) -> tuple[str, ...]:
    """Hashed keys of bad rows; values of other columns are dropped here and go nowhere."""
    text = expectation.arguments.get("unexpected_rows_query")
    if isinstance(text, str):
        rows = engine.rows(
            f"select distinct * from ({engine.written(text).replace('{batch}', f'({query})')}) limit {EXAMPLES}"
        )
    else:
        bad = result.get("partial_unexpected_index_list") or []
        rows = [tuple(row[name] for name in suite.key) for row in bad]
    return tuple(sorted({_hashed(row) for row in rows}))


def _hashed(key: Iterable[object]) -> str:
    return hashlib.sha256("|".join(str(part) for part in key).encode()).hexdigest()[:16]
