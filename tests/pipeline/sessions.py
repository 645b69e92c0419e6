"""One process for several runs of a home: what a run imports and parses is paid for once."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


SCORED_FROM = (
    "int_repeat_orders__summarised", "customer_features", "customer_populations", "customer_options", "customer_outcomes", "outcome_counts",
)  # fmt: skip


class Failed(Exception):
    """What a call said when it failed, its errors and its log included."""


class Session:
    """A process that is bound to one home and does what it is told, one call after the other."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.log = home / "session.log"
        command = [sys.executable, "-m", "tests.pipeline.sessions"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()

    def holdfast(self, *arguments: str) -> None:
        self._call("holdfast", arguments)

    def materialize(self, select: str, first: date, last: date) -> None:
        """Dagster's own command for a range of partitions."""
        self._call("materialize", (select, str(first), str(last)))

    def stage(self, day: date) -> None:
        """The facts job of a day, which stages earlier ones that landed too."""
        self._call("stage", (str(day), str(day)))

    def decide(self, first: date, last: date) -> None:
        """The decision job of some days, which stages nothing."""
        self._call("decide", (str(first), str(last)))

    def train(self, week: date) -> None:
        """The training of a week, named by its Monday."""
        self._call("train", (str(week), str(week)))

    def score(self, first: date, last: date) -> None:
        """The features and scores of some days whose facts are staged, and what is found of the champions."""
        self._call("score", (str(first), str(last)))

    def build(self, models: Sequence[str], first: date, last: date) -> None:
        """Some dbt models over a window, and nothing else."""
        self._call("build", (str(first), str(last), *models))

    def rebuild_aggregates(self, days: Sequence[date]) -> None:
        self._call("rebuild_aggregates", [str(day) for day in days])

    def _call(self, name: str, arguments: Sequence[str]) -> None:
        said = self.log.stat().st_size
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer != "done\n":
            lines = self.log.read_bytes()[said:].decode().splitlines()
            raise Failed("\n".join(line for line in lines if " - DEBUG - " not in line))


def holdfast(*arguments: str) -> None:
    from orchestration.cli import main

    main(list(arguments), standalone_mode=False)


def materialize(select: str, first: str, last: str) -> None:
    from dagster._cli.asset import asset_materialize_command

    from orchestration.resources import prepare_home

    prepare_home()
    options = [
        "--module-name",
        "orchestration.definitions",
        "--select",
        select,
        "--partition-range",
        f"{first}...{last}",
    ]
    asset_materialize_command(options, standalone_mode=False)


def stage(first: str, last: str) -> None:
    _run_job("facts", first, last)


def decide(first: str, last: str) -> None:
    _run_job("decision", first, last)


def train(first: str, last: str) -> None:
    _run_job("training", first, last)


def score(first: str, last: str) -> None:
    from orchestration.defs.behavior import customer_value
    from orchestration.defs.propensity import customer_scores, model_health
    from orchestration.resources import Warehouse

    settings, _ = project()
    build(first, last, *SCORED_FROM)
    load = cache(lambda task, version: customer_scores._load(settings, task, version))
    with Warehouse(settings.warehouse).connect() as connection:
        for statements in (customer_value.CREATE, customer_scores.CREATE, model_health.CREATE):
            connection.execute(statements)
        start, end = date.fromisoformat(first), date.fromisoformat(last)
        for day in (start + timedelta(days=offset) for offset in range((end - start).days + 1)):
            customer_value.value_day(connection, day)
            customer_scores.score_day(connection, settings, day, load)


def rebuild_aggregates(*days: str) -> None:
    """Empty the aggregates of landing days and build them again, one day after the other in the order given."""
    from orchestration.resources import Warehouse

    settings, dbt = project()
    tables = aggregates(dbt.manifest_json["nodes"].values())
    with Warehouse(settings.warehouse).connect() as connection:
        for table in tables:
            connection.execute(f"delete from intermediate.{table}")
    for day in days:
        build(day, day, *tables)


def build(first: str, last: str, *models: str) -> None:
    results = project()[1].build(models, start=date.fromisoformat(first), end=date.fromisoformat(last))
    failed = [result.message for result in results if result.status.value in {"error", "fail"}]
    assert not failed, failed


@cache
def project() -> tuple[Any, Any]:
    """The settings of the home and dbt, which is parsed once."""
    from orchestration.dbt import DbtProjectRunner
    from orchestration.resources import prepare_home

    settings = prepare_home()
    return settings, DbtProjectRunner(settings)


def aggregates(nodes: Any) -> list[str]:
    """Models of behavior that are kept by landing day and do not read their own earlier days."""
    from orchestration.defs.warehouse.models import is_fact

    return [
        node["name"]
        for node in nodes
        if is_fact(node) and node["fqn"][1:3] == ["intermediate", "behavior"] and "{{ this }}" not in node["raw_code"]
    ]


def _run_job(job: str, first: str, last: str) -> None:
    from orchestration.resources import prepare_home

    settings = prepare_home()
    from orchestration.runs import Request, execute, open_instance, requests_for_training

    start, end = date.fromisoformat(first), date.fromisoformat(last)
    with open_instance(settings) as instance:
        trainings = requests_for_training(settings, instance, start=start, end=end) if job == "decision" else []
        execute([*trainings, Request(job, start, end, job)], instance)


CALLS: dict[str, Callable[..., None]] = {
    call.__name__: call for call in (holdfast, materialize, stage, decide, train, score, build, rebuild_aggregates)
}


def main() -> None:
    """Answer each line of stdin by one of stdout; all else that is said goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            CALLS[name](*arguments)
            answer = "done"
        except (Exception, SystemExit):  # noqa: BLE001 - said to whoever called, who raises it
            traceback.print_exc()
            answer = "failed"
        sys.stdout.flush()
        sys.stderr.flush()
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
