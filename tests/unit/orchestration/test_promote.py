"""`holdfast promote`: which versions, which days, and that scores of past partitions repeat."""

import json
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import mlflow
import numpy as np
import pyarrow as pa
import pytest

from ml.propensity.task import load_tasks
from ml.propensity.train import Trained, train_task
from ml.tracking import log_training
from orchestration.commands.promote import promote
from orchestration.defs.propensity import model_health
from orchestration.defs.propensity.customer_scores import CREATE, LoadModel, score_day
from orchestration.defs.propensity.propensity_models import settle
from orchestration.resources import Settings, UserError
from tests.unit.ml.choice_world import make_choices
from tests.unit.ml.task_world import make_examples, task_named

SUNDAY = date(2025, 3, 2)
MONDAY = SUNDAY + timedelta(days=1)
TASK = task_named("churn_risk")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train_task(TASK, make_examples(), seed=5)


@pytest.fixture
def settings(tmp_path: Path, mlflow_template: Path) -> Settings:
    home = tmp_path / "home"
    (home / "mlflow").mkdir(parents=True)
    (home / "mlflow" / "mlflow.db").write_bytes(mlflow_template.read_bytes())
    return Settings(home=home, landing=home, timezone="UTC", currency="", target="duckdb", salt="s")


@pytest.fixture(scope="module")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was migrated once: migrating takes seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


def pass_gate(settings: Settings, trained: Trained, day: date) -> str:
    """Train, log and let the gate decide, as the weekly asset does; returns the version."""
    logged = log_training(
        trained, tracking_uri=settings.tracking_uri, artifacts=settings.artifacts, tags={"partition": day.isoformat()}
    )
    settle(settings, trained.task, logged, day)
    return logged.version


