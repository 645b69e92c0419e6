"""Asset `ml.customer_interests`: the cluster of interest of each customer, by the clusters that were in force on the day."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from activation.state.interests import fit_in_force
from orchestration.gaps import connect_without_gap
from orchestration.partitions import BACKFILL_IN_ONE_RUN, training_week_before, window
from orchestration.resources import Settings, Warehouse, open_state

CREATE = """
create schema if not exists ml;
create table if not exists ml.customer_interests (
    as_of date, customer_id varchar, cluster_id integer, cluster_name varchar, affinity_share double, entered_on date
);
"""

# As marts.training_interests has it: five signs or more.
TODAY = """
select customer_id, category, affinity_share from marts.customer_affinities where as_of = $day
qualify sum(signal_count) over (partition by customer_id) >= 5
order by customer_id, category
"""

EXISTS = "select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = 'training_interests'"
SUNDAYS = "select distinct known_on from marts.training_interests where trained_on = $sunday order by known_on"
KNOWN = """
select customer_id, category, affinity_share from marts.training_interests
where trained_on = $sunday and known_on = $on
order by customer_id, category
"""

WRITE = """
insert into ml.customer_interests by name
select $day as as_of, * from assigned order by customer_id
"""


def build_customer_interests(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        key=["ml", "customer_interests"],
        description="One row per customer with five signs of interest or more and day: the cluster of interest, and since when.",
        group_name="behavior",
        kinds={"python"},
        owners=["team:behavior"],
        deps=[["marts", "customer_affinities"]],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def customer_interests(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
        with connect_without_gap(context, warehouse, settings) as connection:
            connection.execute(CREATE)
            why = {day.isoformat(): assign_day(connection, settings, day) for day in days}
            sizes = connection.execute(
                "select cluster_name, count(*) from ml.customer_interests where as_of = $day group by all order by all",
                {"day": end},
            ).fetchall()
        metadata: dict[str, Any] = {
            "days": len(days),
            "unassigned": {day: reason for day, reason in why.items() if reason},
        }
        return dg.MaterializeResult(
            metadata={**metadata, "customers": dict(sizes), "dagster/row_count": sum(size for _, size in sizes)}
        )

    return customer_interests


def assign_day(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> str:
    """Replace the rows of one day; says why nobody has a cluster, or nothing.

    What customers were drawn to on the Sundays before is read from the training set of the week, so that who has been in which
    cluster does not depend on the days that were computed before.
    """
    fit = fit_in_force(open_state(settings), day)
    connection.execute("delete from ml.customer_interests where as_of = $day", {"day": day})
    if fit is None:
        return "no clusters are in force"
    sunday = training_week_before(day) + timedelta(days=6)
    known = _known(connection, sunday)
    if not known:
        return f"the training set of {sunday} is not in the warehouse"
    from ml.interests.assign import assign_customers
    from ml.interests.clusters import Clusters
    from ml.interests.vectors import make_vectors

    today = connection.execute(TODAY, {"day": day}).to_arrow_table()
    history = {on: make_vectors(table) for on, table in {**known, day: today}.items()}
    connection.register("assigned", assign_customers(history, Clusters.from_json(fit.body)))
    connection.execute(WRITE, {"day": day})
    connection.unregister("assigned")
    return ""


def _known(connection: duckdb.DuckDBPyConnection, sunday: date) -> dict[date, pa.Table]:
    """The affinities of each of the Sundays that a training set holds; nothing where the warehouse has no such set."""
    if connection.execute(EXISTS).fetchall() == [(0,)]:
        return {}
    days = connection.execute(SUNDAYS, {"sunday": sunday}).fetchall()
    return {on: connection.execute(KNOWN, {"sunday": sunday, "on": on}).to_arrow_table() for (on,) in days}
