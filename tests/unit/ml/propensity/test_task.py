"""Task files: what is read of them, and how a fault names its place."""

import ast
import re
from pathlib import Path

import pytest

from ml.propensity.task import CHOICES, TASKS, TaskError, load_tasks

MACRO = Path(__file__).parents[4] / "dbt_project" / "macros" / "propensity" / "choices_as_of.sql"
CHURN = (TASKS / "churn_risk.yml").read_text()


def refused(folder: Path, text: str, name: str = "churn_risk.yml") -> str:
    (folder / name).write_text(text)
    with pytest.raises(TaskError) as found:
        load_tasks(folder)
    return str(found.value)


def test_every_file_is_a_task_of_its_name() -> None:
    assert [task.task for task in load_tasks()] == sorted(path.stem for path in TASKS.glob("*.yml"))
    assert {task.task for task in load_tasks()} >= {"churn_risk", "repeat_purchase", "first_purchase", "engagement"}


def test_a_fault_names_file_and_line(tmp_path: Path) -> None:
    line = CHURN.splitlines().index("horizon_days: 60") + 1
    assert refused(tmp_path, CHURN.replace("horizon_days: 60", "horizon_days: soon")).startswith(
        f"churn_risk.yml:{line}: horizon_days: Input should be a valid integer"
    )


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text(CHURN)
    text = refused(tmp_path, CHURN.replace("event: order", "event: applause") + "colour: red\n")
    lines = text.splitlines()
    assert [line.split(":")[0] for line in lines] == ["churn_risk.yml", "churn_risk.yml", "other.yml"]
    assert "outcome.event" in lines[0]
    assert "colour" in lines[1]
    assert "the file is called other" in lines[2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rungs: [rule, bg_nbd,", "rungs: [bg_nbd, rule,", "rungs must begin with rule"),
        ("rungs: [rule, bg_nbd,", "rungs: [bg_nbd,", "rungs must begin with rule"),
        ("short_horizon_days: 30", "short_horizon_days: 60", "must be under horizon_days"),
        ("test: 20}", "tests: 20}", "fewest"),
        ("abstain_below: 0.85", "abstain_below: 85", "abstain_below"),
        ("question: Will", "question: [Will", "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in CHURN
    assert words in refused(tmp_path, CHURN.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("options: categories", "options: send_hours"),
        ("population: buyers", "population: mailed"),
        ("happens: true", "happens: false"),
    ],
)
def test_a_choice_is_of_those_who_have_it(tmp_path: Path, old: str, new: str) -> None:
    text = (TASKS / "next_category.yml").read_text()
    assert old in text
    words = refused(tmp_path, text.replace(old, new), name="next_category.yml")
    assert "need population: " in words


def test_the_warehouse_gives_options_to_those_whom_tasks_ask() -> None:
    found = re.search(r"macro choosers.*?return\((\{.*?\})\)", MACRO.read_text(), re.DOTALL)
    assert found
    assert ast.literal_eval(found[1]) == {options: population for options, (population, _) in CHOICES.items()}


def test_profit_is_needed_where_it_decides(tmp_path: Path) -> None:
    text = CHURN.replace("metric: average_precision", "metric: expected_profit")
    (tmp_path / "churn_risk.yml").write_text(text)
    assert load_tasks(tmp_path)[0].metric == "expected_profit"
    without = "\n".join(line for line in text.splitlines() if not line.startswith("profit"))
    assert "needs profit" in refused(tmp_path, without)