def promotions(settings: Settings) -> list[dict[str, Any]]:
    with sqlite3.connect(settings.state / "state.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("select * from promotions order by number")]


def people(connection: duckdb.DuckDBPyConnection, day: date, examples: pa.Table) -> None:
    """A day of features as the warehouse has them: buyers, and one who is mailed and no buyer."""
    connection.execute("create schema if not exists marts")
    connection.execute("create schema if not exists ml")
    connection.execute(CREATE)
    connection.execute(model_health.CREATE)
    connection.execute("""
        create table if not exists marts.customer_outcomes (
            as_of date, customer_id varchar, event varchar, last_occurred_on date
        );
        create table if not exists marts.outcome_counts (
            as_of date, event varchar, occurred_on date, customer_count bigint
        );
        create table if not exists marts.identity_map (
            profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
        );
    """)
    today = examples.slice(0, 50)
    wanted = [
        "customer_id",
        *(name for name in today.column_names if name.startswith(("days", "order", "net", "rate", "has", "sign"))),
    ]
    connection.register("today", today.select(wanted))
    choices = make_choices(customers=49, slices=["test"], drives=True, seed=2)
    connection.register("choices", choices.drop_columns(["cutoff", "slice", "horizon_days", "outcome"]))
    for table, query in {
        "marts.customer_features": f"""
            select date '{day}' as as_of, *, 5 as days_since_last_click, 3 as days_since_last_web_event,
                1 as product_views_7, 1 as product_views_28, 1 as product_views_90
            from today
        """,
        "marts.customer_populations": f"""
            select date '{day}' as as_of, customer_id, case when customer_id = 'c_00049' then 'mailed' else 'buyers' end as population
            from today union all select date '{day}', 'c_00000', 'mailed'
        """,
        "marts.customer_options": f"""
            select date '{day}' as as_of, customer_id, 'categories' as options, * exclude (customer_id, days_since_last_order)
            from choices
        """,
        "ml.customer_value": f"select date '{day}' as as_of, 'c_00003' as customer_id, 1.5 as expected_orders_90_days",
    }.items():
        connection.execute(f"create table if not exists {table} as {query} limit 0")
        connection.execute(f"insert into {table} {query}")
    connection.unregister("today")


def loader(settings: Settings) -> LoadModel:
    from ml.tracking import load_model

    return lambda task, version: load_model(task, version, tracking_uri=settings.tracking_uri)


def scores(settings: Settings, day: date) -> list[tuple[Any, ...]]:
    query = """
        select model_name, model_version, customer_id, score, tier from ml.customer_scores
        where as_of = $day order by model_name, customer_id
    """
    with duckdb.connect(str(settings.warehouse)) as connection:
        score_day(connection, settings, day, loader(settings))
        return connection.execute(query, {"day": day}).fetchall()


@pytest.fixture
def scored(settings: Settings, trained: Trained) -> Settings:
    """Two versions, the first of which the gate made champion; two partitions with people, the first of them scored."""
    examples = make_examples()
    pass_gate(settings, trained, SUNDAY)
    pass_gate(settings, trained, SUNDAY + timedelta(days=7))
    with duckdb.connect(str(settings.warehouse)) as connection:
        for day in (SUNDAY, MONDAY + timedelta(days=8), MONDAY + timedelta(days=9)):
            people(connection, day, examples)
    scores(settings, MONDAY + timedelta(days=8))
    return settings


def test_everybody_of_a_population_is_scored_by_model_or_rule(scored: Settings, trained: Trained) -> None:
    rows = scores(scored, MONDAY + timedelta(days=8))
    by_task: dict[str, list[tuple[Any, ...]]] = {task.task: [] for task in load_tasks()}
    for row in rows:
        by_task[row[0]].append(row)
    assert {task: len(found) for task, found in by_task.items()} == {
        "churn_risk": 49, "repeat_purchase": 49, "first_purchase": 0, "engagement": 2, "unsubscribe_or_complaint": 2,
        "next_category": 49, "send_hour": 0,
    }  # fmt: skip
    assert {row[1] for row in by_task["churn_risk"]} == {"1"}
    assert {row[4] for row in by_task["churn_risk"]} <= {"model", "abstained"}
    assert {(row[1], row[4]) for row in by_task["repeat_purchase"]} == {("rule", "fallback")}
    expected = trained.model.predict(
        make_examples().slice(0, 49).select(trained.model.feature_names).to_pandas().astype(float)
    )
    assert [row[3] for row in by_task["churn_risk"]] == pytest.approx(expected.tolist(), abs=1e-6)


def test_before_any_promotion_the_rule_scores(scored: Settings) -> None:
    rows = [row for row in scores(scored, SUNDAY) if row[0] == "churn_risk"]
    assert {(row[1], row[4]) for row in rows} == {("rule", "fallback")}


def test_a_promotion_holds_from_its_day_and_past_days_repeat(scored: Settings) -> None:
    day = MONDAY + timedelta(days=8)
    before = scores(scored, day)
    text = promote(scored, "churn_risk", "2", because="better on high value", effective=day + timedelta(days=1))
    assert f"version 2 scores from partition {day + timedelta(days=1)} on, in place of version 1" in text
    assert scores(scored, day) == before
    after = scores(scored, day + timedelta(days=1))
    assert {row[1] for row in after if row[0] == "churn_risk"} == {"2"}


def test_a_promotion_is_a_row_with_its_evidence_and_moves_the_aliases(scored: Settings) -> None:
    promote(scored, "churn_risk", "2", because="better on high value", effective=None)
    first, second = promotions(scored)
    assert (first["promoted_by"], first["model_version"], first["effective_on"]) == ("gate", "1", MONDAY.isoformat())
    assert (second["model_version"], second["reason"]) == ("2", "better on high value")
    assert second["effective_on"] == (MONDAY + timedelta(days=9)).isoformat()
    assert second["promoted_at"] is not None
    evidence = json.loads(second["evidence"])
    assert evidence["incumbent"] == "1"
    assert evidence["auc"] == evidence["auc_incumbent"] > 0.5
    client = mlflow.MlflowClient(scored.tracking_uri, registry_uri=scored.tracking_uri)
    aliases = client.get_registered_model("churn_risk").aliases
    assert {name: str(version) for name, version in aliases.items()} == {"champion": "2", "challenger": "1"}


@pytest.mark.parametrize(
    ("task", "version", "day", "words"),
    [
        ("churn", "1", None, "there is no task 'churn': choose one of churn_risk, engagement"),
        ("churn_risk", "7", None, r"no version 7 \(there are: 1, 2\)"),
        ("engagement", "1", None, r"no version 1 \(there are: none\)"),
        ("churn_risk", "2", MONDAY + timedelta(days=8), "is scored, and a backfill must repeat it: name 2025-03-12"),
        ("churn_risk", "2", SUNDAY + timedelta(days=7), "was trained on facts of 2025-03-09"),
    ],
)
def test_what_cannot_be_promoted_is_refused(
    scored: Settings, task: str, version: str, day: date | None, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        promote(scored, task, version, because="why", effective=day)
    assert len(promotions(scored)) == 1


def test_a_degraded_champion_gives_way_to_the_rule_until_another_is_promoted(scored: Settings) -> None:
    """Nobody orders in the last week, as many did in most of the days that version 1 was calibrated on; a day later nobody ever did."""
    day = MONDAY + timedelta(days=8)
    before = {row[2]: row[3] for row in scores(scored, day) if row[0] == "churn_risk"}
    cutoff = date(2025, 2, 16)  # of the test slice of the examples
    with duckdb.connect(str(scored.warehouse)) as connection:
        connection.execute(f"""
            insert into marts.outcome_counts
            select cast(as_of as date), 'order', cast(occurred_on as date), 50
            from generate_series(date '{day}', date '{day}' + 1, interval 1 day) as days (as_of),
                generate_series(date '{cutoff}' + 1, date '{cutoff}' + 30, interval 1 day) as occurred (occurred_on)
            where occurred_on <= date '{day}' - 7 or occurred_on > date '{day}'
        """)
    fallen = [row for row in scores(scored, day) if row[0] == "churn_risk"]
    assert {(row[1], row[4]) for row in fallen} == {("rule", "fallback")}
    assert [row for row in scores(scored, day) if row[0] == "churn_risk"] == fallen
    with duckdb.connect(str(scored.warehouse)) as connection:
        kept = connection.execute(
            "select customer_id, champion_score, champion_version, model_state from ml.customer_scores"
            " where as_of = $day and model_name = 'churn_risk'",
            {"day": day},
        ).fetchall()
        assert {row[0]: row[1] for row in kept} == before
        assert {row[2:] for row in kept} == {("1", "degraded")}
        # Other tasks have no champion, and are none the worse for it.
        states = connection.execute("select distinct state from ml.model_health where model_version is null").fetchall()
        assert states == [("stale",)]
        connection.execute("update marts.outcome_counts set customer_count = 0 where as_of > $day", {"day": day})
    promote(scored, "churn_risk", "2", because="knows the silence", effective=day + timedelta(days=1))
    after = [row for row in scores(scored, day + timedelta(days=1)) if row[0] == "churn_risk"]
    assert {row[1] for row in after} == {"2"}


def test_a_model_whose_features_are_gone_gives_way_to_the_rule(scored: Settings) -> None:
    with duckdb.connect(str(scored.warehouse)) as connection:
        connection.execute("alter table marts.customer_features drop column order_count")
        found = score_day(connection, scored, MONDAY + timedelta(days=8), loader(scored))
        tiers = connection.execute(
            "select distinct tier from ml.customer_scores where model_name = 'churn_risk' and as_of = $day",
            {"day": MONDAY + timedelta(days=8)},
        ).fetchall()
    assert tiers == [("fallback",)]
    assert "version 1 needs order_count" in {each.task.task: each.health.reason for each in found}["churn_risk"]


def test_people_in_many_batches_are_scored_as_in_one(scored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scores(scored, MONDAY + timedelta(days=8))
    monkeypatch.setattr("orchestration.defs.propensity.customer_scores.BATCH", 7)
    assert scores(scored, MONDAY + timedelta(days=8)) == whole
    assert np.unique([row[2] for row in whole]).size == 50


CHOSEN = """
select scores.customer_id, scores.choice, scores.score, scores.tier, scores.model_version, scores.model_state
from ml.customer_scores as scores where as_of = $day and model_name = 'next_category' order by customer_id
"""


def test_of_a_choice_the_likeliest_option_is_the_score(scored: Settings) -> None:
    """By the rule, then by a champion, then by the rule again when nothing was trained for five weeks."""
    day, late = MONDAY + timedelta(days=8), SUNDAY + timedelta(days=36)
    options = make_choices(customers=49, slices=["test"], drives=True, seed=2).to_pandas()
    with duckdb.connect(str(scored.warehouse)) as connection:
        people(connection, late, make_examples())
        by_rule = connection.execute(CHOSEN, {"day": day}).fetchall()
        model = train_task(task_named("next_category"), make_choices(drives=True), seed=5)
        assert pass_gate(scored, model, SUNDAY) == "1"
        score_day(connection, scored, day, loader(scored))
        by_model = connection.execute(CHOSEN, {"day": day}).fetchall()
        checked = score_day(connection, scored, late, loader(scored))
        by_rule_again = connection.execute(CHOSEN, {"day": late}).fetchall()
        others = connection.execute("select count(choice) from ml.customer_scores where model_name <> 'next_category'")
        assert others.fetchall() == [(0,)]
    likeliest = options.loc[options.groupby("customer_id")["shrunk_share"].idxmax()]
    assert [row[:2] for row in by_rule] == list(zip(likeliest["customer_id"], likeliest["option"], strict=True))
    assert {row[3:] for row in by_rule} == {("fallback", "rule", "stale")}
    assert [row[1] for row in by_rule_again] == [row[1] for row in by_rule]
    assert {row[3:] for row in by_rule_again} == {("fallback", "rule", "stale")}
    assert "no training for 36 days" in {each.task.task: each.health.reason for each in checked}["next_category"]

    features = options.drop(columns="days_since_last_order").merge(today_of(scored, day), on="customer_id")
    features["chance"] = model.model.predict(features[list(model.model.feature_names)].astype(float))
    best = features.groupby("customer_id")["chance"].max()
    assert [row[2] for row in by_model] == pytest.approx(best.sort_index().tolist(), abs=1e-6)
    said = features.set_index(["customer_id", "option"])["chance"]
    assert [said[row[0], row[1]] for row in by_model] == pytest.approx(best.sort_index().tolist(), abs=1e-6)
    assert {row[4:] for row in by_model} == {("1", "fresh")}
    assert {row[3] for row in by_model} <= {"model", "abstained"}


def today_of(settings: Settings, day: date) -> Any:
    query = "select customer_id, days_since_last_order from marts.customer_features where as_of = $day"
    with duckdb.connect(str(settings.warehouse)) as connection:
        return connection.execute(query, {"day": day}).df()
