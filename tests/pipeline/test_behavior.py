"""The models that look back, on a small shop made by hand: a day says the same however and whenever it is built."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parents[2] / "dbt_project"
OPTIONS = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
FACTS = (Path(__file__).parent / "behavior_facts.sql").read_text()
START, FIRST, LAST = date(2024, 12, 20), date(2025, 4, 28), date(2025, 5, 2)
WINDOW = [FIRST + timedelta(days=offset) for offset in range(5)]
MONDAY, SUNDAY = date(2025, 4, 21), date(2025, 5, 4)
SEEDS = ("blocked_products", "engagement_rules", "free_mailbox_domains", "required_events")
GIVEN = {"int_identifiers__linked", "feed_health", "address_faults"}
PYTHON = {"identity", "ml", "measurement", "state"}
DAYS = ("landed_on", "as_of", "valid_from", "trained_on")

LEDGER = """
copy (
    select 'k' || i as idempotency_key, if(i % 10 = 0, 'ghost', 'send') as kind, 'published' as status, 'm' || i as mailbox_hash,
        'c_' || i as customer_id, 'plain:' || i as root_profile_key, 'welcome' as flow, '1' as step, 'o' as occurrence,
        'global_holdout' as experiment, if(i % 10 = 0, 'holdout', 'treatment') as arm, date '2025-04-25' + i % 7 as as_of,
        date '2025-04-26' + i % 7 as send_date, date '2025-04-26' + i % 7 + interval 9 hour as send_at,
        cast(null as timestamp) as released_at, 'r' as run_id, if(i % 4 = 1, 'repeat_buyers', null) as segment,
        if(i % 2 = 0, '["offer:free_shipping"]', null) as variants
    from (select cast(range as integer) as i from range(40)) as numbers
) to '{folder}/ledger.parquet' (format parquet)
"""

TOMBSTONES = """
copy (select 'email' as kind, 'm5' as hash, date '2025-05-01' as effective_on) to '{folder}/tombstones.parquet' (format parquet)
"""

TRIPS = """
copy (
    select 'mailbox_at_gmail' as provider, 'reacted_last_30_days' as engagement, 'complaints' as metric, 'rolled_back' as state,
        date '2025-05-01' as tripped_on
) to '{folder}/trips.parquet' (format parquet)
"""


class Project:
    """The dbt project, parsed once against a home; each warehouse is copied there to be built."""

    def __init__(self, home: Path) -> None:
        self.home = home
        parsed = dbtRunner().invoke(["parse", *OPTIONS])
        assert parsed.success, parsed.exception
        self.manifest: Any = parsed.result
        models = [node for node in self.manifest.nodes.values() if node.resource_type == "model"]
        given = [node for node in models if "intermediate/sources" in node.path or node.name in GIVEN]
        sources = [node for node in self.manifest.sources.values() if node.source_name in PYTHON - {"state"} | {"ops"}]
        self.given = {f"{node.schema}.{node.name}": node.columns for node in (*given, *sources) if node.columns}
        built = [node for node in models if node not in given and node.fqn[1] in {"intermediate", "marts", "segments"}]
        self.daily_tables = [
            f"{node.schema}.{node.name}"
            for node in built
            if node.config.materialized == "incremental" and "weekly" not in node.config.tags
        ]
        self.facts = [node.name for node in built if node.config.meta["partitioned_by"] == "landed_on"]
        self.weekly = [node.name for node in built if "weekly" in node.config.tags]
        self.daily = [node.name for node in built if node.name not in {*self.facts, *self.weekly}]

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    def empty(self) -> None:
        """Start a warehouse that holds only the tables which other stages fill, without rows."""
        self.warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(self.warehouse)) as connection:
            self.create_given(connection)
        self.invoke("seed", "--select", *SEEDS)

    def create_given(self, connection: duckdb.DuckDBPyConnection) -> None:
        for table, columns in self.given.items():
            connection.execute(f"create schema if not exists {table.split('.')[0]}")
            typed = ", ".join(f"{name} {column.data_type}" for name, column in columns.items())
            connection.execute(f"create table {table} ({typed})")

    def land(self, world: Path, until: date) -> None:
        """Fill the given tables with what was known when a day ended."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f"attach '{world}' as world (read_only)")
            for table, columns in self.given.items():
                day = next(name for name in DAYS if name in columns)
                known = f"select * from world.{table} where {day} <= date '{until}'"
                if day == "valid_from":
                    still = f"if(valid_to > date '{until}', date '9999-12-31', valid_to) as valid_to"
                    known = known.replace("*", f"* replace ({still})", 1)
                connection.execute(f"delete from {table}")
                connection.execute(f"insert into {table} {known}")

    def run(self, models: list[str], start: date, end: date) -> None:
        self.invoke(
            "run", "--select", *models, "--vars", json.dumps({"window_start": str(start), "window_end": str(end)})
        )

    def invoke(self, *arguments: str) -> None:
        try:
            outcome = dbtRunner(manifest=self.manifest).invoke([*arguments, *OPTIONS])
        finally:
            DuckDBConnectionManager.close_all_connections()
        assert outcome.exception is None, str(outcome.exception)
        assert outcome.success, [f"{row.node.name}: {row.message}" for row in outcome.result if row.status == "error"]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def keep(self, name: str) -> Path:
        return self.warehouse.rename(self.home / name)


