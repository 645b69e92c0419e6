"""States of a champion: which sign says what, and what chance and nature excuse."""

from dataclasses import astuple, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from ml.propensity.estimate import Estimate, Realised
from ml.propensity.health import Shift, Signs, judge_health, psi_by_chance, read_limits
from ml.propensity.pace import Pace, compare_pace
from ml.propensity.reference import Reference, Scored, Spread, describe_reference, measure_psi, spread

LIMITS = read_limits()
CUTOFF = date(2025, 3, 2)
REFERENCE = Reference(
    rows=5000, cutoff=CUTOFF, days_apart=30, horizon_days=30, spreads={}, estimated=Estimate(0.80, 0.5, 0.1, 0.2), auc=0.80
)  # fmt: skip
LIKE_BEFORE = Realised(4000, 0.79, 0.77, 0.81, 0.1, 0.20, 0.19, -1.0)
STEADY = Shift("score", 0.02, 0.01, 0.03, 0.02)
HEALTHY = Signs(
    REFERENCE, 8, STEADY, (Shift("carts_7", 0.05, 0.01, 0.02, 0.1),), Estimate(0.79, 0.5, 0.1, 0.2), LIKE_BEFORE
)


def shifted(psi: float, chance: float = 0.01, nature: float = 0.02, name: str = "score") -> Shift:
    return Shift(name, psi, chance, nature, 0.2)


def realised(**changes: Any) -> Realised:
    return replace(LIKE_BEFORE, **changes)


def pace(ratio: float, surprise: float, *, is_outcome: bool = True) -> tuple[Pace, ...]:
    return (Pace("order", 28, "when it was calibrated", ratio, surprise, is_outcome),)


def test_a_model_without_signs_is_fresh() -> None:
    assert judge_health(HEALTHY, LIMITS).state == "fresh"


@pytest.mark.parametrize(
    ("changes", "state", "word"),
    [
        ({"score": shifted(0.15)}, "watch", "PSI 0.15"),
        ({"score": shifted(0.30)}, "degraded", "PSI 0.30"),
        ({"score": shifted(0.30, chance=0.31)}, "fresh", ""),
        ({"score": shifted(0.30, nature=0.35)}, "fresh", ""),
        ({"features": (shifted(0.9, name="tenure"), shifted(0.9, nature=0.9, name="age"))}, "watch", "tenure moved"),
        ({"features": (shifted(0.9, nature=1.2, name="age"),)}, "fresh", ""),
        ({"score": shifted(0.09), "estimated": Estimate(0.76, 0.5, 0.1, 0.2)}, "watch", "harder to tell apart"),
        ({"score": shifted(0.09), "estimated": Estimate(0.73, 0.5, 0.1, 0.2)}, "degraded", "harder to tell apart"),
        ({"score": shifted(0.005), "estimated": Estimate(0.73, 0.5, 0.1, 0.2)}, "fresh", ""),
        ({"realised": realised(auc=0.76, auc_high=0.78)}, "watch", "ranked worse"),
        ({"realised": realised(auc=0.70, auc_high=0.73)}, "degraded", "ranked worse"),
        ({"realised": realised(auc=0.70, auc_high=0.81)}, "fresh", ""),
        ({"realised": realised(outcome_share=0.15, surprise=-7.0)}, "watch", "15.0% were a yes"),
        ({"realised": realised(outcome_share=0.12, surprise=-9.0)}, "degraded", "12.0% were a yes"),
        ({"realised": realised(outcome_share=0.12, surprise=-3.0)}, "fresh", ""),
        ({"realised": realised(rows=80, outcome_share=0.12, surprise=-9.0)}, "fresh", ""),
        ({"realised": realised(predicted_share=0.8, outcome_share=0.87, surprise=9.0)}, "degraded", "87.0% were"),
        ({"paces": pace(0.8, -5.0)}, "watch", "0.80 times"),
        ({"paces": pace(0.7, -5.0)}, "degraded", "0.70 times"),
        ({"paces": pace(1.5, 5.0)}, "degraded", "1.50 times"),
        ({"paces": pace(0.7, -3.0)}, "fresh", ""),
        ({"paces": pace(0.5, -9.0, is_outcome=False)}, "watch", "0.50 times"),
        ({"paces": pace(0.0, -9.0)}, "degraded", "0.00 times"),
        ({"days_since_training": 35}, "fresh", ""),
        ({"days_since_training": 36}, "stale", "36 days"),
        ({"reference": None}, "watch", "train again"),
    ],
)  # fmt: skip
def test_each_sign_has_its_state_and_its_words(changes: dict[str, Any], state: str, word: str) -> None:
    found = judge_health(replace(HEALTHY, **changes), LIMITS)
    assert found.state == state
    assert word in found.reason


