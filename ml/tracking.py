"""Trainings, uplift reports and prompts in MLflow: log, register, compare, load. The only module that imports mlflow."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.propensity.confidence import Confidence
from ml.propensity.figures import draw_figures
from ml.propensity.frames import Examples
from ml.propensity.gate import Scored, beats
from ml.propensity.model import PropensityModel
from ml.propensity.reference import Reference
from ml.propensity.task import Rung
from ml.propensity.threads import limit_threads
from ml.propensity.train import Trained
from ml.uplift.figures import draw_report
from ml.uplift.report import UpliftReport

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

SAMENESS = ("partition", "data_fingerprint", "git_revision", "feature_version")  # tags that tell two runs apart
SUMMARY = ("auc", "auc_low", "auc_high", "auc_rule", "average_precision", "brier", "calibration_error")
UPLIFT = "uplift"  # the experiment of all comparisons
COMPARISON = ("partition", "experiment", "arm", "baseline")  # tags that tell the runs of two reports apart
CHAMPION, CHALLENGER = "champion", "challenger"
APPROVED = "approved"  # the alias of the version of a prompt that may be used
PROPOSALS = "proposals"  # the experiment of all that was asked of a language model
PARTITION = "partition"
SOURCE = "marts/training_outcomes"
PREDICT = "predict_proba"
REFERENCE = "reference.json"
LOCAL = "sqlite:///"

# What a pipeline is made of beyond what skops trusts by itself; anything else in a model file is refused.
TRUSTED_TYPES = [
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
REQUIREMENTS = (
    "numpy",
    "pandas",
    "scikit-learn",
    "skops",
)  # given, or MLflow runs the model in a subprocess to find out
LOUD = ("mlflow", "alembic")

# What versions that were registered before models knew their confidence, and runs before rules had one name, are read as.
NEVER_UNSURE = Confidence((0.5,), (1.0,))
FORMER_NAMES = {"auc_recency_rule": "auc_rule"}


@dataclass(frozen=True)
class LoggedModel:
    """A run and the model version that it registered.

    Attributes:
        run_id: MLflow run of the training; its children are the rungs.
        version: Version of the registered model, which bears the task's name.
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
    trained: Trained = field(repr=False)


@dataclass(frozen=True)
class Verdict:
    """Whether a version may become champion of its time, why, and by which numbers."""

    is_champion: bool
    reason: str
    evidence: Mapping[str, str | float]


@dataclass(frozen=True)
class Description:
    """What a registered version was measured at."""

    run_id: str
    partition: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RegisteredPrompt:
    """A version of a prompt in the registry.

    Attributes:
        name: Of the prompt.
        version: Of its text.
        messages: (role, text) of each message.
        is_approved: Whether the alias `approved` points at it.
    """

    name: str
    version: int
    messages: tuple[tuple[str, str], ...]
    is_approved: bool


class UnknownVersion(Exception):
    """There is no such version of the model."""


def log_training(
    trained: Trained,
    *,
    tracking_uri: str,
    artifacts: Path,
    tags: Mapping[str, str],
    ui_address: str = "http://127.0.0.1:5000",
) -> LoggedModel:
    """Log one training of a task with its rungs as child runs, and register its model, once.

    A partition that is trained again by the same code on the same data gets the run and version that it has.

    Args:
        trained: From `train_task`. Customer ids and single people's values are not logged.
        tracking_uri: For example sqlite:////path/mlflow.db, which is created where it does not exist, or the address of a server.
        artifacts: Folder for the artifacts of a new experiment; a server keeps them itself.
        tags: Must hold `partition` (ISO date); usually also git_revision, feature_version, dagster_run_id, dagster_run_url.
        ui_address: Where the MLflow UI is, for the link.

    Raises:
        ValueError: tags hold no partition.
    """
    if PARTITION not in tags:
        raise ValueError("tags: no partition")
    name = trained.task.task
    marks = {**tags, "task": name, "data_fingerprint": trained.data_fingerprint}
    with _quiet_store(tracking_uri) as client:
        experiment = _find_experiment(client, name, artifacts if tracking_uri.startswith(LOCAL) else None)
        found = _find_version(client, name, marks)
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
        summary={**summary, **{key: metrics[key] for key in SUMMARY}},
        trained=trained,
    )


