"""Daily state and features beside polars and pandas, a tick, each day alone, twelve cut-offs, RFM beside pymc-marketing; how it grows."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from pathlib import Path

import duckdb

from benchmarks import behavior_peers
from benchmarks.behavior_world import DAY, DAYS, FOLLOWING, START, make_world
from benchmarks.cost import Cost, apart, measured

MEMORY_LIMIT = "1500MB"  # of DuckDB, so that the process stays below 2 GiB
TRAINING_LIMIT = "6GB"  # of the features of many cut-offs
STATE = (
    "int_order_days__aggregated", "int_web_days__aggregated", "int_email_days__aggregated", "int_ticket_days__aggregated",
)  # fmt: skip
RFM = ("int_customer_orders__summarised", "rfm_thresholds", "customer_rfm")
CUTOFFS = [DAY - timedelta(days=28 * back) for back in range(12)]
RAW = {
    "web": "select profile_key, landed_on, occurred_on, event from intermediate.int_web_events__unioned",
    "emails": """
        select profile_key, landed_on, occurred_on, event from intermediate.int_email_events__unioned
        where event not in ('opened', 'clicked')
    """,
    "answers": "select profile_key, landed_on, occurred_on, event, is_human from intermediate.int_email_engagement__classified",
    "orders": """
        select profile_key, landed_on, occurred_on, cast(net_amount * 100 as bigint) as net_cents
        from intermediate.int_order_entries__booked
    """,
    "identity_map": "select profile_key, customer_id, valid_from, valid_to from marts.identity_map",
}
ORDER_DAYS = f"""
select owners.customer_id, cast(entries.occurred_on as timestamp) as occurred_on, cast(sum(entries.net_amount) as double) as net_amount
from intermediate.int_order_entries__booked as entries
inner join marts.identity_map as owners
    on entries.profile_key = owners.profile_key and owners.valid_from <= date '{DAY}' and date '{DAY}' < owners.valid_to
where entries.landed_on <= date '{DAY}' and entries.occurred_on <= date '{DAY}'
group by all having sum(entries.net_amount) > 0
"""
COUNTED = ("order_days", "product_views", "carts", "emails_delivered", "human_opens", "human_clicks")
SAME_FEATURES = ", ".join(
    [
        "customer_id", *(f"{name}_{span}" for name in COUNTED for span in behavior_peers.SPANS),
        *(f"cast(round(net_amount_{span} * 100) as bigint)" for span in behavior_peers.SPANS),
        "days_since_last_order", "days_since_last_web_event",
    ]
)  # fmt: skip
PEERS_FEATURES = ", ".join(
    [
        "customer_id", *(f"coalesce({name}_{span}, 0)" for name in COUNTED for span in behavior_peers.SPANS),
        *(f"coalesce(net_cents_{span}, 0)" for span in behavior_peers.SPANS),
        f"date '{DAY}' - cast(last_order_on as date)", f"date '{DAY}' - cast(last_web_on as date)",
    ]
)  # fmt: skip
RFM_ROWS = """
select customer_id, recency_days, frequency, cast(round(monetary * 100) as bigint) from marts.customer_rfm as rfm
where customer_id not in (
    select owners.customer_id from intermediate.int_order_days__aggregated as days
    inner join marts.identity_map as owners using (profile_key)
    where days.refund_amount > 0
)
"""
# Who had ordered by a cut-off, as training asks for them.
BUYERS = """
create or replace table asked as
select distinct cutoffs.as_of, owners.customer_id
from (select unnest($cutoffs) as as_of) as cutoffs
inner join intermediate.int_order_days__aggregated as days
    on days.landed_on <= cutoffs.as_of and days.occurred_on <= cutoffs.as_of and days.net_amount > 0
inner join marts.identity_map as owners
    on days.profile_key = owners.profile_key and owners.valid_from <= cutoffs.as_of and cutoffs.as_of < owners.valid_to
"""


@dataclass(frozen=True)
class Project:
    """The project's own SQL, rendered by dbt; WINDOW_START and WINDOW_END stand for days.

    Attributes:
        models: SQL of each model.
        tables: Schema, columns and types of each model.
        features: SQL of the features of the customers of a table `asked`, each as of its days.
    """

    models: dict[str, str]
    tables: dict[str, tuple[str, dict[str, str]]]
    features: str

    def sql(self, model: str, start: date, end: date) -> str:
        """A model over a window."""
        return self.models[model].replace("WINDOW_START", str(start)).replace("WINDOW_END", str(end))


def main() -> None:
    """Print costs, ratios and growth exponents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000, help="about 50 events each (default: %(default)s)")
    parser.add_argument(
        "--grow-to", type=int, nargs="*", default=[], metavar="CUSTOMERS", help="other sizes, without peers"
    )
    parser.add_argument(
        "--peers-python",
        default=sys.executable,
        help="interpreter that has polars and pymc-marketing (default: this one)",
    )
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        project: Project = apart(render, Path(folder))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        first = compare(Path(folder), project, given.customers, given.peers_python)
    for customers in given.grow_to:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            other = measure(Path(folder), project, customers)
        for name, cost in other.items():
            ratio = cost.processor_seconds / first[name].processor_seconds
            print(f"  {name:44} processor ~ customers^{log(ratio) / log(customers / given.customers):.2f}")


