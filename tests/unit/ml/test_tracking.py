"""Trainings in MLflow, on a store of their own."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from ml.propensity.figures import draw_figures
from ml.propensity.ladder import calibrate, fit_rung
from ml.propensity.model import PropensityModel
from ml.propensity.task import Rung
from ml.propensity.train import Trained
from ml.tracking import (
    LoggedModel,
    UnknownVersion,
    Verdict,
    describe_version,
    judge,
    load_model,
    log_training,
    log_uplift,
    note_verdict,
    point_aliases,
)
from ml.uplift.report import report_uplift
from tests.unit.ml.uplift.planted import harms_silver, mail

NAME = "churn_risk"


@dataclass(frozen=True)
class Store:
    """An MLflow store that was migrated once; every test uses years of its own."""

    tracking_uri: str
    artifacts: Path

    def log(self, trained: Trained, partition: str, **tags: str) -> LoggedModel:
        arguments = {"partition": partition, **tags}
        return log_training(trained, tracking_uri=self.tracking_uri, artifacts=self.artifacts, tags=arguments)

    def judge(self, logged: LoggedModel, incumbent: LoggedModel | None = None) -> Verdict:
        version = incumbent.version if incumbent else None
        return judge(logged, incumbent=version, tracking_uri=self.tracking_uri)

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)

    @property
    def aliases(self) -> dict[str, str]:
        return {alias: str(version) for alias, version in self.client.get_registered_model(NAME).aliases.items()}

    def children(self, run_id: str) -> dict[str, Any]:
        experiment = self.client.get_run(run_id).info.experiment_id
        runs = self.client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
        return {run.info.run_name: run for run in runs}


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


def standing_on(trained: Trained, rung: Rung) -> Trained:
    """The same training with a model of another rung."""
    estimator, _ = calibrate(fit_rung(rung, trained.task, trained.test, seed=1), trained.test)
    model = PropensityModel(estimator, trained.model.feature_names, trained.model.confidence)
    return replace(trained, model=model, judged=model, rung=rung, data_fingerprint=rung)


def test_a_run_tells_model_and_rule_with_their_pictures(store: Store, trained: Trained) -> None:
    tags = {
        "git_revision": "abc",
        "dagster_run_id": "r1",
        "dagster_run_url": "http://dagster/runs/r1",
        "feature_version": "f",
    }
    logged = store.log(trained, "2025-03-02", **tags)
    run = store.client.get_run(logged.run_id)
    assert run.data.metrics["auc"] == pytest.approx(trained.evaluation.auc)
    assert run.data.metrics["auc_rule"] == pytest.approx(trained.rungs["rule"].evaluation.auc)
    assert run.data.metrics["canary/chance_limit"] == pytest.approx(trained.canaries.chance_limit)
    assert run.data.metrics["rfm_segment/champions/auc"] == pytest.approx(trained.groups["rfm_segment/champions"].auc)
    assert run.data.metrics["value_tier/low/rows"] == 400
    assert run.data.metrics["prevalence/test/2025-02-16"] == pytest.approx(trained.test.outcome.mean())
    assert run.data.metrics["profit_per_row"] == pytest.approx(trained.rungs[trained.rung].profit)
    assert (run.data.params["rung"], run.data.params["population"]) == (trained.rung, "buyers")
    assert run.data.tags | {"partition": "2025-03-02", **tags} == run.data.tags
    assert "(http://dagster/runs/r1)" in run.data.tags["mlflow.note.content"]
    files = {file.path for file in store.client.list_artifacts(logged.run_id)}
    assert files == {*draw_figures(trained), "permutation_importances.json", "class_balance.json", "reference.json"}
    assert {"roc.png", "precision_recall.png", "calibration.png", "gain.png", "lift_by_decile.png"} < files
    importances = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/permutation_importances.json")
    assert importances == pytest.approx(dict(trained.importances))
    assert [entry.dataset.digest for entry in run.inputs.dataset_inputs] == [trained.data_fingerprint]
    assert logged.run_url.endswith(f"/runs/{logged.run_id}")


def test_every_rung_is_a_child_run_with_the_decision_on_it(store: Store, trained: Trained) -> None:
    logged = store.log(trained, "2025-03-02", git_revision="abc")
    children = store.children(logged.run_id)
    assert set(children) == set(trained.rungs)
    for rung, found in trained.rungs.items():
        data = children[rung].data
        assert data.metrics.items() >= asdict(found.evaluation).items()
        assert (data.params["rung"], data.tags["git_revision"], data.tags["partition"]) == (rung, "abc", "2025-03-02")
        assert children[rung].info.status == "FINISHED"
    decision = trained.climb["logistic_regression"]
    told = children["logistic_regression"].data
    assert told.tags["decision"] == decision.reason
    assert told.metrics["gate/average_precision_low"] == pytest.approx(decision.primary.low)
    assert [rung for rung, run in children.items() if run.data.tags["is_standing"] == "true"] == [trained.rung]


def test_a_loaded_model_scores_as_the_trained_one(store: Store, trained: Trained) -> None:
    logged = store.log(trained, "2025-03-02")
    loaded = load_model(NAME, logged.version, tracking_uri=store.tracking_uri)
    assert loaded.feature_names == trained.model.feature_names
    assert loaded.confidence == trained.model.confidence
    assert np.array_equal(loaded.predict(trained.test.features), trained.model.predict(trained.test.features))


@pytest.mark.parametrize("rung", ["rule", "logistic_regression", "gradient_boosting"])
def test_every_rung_survives_the_store(store: Store, trained: Trained, rung: Rung) -> None:
    found = standing_on(trained, rung)
    logged = store.log(found, "2025-03-02")
    loaded = load_model(NAME, logged.version, tracking_uri=store.tracking_uri)
    assert np.array_equal(loaded.predict(trained.test.features), found.model.predict(trained.test.features))


def test_no_customer_is_in_the_store(store: Store, trained: Trained) -> None:
    store.log(trained, "2025-03-02")
    files = [path for path in store.artifacts.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert files
    assert not any(b"c_00" in path.read_bytes() for path in files)
    example = json.loads(next(path for path in files if path.name == "input_example.json").read_text())
    medians = trained.test.features.median().fillna(0.0)
    assert example["data"] == [pytest.approx(medians.tolist())]


def test_the_same_training_is_logged_once(store: Store, trained: Trained) -> None:
    first, again = (store.log(trained, "2025-03-02", git_revision="abc") for _ in range(2))
    other_code = store.log(trained, "2025-03-02", git_revision="def")
    other_features = store.log(trained, "2025-03-02", git_revision="abc", feature_version="g")
    assert (first.version, first.run_id) == (again.version, again.run_id)
    assert len({first.version, other_code.version, other_features.version}) == 3


def test_the_first_version_may_be_champion_and_an_equal_one_may_not(store: Store, trained: Trained) -> None:
    same = replace(trained, judged=trained.model)
    first, second = store.log(same, "2025-03-02"), store.log(same, "2025-03-09")
    assert store.judge(first).is_champion
    equal = store.judge(second, first)
    assert not equal.is_champion
    assert "does not beat" in equal.reason
    assert equal.evidence["incumbent"] == first.version
    assert equal.evidence["average_precision_difference"] == 0.0


def test_a_better_version_may_follow_and_a_worse_may_not(store: Store, trained: Trained) -> None:
    opposite = replace(trained, test=replace(trained.test, outcome=1 - trained.test.outcome))
    mistaken = replace(standing_on(opposite, "rule"), test=trained.test)
    worse, better = store.log(mistaken, "2025-03-02"), store.log(trained, "2025-03-09")
    verdict = store.judge(better, worse)
    assert verdict.is_champion
    assert float(verdict.evidence["average_precision_low"]) > 0
    assert not store.judge(worse, better).is_champion


def test_a_version_with_an_alarmed_canary_is_never_champion(store: Store, trained: Trained) -> None:
    leaking = replace(trained, canaries=replace(trained.canaries, suspects=("orders_of_next_month",)))
    verdict = store.judge(store.log(leaking, "2025-03-02"))
    assert not verdict.is_champion
    assert "orders_of_next_month" in verdict.reason


def test_an_incumbent_whose_features_are_gone_is_replaced(store: Store, trained: Trained) -> None:
    fewer = replace(trained.test, features=trained.test.features.drop(columns=["order_count"]))
    estimator, _ = calibrate(fit_rung("rule", trained.task, fewer, seed=1), fewer)
    model = PropensityModel(estimator, tuple(fewer.features.columns), trained.model.confidence)
    first = store.log(trained, "2025-03-02")
    verdict = store.judge(store.log(replace(trained, judged=model, model=model, test=fewer), "2025-03-09"), first)
    assert verdict.is_champion
    assert "order_count" in verdict.reason


def test_aliases_name_the_champion_and_the_newest_other_version(store: Store, trained: Trained) -> None:
    march, april, past = (store.log(trained, day) for day in ("2025-03-02", "2025-04-06", "2025-01-05"))
    point_aliases(NAME, champion=march.version, tracking_uri=store.tracking_uri)
    assert store.aliases == {"champion": march.version, "challenger": april.version}
    point_aliases(NAME, champion=april.version, tracking_uri=store.tracking_uri)
    assert store.aliases == {"champion": april.version, "challenger": march.version}
    point_aliases(NAME, champion=None, tracking_uri=store.tracking_uri)
    assert store.aliases == {"challenger": april.version}
    note_verdict(NAME, past.version, is_champion=False, reason="older", tracking_uri=store.tracking_uri)
    assert (
        store.client.get_model_version(NAME, past.version).tags.items()
        >= {"promoted": "false", "promotion_reason": "older"}.items()
    )


def test_a_version_is_described_by_what_it_was_measured_at(store: Store, trained: Trained) -> None:
    logged = store.log(trained, "2025-03-02")
    found = describe_version(NAME, logged.version, tracking_uri=store.tracking_uri)
    assert (found.run_id, found.partition) == (logged.run_id, "2025-03-02")
    assert found.metrics["brier"] == pytest.approx(trained.evaluation.brier)
    with pytest.raises(UnknownVersion, match=r"churn_risk has no version 9 \(there are: 1\)"):
        describe_version(NAME, "9", tracking_uri=store.tracking_uri)


def test_tracking_is_quiet_and_leaves_the_former_store(
    store: Store, trained: Trained, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    mlflow.set_tracking_uri("sqlite:////nowhere/else.db")
    store.judge(store.log(trained, "2025-03-02"))
    assert mlflow.get_tracking_uri() == "sqlite:////nowhere/else.db"
    assert capfd.readouterr() == ("", "")
    assert [str(found.message) for found in recwarn if not issubclass(found.category, DeprecationWarning)] == []


def test_a_run_without_partition_is_refused(store: Store, trained: Trained) -> None:
    with pytest.raises(ValueError, match="no partition"):
        log_training(trained, tracking_uri=store.tracking_uri, artifacts=store.artifacts, tags={})


def test_an_uplift_report_is_one_run_a_week_with_its_numbers(store: Store) -> None:
    report = report_uplift(mail(harms_silver, size=4000).examples, seed=1)
    tags = {"partition": "2025-03-09", "experiment": "win_back", "arm": "mailed", "baseline": "held_out"}
    where: dict[str, Any] = {"tracking_uri": store.tracking_uri, "artifacts": store.artifacts}
    first = log_uplift(report, tags=tags, **where)
    second = log_uplift(report, tags=tags, **where)
    log_uplift(report, tags={**tags, "partition": "2025-03-16"}, **where)
    assert first != second
    [experiment] = [each for each in store.client.search_experiments() if each.name == "uplift"]
    runs = store.client.search_runs([experiment.experiment_id], "tags.partition = '2025-03-09'")
    assert [run.info.run_id for run in runs] == [second.rpartition("/")[2]]
    metrics = runs[0].data.metrics
    assert metrics["effect"] == pytest.approx(report.average.uplift)
    assert metrics["dr_ridge/qini"] == pytest.approx(report.learners["dr_ridge"].qini.value)
    assert metrics["policy/t_learner first 30 percent"] == pytest.approx(report.policies["t_learner first 30%"].value)
    assert sum(name.startswith("policy/") for name in metrics) == 3 * len(report.policies)
    assert runs[0].data.tags["mlflow.note.content"] == report.reason
    assert [file.path for file in store.client.list_artifacts(runs[0].info.run_id)] == ["uplift.png"]
    with pytest.raises(ValueError, match="no baseline"):
        log_uplift(report, tags={name: text for name, text in tags.items() if name != "baseline"}, **where)