def log_uplift(
    report: UpliftReport,
    *,
    tracking_uri: str,
    artifacts: Path,
    tags: Mapping[str, str],
    ui_address: str = "http://127.0.0.1:5000",
) -> str:
    """Log the uplift report of one comparison and week as a run, in place of what was logged of it before.

    Args:
        report: From `report_uplift`. No person is in what is logged.
        tracking_uri: As of `log_training`.
        artifacts: As of `log_training`.
        tags: Must hold partition (ISO date), experiment, arm and baseline.
        ui_address: Where the MLflow UI is, for the link.

    Returns:
        Address of the run in the MLflow UI.

    Raises:
        ValueError: A tag is missing.
    """
    missing = [name for name in COMPARISON if name not in tags]
    if missing:
        raise ValueError(f"tags: no {', '.join(missing)}")
    with _quiet_store(tracking_uri) as client:
        experiment = _find_experiment(client, UPLIFT, artifacts if tracking_uri.startswith(LOCAL) else None)
        same = " and ".join(f"tags.`{name}` = '{tags[name]}'" for name in COMPARISON)
        for former in client.search_runs([experiment], same):
            client.delete_run(former.info.run_id)
        name = f"{tags['experiment']} {tags['arm']} {tags[PARTITION]}"
        marks = {**tags, "verdict": report.verdict, "mlflow.note.content": report.reason}
        run = client.create_run(experiment, tags=marks, run_name=name)
        params = {"verdict": report.verdict, "best": report.best or "none", "segments_harmed": len(report.harmed)}
        _log_numbers(client, run, params=params, metrics=_uplift_metrics(report))
        if report.learners:
            client.log_figure(run.info.run_id, draw_report(report), "uplift.png")
        client.set_terminated(run.info.run_id)
    return f"{ui_address}/#/experiments/{experiment}/runs/{run.info.run_id}"


def judge(logged: LoggedModel, *, incumbent: str | None, tracking_uri: str) -> Verdict:
    """Say whether a version may follow an incumbent: it must beat it on the version's own test slice, and no canary may be alarmed.

    Args:
        logged: The version.
        incumbent: Version that is champion on the training partition; None if there is none.
        tracking_uri: The store.
    """
    trained = logged.trained
    evidence: dict[str, str | float] = {"run_id": logged.run_id, **_of_standing(trained)}
    if trained.canaries.alarm:
        return Verdict(is_champion=False, reason=f"leakage: {trained.canaries.alarm}", evidence=evidence)
    if incumbent is None:
        return Verdict(is_champion=True, reason="no version was champion before", evidence=evidence)
    champion = load_model(trained.task.task, incumbent, tracking_uri=tracking_uri)
    test = trained.test
    missing = sorted(set(champion.feature_names) - set(test.features.columns))
    if missing:
        reason = f"version {incumbent} needs features that are gone: {', '.join(missing)}"
        return Verdict(is_champion=True, reason=reason, evidence=evidence)
    mine, its = (scorer.predict(test.features) for scorer in (trained.judged, champion))
    decision = beats(
        Scored(mine, mine), Scored(its, its),
        task=trained.task, outcome=test.outcome, customers=test.customers, seed=trained.seed,
    )  # fmt: skip
    return Verdict(
        is_champion=decision.is_better,
        reason=f"{decision.reason} (version {incumbent})",
        evidence={**evidence, "incumbent": incumbent, **decision.evidence()},
    )