def render(folder: Path) -> Project:
    """Compile the models against an empty home."""
    from dbt.cli.main import dbtRunner

    from orchestration.dbt import DbtProjectRunner
    from orchestration.parsed_project import PROJECT
    from orchestration.resources import prepare_home

    dbt = DbtProjectRunner(prepare_home(home=folder / "home", landing=folder))
    window = json.dumps({"window_start": "WINDOW_START", "window_end": "WINDOW_END"})
    options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--vars", window, "--log-level", "none"]

    def compiled(*selection: str) -> dict[str, str]:
        outcome = dbtRunner(manifest=dbt.manifest).invoke(["compile", *selection, *options])
        if not outcome.success:
            raise RuntimeError(str(outcome.exception))
        return {result.node.name: result.node.compiled_code for result in outcome.result.results}

    models = (*STATE, "customer_features", *RFM)
    nodes = {node.name: node for node in dbt.manifest.nodes.values() if node.name in models}
    wanted = "select * from {{ customer_features_as_of('(select distinct as_of from asked)', 'asked') }} as features"
    features = next(iter(compiled("--inline", wanted).values()))
    tables = {
        name: (node.schema, {column.name: column.data_type for column in node.columns.values()})
        for name, node in nodes.items()
    }
    return Project(compiled("--select", *models), tables, features)


def measure(folder: Path, project: Project, customers: int) -> dict[str, Cost]:
    """Measure what is done to a shop every day and once; leaves folder/warehouse.duckdb built."""
    apart(make_world, folder / "warehouse.duckdb", customers)
    with _open(folder) as connection:
        for name, (schema, columns) in project.tables.items():
            connection.execute(f"create schema if not exists {schema}")
            typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table {schema}.{name} ({typed})")
        events = sum(
            connection.execute(f"select count(*) from intermediate.{table}").fetchall()[0][0]
            for table in ("int_web_events__unioned", "int_email_events__unioned", "int_order_entries__booked")
        )
    print(f"\n{customers:,} customers, {events:,} events in {DAYS} days and one more", flush=True)
    costs: dict[str, Cost] = {}

    def step(name: str, work: Callable[..., Cost], *arguments: object, beside: str | None = None) -> None:
        costs[name] = apart(work, folder, project, *arguments)
        costs[name].say(name, costs.get(beside or ""))

    step("state of all days", build, STATE, START, DAY)
    step("features of the last day", build, ("customer_features",), DAY, DAY)
    costs["full build"] = costs["state of all days"] + costs["features of the last day"]
    costs["full build"].say("full build")
    step("state of one more day", build, STATE, FOLLOWING, FOLLOWING, beside="full build")
    step("features of one more day", build, ("customer_features",), FOLLOWING, FOLLOWING, beside="full build")
    return costs


def compare(folder: Path, project: Project, customers: int, peers_python: str) -> dict[str, Cost]:
    """Measure a shop, and beside it everything else.

    Raises:
        AssertionError: Two ways gave different rows.
    """
    costs = measure(folder, project, customers)
    morning = costs["state of one more day"] + costs["features of the last day"]
    morning.say("state of one more day, features of one")
    same: Cost = apart(ask_same, folder, project)
    same.say("  the same 28 windows and 2 ages of one alone")
    same += costs["state of one more day"]
    by_day: Cost = apart(build_by_day, folder, project)
    # `holdfast backfill` writes all days in one window, which is the full build; this is what it saves.
    by_day.say("state, a day at a time", costs["state of all days"])
    (by_day + costs["features of the last day"]).say("  and features of the last day", costs["full build"])
    with _open(folder) as connection:
        for name, query in {**RAW, "order_days": ORDER_DAYS}.items():
            connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
    for peer, python in (("polars", peers_python), ("pandas", sys.executable)):
        cost = ask_peer(peer, python, folder)
        if cost:
            cost.say(f"{peer}, 28 windows and 2 ages from raw rows")
            print(f"  {'':44} state of one more day and all features of one: × {morning / cost:.2f}, the same features"
                  f" alone: × {same / cost:.2f}, full build: × {costs['full build'] / cost:.2f}")  # fmt: skip
            require_equal(
                folder,
                f"select {SAME_FEATURES} from marts.customer_features where as_of = date '{DAY}'",
                f"select {PEERS_FEATURES} from '{folder / peer}.parquet'",
            )
    rfm: Cost = apart(build, folder, project, RFM, DAY, DAY)
    rfm.say("RFM of the last day")
    cost = ask_peer("pymc_marketing", peers_python, folder)
    if cost:
        cost.say("pymc-marketing's RFM summary", rfm)
        peers_rfm = f"from '{folder}/pymc_marketing.parquet'"
        require_equal(
            folder,
            "select customer_id, recency_days, frequency from marts.customer_rfm",
            f"select customer_id, cast(recency as integer), cast(frequency as integer) {peers_rfm}",
        )
        require_equal(
            folder,
            RFM_ROWS,
            f"""
            select customer_id, cast(recency as integer), cast(frequency as integer),
                cast(round(monetary_value * frequency * 100) as bigint)
            {peers_rfm} where customer_id in (select customer_id from ({RFM_ROWS}))
            """,
        )
    one: Cost = apart(train, folder, project, CUTOFFS[:1])
    one.say("features of buyers at one cut-off")
    twelve: Cost = apart(train, folder, project, CUTOFFS)
    twelve.say("features of buyers at 12 cut-offs", one)
    return costs