def differing(tables: list[str], one: Path, other: Path) -> list[str]:
    """Tables of which some row is in one warehouse only; rows that landed after the window are left out."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        for table in tables:
            days = connection.execute(
                f"select column_name from (describe one.{table}) where column_name in ('as_of', 'landed_on')"
            )
            where = f"where {days.fetchall()[0][0]} <= date '{LAST}'"
            sides = [f"select * from {side}.{table} {where}" for side in ("one", "other")]
            if any(connection.sql(f"({left}) except all ({right})").fetchall() for left, right in (sides, sides[::-1])):
                found.append(table)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    home = tmp_path_factory.mktemp("behavior")
    for name, rows in {"send_ledger": LEDGER, "tombstones": TOMBSTONES, "breaker_trips": TRIPS}.items():
        folder = home / "state" / name
        folder.mkdir(parents=True)
        duckdb.execute(rows.format(folder=folder))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOLDFAST_HOME": "", "DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}.items():
            patch.setenv(name, str(home / value))
        patch.setenv("DO_NOT_TRACK", "true")
        yield Project(home)


@pytest.fixture(scope="module")
def world(project: Project) -> Path:
    """A warehouse file with all that ever landed, beyond the window's last day too."""
    path = project.home / "world.duckdb"
    with duckdb.connect(str(path)) as connection:
        project.create_given(connection)
        connection.execute(FACTS)
    return path


@pytest.fixture(scope="module")
def in_one_run(project: Project, world: Path) -> Path:
    project.empty()
    project.land(world, LAST + timedelta(days=90))
    project.run(project.facts, START, LAST + timedelta(days=90))
    project.run(project.daily, FIRST, LAST)
    return project.keep("in_one_run.duckdb")


@pytest.fixture(scope="module")
def day_by_day(project: Project, world: Path) -> Path:
    project.empty()
    project.land(world, FIRST)
    project.run(project.facts, START, FIRST - timedelta(days=1))
    for day in WINDOW:
        project.land(world, day)
        project.run([*project.facts, *project.daily], day, day)
    return project.keep("day_by_day.duckdb")


def test_one_run_with_later_facts_equals_day_by_day_without_them(
    project: Project, in_one_run: Path, day_by_day: Path
) -> None:
    assert differing(project.daily_tables, day_by_day, in_one_run) == []


def test_the_hand_made_shop_reaches_every_daily_mart(in_one_run: Path) -> None:
    with duckdb.connect(str(in_one_run), read_only=True) as connection:
        tables = "select table_name from duckdb_tables() where schema_name = 'segments' order by table_name"
        segments = [name for (name,) in connection.execute(tables).fetchall()]
        entered = [
            name for name in segments if connection.execute(f"select 1 from segments.{name} where may_enter").fetchall()
        ]
        reached = connection.execute("""
            select
                (select count(distinct reason) from marts.suppressions),
                (select count(distinct flow) from marts.flow_triggers),
                (select count(distinct experiment) from measurement.experiment_cells),
                (select count(distinct consent_status) from marts.dim_customers),
                (select count(distinct category) from marts.customer_affinities),
                (select count(distinct product_key) from marts.product_replenishments where interval_count > 0),
                (select count(distinct best_hour) > 1 from marts.customer_send_hours where reaction_count > 0),
                (select count(distinct device_type) from marts.customer_devices where is_main),
                (select count(distinct dimension) from measurement.kpi_chain where human_clicks > 0),
                (select sum(landings) > sum(conversions) and sum(conversions) > 0 from measurement.kpi_chain),
                (select count(distinct source) from marts.customer_recommendations),
                (select count(*) > 0 from marts.product_similarities),
                (select max(customer_count) > 0 from marts.recommender_evaluations)
        """).fetchone()
    assert reached == (18, 9, 2, 7, 5, 6, True, 2, 6, True, 2, True, True)
    # Nobody of it stays away or silent for long enough.
    assert (len(segments), [name for name in segments if name not in entered]) == (
        13,
        ["high_value_at_risk", "silent_subscribers"],
    )