def point_aliases(name: str, *, champion: str | None, tracking_uri: str) -> None:
    """Let `champion` point at a version and `challenger` at the newest other one, by training partition; either may be nobody."""
    with _quiet_store(tracking_uri) as client:
        versions = sorted(
            client.search_model_versions(f"name = '{name}'"),
            key=lambda found: (found.tags.get(PARTITION, ""), int(found.version)),
        )
        others = [str(found.version) for found in versions if str(found.version) != champion]
        for alias, version in ((CHAMPION, champion), (CHALLENGER, others[-1] if others else None)):
            if version is None:
                client.delete_registered_model_alias(name, alias)
            else:
                client.set_registered_model_alias(name, alias, version)


def note_verdict(name: str, version: str, *, is_champion: bool, reason: str, tracking_uri: str) -> None:
    """Write on a version whether it was promoted, and why."""
    with _quiet_store(tracking_uri) as client:
        client.set_model_version_tag(name, version, "promoted", str(is_champion).lower())
        client.set_model_version_tag(name, version, "promotion_reason", reason)


def load_model(name: str, version: str, *, tracking_uri: str) -> PropensityModel:
    """Load a registered version.

    Raises:
        mlflow.exceptions.MlflowException: There is no such version.
    """
    with _quiet_store(tracking_uri):
        import mlflow

        uri = f"models:/{name}/{version}"
        info = mlflow.models.get_model_info(uri)
        found = (info.metadata or {}).get("confidence")
        return PropensityModel(
            estimator=mlflow.sklearn.load_model(uri),
            feature_names=tuple(info.signature.inputs.input_names()),
            confidence=Confidence(tuple(found["chances"]), tuple(found["values"])) if found else NEVER_UNSURE,
        )


def load_reference(name: str, version: str, *, tracking_uri: str) -> Reference | None:
    """Load what a registered version was calibrated on; None of versions that were registered before it was kept."""
    with _quiet_store(tracking_uri) as client:
        import mlflow

        run_id = str(client.get_model_version(name, version).run_id)
        if REFERENCE not in {file.path for file in client.list_artifacts(run_id)}:
            return None
        return Reference.of_plain(mlflow.artifacts.load_dict(f"runs:/{run_id}/{REFERENCE}"))


def newest_training(name: str, *, before: date, tracking_uri: str) -> date | None:
    """Training partition of the newest version that was trained before a day: whoever is champion then was held against it."""
    with _quiet_store(tracking_uri) as client:
        found = [model.tags.get(PARTITION) for model in client.search_model_versions(f"name = '{name}'")]
    days = [day for text in found if text and (day := date.fromisoformat(text)) < before]
    return max(days, default=None)


def describe_version(name: str, version: str, *, tracking_uri: str) -> Description:
    """Look up the run of a registered version.

    Raises:
        UnknownVersion: There is no such version; the message names those that there are.
    """
    with _quiet_store(tracking_uri) as client:
        versions = {str(found.version): found for found in client.search_model_versions(f"name = '{name}'")}
        if version not in versions:
            known = ", ".join(sorted(versions, key=int)) or "none"
            raise UnknownVersion(f"model {name} has no version {version} (there are: {known})")
        found = versions[version]
        logged = client.get_run(str(found.run_id)).data.metrics
        metrics = {FORMER_NAMES.get(name, name): value for name, value in logged.items()}
        return Description(run_id=str(found.run_id), partition=found.tags.get(PARTITION, ""), metrics=metrics)


def register_prompt(
    name: str, messages: Sequence[tuple[str, str]], *, tags: Mapping[str, str], tracking_uri: str
) -> RegisteredPrompt:
    """Make a text the newest version of a prompt, once: a text that is a version already keeps it.

    Args:
        name: Of the prompt.
        messages: (role, text) of each message, with `{{ name }}` where a value is put.
        tags: Of a new version.
        tracking_uri: The store.
    """
    if same := [
        found for found in prompt_versions(name, tracking_uri=tracking_uri) if found.messages == tuple(messages)
    ]:
        return same[-1]
    with _quiet_store(tracking_uri) as client:
        template = [{"role": role, "content": text} for role, text in messages]
        made = client.register_prompt(name, template, tags=dict(tags))
    return RegisteredPrompt(name=name, version=int(made.version), messages=tuple(messages), is_approved=False)


