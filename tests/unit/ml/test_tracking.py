"""Churn runs in MLflow, on a store of their own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from ml.propensity.figures import draw_figures
from ml.propensity.ladder import RUNGS, calibrate, fit_rung
from ml.propensity.model import ChurnModel
from ml.propensity.train import TrainedChurn
from ml.tracking import LoggedModel, load_model, log_churn_run, promote


@dataclass(frozen=True)
class Store:
    """An MLflow store that was migrated once; every test uses years of its own."""

    tracking_uri: str
    artifacts: Path

    def log(self, trained: TrainedChurn, partition: str, **tags: str) -> LoggedModel:
        arguments = {"partition": partition, **tags}
        return log_churn_run(trained, tracking_uri=self.tracking_uri, artifacts=self.artifacts, tags=arguments)

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def champion(self) -> str:
        return str(self.client.get_model_version_by_alias("churn_risk", "champion").version)


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Store]:
    """Copy a migrated database: migrating takes seconds."""
    template = tmp_path_factory.mktemp("template") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{template}").search_experiments()

    def copy() -> Store:
        home = tmp_path_factory.mktemp("mlflow")
        (home / "mlflow.db").write_bytes(template.read_bytes())
        return Store(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")

    return copy


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    return new_store()


def with_scores_of(trained: TrainedChurn, columns: tuple[str, ...]) -> TrainedChurn:
    """Give the same run with a worse model: the recency rule, which reads fewer columns."""
    estimator, _ = calibrate(fit_rung("recency_rule", trained.test, seed=1), trained.test)
    return replace(trained, model=ChurnModel(estimator, columns), rung="recency_rule", data_fingerprint="worse")


def test_a_run_tells_model_and_rule_with_their_pictures(store: Store, trained: TrainedChurn) -> None:
    logged = store.log(trained, "2025-03-02", git_revision="abc", dagster_run_id="r1")
    run = store.client.get_run(logged.run_id)
    assert run.data.metrics["auc"] == pytest.approx(trained.evaluation.auc)
    assert run.data.metrics["auc_recency_rule"] == pytest.approx(trained.recency_rule.auc)
    assert run.data.params["rung"] == trained.rung
    assert run.data.tags | {"partition": "2025-03-02", "git_revision": "abc", "dagster_run_id": "r1"} == run.data.tags
    assert {file.path for file in store.client.list_artifacts(logged.run_id)} == set(draw_figures(trained))
    assert [entry.dataset.digest for entry in run.inputs.dataset_inputs] == [trained.data_fingerprint]
    assert logged.summary["auc_recency_rule"] == pytest.approx(trained.recency_rule.auc)
    assert logged.run_url.endswith(f"/runs/{logged.run_id}")


def test_a_loaded_model_scores_as_the_trained_one(store: Store, trained: TrainedChurn) -> None:
    logged = store.log(trained, "2025-03-02")
    loaded = load_model("churn_risk", logged.version, tracking_uri=store.tracking_uri)
    assert loaded.feature_names == trained.model.feature_names
    assert np.array_equal(loaded.predict(trained.test.features), trained.model.predict(trained.test.features))


@pytest.mark.parametrize("rung", RUNGS)
def test_every_rung_survives_the_store(store: Store, trained: TrainedChurn, rung: Any) -> None:
    estimator, _ = calibrate(fit_rung(rung, trained.test, seed=1), trained.test)
    model = ChurnModel(estimator, trained.model.feature_names)
    logged = store.log(replace(trained, model=model), "2025-03-02")
    loaded = load_model("churn_risk", logged.version, tracking_uri=store.tracking_uri)
    assert np.array_equal(loaded.predict(trained.test.features), model.predict(trained.test.features))


def test_no_customer_is_in_the_store(store: Store, trained: TrainedChurn) -> None:
    store.log(trained, "2025-03-02")
    files = [path for path in store.artifacts.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert files
    assert not any(b"c_00" in path.read_bytes() for path in files)
    example = json.loads(next(path for path in files if path.name == "input_example.json").read_text())
    medians = trained.test.features.median().fillna(0.0)
    assert example["data"] == [pytest.approx(medians.tolist())]


def test_the_same_training_is_logged_once(store: Store, trained: TrainedChurn) -> None:
    first, again = (store.log(trained, "2025-03-02", git_revision="abc") for _ in range(2))
    other_code = store.log(trained, "2025-03-02", git_revision="def")
    assert (first.version, first.run_id) == (again.version, again.run_id)
    assert other_code.version != first.version


def test_the_first_version_is_champion_and_an_equal_one_is_not(store: Store, trained: TrainedChurn) -> None:
    first = store.log(trained, "2025-03-02")
    assert promote(first, tracking_uri=store.tracking_uri).is_champion
    equal = promote(store.log(trained, "2025-03-09"), tracking_uri=store.tracking_uri)
    assert not equal.is_champion
    assert "does not beat" in equal.reason
    assert store.champion == first.version


def test_a_better_version_takes_the_alias(store: Store, trained: TrainedChurn) -> None:
    worse = store.log(with_scores_of(trained, trained.model.feature_names), "2025-03-02")
    better = store.log(trained, "2025-03-09")
    assert promote(worse, tracking_uri=store.tracking_uri).is_champion
    assert promote(better, tracking_uri=store.tracking_uri).is_champion
    assert store.champion == better.version


def test_a_past_week_is_judged_by_its_own_past_and_leaves_the_alias(store: Store, trained: TrainedChurn) -> None:
    now, past = store.log(trained, "2025-03-09"), store.log(trained, "2025-03-02")
    assert promote(now, tracking_uri=store.tracking_uri).is_champion
    assert promote(past, tracking_uri=store.tracking_uri).is_champion
    assert store.champion == now.version


def test_a_champion_whose_features_are_gone_is_replaced(store: Store, trained: TrainedChurn) -> None:
    fewer = trained.test.features.drop(columns=["order_count"])
    estimator, _ = calibrate(
        fit_rung("recency_rule", replace(trained.test, features=fewer), seed=1), replace(trained.test, features=fewer)
    )
    follower = replace(
        trained,
        model=ChurnModel(estimator, tuple(fewer.columns)),
        test=replace(trained.test, features=fewer),
    )
    assert promote(store.log(trained, "2025-03-02"), tracking_uri=store.tracking_uri).is_champion
    found = promote(store.log(follower, "2025-03-09"), tracking_uri=store.tracking_uri)
    assert found.is_champion
    assert "order_count" in found.reason


def test_tracking_is_quiet_and_leaves_the_former_store(
    store: Store, trained: TrainedChurn, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    mlflow.set_tracking_uri("sqlite:////nowhere/else.db")
    promote(store.log(trained, "2025-03-02"), tracking_uri=store.tracking_uri)
    assert mlflow.get_tracking_uri() == "sqlite:////nowhere/else.db"
    assert capfd.readouterr() == ("", "")
    assert [str(found.message) for found in recwarn if not issubclass(found.category, DeprecationWarning)] == []


def test_a_run_without_partition_is_refused(store: Store, trained: TrainedChurn) -> None:
    with pytest.raises(ValueError, match="no partition"):
        log_churn_run(trained, tracking_uri=store.tracking_uri, artifacts=store.artifacts, tags={})
