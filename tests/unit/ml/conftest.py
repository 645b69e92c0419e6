"""Models trained once for all tests of the package."""

import pyarrow as pa
import pytest

from ml.propensity.train import TrainedChurn, train_churn
from tests.unit.ml.churn_world import make_examples


@pytest.fixture(scope="session")
def examples() -> pa.Table:
    """Examples in which more than recency tells who leaves."""
    return make_examples()


@pytest.fixture(scope="session")
def trained(examples: pa.Table) -> TrainedChurn:
    """A model of them."""
    return train_churn(examples, seed=5)
