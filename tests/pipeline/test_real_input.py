"""Real public data through the whole graph: the published numbers must come out."""

import csv
import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.pipeline.conftest import ROOT, Platform, shared_data


def convert(recipe: str, source: Path, landing: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "examples" / recipe, source, landing], check=True)


@pytest.fixture(scope="module")
def retail(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    source = next(shared_data("online_retail_h1").glob("*.csv.gz"))
    landing = tmp_path_factory.mktemp("retail") / "landing"
    convert("online_retail.py", source, landing)
    platform = holdfast("retail_home", landing, timezone="Europe/London")
    platform.ok("run", "--date", "2011-05-31")
    return platform


def test_online_retail_lines_are_all_accounted_for(retail: Platform) -> None:
    counts = dict(retail.query("select row_status, count(*) from staging.base_plain__order_lines group by row_status"))
    assert sum(counts.values()) == 209_029  # type: ignore[arg-type]
    without_customer = """
        select count(*) from staging.base_plain__order_lines as lines
        inner join staging.base_plain__orders as orders using (order_id) where orders.profile_id is null
    """
    assert retail.value(without_customer) == 59_976
    assert retail.value("select count(distinct order_id) from staging.base_plain__orders") == 10_783
    assert retail.value("select count(distinct profile_id) from staging.base_plain__profiles") == 2_767
    net = retail.value("select sum(quantity * unit_price) from staging.base_plain__order_lines")
    assert Decimal(str(net)).quantize(Decimal("0.01")) == Decimal("3706827.64")
    booked = retail.value("select sum(net_amount) from intermediate.int_order_entries__booked")
    assert booked == Decimal("3706827.64")


def test_online_retail_rfm_equals_a_computation_from_the_file(retail: Platform) -> None:
    by_day: dict[int, dict[date, Decimal]] = {}
    with gzip.open(next(shared_data("online_retail_h1").glob("*.csv.gz")), "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["CustomerID"] not in {"", "NA"}:
                days = by_day.setdefault(int(float(row["CustomerID"])), {})
                day = date.fromisoformat(row["InvoiceDate"][:10])
                days[day] = days.get(day, Decimal(0)) + int(row["Quantity"]) * Decimal(row["UnitPrice"])
    expected = {}
    for customer, days in by_day.items():
        positive = [day for day, amount in days.items() if amount > 0]
        if positive:
            expected[customer] = ((date(2011, 5, 31) - max(positive)).days, len(positive), float(sum(days.values())))
    found = retail.query("""
        select cast(replace(identity_map.profile_key, 'plain:', '') as integer), recency_days, frequency, monetary
        from marts.customer_rfm
        inner join marts.identity_map on customer_rfm.customer_id = identity_map.customer_id
            and customer_rfm.as_of >= identity_map.valid_from and customer_rfm.as_of < identity_map.valid_to
        where customer_rfm.as_of = date '2011-05-31' and identity_map.profile_key like 'plain:%'
    """)
    assert {row[0] for row in found} == set(expected)
    for customer, recency, frequency, monetary in found:
        assert (recency, frequency) == expected[customer][:2]  # type: ignore[index]
        assert float(monetary) == pytest.approx(expected[customer][2], abs=0.02)  # type: ignore[arg-type,index]


def test_online_retail_model_is_in_mlflow_beside_the_recency_rule(retail: Platform) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{retail.home / 'mlflow' / 'mlflow.db'}")
    version = mlflow.MlflowClient().get_model_version_by_alias("churn_risk", "champion")
    run = mlflow.get_run(version.run_id)
    assert run.data.params["horizon_days"] == "30"
    assert 0.5 < run.data.metrics["auc_rule"] < 1
    assert 0.6 < run.data.metrics["auc"] < 1
    scored = retail.query(
        "select distinct tier, model_version from ml.customer_scores where as_of = date '2011-05-31'"
        " and model_name = 'churn_risk' and tier <> 'abstained'"
    )
    assert scored == [("model", str(version.version))]


def test_online_retail_recommends_what_the_same_people_buy_because_it_beats_what_most_buy(retail: Platform) -> None:
    rows = retail.query("""
        select method, customer_count, ndcg, ndcg_difference, ci_low, is_standing
        from marts.recommender_evaluations where as_of = date '2011-05-31'
    """)
    found = {row[0]: row[1:] for row in rows}
    customers, ndcg, difference, low, is_standing = found["item_item"]
    assert customers > 500  # type: ignore[operator]
    assert is_standing
    assert low > 0  # type: ignore[operator]
    assert ndcg - found["popularity"][1] == pytest.approx(difference, abs=2e-6)  # type: ignore[operator]
    shown = retail.query("select distinct product_key from marts.customer_recommendations")
    assert not {key for (key,) in shown} & {"POST", "DOT", "M", "C2", "D"}
    sources = retail.query("select source from marts.customer_recommendations where not is_repeat group by source")
    assert ("item_item",) in sources


def test_hillstrom_recorded_experiment_shows_the_published_lift(
    holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = next(shared_data("hillstrom_womens").glob("*.csv.gz"))
    landing = tmp_path_factory.mktemp("hillstrom") / "landing"
    convert("hillstrom.py", source, landing)
    last = max(folder.name[10:] for folder in landing.glob("plain/*/landed_on=*"))
    platform = holdfast("hillstrom_home", landing)
    platform.ok("run", "--date", last)
    rows = platform.query(
        """
        select metric, n_treated, n_held_out, mean_treated, mean_held_out, lift, ci_low, ci_high, verdict, srm_p_value
        from measurement.holdout_report
        where as_of = $day and experiment = 'womens_email' and segment = 'all'
        """,
        day=last,
    )
    found = {row[0]: row[1:] for row in rows}
    published = {"visit": (0.151400, 0.106167), "conversion": (0.008837, 0.005726), "revenue": (1.0772, 0.6528)}
    assert set(found) == set(published)
    for metric, means in published.items():
        assert found[metric][:2] == (21_387, 21_306)
        assert found[metric][2:4] == pytest.approx(means, abs=5e-5)
        assert found[metric][4] == pytest.approx(means[0] - means[1], abs=1e-4)
        assert found[metric][5] < found[metric][4] < found[metric][6]  # type: ignore[operator]
        assert found[metric][-1] > 0.001  # type: ignore[operator]
    assert found["visit"][4:7] == pytest.approx((0.04523, 0.03889, 0.05157), abs=1.5e-5)
    assert found["visit"][7] == "works"