def prompt_versions(name: str, *, tracking_uri: str) -> tuple[RegisteredPrompt, ...]:
    """All versions of a prompt, the oldest first; none where it is not registered."""
    with _quiet_store(tracking_uri) as client:
        if client.get_prompt(name) is None:
            return ()
        numbers = sorted(int(found.version) for found in client.search_prompt_versions(name))
        return tuple(_registered(client.get_prompt_version(name, number)) for number in numbers)


def _registered(found: Any) -> RegisteredPrompt:
    """A version as it stands there; a text that is no conversation is read as one of a user."""
    template = [{"role": "user", "content": found.template}] if isinstance(found.template, str) else found.template
    messages = tuple((str(each["role"]), str(each["content"])) for each in template)
    return RegisteredPrompt(
        name=found.name, version=int(found.version), messages=messages, is_approved=APPROVED in (found.aliases or ())
    )


def point_approved(name: str, version: int | None, *, tracking_uri: str) -> None:
    """Let the alias `approved` of a prompt point at a version, or at none."""
    with _quiet_store(tracking_uri) as client:
        if version is None:
            client.delete_prompt_alias(name, APPROVED)
        else:
            client.set_prompt_alias(name, APPROVED, version)


def log_proposals(
    prompt: RegisteredPrompt,
    *,
    name: str,
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    tracking_uri: str,
    artifacts: Path,
    ui_address: str = "http://127.0.0.1:5000",
) -> str:
    """Log one question to a language model, linked to the version of the prompt; neither its text nor the answer is logged.

    Args:
        prompt: By which it was asked.
        name: Of the run.
        params: What was asked for, and whom.
        metrics: Counts of what came back.
        tracking_uri: As of `log_training`.
        artifacts: As of `log_training`.
        ui_address: Where the MLflow UI is, for the link.

    Returns:
        Address of the run in the MLflow UI.
    """
    with _quiet_store(tracking_uri) as client:
        experiment = _find_experiment(client, PROPOSALS, artifacts if tracking_uri.startswith(LOCAL) else None)
        run = client.create_run(experiment, run_name=name)
        of_prompt = {"prompt": prompt.name, "prompt_version": str(prompt.version)}
        _log_numbers(client, run, params={**of_prompt, **params}, metrics=metrics)
        client.link_prompt_version_to_run(run.info.run_id, f"prompts:/{prompt.name}/{prompt.version}")
        client.set_terminated(run.info.run_id)
    return f"{ui_address}/#/experiments/{experiment}/runs/{run.info.run_id}"


