"""Many comparisons: the worked examples of the papers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.measurement.segments import control_any_error, control_discoveries, pool_partially

# Benjamini and Hochberg (1995), section 3.2: fifteen comparisons of two treatments of myocardial infarction.
PAPER = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0,
]

# Rubin (1981): coaching effects in eight schools and their standard errors.
SCHOOLS = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]
ERRORS = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]


def test_the_paper_finds_four_by_discovery_rate_and_three_by_bonferroni() -> None:
    assert sum(value <= 0.05 for value in control_discoveries(PAPER)) == 4
    assert sum(value <= 0.05 for value in control_any_error(PAPER)) == 3
    assert control_discoveries(PAPER)[3] == pytest.approx(0.0095 * 15 / 4)


def test_order_does_not_matter_and_nothing_is_nothing() -> None:
    mixed = [PAPER[place] for place in (7, 0, 14, 3, 9)]
    for control in (control_discoveries, control_any_error):
        assert sorted(control(mixed)) == pytest.approx(control(sorted(mixed)))
        assert control([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_never_lowers_a_p_value(p_values: list[float]) -> None:
    for control in (control_discoveries, control_any_error):
        assert all(1 >= adjusted >= raw - 1e-12 for raw, adjusted in zip(p_values, control(p_values), strict=True))


def test_the_eight_schools_are_pooled_as_published() -> None:
    # Bayesian Data Analysis (3rd edition), table 5.3: quantiles of 200 draws, so rough at the ends.
    published = [
        (10, -2, 31),
        (8, -5, 23),
        (7, -11, 19),
        (8, -7, 21),
        (5, -9, 18),
        (6, -7, 17),
        (10, -1, 26),
        (8, -6, 33),
    ]
    found = pool_partially(SCHOOLS, ERRORS, alpha=0.05)
    for one, (median, low, high) in zip(found, published, strict=True):
        assert one.lift == pytest.approx(median, abs=1.0)
        assert (one.ci_low, one.ci_high) == (pytest.approx(low, abs=4), pytest.approx(high, abs=8))


def test_segments_that_truly_differ_keep_most_of_their_difference() -> None:
    pooled = pool_partially([0.0, 10.0, 20.0], [1.0, 1.0, 1.0], alpha=0.05)
    assert [one.lift for one in pooled] == pytest.approx([0.1, 10.0, 19.9], abs=0.1)


def test_pooled_estimates_are_nearer_to_the_truth_and_cover_it() -> None:
    generator = np.random.default_rng(23)
    raw_error = pooled_error = covered = 0.0
    for _ in range(400):
        truth = generator.normal(1.0, 0.5, 12)
        errors = generator.uniform(0.4, 1.2, 12)
        seen = generator.normal(truth, errors)
        pooled = pool_partially(list(seen), list(errors), alpha=0.05)
        raw_error += ((seen - truth) ** 2).sum()
        pooled_error += sum((one.lift - true) ** 2 for one, true in zip(pooled, truth, strict=True))
        covered += sum(one.ci_low <= true <= one.ci_high for one, true in zip(pooled, truth, strict=True))
    assert pooled_error < 0.5 * raw_error
    assert covered / 4800 == pytest.approx(0.95, abs=0.02)


def test_two_segments_say_nothing_about_how_segments_differ() -> None:
    assert pool_partially([1.0, 2.0], [1.0, 1.0], alpha=0.05) == []