def build(folder: Path, project: Project, models: tuple[str, ...], start: date, end: date) -> Cost:
    """Build models over a window, as dbt does: the window is emptied and filled again."""

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        for model in models:
            schema, columns = project.tables[model]
            day = "landed_on" if "landed_on" in columns else "as_of"
            connection.execute(f"delete from {schema}.{model} where {day} between date '{start}' and date '{end}'")
            connection.execute(f"insert into {schema}.{model} by name {project.sql(model, start, end)}")
        connection.execute("checkpoint")

    return _measure(folder, work)


def ask_same(folder: Path, project: Project) -> Cost:
    """Write what the peers compute, and no other feature, into a table; the SQL is the one of all features."""

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        features = project.sql("customer_features", DAY, DAY)
        connection.execute(f"create table same as select {SAME_FEATURES} from ({features}) as features")

    return _measure(folder, work)


def build_by_day(folder: Path, project: Project) -> Cost:
    """Write the state of every day in a window of its own, into tables of their own, and hold it to the state that is there.

    Raises:
        AssertionError: It differs.
    """

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("create schema backfilled")
        for model in STATE:
            connection.execute(f"create table backfilled.{model} as from intermediate.{model} limit 0")
        for offset in range(DAYS):
            day = START + timedelta(days=offset)
            for model in STATE:
                connection.execute(f"insert into backfilled.{model} by name {project.sql(model, day, day)}")
        connection.execute("checkpoint")

    cost = _measure(folder, work)
    for model in STATE:
        state = f"from intermediate.{model} where landed_on <= date '{DAY}'"
        require_equal(folder, f"from backfilled.{model}", state)
    return cost


def train(folder: Path, project: Project, cutoffs: list[date]) -> Cost:
    """Write the features of buyers as of some days into a table, and hold those of the last day to the mart.

    Raises:
        AssertionError: They differ.
    """

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(BUYERS, {"cutoffs": cutoffs})
        connection.execute(f"create or replace table trained as {project.features}")
        connection.execute("checkpoint")

    cost = _measure(folder, work, memory_limit=TRAINING_LIMIT)
    mart = f"from marts.customer_features where as_of = date '{DAY}' and has_ordered"
    require_equal(folder, f"from trained where as_of = date '{DAY}'", mart)
    return cost


def ask_peer(peer: str, python: str, folder: Path) -> Cost | None:
    """Let a peer work in a process of its own; None, and a line that says so, where its library is missing."""
    library = behavior_peers.PEERS[peer][0]
    if subprocess.run([python, "-c", f"import {library}"], capture_output=True, check=False).returncode:
        print(f"  {peer}: not importable by {Path(python).name}, left out (see --peers-python)")
        return None
    command = [python, "-P", behavior_peers.__file__, peer, str(folder), str(DAY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def require_equal(folder: Path, ours: str, theirs: str) -> None:
    """Refuse two queries of which some row is in one only.

    Raises:
        AssertionError: Saying how many.
    """
    with _open(folder, memory_limit="8GB") as connection:
        count = "select count(*) from (({}) except all ({}))"
        [(here,)] = connection.execute(count.format(ours, theirs)).fetchall()
        [(there,)] = connection.execute(count.format(theirs, ours)).fetchall()
        if here or there:
            raise AssertionError(f"{here:,} rows only here, {there:,} only there: {theirs[:200]}")


@contextmanager
def _open(folder: Path, memory_limit: str = MEMORY_LIMIT) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(
            f"set memory_limit = '{memory_limit}'; set threads = 2; set temp_directory = '{folder}/spill'"
        )
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        yield connection


def _measure(folder: Path, work: Callable[[duckdb.DuckDBPyConnection], None], memory_limit: str = MEMORY_LIMIT) -> Cost:
    def connected() -> None:
        with _open(folder, memory_limit) as connection:
            work(connection)

    return measured(connected)


if __name__ == "__main__":
    main()