@contextmanager
def _quiet_store(tracking_uri: str) -> "Iterator[MlflowClient]":
    """Point MLflow at a store for a while: no log lines, no progress bars, and the former store afterwards."""
    import mlflow
    from mlflow.environment_variables import (
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR,
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
    )

    _make_folder(tracking_uri)
    is_set: Any = mlflow.is_tracking_uri_set
    former: Any = mlflow.get_tracking_uri() if is_set() else None
    wanted: dict[Any, bool] = {
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: False,
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: True,
    }
    had = {variable: variable.get() for variable in wanted}
    levels = {name: logging.getLogger(name).level for name in LOUD}
    mlflow.set_tracking_uri(tracking_uri)
    for variable, value in wanted.items():
        variable.set(value)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield mlflow.MlflowClient(tracking_uri, registry_uri=tracking_uri)
    finally:
        mlflow.set_tracking_uri(former)
        for variable, value in had.items():
            variable.set(value)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _make_folder(tracking_uri: str) -> None:
    """Sqlite creates its file, but not the folder that the file is in."""
    if tracking_uri.startswith("sqlite:///"):
        Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _find_experiment(client: "MlflowClient", name: str, artifacts: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    if artifacts is None:
        return str(client.create_experiment(name))
    artifacts.mkdir(parents=True, exist_ok=True)
    return str(client.create_experiment(name, artifact_location=(artifacts.resolve() / name).as_uri()))


def _find_version(client: "MlflowClient", name: str, marks: Mapping[str, str]) -> "ModelVersion | None":
    """Find the newest version that the same code made of the same data."""
    same = [
        found
        for found in client.search_model_versions(f"name = '{name}'")
        if all(found.tags.get(mark) == marks.get(mark) for mark in SAMENESS)
    ]
    return max(same, key=lambda found: int(found.version), default=None)


def _log_and_register(
    client: "MlflowClient", experiment: str, trained: Trained, marks: Mapping[str, str]
) -> "ModelVersion":
    import mlflow

    name = trained.task.task
    tags = {**marks, "mlflow.note.content": _note(trained, marks)}
    with mlflow.start_run(experiment_id=experiment, run_name=f"{name} {marks[PARTITION]}", tags=tags) as run:
        run_id = run.info.run_id
        _log_numbers(client, run, params=_params(trained), metrics=_metrics(trained))
        _log_dataset(trained)
        for file, figure in draw_figures(trained).items():
            client.log_figure(run_id, figure, file)
        client.log_dict(run_id, dict(trained.importances), "permutation_importances.json")
        client.log_dict(run_id, trained.reference.plain(), REFERENCE)
        client.log_dict(run_id, {"balance": [_plain(asdict(row)) for row in trained.balance]}, "class_balance.json")
        for rung in trained.rungs:
            _log_rung(client, experiment, run_id, trained, rung, marks)
        model = _log_model(trained)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=f"Calibrated probability: {trained.task.question}")
    return client.create_model_version(name, model.model_uri, run_id, tags=dict(marks), model_id=model.model_id)


def _log_rung(
    client: "MlflowClient", experiment: str, parent: str, trained: Trained, rung: Rung, marks: Mapping[str, str]
) -> None:
    """One rung as a child run, with the decision by which it was taken or left."""
    tags = {**marks, "mlflow.parentRunId": parent, "rung": rung, "is_standing": str(rung == trained.rung).lower()}
    if rung in trained.climb:
        tags["decision"] = trained.climb[rung].reason
    run = client.create_run(experiment, tags=tags, run_name=rung)
    found = trained.rungs[rung]
    evidence = trained.climb[rung].evidence() if rung in trained.climb else {}
    profit = {} if found.profit is None else {"profit_per_row": found.profit}
    metrics = {**asdict(found.evaluation), **profit, **{f"gate/{key}": value for key, value in evidence.items()}}
    _log_numbers(client, run, params={"rung": rung}, metrics=metrics)
    client.set_terminated(run.info.run_id)