def test_the_hand_made_shop_reaches_what_emails_are_held_against(in_one_run: Path) -> None:
    with duckdb.connect(str(in_one_run), read_only=True) as connection:
        reached = connection.execute("""
            select
                list_sort(list(distinct (experiment, epoch_from))), bool_or(last_click_amount > 0),
                bool_or(assisted_amount > last_click_amount), bool_or(has_bought_week_1), bool_or(is_internal and is_contaminated),
                count(distinct flow_segment)
            from intermediate.int_experiment_units__measured where as_of = date '2025-05-02'
        """).fetchone()
    epochs = [
        ("global_holdout", date(2025, 4, 29)), ("global_holdout", None), ("recorded", date(2025, 4, 20)), ("recorded", None),
    ]  # fmt: skip
    assert reached == (epochs, True, True, True, True, 1)


def test_booked_units_are_those_of_the_orders_as_they_stand(in_one_run: Path) -> None:
    with duckdb.connect(str(in_one_run), read_only=True) as connection:
        booked, stand, changed = connection.execute("""
            with orders as (
                select order_key, max_by(profile_key, landed_on) as profile_key, max_by(net_amount, landed_on) as net_amount
                from intermediate.int_orders__versioned group by order_key
            ),
            lines as (
                select order_key, max_by(product_key, landed_on) as product_key, max_by(quantity, landed_on) as quantity
                from intermediate.int_order_lines__versioned group by order_key, line_number
            ),
            stand as (
                select profile_key, product_key, sum(quantity) as quantity
                from orders inner join lines using (order_key) where net_amount <> 0 group by all
            ),
            booked as (
                select profile_key, product_key, sum(quantity) as quantity, count(*) filter (where quantity < 0) as changes
                from intermediate.int_ordered_products__booked group by all
            )
            select
                (select list_sort(list((profile_key, product_key, quantity))) from booked where quantity <> 0),
                (select list_sort(list((profile_key, product_key, quantity))) from stand),
                (select sum(changes) from booked)
        """).fetchone() or ([], [], 0)
    assert booked == stand
    assert len(stand) > 100
    assert changed > 10


def test_subscribers_are_those_who_consented_and_never_ordered(in_one_run: Path) -> None:
    with duckdb.connect(str(in_one_run), read_only=True) as connection:
        found = connection.execute("""
            select distinct customers.lifecycle_stage, customers.consent_status = 'subscribed' as has_consent
            from marts.dim_customers as customers
            anti join marts.customer_rfm as buyers
                on customers.as_of = buyers.as_of and customers.customer_id = buyers.customer_id
        """).fetchall()
    assert set(found) == {("subscriber", True), ("prospect", False)}


def test_the_hand_made_emails_reach_the_rules_that_look_back(in_one_run: Path) -> None:
    with duckdb.connect(str(in_one_run), read_only=True) as connection:
        rules = connection.execute("select distinct rule from intermediate.int_email_engagement__classified").fetchall()
    assert {None, "links_at_once_after_delivery", "scanner_habit", "opened_by_scanner"} <= {rule for (rule,) in rules}


def test_building_a_day_again_changes_nothing(
    project: Project, in_one_run: Path, request: pytest.FixtureRequest
) -> None:
    project.warehouse.write_bytes(in_one_run.read_bytes())
    request.addfinalizer(lambda: project.warehouse.unlink(missing_ok=True))
    project.run(project.daily, WINDOW[2], WINDOW[2])
    assert differing(project.daily_tables, in_one_run, project.warehouse) == []


