"""Models trained once for all tests of the package."""

import pyarrow as pa
import pytest

from ml.propensity.task import Task
from ml.propensity.train import Trained, train_task
from tests.unit.ml.task_world import make_examples, task_named


@pytest.fixture(scope="session")
def task() -> Task:
    """The task of the examples: who stays away."""
    return task_named("churn_risk")


@pytest.fixture(scope="session")
def examples() -> pa.Table:
    """Examples in which more than recency tells who stays away."""
    return make_examples()


@pytest.fixture(scope="session")
def trained(task: Task, examples: pa.Table) -> Trained:
    """A model of them."""
    return train_task(task, examples, seed=5)
