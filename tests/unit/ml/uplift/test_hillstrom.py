"""Real customers of the MineThatData e-mail experiment: whom the Womens e-mail moves."""

import os
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from benchmarks.uplift import HalfSplit, read_hillstrom, split_in_halves
from ml.uplift.examples import Examples
from ml.uplift.learners import Learner
from ml.uplift.qini import compare

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def hillstrom() -> Examples:
    data = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "hillstrom_womens").exists():
        pytest.skip("real data hillstrom_womens is not here (expected beside the repository in shared/data)")
    return read_hillstrom(data)


@pytest.fixture(scope="module")
def halves(hillstrom: Examples) -> dict[Learner, HalfSplit]:
    with threadpool_limits(1):
        return dict(split_in_halves(hillstrom))


def test_the_average_effect_is_the_published_one(hillstrom: Examples) -> None:
    found = compare(hillstrom, hillstrom.treated >= 0)
    assert found.n_treated + found.n_held_out == 42_693
    assert (found.mean_treated, found.mean_held_out) == pytest.approx((0.151400, 0.106167), abs=1e-6)
    assert (found.uplift, found.low, found.high) == pytest.approx((0.04523, 0.03889, 0.05157), abs=1e-5)


def test_learners_exceed_the_published_uplift_at_30_percent(halves: dict[Learner, HalfSplit]) -> None:
    assert halves["t_learner"].uplift_at_30 >= 0.069  # scikit-uplift documents .0661 for class transformation
    assert halves["dr_ridge"].uplift_at_30 >= 0.069


def test_learners_rank_better_than_who_visits_anyway(halves: dict[Learner, HalfSplit]) -> None:
    assert halves["response_model"].qini < 0.006 < min(halves["t_learner"].qini, halves["dr_ridge"].qini)


def test_one_column_does_as_well_as_the_learners(halves: dict[Learner, HalfSplit]) -> None:
    """Who bought womenswear is moved, and little else tells: a learner that claimed to beat that would have to be looked at."""
    assert halves["single_column"].qini == pytest.approx(halves["dr_ridge"].qini, abs=0.001)
