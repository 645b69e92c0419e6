"""People in whom two arms met are counted, and the estimate is shown with and without them."""

import pytest

from tests.unit.ml.measurement.cell_rows import analyse, rate_cell


def test_the_estimate_is_shown_without_the_contaminated_who_are_told_by_kind() -> None:
    kinds = {"two_arms_units": 40, "shared_mailbox_units": 30, "leaked_units": 0, "internal_units": 20}
    spoiled = rate_cell("holdout", 1_000, 0.15, contaminated_units=80, **kinds)  # ten are so in two ways
    rows = analyse(
        rate_cell("treatment", 9_000, 0.2),
        spoiled | {"planned_share": None},
        rate_cell("treatment", 9_000, 0.2, segment="not_contaminated", dimension="purity"),
        rate_cell("holdout", 920, 0.125, segment="not_contaminated", dimension="purity"),
    )
    (row,) = rows  # the pure ones are no segment of their own, and cost the others nothing
    assert (row.lift, row.lift_clean) == (pytest.approx(0.05), pytest.approx(0.075))
    assert row.ci_low_clean is not None
    assert row.ci_high_clean is not None
    assert row.ci_low_clean < 0.075 < row.ci_high_clean
    assert (row.n_contaminated, row.contamination) == (80, pytest.approx(0.008))
    assert (
        row.contamination_text == "profiles of two arms: 40; a mailbox shared with another arm: 30; our own people: 20"
    )


def test_nothing_is_left_out_where_nobody_is_contaminated() -> None:
    pure = {"segment": "not_contaminated", "dimension": "purity"}
    (row,) = analyse(*(rate_cell(arm, 1_000, 0.2, **more) for arm in ("treatment", "holdout") for more in ({}, pure)))
    assert (row.lift_clean, row.n_contaminated, row.contamination_text) == (None, 0, None)