def _log_numbers(
    client: "MlflowClient", run: "Run", *, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Everything in one transaction: each call of its own costs as much as all."""
    from mlflow.entities import Metric, Param

    client.log_batch(
        run.info.run_id,
        metrics=[Metric(key, value, run.info.start_time, 0) for key, value in metrics.items() if math.isfinite(value)],
        params=[Param(key, str(value)) for key, value in params.items()],
    )


def _note(trained: Trained, marks: Mapping[str, str]) -> str:
    """What people read first on the page of the run."""
    lines = [trained.task.question, f"Standing on **{trained.rung}** for the population `{trained.task.population}`."]
    lines += [f"- {rung}: {decision.reason}" for rung, decision in trained.climb.items()]
    if "dagster_run_url" in marks:
        lines.append(f"[Dagster run]({marks['dagster_run_url']})")
    return "\n\n".join(lines)


def _params(trained: Trained) -> dict[str, Any]:
    task = trained.task
    return {
        "rung": trained.rung,
        "calibration": trained.calibration,
        "population": task.population,
        "event": task.outcome.event,
        "event_happens": task.outcome.happens,
        "metric": task.metric,
        "feature_count": len(trained.model.feature_names),
        "horizon_days": trained.horizon_days,
        "first_cutoff": trained.balance[0].cutoff.isoformat(),
        "last_cutoff": trained.balance[-1].cutoff.isoformat(),
        "seed": trained.seed,
        **{f"rows_{name}": count for name, count in trained.row_counts.items()},
    }


def _of_standing(trained: Trained) -> dict[str, float]:
    """Figures of the rung that the model stands on, and of the rule beside it."""
    rule = {f"{key}_rule": value for key, value in asdict(trained.rungs["rule"].evaluation).items()}
    return {**asdict(trained.evaluation), **rule}


def _metrics(trained: Trained) -> dict[str, float]:
    canaries = trained.canaries
    profits = {rung: found.profit for rung, found in trained.rungs.items() if found.profit is not None}
    return {
        **_of_standing(trained),
        "outcome_share": float(trained.test.outcome.mean()),
        "abstained_share": trained.abstained_share,
        **({"profit_per_row": profits[trained.rung], "profit_per_row_rule": profits["rule"]} if profits else {}),
        **{
            f"hit_rate/{name}{end}": value
            for name, found in trained.hit_rates.items()
            for end, value in (("", found.value), ("_low", found.low), ("_high", found.high))
        },
        **{f"gain/{rung}": decision.primary.difference for rung, decision in trained.climb.items()},
        "canary/random_feature_auc": canaries.random_feature_auc,
        "canary/shuffled_label_auc": canaries.shuffled_label_auc,
        "canary/chance_limit": canaries.chance_limit,
        "canary/best_feature_auc": canaries.best_feature_auc,
        "canary/suspects": float(len(canaries.suspects)),
        **{f"prevalence/{row.slice}/{row.cutoff}": row.outcome_share for row in trained.balance},
        **{f"{group}/{key}": value for group, found in trained.groups.items() for key, value in asdict(found).items()},
    }


def _uplift_metrics(report: UpliftReport) -> dict[str, float]:
    """Effects with their intervals, by slashed name; what is not known is left out."""
    average = report.average
    numbers: dict[str, float | None] = {
        "units_treated": average.n_treated,
        "units_held_out": average.n_held_out,
        "effect": average.uplift,
        "effect_low": average.low,
        "effect_high": average.high,
    }
    # MLflow takes no per cent sign in a name.
    estimates = {f"policy/{policy.replace('%', ' percent')}": value for policy, value in report.policies.items()}
    for learner, found in report.learners.items():
        estimates[f"{learner}/qini"] = found.qini
        estimates[f"{learner}/qini_over_response_model"] = found.over_response_model
        numbers |= {f"{learner}/uplift_at_30": found.top.uplift, f"{learner}/p_adjusted": found.p_adjusted}
    for name, estimate in estimates.items():
        numbers |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _log_dataset(trained: Trained) -> None:
    """Log the data set's name, digest and size; the frame holds counts only."""
    import mlflow
    from mlflow.data.pandas_dataset import from_pandas

    counts = pd.DataFrame(
        {"slice": list(trained.row_counts), "rows": [float(count) for count in trained.row_counts.values()]}
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The specified dataset source")  # MLflow registers local paths twice
        dataset = from_pandas(counts, source=SOURCE, name=trained.task.task, digest=trained.data_fingerprint)
    mlflow.log_input(dataset, context="training")


def _log_model(trained: Trained) -> Any:
    import mlflow

    example = _typical_customer(trained.test)
    estimator = trained.model.estimator
    with limit_threads(len(example)):
        return mlflow.sklearn.log_model(
            estimator,
            name=trained.task.task,
            input_example=example,
            signature=mlflow.models.infer_signature(example, estimator.predict_proba(example)),
            pip_requirements=[f"{package}=={version_of(package)}" for package in REQUIREMENTS],
            pyfunc_predict_fn=PREDICT,
            serialization_format="skops",
            skops_trusted_types=TRUSTED_TYPES,
            metadata={"confidence": asdict(trained.model.confidence)},
        )


def _typical_customer(examples: Examples) -> pd.DataFrame:
    """One row of medians: nobody's data."""
    return examples.features.median().fillna(0.0).to_frame().T.reset_index(drop=True)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "cutoff": row["cutoff"].isoformat()}
