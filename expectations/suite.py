"""What a suite is: a table, its window, its key and the expectations that refuse it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

Severity = Literal["critical", "warning"]
Bound = int | float | None
Value = str | Bound | bool | list[str]

BY_DAY = "as_of between {start} and {end}"
BY_LANDING = "landed_on between {start} and {end}"
BY_VALIDITY = "valid_from <= {end} and (valid_to > {start} or valid_to <= valid_from)"

HASH = "[0-9a-f]{64}"
ADDRESS = r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+"


@dataclass(frozen=True)
class Expectation:
    """One claim about a table, in Great Expectations' vocabulary.

    Attributes:
        claim: Name of the claim, as a sentence: what holds when it is met.
        kind: Great Expectations' type, in snake case.
        arguments: Its arguments; in SQL, {batch} is the window's rows, {key} the table's key columns, {start} and {end}
            the days and {column} the column.
        severity: `critical` stops the run, `warning` is shown.
        column: The column it is about, or a pattern (`*_share`): one expectation per column that the table has. None if
            it is about rows or the table.
    """

    claim: str
    kind: str
    arguments: Mapping[str, Value]
    severity: Severity = "critical"
    column: str | None = None

    def spelled_out(self, names: Mapping[str, str]) -> "Expectation":
        """The same expectation with the placeholders of its arguments filled in; {batch} stays."""
        # Only these names are placeholders: a brace of a regular expression stays a brace.
        pattern = re.compile(r"\{(" + "|".join(names) + r")\}")
        arguments = {
            name: pattern.sub(lambda match: names[match[1]], value) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }
        return replace(self, arguments=arguments, column=names.get("column"))


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    Attributes:
        table: Schema and name.
        window: SQL condition that restricts the table to days {start} to {end}, both inclusive.
        key: Columns that identify a row; none may hold a personal value.
        columns: Columns that the contract promises.
        expectations: What must hold, besides the naming rules that hold of every table.
        needs: Other tables that the expectations read.
    """

    table: str
    window: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    needs: tuple[str, ...] = ()

    def query(self, *, start: date, end: date) -> str:
        """SQL of the rows that the gate looks at."""
        return f"select * from {self.table} where {self.window.format(start=_literal(start), end=_literal(end))}"

    def expectations_on(self, columns: frozenset[str], *, start: date, end: date) -> list[Expectation]:
        """All expectations, spelled out for the columns that the table has and for the days."""
        common = {"key": ", ".join(self.key), "start": _literal(start), "end": _literal(end)}
        expanded = []
        for expectation in (_has_columns(self.columns), *NAMING, *self.expectations):
            if expectation.column is None:
                expanded.append(expectation.spelled_out(common))
            else:
                matching = sorted(name for name in columns if fnmatchcase(name, expectation.column))
                expanded += [expectation.spelled_out({**common, "column": name}) for name in matching]
        return expanded


def within(column: str, low: Bound, high: Bound, *, severity: Severity = "critical") -> Expectation:
    """Values lie in [low, high]; None leaves a side open. Nulls are not looked at."""
    arguments: dict[str, Value] = {"column": "{column}", "min_value": low, "max_value": high}
    return Expectation("values_are_in_range", "expect_column_values_to_be_between", arguments, severity, column)


def one_of(column: str, *values: str, severity: Severity = "critical") -> Expectation:
    """Values come from a list."""
    arguments: dict[str, Value] = {"column": "{column}", "value_set": list(values)}
    return Expectation("values_are_known", "expect_column_values_to_be_in_set", arguments, severity, column)


def unique(*columns: str, severity: Severity = "critical") -> Expectation:
    """No two rows of the window share the values of these columns."""
    if len(columns) == 1:
        return Expectation(
            "values_are_unique", "expect_column_values_to_be_unique", {"column": "{column}"}, severity, columns[0]
        )
    # Great Expectations' own expectation on several columns does not say which rows they are.
    together = ", ".join(columns)
    query = f"select {{key}} from {{batch}} qualify count(*) over (partition by {together}) > 1"
    return none_of(f"{'_and_'.join(columns)}_are_unique", query, severity=severity)


def ordered(earlier: str, later: str, *, or_equal: bool = False, severity: Severity = "critical") -> Expectation:
    """`earlier` is less than `later` wherever both are known."""
    arguments: dict[str, Value] = {
        "column_A": later,
        "column_B": earlier,
        "or_equal": or_equal,
        "ignore_row_if": "either_value_is_missing",
    }
    return Expectation(
        f"{earlier}_is_before_{later}", "expect_column_pair_values_a_to_be_greater_than_b", arguments, severity
    )


def never(claim: str, where: str, *, severity: Severity = "critical") -> Expectation:
    """No row of the window meets a condition.

    Args:
        claim: What holds when no row does.
        where: SQL condition of a bad row, on the table's own columns.
        severity: See `Expectation`.
    """
    return none_of(claim, f"select {{key}} from {{batch}} where {where}", severity=severity)


def none_of(claim: str, query: str, *, severity: Severity = "critical") -> Expectation:
    """A query over the window finds nothing.

    Args:
        claim: What holds when nothing is found.
        query: SQL of the key columns of the bad rows, with the placeholders of `Expectation`.
        severity: See `Expectation`.
    """
    return Expectation(claim, "unexpected_rows_expectation", {"unexpected_rows_query": query}, severity)


def looks_like_address(column: str, *, severity: Severity = "critical") -> Expectation:
    """Non-null values have the form of one e-mail address."""
    return never(f"{column}_is_an_address", f"not regexp_full_match({column}, '{ADDRESS}')", severity=severity)


def _has_columns(columns: tuple[str, ...]) -> Expectation:
    arguments: dict[str, Value] = {"column_set": list(columns), "exact_match": False}
    return Expectation("columns_of_the_contract_are_there", "expect_table_columns_to_match_set", arguments)


def _literal(day: date) -> str:
    return f"date '{day.isoformat()}'"


# The same quantity has the same name everywhere, so these hold of every table.
NAMING = (
    within("*_share", 0, 1, severity="warning"),
    within("*_count", 0, None),
    within("days_since_*", 0, None),
    replace(
        never("hashed_columns_hold_hashes", f"not regexp_full_match({{column}}, '{HASH}')"),
        column="*_hash",
    ),
)
