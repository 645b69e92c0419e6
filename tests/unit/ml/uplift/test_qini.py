"""Qini, uplift and the value of policies, beside computations of another kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml.uplift.cross_fit import cross_fit, find_places
from ml.uplift.doubly_robust import Outcomes, weigh_outcomes
from ml.uplift.examples import Floats
from ml.uplift.holm import adjust
from ml.uplift.policy import value_policies
from ml.uplift.qini import bootstrap_qinis, compare, estimate, qini, uplift_at, uplift_by_tenth
from tests.unit.ml.uplift.planted import mail, nothing, young_only


def area_under_gain_curve(effects: Floats, places: Floats) -> float:
    """Trapezoids under the gain curve, person by person, less the triangle under random treatment."""
    gained, area = 0.0, 0.0
    for effect in effects[np.argsort(places, kind="stable")] / len(effects):
        area += (gained + gained + effect) / 2 / len(effects)
        gained += effect
    return area - gained / 2


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.integers(0, 99))
def test_qini_is_the_area_between_gain_curve_and_random(effects: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    places = find_places(generator.integers(0, 4, len(effects)).astype(np.float64), seed=seed)
    assert qini(np.array(effects), places) == pytest.approx(area_under_gain_curve(np.array(effects), places), abs=1e-9)


def test_qini_of_the_true_ranking_is_that_of_theory() -> None:
    # Half of the people are moved by .16, ranked first: the gain rises to .08 at one half and stays; less the triangle.
    effects = np.repeat([0.16, 0.0], 5000)
    places = (np.arange(10_000) + 0.5) / 10_000
    assert qini(effects, places) == pytest.approx(0.08 * 0.5 * 0.5 + 0.08 * 0.5 - 0.08 / 2, abs=1e-9)
    assert qini(effects, 1 - places) == pytest.approx(-0.02, abs=1e-9)


def test_bootstrap_draws_are_qinis_of_samples_written_out() -> None:
    generator = np.random.default_rng(3)
    effects, customers = generator.normal(size=60), generator.integers(0, 25, 60)
    places = find_places(generator.normal(size=60), seed=1)
    draws = bootstrap_qinis(effects, places[:, None], customers, seed=8)[:, 0]
    again = np.random.default_rng(8)
    names = np.unique(customers)
    for found in draws[:20]:
        drawn = names[again.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(customers == name) for name in drawn])
        # Copies of a person stand side by side and share the middle of their places.
        ranked = stats.rankdata(places[rows]) - 0.5
        assert found == pytest.approx(qini(effects[rows], ranked / len(rows)), abs=1e-12)


def test_bootstrap_interval_covers_the_truth() -> None:
    covered = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        effects = np.repeat([0.16, 0.0], 200) + generator.normal(size=400)
        places = (np.arange(400) + 0.5) / 400
        draws = bootstrap_qinis(effects, places[:, None], np.arange(400), seed=seed)[:, 0]
        found = estimate(qini(effects, places), draws)
        covered += found.low <= 0.02 <= found.high
    assert stats.binomtest(covered, 60, 0.95).pvalue > 0.001


def test_uplift_is_welchs_comparison() -> None:
    examples = mail(young_only, size=3000, share=0.8).examples
    everyone = np.ones(len(examples), dtype=np.bool_)
    found = compare(examples, everyone)
    arms = [examples.outcome[examples.treated == arm] for arm in (1, 0)]
    expected = stats.ttest_ind(*arms, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (found.uplift, found.low, found.high) == pytest.approx((arms[0].mean() - arms[1].mean(), *interval))
    assert found.p_gain == pytest.approx(stats.ttest_ind(*arms, equal_var=False, alternative="greater").pvalue)
    assert found.p_harm == pytest.approx(stats.ttest_ind(*arms, equal_var=False, alternative="less").pvalue)


def test_tenths_hold_everyone_once_and_in_order() -> None:
    examples = mail(young_only, size=2503).examples
    places = find_places(-np.nan_to_num(examples.features["age"].to_numpy()), seed=2)
    tenths = uplift_by_tenth(examples, places)
    sizes = [tenth.n_treated + tenth.n_held_out for tenth in tenths]
    assert sum(sizes) == 2503
    assert max(sizes) - min(sizes) <= 1
    first = np.argsort(places)[: sizes[0]]
    assert tenths[0].n_treated == examples.treated[first].sum()
    top = uplift_at(examples, places, 0.3)
    assert top.n_treated == sum(tenth.n_treated for tenth in tenths[:3])


def test_values_of_policies_are_inverse_propensity_weighted_means() -> None:
    examples = mail(young_only, share=0.8).examples
    size = len(examples)
    flat = np.full(size, 0.2)  # an expectation that knows nothing
    outcomes = weigh_outcomes(examples, flat, flat)
    is_young = examples.features["age"].to_numpy() < 0
    found = value_policies(outcomes, {"young": is_young, "none": np.zeros(size, dtype=np.bool_)}, cost=0.01)
    total = 0.0
    for treats, treated, outcome in zip(is_young, examples.treated, examples.outcome, strict=True):
        follows = bool(treated) == bool(treats)
        share = 0.8 if treats else 0.2
        total += 0.2 + follows * (outcome - 0.2) / share - 0.01 * bool(treats)
    assert found["young"].value == pytest.approx(total / size)
    assert found["none"].p_value == 1.0


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_doubly_robust_outcomes_are_unbiased_whatever_is_expected(share: float) -> None:
    errors = []
    for seed in range(40):
        planted = mail(young_only, size=1500, share=share, seed=seed)
        wrong = np.random.default_rng(seed).random(1500)
        found: Outcomes = weigh_outcomes(planted.examples, wrong, wrong)
        errors.append(float((found.effect - planted.effect).mean()))
    assert stats.ttest_1samp(errors, 0.0).pvalue > 0.001


def test_nobody_is_scored_by_a_model_that_saw_them() -> None:
    """An outcome that is flipped moves everybody's score but the person's own."""
    planted = mail(young_only, size=1200)
    examples = planted.examples
    before = cross_fit(examples, seed=4)
    person = 17
    outcome = examples.outcome.copy()
    outcome[person] = 1 - outcome[person]
    folds_kept = type(examples)(
        examples.features, examples.treated, outcome, examples.share, examples.customers, examples.segments
    )
    from ml.uplift import cross_fit as module

    folds = module.assign_folds(examples, seed=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "assign_folds", lambda _examples, *, seed: folds)  # noqa: ARG005 - the same folds
        after = module.cross_fit(folds_kept, seed=4)
    for name in before.scores:
        assert after.scores[name][person] == pytest.approx(before.scores[name][person], abs=1e-9)
    others = folds != folds[person]
    assert not np.allclose(before.scores["t_learner"][others], after.scores["t_learner"][others], atol=1e-9)


def test_a_customer_with_two_rows_stays_in_one_fold() -> None:
    from ml.uplift.cross_fit import assign_folds

    examples = mail(nothing, size=1000).examples
    doubled = examples.take(np.concatenate([np.arange(1000), np.arange(1000)]))
    folds = assign_folds(doubled, seed=1)
    assert (folds[:1000] == folds[1000:]).all()
    assert sorted(np.bincount(folds).tolist()) == [400] * 5


def test_holm_adjusts_as_in_the_paper() -> None:
    assert adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # by hand
    assert adjust([0.9, 0.8]) == [1.0, 1.0]
    assert adjust([]) == []
