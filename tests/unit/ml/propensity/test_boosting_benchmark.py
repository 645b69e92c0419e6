"""The benchmark measures the boosting that the ladder ships."""

import pytest

from benchmarks.models_peers import SETTINGS, unfitted
from ml.propensity.ladder import fit_rung
from ml.propensity.task import Task
from ml.propensity.train import Trained


@pytest.mark.parametrize("name", [*SETTINGS, "early_stopping"])
def test_settings_are_those_of_the_ladder(task: Task, trained: Trained, name: str) -> None:
    shipped = fit_rung("gradient_boosting", task, trained.test, seed=1).get_params()
    measured = unfitted("scikit_learn", 1).get_params()
    assert measured[name] == shipped[name]
