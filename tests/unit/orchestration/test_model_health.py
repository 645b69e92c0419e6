"""A champion on a day, measured in the warehouse: shifts beside scipy and numpy, outcomes of people who merged, paces, fallback."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from ml.propensity.estimate import Estimate
from ml.propensity.health import read_limits
from ml.propensity.reference import Reference, Scored, describe_reference, measure_psi
from orchestration.defs.propensity import customer_scores, model_health
from orchestration.defs.propensity.model_health import Champion, check_champion, measure_drift, measure_paces, write_day
from tests.unit.ml.task_world import task_named

DAY = date(2025, 4, 30)
CUTOFF = date(2025, 3, 2)
SCORED_ON = DAY - timedelta(days=30)
TASK = task_named("repeat_purchase")
FEATURES = "select * exclude (as_of) from marts.customer_features as features where features.as_of = $day"
LIMITS = read_limits()


def people(generator: np.random.Generator, size: int, *, move: float) -> pd.DataFrame:
    """Counts, amounts and ages, some unknown; `move` shifts all but one."""
    ages = np.where(generator.random(size) < 0.1 + move / 5, np.nan, generator.normal(3 * move, 2, size))
    return pd.DataFrame(
        {
            "orders": generator.poisson(1 + move, size).astype(float),
            "amount": generator.lognormal(3 + move, 1, size).round(2),
            "age": ages,
            "never": np.full(size, np.nan),
            "steady": generator.integers(0, 4, size).astype(float),
        }
    )


@pytest.fixture(scope="module")
def then() -> Scored:
    generator = np.random.default_rng(5)
    return Scored(people(generator, 4000, move=0.0), generator.beta(2, 5, 4000))


@pytest.fixture(scope="module")
def now() -> Scored:
    generator = np.random.default_rng(6)
    found = people(generator, 2500, move=0.4)
    found["never"] = np.where(generator.random(2500) < 0.2, 1.0, np.nan)
    return Scored(found, generator.beta(2.5, 5, 2500))


@pytest.fixture(scope="module")
def reference(then: Scored) -> Reference:
    return describe_reference(then, then, cutoff=CUTOFF, days_apart=30.0, horizon_days=30, auc=0.8)


@pytest.fixture
def warehouse(now: Scored) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(customer_scores.CREATE)
        connection.execute(model_health.CREATE)
        table = now.features.assign(customer_id=[f"c{number:05}" for number in range(len(now.features))])
        connection.register("table_of_today", table)
        connection.execute(
            f"create table marts.customer_features as select date '{DAY}' as as_of, * from table_of_today"
        )
        scores = pd.DataFrame({"customer_id": table["customer_id"], "chance": now.chances.round(6)})
        connection.register("scores_of_today", scores)
        connection.execute(f"""
            insert into ml.customer_scores by name
            select date '{DAY}' as as_of, customer_id, 'repeat_purchase' as model_name, '3' as model_version, chance as score,
                'model' as tier, '3' as champion_version, chance as champion_score
            from scores_of_today
        """)
        connection.execute("""
            create table marts.identity_map (
                profile_key varchar, customer_id varchar, root_profile_key varchar, valid_from date, valid_to date
            );
            create table marts.customer_outcomes (as_of date, customer_id varchar, event varchar, last_occurred_on date);
            create table marts.customer_populations (as_of date, customer_id varchar, population varchar);
            alter table marts.customer_features add column product_views_7 integer default 0;
            alter table marts.customer_features add column product_views_28 integer default 0;
            alter table marts.customer_features add column product_views_90 integer default 0;
            create table marts.outcome_counts (as_of date, event varchar, occurred_on date, customer_count bigint);
        """)
        yield connection


def champion(reference: Reference | None, *, judged_on: date = DAY - timedelta(days=3)) -> Champion:
    return Champion(TASK, "3", CUTOFF, judged_on, reference)


def test_shifts_are_those_of_numpy_and_scipy(
    warehouse: duckdb.DuckDBPyConnection, reference: Reference, then: Scored, now: Scored
) -> None:
    found = {
        row["feature"]: row
        for row in measure_drift(warehouse, champion(reference), DAY, features=FEATURES, limits=LIMITS)
    }
    before, after = then.columns(), now.columns()
    assert set(found) == set(before) == {"orders", "amount", "age", "never", "steady", "score"}
    for name, row in found.items():
        assert row["psi"] == pytest.approx(measure_psi(reference.spreads[name], after[name]), abs=1e-6)
        known, known_before = (column[~np.isnan(column)] for column in (after[name], before[name]))
        exact = ks_2samp(known_before, known).statistic if len(known_before) else 0.0
        # Counts are kept as they are, other columns at a hundred quantiles, between which a gap can hide.
        assert row["ks"] == pytest.approx(exact, abs=1e-6 if name in {"orders", "steady", "never"} else 0.012)
        assert row["unknown_share"] == pytest.approx(np.isnan(after[name]).mean(), abs=1e-6)
        assert row["people"] == 2500
    assert found["steady"]["psi"] < found["steady"]["psi_by_chance"] < 0.03
    assert min(found[name]["psi"] for name in ("orders", "amount", "age", "never")) > 0.1


def test_health_of_a_day_is_written_once(warehouse: duckdb.DuckDBPyConnection, reference: Reference) -> None:
    for _ in range(2):
        checked = check_champion(warehouse, champion(reference), DAY, features=FEATURES, limits=LIMITS)
        write_day(warehouse, [checked], DAY)
    [(state, worst, scored, estimated)] = warehouse.execute(
        "select state, worst_feature, scored_count, estimated_auc from ml.model_health"
    ).fetchall()
    assert (state, worst, scored) == ("watch", checked.signs.worst_feature.feature, 2500)  # type: ignore[union-attr]
    assert 0.6 < estimated < 0.9
    drift = warehouse.execute("select count(*), count(distinct feature) from ml.feature_drift").fetchall()
    assert drift == [(6, 6)]


@pytest.mark.parametrize(("days", "state"), [(35, "watch"), (36, "stale")])
def test_a_champion_without_reference_is_watched_until_it_is_stale(
    warehouse: duckdb.DuckDBPyConnection, days: int, state: str
) -> None:
    judged_on = DAY - timedelta(days=days)
    checked = check_champion(warehouse, champion(None, judged_on=judged_on), DAY, features=FEATURES, limits=LIMITS)
    assert checked.health.state == state


def test_outcomes_follow_who_merged_and_know_the_day(
    warehouse: duckdb.DuckDBPyConnection, reference: Reference
) -> None:
    """Of four scored people one ordered after the day, one as part of another customer, one on the day itself, one never."""
    warehouse.execute(f"""
        insert into ml.customer_scores by name
        select date '{SCORED_ON}' as as_of, customer_id, 'repeat_purchase' as model_name, '3' as champion_version, chance as champion_score
        from (values ('a', 0.9), ('b', 0.6), ('c', 0.4), ('d', 0.2)) as scored (customer_id, chance);
        insert into ml.customer_scores by name
        select date '{SCORED_ON}' as as_of, 'e' as customer_id, 'repeat_purchase' as model_name, '2' as champion_version,
            0.5 as champion_score;
        insert into marts.identity_map
        select customer_id || '1', customer_id, customer_id || '1', date '2025-01-01', date '9999-12-31'
        from (values ('a'), ('c'), ('d'), ('e')) as people (customer_id);
        insert into marts.identity_map values
            ('b1', 'b', 'b1', date '2025-01-01', date '2025-04-10'), ('b1', 'a0', 'a0', date '2025-04-10', date '9999-12-31');
        insert into marts.customer_outcomes values
            ('{DAY}', 'a', 'order', '{SCORED_ON + timedelta(days=1)}'), ('{DAY}', 'a0', 'order', '{DAY}'),
            ('{DAY}', 'c', 'order', '{SCORED_ON}'), ('{DAY}', 'd', 'human_click', '{DAY}'), ('{DAY}', 'e', 'order', '{DAY}');
    """)
    signs: Any = check_champion(warehouse, champion(reference), DAY, features=FEATURES, limits=LIMITS).signs
    assert signs.realised.rows == 4
    assert signs.realised.auc == 1.0
    assert (signs.realised.outcome_share, signs.realised.predicted_share) == (0.5, pytest.approx(0.525))


def test_pace_is_lately_over_the_days_of_calibration(
    warehouse: duckdb.DuckDBPyConnection, reference: Reference
) -> None:
    """Four orders a day in the thirty days after the cut-off, eight between, two a day in the last week but for one empty day."""
    warehouse.execute(f"""
        insert into marts.outcome_counts
        select date '{DAY}', 'order', cast(day as date), case
            when day <= date '{CUTOFF + timedelta(days=30)}' then 3 + 2 * (day_number % 2)
            when day > date '{DAY - timedelta(days=7)}' then 2 else 8
        end
        from (
            select day, row_number() over (order by day) as day_number
            from generate_series(date '{CUTOFF + timedelta(days=1)}', date '{DAY}', interval 1 day) as days (day)
        ) as numbered
        where day <> date '{DAY - timedelta(days=3)}'
    """)
    found = {(pace.what, pace.days): pace for pace in measure_paces(warehouse, champion(reference), DAY)}
    assert set(found) == {("order", 7), ("order", 28)}  # nobody viewed anything
    week, month = found["order", 7], found["order", 28]
    assert week.ratio == pytest.approx(12 / 7 / 4)
    assert week.surprise == pytest.approx((12 / 7 - 4) / np.sqrt(4 * (1 / 7 + 1 / 30)))
    assert month.ratio == pytest.approx((12 + 21 * 8) / 28 / 4)
    assert all(pace.is_outcome for pace in found.values())


def test_visits_are_held_against_the_days_before(warehouse: duckdb.DuckDBPyConnection, reference: Reference) -> None:
    """Sixty buyers viewed once a week, and half of them stopped; one is no buyer and is not counted."""
    warehouse.execute(f"""
        insert into marts.customer_populations
        select date '{DAY}', 'c' || lpad(cast(number as varchar), 5, '0'), 'buyers' from range(60) as numbers (number);
        update marts.customer_features set product_views_7 = 9, product_views_28 = 9, product_views_90 = 9 where customer_id = 'c00060';
        update marts.customer_features set product_views_7 = case when customer_id < 'c00030' then 1 else 0 end,
            product_views_28 = case when customer_id < 'c00030' then 4 else 3 end, product_views_90 = 13
        where customer_id < 'c00060';
    """)
    found = {(pace.what, pace.days): pace for pace in measure_paces(warehouse, champion(reference), DAY)}
    assert set(found) == {("product_views", 7), ("product_views", 28)}  # nobody ordered anything
    week, month = found["product_views", 7], found["product_views", 28]
    assert week.ratio == pytest.approx(0.5)
    assert week.surprise == pytest.approx(-30 / np.sqrt(30))  # thirty of them are one less than before
    before = 28 / 62 * np.array([9.0] * 30 + [10.0] * 30)
    lately = np.array([4.0] * 30 + [3.0] * 30)
    assert month.ratio == pytest.approx(lately.sum() / before.sum())
    assert month.surprise == pytest.approx((lately - before).sum() / np.sqrt(((lately - before) ** 2).sum()))
    assert not week.is_outcome


def test_an_estimate_needs_no_label(warehouse: duckdb.DuckDBPyConnection, reference: Reference) -> None:
    signs: Any = check_champion(warehouse, champion(reference), DAY, features=FEATURES, limits=LIMITS).signs
    assert isinstance(signs.estimated, Estimate)
    assert signs.realised is None
