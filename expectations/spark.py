"""The gate's engine on a Spark session: the same expectations, translated."""

import logging
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BATCH = "holdfast_batch"


class Spark:
    """The tables of a Spark session's catalogue."""

    def __init__(self, session: "SparkSession") -> None:
        self._session = session
        # It prints every statement that fails; the finding says which it was.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        self._source: Any = None

    def columns(self, table: str) -> frozenset[str]:
        """Column names of a table; empty if there is none."""
        return (
            frozenset(self._session.table(table).columns) if self._session.catalog.tableExists(table) else frozenset()
        )

    def batch(self, context: Any, name: str, query: str) -> tuple[Any, dict[str, object]]:
        """The rows of a query, as a data frame that Spark evaluates."""
        # Not persisted: a cached table is pruned by its largest values, and a NaN is none of them.
        self._source = self._source or context.data_sources.add_spark("spark", persist=False)
        definition = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("window")
        return definition, {"dataframe": self._session.sql(query)}

    def written(self, sql: str) -> str:
        """An expectation's query in Spark's SQL."""
        statement = sqlglot.parse_one(sql.replace("{batch}", BATCH), read="duckdb").transform(_in_spark)
        return statement.sql("spark").replace(BATCH, "{batch}")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        return [tuple(row) for row in self._session.sql(sql).collect()]


def _in_spark(node: exp.Expression) -> exp.Expression:
    """What the translation leaves as it is: a match of the whole text."""
    if isinstance(node, exp.RegexpFullMatch):
        whole = exp.Literal.string(rf"^(?:{node.expression.name})\z")
        return exp.RegexpLike(this=node.this, expression=whole)
    return node
