"""The gate: run the suites of some tables on a window of partitions, as SQL on the warehouse file."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from expectations.register import SUITES
from expectations.suite import Expectation, Severity, Suite

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


def run_gate(database: Path, tables: Sequence[str], *, start: date, end: date) -> list[Finding]:
    """Run the suites of some tables on the partitions start..end.

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
    suites = [SUITES[table] for table in tables]
    present = _columns(database)
    findings = []
    with _warehouse(database) as run:
        for suite in suites:
            missing = [table for table in (suite.table, *suite.needs) if table not in present]
            findings += [
                Finding(suite.table, f"{table}_exists", None, "critical", success=False, unexpected_count=1)
                for table in missing
            ]
            if not missing:
                findings += run(
                    suite,
                    suite.expectations_on(present[suite.table], start=start, end=end),
                    suite.query(start=start, end=end),
                )
    return findings


def _columns(database: Path) -> dict[str, frozenset[str]]:
    """Column names by table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select table_schema || '.' || table_name, list(column_name) from information_schema.columns group by all"
        ).fetchall()
    return {table: frozenset(columns) for table, columns in rows}


@contextmanager
def _warehouse(database: Path) -> Iterator[Any]:
    """Yield a function that validates one suite; one context and one engine for all of them, closed at the end."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from sqlalchemy.dialects import registry

    from expectations.dialect import ReadOnlyDuckDB

    registry.register("holdfast", "expectations.dialect", "ReadOnlyDuckDB")
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    try:
        source = context.data_sources.add_sql("warehouse", connection_string=f"holdfast:///{database}")
        yield lambda suite, expectations, query: _validate(context, source, suite, expectations, query)
    finally:
        ReadOnlyDuckDB.close_all()


def _validate(
    context: Any, source: Any, suite: Suite, expectations: Sequence[Expectation], query: str
) -> list[Finding]:
    import great_expectations as gx

    batch = source.add_query_asset(suite.table, query=query).add_batch_definition_whole_table("window")
    named = gx.ExpectationSuite(
        name=suite.table, expectations=[_configuration(each, at) for at, each in enumerate(expectations)]
    )
    validation = gx.ValidationDefinition(name=suite.table, data=batch, suite=context.suites.add(named))
    outcome = context.validation_definitions.add(validation).run(
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": list(suite.key),
            "partial_unexpected_count": EXAMPLES,
        }
    )
    results = {result.expectation_config.meta["at"]: result for result in outcome.results}
    return [_finding(source, suite, each, results[at], query) for at, each in enumerate(expectations)]


def _configuration(expectation: Expectation, at: int) -> dict[str, object]:
    """Great Expectations' own form of an expectation; it substitutes {batch}, so other braces are doubled."""
    arguments = dict(expectation.arguments)
    text = arguments.get("unexpected_rows_query")
    if isinstance(text, str):
        arguments["unexpected_rows_query"] = text.replace("{", "{{").replace("}", "}}").replace("{{batch}}", "{batch}")
    return {"type": expectation.kind, "kwargs": arguments, "severity": expectation.severity, "meta": {"at": at}}


def _finding(source: Any, suite: Suite, expectation: Expectation, result: Any, query: str) -> Finding:
    if not result.success and not result.result:
        claim = f"{expectation.claim} (could not be evaluated)"
        return Finding(suite.table, claim, expectation.column, "critical", success=False, unexpected_count=0)
    count = 0 if result.success else _count(result.result)
    examples = () if result.success else _examples(source, suite, expectation, result.result, query)
    return Finding(
        suite.table,
        expectation.claim,
        expectation.column,
        expectation.severity,
        bool(result.success),
        count,
        tuple(examples),
    )


def _count(result: Mapping[str, Any]) -> int:
    if "unexpected_count" in result:
        return int(result["unexpected_count"])
    if "details" in result:
        return len(result["details"]["mismatched"]["missing"])
    return int(result["observed_value"])


def _examples(
    source: Any, suite: Suite, expectation: Expectation, result: Mapping[str, Any], query: str
) -> Iterable[str]:
    """Hashed keys of bad rows; values of other columns are dropped here and go nowhere."""
    text = expectation.arguments.get("unexpected_rows_query")
    if isinstance(text, str):
        from sqlalchemy import text as sql

        statement = sql(f"select * from ({text.replace('{batch}', f'({query})')}) limit {EXAMPLES}".replace(":", r"\:"))
        with source.get_engine().connect() as connection:
            rows = [tuple(row) for row in connection.execute(statement)]
    else:
        bad = result.get("partial_unexpected_index_list") or []
        rows = [tuple(row[name] for name in suite.key) for row in bad]
    return [_hashed(row) for row in rows]


def _hashed(key: Iterable[object]) -> str:
    return hashlib.sha256("|".join(str(part) for part in key).encode()).hexdigest()[:16]
