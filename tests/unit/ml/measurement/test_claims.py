"""What was earned, beside what is claimed: held against sums and tests of the people themselves."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from ml.measurement.claims import RevenueClaim, claim_revenue, to_table
from ml.measurement.plan import Plan
from tests.unit.ml.measurement.cell_rows import DAY, cell

COST = 20.0
Floats = np.ndarray[Any, Any]


class People(NamedTuple):
    """One arm."""

    revenue: Floats
    has_left: Floats
    discount: Floats
    last_click: Floats
    assisted: Floats


def draw(generator: np.random.Generator, size: int, buys: float, leaves: float) -> People:
    revenue = np.round(np.where(generator.random(size) < buys, generator.gamma(4, 10, size), 0.0), 2)
    clicked, mailed = generator.random(size) < 0.5, generator.random(size) < 0.9
    return People(
        revenue, generator.random(size) < leaves, np.round(revenue * 0.1, 2), revenue * clicked, revenue * (clicked | mailed)
    )  # fmt: skip


def cells_of(arm: str, people: People, **others: Any) -> list[dict[str, Any]]:
    revenue = people.revenue
    sums = (float((revenue**power).sum()) for power in (1, 2, 3))
    buyers = int((revenue > 0).sum())
    return [
        cell(arm, len(revenue), buyers, *sums, metric="revenue", **others),
        cell(arm, len(revenue), buyers, *[float(buyers)] * 3, metric="conversion", **others),
    ]


def values_of(arm: str, people: People, flow: str | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(people._asdict())
    found = frame[(frame["revenue"] != 0) | frame["has_left"]].groupby(["revenue", "has_left"], as_index=False).agg(
        n_units=("revenue", "size"), total_discount=("discount", "sum"), total_last_click=("last_click", "sum"),
        total_assisted=("assisted", "sum"),
    )  # fmt: skip
    return found.assign(
        as_of=DAY, experiment="womens_email", arm=arm, epoch_from=None, matured_on=DAY, flow_segment=flow,
        revenue_capped=np.nan, purity_segment=None,
    )  # fmt: skip


def claim(treated: People, control: People, *, flow: str | None = None) -> dict[str, RevenueClaim]:
    sides = (("treatment", treated), ("holdout", control))
    parts: list[dict[str, Any]] = [{}]
    parts += [{"dimension": "flow", "segment": flow}] if flow else []
    cells = [row for arm, people in sides for part in parts for row in cells_of(arm, people, **part)]
    values = pd.concat([values_of(arm, people, flow) for arm, people in sides])
    rows = claim_revenue(
        pa.Table.from_pylist(cells), pa.Table.from_pandas(values, preserve_index=False),
        lost_subscriber_amount=COST, currency="EUR", plans={"womens_email": Plan("conversion")},
    )  # fmt: skip
    return {row.segment: row for row in rows}


@pytest.fixture(scope="module")
def drawn() -> tuple[People, People]:
    generator = np.random.default_rng(11)
    return draw(generator, 6_000, 0.25, 0.03), draw(generator, 6_000, 0.15, 0.01)


def test_the_emails_earned_what_recipients_spent_beyond_the_held_out(drawn: tuple[People, People]) -> None:
    treated, control = drawn
    row = claim(treated, control)["all"]
    test = stats.ttest_ind(treated.revenue, control.revenue, equal_var=False).confidence_interval()
    lift = treated.revenue.mean() - control.revenue.mean()
    assert row.earned_per_recipient_amount == pytest.approx(lift)
    assert (row.earned_per_recipient_low_amount, row.earned_per_recipient_high_amount) == pytest.approx(test)
    assert (row.earned_amount, row.earned_low_amount) == (pytest.approx(lift * 6_000), pytest.approx(test.low * 6_000))
    assert row.discount_amount == pytest.approx(treated.discount.sum() - control.discount.sum())


def test_those_who_left_are_taken_off_with_their_share_of_the_uncertainty(drawn: tuple[People, People]) -> None:
    treated, control = drawn
    row = claim(treated, control)["all"]
    sides = [people.revenue - COST * people.has_left for people in (treated, control)]
    test = stats.ttest_ind(*sides, equal_var=False).confidence_interval()
    assert row.net_per_recipient_amount == pytest.approx(sides[0].mean() - sides[1].mean())
    assert (row.net_per_recipient_low_amount, row.net_per_recipient_high_amount) == pytest.approx(test)
    assert row.lost_subscriber_count == pytest.approx(float(treated.has_left.sum()) - control.has_left.sum())
    assert row.earned_amount is not None
    assert row.net_amount == pytest.approx(row.earned_amount - COST * (row.lost_subscriber_count or 0.0))


def test_credit_is_held_against_what_was_earned(drawn: tuple[People, People]) -> None:
    treated, control = drawn
    row = claim(treated, control)["all"]
    credited = float(treated.last_click.sum())
    assert (row.last_click_amount, row.assisted_amount) == (
        pytest.approx(credited),
        pytest.approx(treated.assisted.sum()),
    )
    earned = [row.earned_amount, row.earned_high_amount, row.earned_low_amount]
    expected = [credited / (amount or 0.0) for amount in earned]
    assert [row.over_credit_ratio, row.over_credit_low_ratio, row.over_credit_high_ratio] == pytest.approx(expected)
    assert f"the last click claims {expected[0]:.1f} times what was earned" in row.claim_text


def test_how_much_too_much_is_not_said_while_nothing_may_have_been_earned() -> None:
    generator = np.random.default_rng(12)
    row = claim(draw(generator, 3_000, 0.15, 0.01), draw(generator, 3_000, 0.15, 0.01))["all"]
    assert row.earned_low_amount is not None
    assert row.earned_low_amount < 0
    assert (row.over_credit_ratio, row.over_credit_low_ratio, row.over_credit_high_ratio) == (None, None, None)
    assert row.last_click_amount > 0
    assert "not known yet" in row.claim_text


def test_too_few_people_earn_nothing_that_is_known_but_are_credited() -> None:
    generator = np.random.default_rng(12)
    row = claim(draw(generator, 90, 0.5, 0.1), draw(generator, 90, 0.5, 0.1))["all"]
    assert (row.earned_amount, row.net_amount, row.over_credit_ratio) == (None, None, None)
    assert row.last_click_amount > 0
    assert row.claim_text.endswith("what was earned is not known yet.")


def test_each_flow_of_entry_has_a_claim_and_the_table_is_typed_without_any(drawn: tuple[People, People]) -> None:
    rows = claim(*drawn, flow="entered_by_welcome")
    assert set(rows) == {"all", "entered_by_welcome"}
    assert rows["entered_by_welcome"].earned_amount == pytest.approx(rows["all"].earned_amount)
    assert to_table(list(rows.values())).schema == to_table([]).schema
