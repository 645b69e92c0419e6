"""Churn runs in MLflow: log, register, promote, load. The only module that imports mlflow."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.propensity.figures import draw_figures
from ml.propensity.frames import Examples
from ml.propensity.gate import beats
from ml.propensity.model import ChurnModel
from ml.propensity.threads import limit_threads
from ml.propensity.train import TrainedChurn

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

SAMENESS = ("partition", "data_fingerprint", "git_revision", "feature_version")  # tags that tell two runs apart
SUMMARY = ("auc", "auc_low", "auc_high", "auc_recency_rule", "average_precision", "brier", "calibration_error")
NAME = "churn_risk"  # of the experiment and of the registered model
CHAMPION = "champion"
PARTITION = "partition"
PROMOTED = "promoted"
SOURCE = "marts/churn_training_set"
PREDICT = "predict_proba"

# What a churn pipeline is made of beyond what skops trusts by itself; anything else in a model file is refused.
TRUSTED_TYPES = [
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
REQUIREMENTS = (
    "numpy",
    "pandas",
    "scikit-learn",
    "skops",
)  # given, or MLflow runs the model in a subprocess to find out
LOUD = ("mlflow", "alembic")


@dataclass(frozen=True)
class LoggedModel:
    """A run and the model version that it registered.

    Attributes:
        run_id: MLflow run.
        version: Version of the registered model `churn_risk`.
        partition: Training partition, ISO date.
        run_url: Address of the run in the MLflow UI.
        summary: Figures for people, with run_id, version and run_url.
        trained: What was logged.
    """

    run_id: str
    version: str
    partition: str
    run_url: str
    summary: Mapping[str, str | float]
    trained: TrainedChurn = field(repr=False)


@dataclass(frozen=True)
class Promotion:
    """Whether a version became champion of its time, and why."""

    is_champion: bool
    reason: str


FIRST = Promotion(is_champion=True, reason="no version was champion before")


def log_churn_run(
    trained: TrainedChurn,
    *,
    tracking_uri: str,
    artifacts: Path,
    tags: Mapping[str, str],
    ui_address: str = "http://127.0.0.1:5000",
) -> LoggedModel:
    """Log one training run and register its model, once.

    A partition that is trained again by the same code on the same data gets the run and version that it has.

    Args:
        trained: From `train_churn`. Customer ids and single customers' values are not logged.
        tracking_uri: For example sqlite:////path/mlflow.db; created where it does not exist.
        artifacts: Folder for the artifacts of a new experiment.
        tags: Must hold `partition` (ISO date); usually also git_revision, feature_version, dagster_run_id.
        ui_address: Where the MLflow UI is, for the link.

    Raises:
        ValueError: tags hold no partition.
    """
    if PARTITION not in tags:
        raise ValueError("tags: no partition")
    marks = {**tags, "data_fingerprint": trained.data_fingerprint}
    with _quiet_store(tracking_uri) as client:
        experiment = _find_experiment(client, artifacts)
        found = _find_version(client, marks)
        if found is None:
            found = _log_and_register(client, experiment, trained, marks)
    run_id, version = str(found.run_id), str(found.version)  # MLflow 3.17 gives an integer version
    url = f"{ui_address}/#/experiments/{experiment}/runs/{run_id}"
    metrics = _metrics(trained)
    summary = {"run_id": run_id, "version": version, "run_url": url, "rung": trained.rung}
    return LoggedModel(
        run_id=run_id,
        version=version,
        partition=tags[PARTITION],
        run_url=url,
        summary={**summary, **{name: metrics[name] for name in SUMMARY}},
        trained=trained,
    )


def promote(logged: LoggedModel, *, tracking_uri: str) -> Promotion:
    """Make a version champion if it has no predecessor, or beats it on its own test slice.

    The predecessor is the promoted version with the newest training partition before this one's, so training a past week again
    gives the same answer. The alias `champion` moves only where no later partition holds it.
    """
    with _quiet_store(tracking_uri) as client:
        promoted = _promoted_versions(client)
        earlier = [found for found in promoted if found.tags[PARTITION] < logged.partition]
        decision = _compare(logged.trained, earlier[-1], tracking_uri) if earlier else FIRST
        client.set_model_version_tag(NAME, logged.version, PROMOTED, str(decision.is_champion).lower())
        client.set_model_version_tag(NAME, logged.version, "promotion_reason", decision.reason)
        is_newest = not promoted or promoted[-1].tags[PARTITION] <= logged.partition
        if decision.is_champion and is_newest:
            client.set_registered_model_alias(NAME, CHAMPION, logged.version)
    return decision


def load_model(name: str, version: str, *, tracking_uri: str) -> ChurnModel:
    """Load a registered version.

    Raises:
        mlflow.exceptions.MlflowException: There is no such version.
    """
    with _quiet_store(tracking_uri):
        import mlflow

        uri = f"models:/{name}/{version}"
        inputs = mlflow.models.get_model_info(uri).signature.inputs
        return ChurnModel(mlflow.sklearn.load_model(uri), tuple(inputs.input_names()))


@dataclass(frozen=True)
class Description:
    """What a registered version was measured at, for reports."""

    run_id: str
    metrics: Mapping[str, float]


def describe_version(name: str, version: str, *, tracking_uri: str) -> Description:
    """Look up the run of a registered version.

    Raises:
        mlflow.exceptions.MlflowException: There is no such version.
    """
    with _quiet_store(tracking_uri) as client:
        run_id = str(client.get_model_version(name, version).run_id)
        return Description(run_id=run_id, metrics=dict(client.get_run(run_id).data.metrics))


@contextmanager
def _quiet_store(tracking_uri: str) -> "Iterator[MlflowClient]":
    """Point MLflow at a store for a while: no log lines, no progress bars, and the former store afterwards."""
    import mlflow
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

    _make_folder(tracking_uri)
    is_set: Any = mlflow.is_tracking_uri_set
    former: Any = mlflow.get_tracking_uri() if is_set() else None
    bars: Any = MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR
    had_bars = bars.get()
    levels = {name: logging.getLogger(name).level for name in LOUD}
    mlflow.set_tracking_uri(tracking_uri)
    bars.set(False)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield mlflow.MlflowClient(tracking_uri, registry_uri=tracking_uri)
    finally:
        mlflow.set_tracking_uri(former)
        bars.set(had_bars)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _make_folder(tracking_uri: str) -> None:
    """Sqlite creates its file, but not the folder that the file is in."""
    if tracking_uri.startswith("sqlite:///"):
        Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _find_experiment(client: "MlflowClient", artifacts: Path) -> str:
    found = client.get_experiment_by_name(NAME)
    if found is not None:
        return str(found.experiment_id)
    artifacts.mkdir(parents=True, exist_ok=True)
    return str(client.create_experiment(NAME, artifact_location=(artifacts.resolve() / NAME).as_uri()))


def _params(trained: TrainedChurn) -> dict[str, Any]:
    return {
        "rung": trained.rung,
        "calibration": trained.calibration,
        "feature_count": len(trained.model.feature_names),
        "horizon_days": trained.horizon_days,
        "first_cutoff": trained.cutoffs[0].isoformat(),
        "last_cutoff": trained.cutoffs[1].isoformat(),
        "seed": trained.seed,
        **{f"rows_{name}": count for name, count in trained.row_counts.items()},
    }


def _metrics(trained: TrainedChurn) -> dict[str, float]:
    rule = {f"{name}_recency_rule": value for name, value in asdict(trained.recency_rule).items()}
    climb = {f"{rung}_gain": decision.difference for rung, decision in trained.climb.items()}
    return {**asdict(trained.evaluation), **rule, **climb, "churned_share": float(trained.test.churned.mean())}


def _log_and_register(
    client: "MlflowClient", experiment: str, trained: TrainedChurn, marks: Mapping[str, str]
) -> "ModelVersion":
    import mlflow

    name = f"{NAME} {marks[PARTITION]}"
    with mlflow.start_run(experiment_id=experiment, run_name=name, tags=dict(marks)) as run:
        mlflow.log_params(_params(trained))
        mlflow.log_metrics(_metrics(trained))
        _log_dataset(trained)
        for file, figure in draw_figures(trained).items():
            client.log_figure(run.info.run_id, figure, file)
        model = _log_model(trained)
    if not client.search_registered_models(f"name = '{NAME}'"):
        client.create_registered_model(NAME, description="P(no order within the horizon), calibrated.")
    return client.create_model_version(
        NAME, model.model_uri, run.info.run_id, tags=dict(marks), model_id=model.model_id
    )


def _find_version(client: "MlflowClient", marks: Mapping[str, str]) -> "ModelVersion | None":
    """Find the newest version that the same code made of the same data."""
    same = [
        found
        for found in client.search_model_versions(f"name = '{NAME}'")
        if all(found.tags.get(mark) == marks.get(mark) for mark in SAMENESS)
    ]
    return max(same, key=lambda found: int(found.version), default=None)


def _log_dataset(trained: TrainedChurn) -> None:
    """Log the data set's name, digest and size; the frame holds counts only."""
    import mlflow
    from mlflow.data.pandas_dataset import from_pandas

    counts = pd.DataFrame(
        {"slice": list(trained.row_counts), "rows": [float(count) for count in trained.row_counts.values()]}
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The specified dataset source")  # MLflow registers local paths twice
        dataset = from_pandas(counts, source=SOURCE, name="churn_training_set", digest=trained.data_fingerprint)
    mlflow.log_input(dataset, context="training")


def _log_model(trained: TrainedChurn) -> Any:
    import mlflow

    example = _typical_customer(trained.test)
    estimator = trained.model.estimator
    with limit_threads(len(example)):
        return mlflow.sklearn.log_model(
            estimator,
            name=NAME,
            input_example=example,
            signature=mlflow.models.infer_signature(example, estimator.predict_proba(example)),
            pip_requirements=[f"{package}=={version_of(package)}" for package in REQUIREMENTS],
            pyfunc_predict_fn=PREDICT,
            serialization_format="skops",
            skops_trusted_types=TRUSTED_TYPES,
        )


def _typical_customer(examples: Examples) -> pd.DataFrame:
    """One row of medians: nobody's data."""
    return examples.features.median().fillna(0.0).to_frame().T.reset_index(drop=True)


def _promoted_versions(client: "MlflowClient") -> "list[ModelVersion]":
    """All versions that were ever promoted, by training partition, then version."""
    found = [found for found in client.search_model_versions(f"name = '{NAME}'") if found.tags.get(PROMOTED) == "true"]
    return sorted(found, key=lambda version: (version.tags[PARTITION], int(version.version)))


def _compare(trained: TrainedChurn, incumbent: "ModelVersion", tracking_uri: str) -> Promotion:
    test = trained.test
    champion = load_model(NAME, str(incumbent.version), tracking_uri=tracking_uri)
    missing = sorted(set(champion.feature_names) - set(test.features.columns))
    if missing:
        return Promotion(
            is_champion=True, reason=f"version {incumbent.version} needs features that are gone: {', '.join(missing)}"
        )
    decision = beats(
        trained.model.predict(test.features),
        champion.predict(test.features),
        churned=test.churned,
        customers=test.customers,
        seed=trained.seed,
    )
    return Promotion(decision.is_better, f"{decision.reason} (version {incumbent.version})")
