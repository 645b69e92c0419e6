"""Real labelled people come out as the people they are: by shared identifiers, and more of them with the probabilistic pass."""

import pytest

from benchmarks.labelled import measure
from benchmarks.labelled_sets import labelled
from tests.pipeline.conftest import shared_data

FOLDERS = {"febrl1": "febrl_dev", "febrl4": "febrl_dev", "rldata500": "rldata500", "fake_1000": "splink_fake_1000"}


@pytest.mark.parametrize(
    ("name", "least_f1", "most_profiles"),
    [("febrl1", 0.95, 2), ("febrl4", 0.998, 2), ("rldata500", 0.95, 2), ("fake_1000", 0.86, 10)],
)
def test_proposals_find_the_people_of_a_labelled_set_and_join_next_to_nobody_else(
    name: str, least_f1: float, most_profiles: int
) -> None:
    """The sizes are those of the largest person in the labels, or a little above."""
    before, after = measure(labelled(name, shared_data(FOLDERS[name]).parent))
    assert before.precision == 1
    assert after.recall > before.recall
    assert after.precision >= 0.99
    assert after.f1 >= least_f1
    assert after.largest <= most_profiles
