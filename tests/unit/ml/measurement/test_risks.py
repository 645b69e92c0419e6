"""Limits are passed by more than chance, and what was not looked at says so."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from ml.measurement.risks import (
    SCHEMA,
    Approval,
    Budget,
    Concentration,
    Holdout,
    Members,
    review_approvals,
    review_concentration,
    review_deliverability,
    review_holdouts,
    review_segments,
    rows_of,
    to_table,
)

DAY = date(2025, 5, 31)
COMPLAINTS = Budget("complaints", "delivered", 0.0005, 0.001, 0.003)


def chain(*rows: tuple[str, str, int, int, int]) -> pa.Table:
    """Rows of cohort, days ago, delivered and complaints of two flows' halves."""
    names = ("flow", "dimension", "cohort", "week_starts_on", "delivered", "complaints", "sent")
    values = [
        (flow, "provider", cohort, DAY - timedelta(days=ago), delivered, complaints, delivered)
        for flow, cohort, ago, delivered, complaints in rows
    ]
    return pa.table(dict(zip(names, map(list, zip(*values, strict=True)), strict=True)))


@pytest.mark.parametrize(
    ("delivered", "complaints", "severity"),
    [
        (100_000, 345, "high"),
        (100_000, 310, "medium"),  # above 0.30 %, but as chance gives it
        (100_000, 80, "low"),
        (100_000, 55, None),
        (500, 1, None),
        (0, 0, None),
    ],
)
def test_a_cohort_is_over_its_limit_by_more_than_chance(delivered: int, complaints: int, severity: str | None) -> None:
    table = chain(
        ("a", "gmail", 5, delivered // 2, complaints // 2),
        ("b", "gmail", 33, delivered // 2, complaints - complaints // 2),
    )

    found = review_deliverability(table, [COMPLAINTS], as_of=DAY)

    assert [one.severity for one in found] == ([severity] if severity else [])
    if found:
        assert found[0].subject == "gmail"
        assert found[0].value == complaints / delivered


def test_weeks_that_are_long_past_do_not_count() -> None:
    assert review_deliverability(chain(("a", "gmail", 36, 1_000, 500)), [COMPLAINTS], as_of=DAY) == []


def test_a_limit_without_consequence_has_no_finding() -> None:
    found = review_deliverability(
        chain(("a", "gmail", 5, 1_000, 500)), [Budget("complaints", "delivered", 0.1, None, None)], as_of=DAY
    )

    assert [(one.severity, one.threshold) for one in found] == [("low", 0.1)]


def test_revenue_of_few_people_is_a_finding() -> None:
    spread = Concentration(1_000, 0.3, 0.6, 0.71)

    (found,) = review_concentration(spread, top_1_percent=0.25, top_10_percent=0.65)

    assert (found.subject, found.severity, found.value) == ("top_1_percent", "medium", 0.3)
    assert found.sentence == "the top 1 % of 1,000 buyers made 30% of a year's revenue, over 25% (Gini 0.71)"
    assert review_concentration(Concentration(0, None, None, None), top_1_percent=0.25, top_10_percent=0.65) == []


def test_segments_that_move_are_named_and_small_ones_are_not() -> None:
    segments = [
        Members("steady", 1_000, 1_010, 900),
        Members("moving", 1_000, 1_000, 400),
        Members("tiny", 2, 2, 1),
        Members("empty", 0, 0, 0),
    ]

    (found,) = review_segments(segments, moved=0.5)

    assert found.subject == "moving"
    assert found.value == pytest.approx(1_200 / 1_600)


def test_segments_of_an_unknown_week_are_not_checked() -> None:
    (found,) = review_segments([Members("steady", None, 10, 0)], moved=0.5)

    assert found.severity == "not_checked"


def test_approvals_that_end_or_lack_are_named() -> None:
    approvals = [
        Approval("flow", "late", "lead", DAY - timedelta(days=1), "approval_expired"),
        Approval("flow", "last_day", "lead", DAY, None),
        Approval("segment", "soon", "lead", DAY + timedelta(days=30), None),
        Approval("flow", "later", "lead", DAY + timedelta(days=31), None),
        Approval("flow", "never", None, None, "not_approved"),
        Approval("model", "other", "lead", DAY + timedelta(days=99), "changed_since_approval"),
        Approval("prompt", "words", None, None, "not_approved"),
    ]

    found = review_approvals(approvals, as_of=DAY, days=30)

    assert [(one.subject, one.severity, one.value) for one in found] == [
        ("flow/late", "high", -1),
        ("flow/last_day", "medium", 0),
        ("segment/soon", "medium", 30),
        ("flow/never", "high", None),
        ("model/other", "medium", 99),
        ("prompt/words", "medium", None),
    ]
    assert found[0].sentence == "flow/late is no longer approved: the word of lead ended on 2025-05-30; it mails nobody"
    assert (
        found[-2].sentence
        == "model/other has changed since lead approved it; blocks that ask for it take their fallback"
    )
    assert found[-1].sentence == "prompt/words has no approval; no language model is asked by it"


def test_experiments_that_can_prove_nothing_are_named() -> None:
    holdouts = [
        Holdout("fine", "treatment", 0.002, 0.02, 0),
        Holdout("unknown", "treatment", None, 0.0, 0),
        Holdout("split", "treatment", 0.0009, 0.0, 0),
        Holdout("shared", "treatment", 0.5, 0.03, 0),
        Holdout("leaky", "treatment", 0.5, 0.0, 2),
    ]

    found = review_holdouts(holdouts, contamination=0.02)

    assert [(one.subject.split()[0], one.severity) for one in found] == [
        ("split", "high"),
        ("shared", "medium"),
        ("leaky", "high"),
    ]


def test_a_risk_without_a_finding_is_a_row_too() -> None:
    (row,) = rows_of("approval", [], as_of=DAY, owner="lead", in_order="all is well")

    assert (row.subject, row.severity, row.sentence) == ("all", "none", "all is well")
    assert to_table([row]).schema == SCHEMA
    assert SCHEMA.field("value").type == pa.float64()
