"""Read the figures of the report from the warehouse."""

from dataclasses import fields
from datetime import date, datetime
from typing import Any

import duckdb

from reporting.data import Champion, Freshness, LiftRow, OutcomeCount, QuarantineCount, SiteData

# The course over time needs one row a day; the segments are of the day itself.
LIFT = """
select {columns}
from measurement.holdout_report
where as_of = $as_of or (as_of < $as_of and segment = 'all')
order by experiment, arm, metric, segment, as_of
"""

OUTCOMES = """
select flow, step, outcome, count(*) as candidates
from activation.send_decisions
where as_of = $as_of
group by flow, step, outcome
order by flow, step, outcome
"""

SEND_LIST = "select count(*) from activation.send_decisions where as_of = $as_of and outcome = 'sent'"

FRESHNESS = """
select {columns}
from marts.event_freshness
where as_of = $as_of
order by source, event
"""

QUARANTINE = """
select source, rule, count(*) as rows
from quarantine.rows
where landed_on = $as_of
group by source, rule
order by rows desc, source, rule
"""


def read_site_data(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: date,
    built_at: datetime,
    champion: Champion | None = None,
    currency: str = "",
) -> SiteData:
    """Read everything that the report of one partition says.

    Args:
        connection: The warehouse.
        as_of: The partition.
        built_at: When the page is built, UTC.
        champion: The model that scored the day, from the model registry; None if a rule did.
        currency: ISO code of all amounts.

    Returns:
        The figures; an empty day gives empty sections.
    """
    lift = _rows(connection, LIFT.format(columns=_columns(LiftRow)), as_of)
    freshness = _rows(connection, FRESHNESS.format(columns=_columns(Freshness)), as_of)
    return SiteData(
        as_of=as_of,
        built_at=built_at,
        lift=tuple(LiftRow(*row) for row in lift),
        outcomes=tuple(OutcomeCount(*row) for row in _rows(connection, OUTCOMES, as_of)),
        send_list_rows=_rows(connection, SEND_LIST, as_of)[0][0],
        freshness=tuple(Freshness(*row) for row in freshness),
        champion=champion,
        quarantine=tuple(QuarantineCount(*row) for row in _rows(connection, QUARANTINE, as_of)),
        currency=currency,
    )


def _columns(row: type[LiftRow | Freshness]) -> str:
    return ", ".join(field.name for field in fields(row))


def _rows(connection: duckdb.DuckDBPyConnection, query: str, as_of: date) -> list[tuple[Any, ...]]:
    return connection.execute(query, {"as_of": as_of}).fetchall()