def test_dbt_by_hand_is_refused_over_a_gap_but_for_facts(
    project: Project, in_one_run: Path, request: pytest.FixtureRequest
) -> None:
    project.warehouse.write_bytes(in_one_run.read_bytes())
    request.addfinalizer(lambda: project.warehouse.unlink(missing_ok=True))
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("create table ops.staged_days as select distinct landed_on from ops.landing_files")
        connection.execute("insert into ops.staged_days select unnest($days)", {"days": WINDOW})
        project.run(["customer_rfm"], LAST, LAST)
        connection.execute("delete from ops.staged_days where landed_on = $day", {"day": WINDOW[1]})
    refused = f"{WINDOW[1]} to {WINDOW[1]} are not staged.*run `holdfast backfill --from {LAST} --to {LAST}`"
    with pytest.raises(AssertionError, match=refused):
        project.run(["customer_rfm"], LAST, LAST)
    project.run(["customer_rfm"], FIRST, FIRST)
    project.run(["int_web_days__aggregated"], LAST, LAST)


def test_two_training_weeks_in_one_run_equal_each_alone(project: Project, world: Path) -> None:
    kept: list[list[tuple[Any, ...]]] = []
    windows: list[list[tuple[date, date]]] = [
        [(MONDAY, SUNDAY)], [(MONDAY, MONDAY + timedelta(days=6)), (SUNDAY - timedelta(days=6), SUNDAY)],
    ]  # fmt: skip
    for weeks in windows:
        project.empty()
        for start, end in weeks:
            project.land(world, end)
            project.run(project.facts, START, end)
            project.run(project.weekly, start, end)
        tables = ("marts.training_outcomes", "marts.training_features", "intermediate.int_training_orders__summarised")
        kept.append([row for table in tables for row in project.query(f"select * from {table} order by all")])
    assert kept[0] == kept[1]
    slices = project.query(
        "select trained_on, task, count(distinct slice) from marts.training_outcomes group by all order by all"
    )
    tasks = ("churn_risk", "engagement")
    assert slices == [(day, task, 3) for day in (MONDAY + timedelta(days=6), SUNDAY) for task in tasks]


def test_every_example_has_its_features_once(project: Project) -> None:
    """Continues the test before: the warehouse holds two training weeks."""
    counts = project.query("""
        select
            (select count(*) from (select distinct trained_on, cutoff, customer_id from marts.training_outcomes)),
            (select count(*) from marts.training_features),
            (select count(*) from marts.training_outcomes),
            (select count(*) from marts.training_outcomes anti join marts.training_features using (trained_on, cutoff, customer_id))
    """)
    assert counts[0][0] == counts[0][1] < counts[0][2]
    assert counts[0][3] == 0


@pytest.fixture
def fold(project: Project) -> Callable[[list[tuple[str, str, bool, date, date]]], dict[str, str]]:
    """Consent status by mailbox of statements: (mailbox, statement, is_affirmative, said on, landed on)."""

    def status(statements: list[tuple[str, str, bool, date, date]]) -> dict[str, str]:
        project.empty()
        with duckdb.connect(str(project.warehouse)) as connection:
            connection.executemany(
                """insert into intermediate.int_consent_evidence__unioned by name select $1 as mailbox_hash, $2 as statement,
                    $3 as is_affirmative, $4::date::timestamp as occurred_at, $5::date as landed_on, $1 || $2 || $4 as evidence_id""",
                statements,
            )
        project.run(["int_mailbox_consent__folded"], LAST, LAST)
        return dict(project.query("select mailbox_hash, consent_status from intermediate.int_mailbox_consent__folded"))

    return status


def test_no_order_of_arrival_resubscribes_a_mailbox(
    fold: Callable[[list[tuple[str, str, bool, date, date]]], dict[str, str]],
) -> None:
    said = [("subscribed", True, 1), ("unsubscribed", False, 2), ("subscribed", False, 3), ("confirmed", False, 4)]
    statements = [
        (
            f"mailbox {number}",
            statement,
            is_affirmative,
            START + timedelta(days=day),
            START + timedelta(days=10 + position),
        )
        for number, order in enumerate(permutations(said))
        for position, (statement, is_affirmative, day) in enumerate(order)
    ]
    assert set(fold(statements).values()) == {"unsubscribed"}
