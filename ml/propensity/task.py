"""What is predicted: each task is one file in `tasks/`, read and checked here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

TASKS = Path(__file__).parent / "tasks"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Days = Annotated[int, Field(ge=1, le=365)]
Rows = Annotated[int, Field(ge=10)]
Slice = Literal["train", "calibrate", "test"]
Rung = Literal["rule", "bg_nbd", "logistic_regression", "gradient_boosting"]
Population = Literal["buyers", "new_subscribers", "mailed"]
Event = Literal["order", "human_click", "human_reaction", "unsubscribe_or_complaint"]
Options = Literal["categories", "send_hours"]
Metric = Literal["average_precision", "expected_profit"]

# Who has a choice, and by what it is made; macros/propensity/choices_as_of.sql has the same.
CHOICES: Mapping[Options, tuple[Population, Event]] = {
    "categories": ("buyers", "order"),
    "send_hours": ("mailed", "human_reaction"),
}

LADDER: tuple[Rung, ...] = ("rule", "bg_nbd", "logistic_regression", "gradient_boosting")


class TaskError(Exception):
    """Task files have faults; the message is one line per fault, `file:line: what is wrong`."""


class Part(BaseModel):
    """Nothing unknown is let in, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outcome(Part):
    """An event after the cut-off, and whether the task predicts that it happens or that it stays away."""

    event: Event
    happens: bool


class Rule(Part):
    """The lowest rung: one column by which people are ranked without any model; whoever has no value ranks as beyond the highest."""

    column: Name
    likelier_when: Literal["higher", "lower"]


class Profit(Part):
    """Money by which contacts are judged: the gain of one whom the outcome holds for, and the cost of any."""

    gain: Annotated[float, Field(gt=0)]
    cost: Annotated[float, Field(gt=0)]


class Task(Part):
    """One question that models answer.

    Attributes:
        task: Name of the file, of the scores, of the MLflow experiment and of the registered model.
        question: What the score is the probability of, in words.
        population: Who is asked about; `marts.customer_populations` says who that is.
        outcome: What makes the answer yes.
        options: Between what the customer chooses by the event; the question is then asked of each option, and answered by yes for
            that which was chosen first. None where it is asked of the customer alone.
        horizon_days: Days in which the event counts.
        short_horizon_days: The same where fewer than five horizons of history landed.
        features: Columns that models may see; all numeric ones, or a list.
        metric: What a higher rung, and a new champion, must be better in.
        rule: Lowest rung, and the score where no model may be used.
        rungs: Rungs to climb, lowest first.
        fewest: Rows of the rarer class that each slice must have.
        abstain_below: Confidence below which a model's probability is marked `abstained`.
        profit: What a contact gains and costs; needed for the metric expected_profit.
    """

    task: Name
    question: Annotated[str, StringConstraints(min_length=10)]
    population: Population
    outcome: Outcome
    options: Options | None = None
    horizon_days: Days
    short_horizon_days: Days | None = None
    features: Literal["all"] | tuple[Name, ...] = "all"
    metric: Metric
    rule: Rule
    rungs: tuple[Rung, ...]
    fewest: Mapping[Slice, Rows]
    abstain_below: Annotated[float, Field(ge=0, le=1)]
    profit: Profit | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if tuple(rung for rung in LADDER if rung in self.rungs) != self.rungs or self.rungs[:1] != LADDER[:1]:
            message = f"rungs must begin with rule and rise in the order {', '.join(LADDER)}"
            raise ValueError(message)
        if self.metric == "expected_profit" and self.profit is None:
            message = "the metric expected_profit needs profit: {gain: …, cost: …}"
            raise ValueError(message)
        if self.short_horizon_days is not None and self.short_horizon_days >= self.horizon_days:
            message = f"short_horizon_days must be under horizon_days, which is {self.horizon_days}"
            raise ValueError(message)
        if self.options:
            population, event = CHOICES[self.options]
            if (self.population, self.outcome) != (population, Outcome(event=event, happens=True)):
                message = f"options: {self.options} need population: {population} and outcome: {{event: {event}, happens: true}}"
                raise ValueError(message)
        if set(self.fewest) != {"train", "calibrate", "test"}:
            message = "fewest must name train, calibrate and test"
            raise ValueError(message)
        return self


def load_tasks(folder: Path = TASKS) -> tuple[Task, ...]:
    """Read every task, by name.

    Raises:
        TaskError: One line per fault, with file and line; all faults at once.
    """
    tasks, faults = list[Task](), list[str]()
    for path in sorted(folder.glob("*.yml")):
        found = _read_task(path)
        if isinstance(found, Task):
            tasks.append(found)
        else:
            faults += found
    if faults:
        raise TaskError("\n".join(faults))
    return tuple(tasks)


def _read_task(path: Path) -> Task | list[str]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)  # a tenth of the time of the one in Python
        content = yaml.load(text, Loader=yaml.CSafeLoader)
        task = Task.model_validate(content)
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        return [f"{path.name}:{line}: cannot be read: {problem.problem}"]
    except ValidationError as problem:
        lines = dict(_lines(node, ()))
        return [f"{path.name}:{_line(lines, fault['loc'])}: {_words(fault)}" for fault in problem.errors()]
    if task.task != path.stem:
        return [f"{path.name}:1: task is {task.task}, but the file is called {path.stem}"]
    return task


def _words(fault: Any) -> str:
    place = ".".join(str(step) for step in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _line(lines: Mapping[tuple[str, ...], int], place: tuple[str | int, ...]) -> int:
    """Line of a place, or of the nearest place around it that is written."""
    steps = tuple(str(step) for step in place)
    return next((lines[steps[:length]] for length in range(len(steps), 0, -1) if steps[:length] in lines), 1)


def _lines(node: yaml.Node | None, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _lines(value, (*place, key.value))
