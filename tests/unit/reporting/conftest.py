"""A report with one of everything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from reporting.data import Champion, Freshness, LiftRow, OutcomeCount, QuarantineCount, SiteData

DAY = date(2025, 6, 30)

ROW = LiftRow(
    as_of=DAY,
    experiment="global_holdout",
    segment="all",
    metric="conversion",
    arm="treatment",
    baseline_arm="holdout",
    n_treated=20_000,
    n_held_out=1_000,
    mean_treated=0.0412,
    mean_held_out=0.0331,
    lift=0.0081,
    lift_relative=0.2447,
    ci_low=0.0013,
    ci_high=0.0149,
    p_value=0.02,
    p_adjusted=0.04,
    method="welch",
    verdict="works",
    srm_p_value=0.4,
    contamination=0.012,
    minimum_detectable_lift=0.009,
)


@pytest.fixture
def lift_row() -> Callable[..., LiftRow]:
    """Make a row of the holdout report that differs from a good one in the given fields."""

    def make(**changes: object) -> LiftRow:
        return replace(ROW, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def site_data(lift_row: Callable[..., LiftRow]) -> SiteData:
    """One experiment of two metrics and two segments, a waterfall, fresh and missing events, a model, refused rows."""
    return SiteData(
        as_of=DAY,
        built_at=datetime(2025, 7, 1, 6, 12, tzinfo=UTC),
        lift=(
            lift_row(segment="new_subscribers", lift=0.02),
            lift_row(metric="revenue", mean_treated=2.84, mean_held_out=2.31, lift=0.53, ci_low=-0.08, ci_high=1.14),
            lift_row(),
            lift_row(as_of=date(2025, 6, 29), lift=0.007),
        ),
        outcomes=(
            OutcomeCount("welcome", "first_email", "suppressed", 61),
            OutcomeCount("welcome", "first_email", "sent", 214),
            OutcomeCount("winback", "first_email", "held_out", 5),
        ),
        send_list_rows=214,
        freshness=(
            Freshness(
                "shopify", "order", datetime(2025, 6, 30, 22, 41, tzinfo=UTC), DAY, 6.2, 412, 405.0, 1.01, "fresh"
            ),
            Freshness("plain", "ticket", None, None, None, 0, 12.0, 0.0, "missing"),
        ),
        champion=Champion("churn", "7", "4f1c2b9a77e84d0f", date(2025, 6, 22), 0.781, 0.742),
        quarantine=(QuarantineCount("shopify/orders", "negative_price", 14),),
        currency="GBP",
    )