def test_the_worst_sign_gives_the_state_and_all_of_its_kind_are_named() -> None:
    signs = replace(HEALTHY, score=shifted(0.4), paces=pace(0.6, -8.0), features=(shifted(0.9, name="tenure"),))
    found = judge_health(signs, LIMITS)
    assert found.state == "degraded"
    assert "PSI 0.40" in found.reason
    assert "0.60 times" in found.reason
    assert "tenure" not in found.reason


def test_psi_of_two_samples_of_one_kind_stays_under_chance() -> None:
    generator = np.random.default_rng(4)
    found = []
    for _ in range(1500):
        reference = spread(generator.normal(size=400))
        found.append(measure_psi(reference, generator.normal(size=250)))
    limit = psi_by_chance(10, 250, 400, quantile=0.99)
    assert 0.003 <= np.mean(np.array(found) > limit) <= 0.02


def independent_psi(then: np.ndarray, now: np.ndarray, edges: np.ndarray) -> float:
    """By the book: bins by upper edge, a bin for the unknown, half a row in each."""
    counts = []
    for column in (then, now):
        known = column[~np.isnan(column)]
        inside = [((known > low) & (known <= high)).sum() for low, high in pairwise(edges)]
        counts.append(np.array([*inside, np.isnan(column).sum()]) + 0.5)
    first, second = (each / each.sum() for each in counts)
    return float(np.sum((second - first) * (np.log(second) - np.log(first))))


def test_psi_is_that_of_an_independent_computation() -> None:
    generator = np.random.default_rng(9)
    then, now = generator.gamma(2.0, 3.0, 4000), generator.gamma(2.4, 3.0, 3000)
    then[:200], now[:700] = np.nan, np.nan
    tenths = np.sort(then)[:3800][379:-1:380]
    edges = np.array([-np.inf, *tenths, np.inf])
    assert measure_psi(spread(then), now) == pytest.approx(independent_psi(then, now, edges), abs=1e-9)


def test_a_value_that_most_have_is_a_bin_of_its_own() -> None:
    then = np.array([0.0] * 900 + [1.0] * 60 + [2.0] * 40)
    found = spread(then)
    assert found == Spread((0.0, 1.0, 2.0), (900, 960, 1000), (0, 1, 1), unknown=0)
    now = np.array([0.0] * 500 + [5.0] * 500)  # beyond the highest
    assert measure_psi(found, now) == pytest.approx(independent_psi(then, now, np.array([-np.inf, 0, np.inf]))
        , abs=0.002)  # fmt: skip


def test_a_spread_keeps_the_distribution_to_a_hundredth() -> None:
    column = np.random.default_rng(2).lognormal(size=20_000)
    found = spread(column)
    places = list(zip(astuple(found)[0], found.at_most, strict=True))
    assert len(places) == 100
    assert [at_most for _, at_most in places] == [(column <= value).sum() for value, _ in places]
    rebuilt = np.repeat([value for value, _ in places], np.diff(found.at_most, prepend=0))
    assert ks_2samp(rebuilt, column).statistic <= 0.0101


def test_a_reference_is_read_as_it_was_written() -> None:
    generator = np.random.default_rng(7)
    rows, earlier = (
        Scored(
            pd.DataFrame({"visits": generator.poisson(2, 500).astype(float), "age": generator.normal(drift, 1, 500)}),
            generator.random(500),
        )
        for drift in (0.5, 0.0)
    )
    found = describe_reference(rows, earlier, cutoff=CUTOFF, days_apart=45.0, horizon_days=30, auc=0.8)
    assert Reference.of_plain(found.plain()) == found
    assert set(found.spreads) == {"visits", "age", "score"}
    assert found.spreads["age"].moved > 0.15 > found.spreads["visits"].moved
    later = found.psi_by_nature("age", CUTOFF + timedelta(days=90))
    assert later == pytest.approx(4 * found.spreads["age"].moved)


def test_pace_that_did_not_change_is_seldom_a_surprise() -> None:
    """Clicks come in bundles on the days of a newsletter; orders come one by one."""
    generator = np.random.default_rng(3)
    newsletters = np.tile([1.0, 0.2, 0.2, 4.0, 0.2, 0.2, 0.2], 5)
    for means in (np.full(35, 14.0), 6 * newsletters):
        found = [compare_pace("order", *np.split(generator.poisson(means), [7])) for _ in range(1000)]
        surprises = np.array([pace.surprise for pace in found if pace])
        assert len(surprises) == 1000
        assert np.mean(np.abs(surprises) > 1.96) < 0.08
        assert np.abs(surprises).max() < 4.5


def test_pace_that_fell_to_three_fifths_is_one() -> None:
    generator = np.random.default_rng(4)
    found = [compare_pace("order", generator.poisson(24.0, 7), generator.poisson(40.0, 30)) for _ in range(300)]
    assert np.mean([pace is not None and pace.surprise < -3.29 and pace.ratio < 0.75 for pace in found]) > 0.95
    assert compare_pace("order", np.array([3, 4]), np.zeros(30, dtype=np.int64)) is None
