"""Champions over time, as the report says it."""

from datetime import date, timedelta

from reporting.data import ModelDay, SiteData
from reporting.health import DAYS, NOT_BUILT
from reporting.models import NO_MODEL, models_of
from reporting.site import render

DAY = date(2025, 6, 28)


def days(task: str, *states: str, version: str | None = "3") -> list[ModelDay]:
    """Days up to the day, oldest first."""
    return [
        ModelDay(DAY - timedelta(days=len(states) - 1 - at), task, version, state, f"because {state}")
        for at, state in enumerate(states)
    ]


def test_each_day_is_a_square_and_today_a_sentence() -> None:
    [row] = models_of(days("churn_risk", "fresh", "watch", "degraded"), DAY)
    assert [cell.status for cell in row.cells] == [NOT_BUILT] * (DAYS - 3) + ["fresh", "late", "missing"]
    assert row.sentence == "version 3 is degraded: it does not score; the rule does in its place"
    assert row.cells[-2].title.endswith("version 3 was watch; because watch")


def test_a_task_without_a_model_says_that_the_rule_scores() -> None:
    [row] = models_of(days("churn_risk", "stale", version=None), DAY)
    assert (row.sentence, row.reason) == (NO_MODEL, "")
    assert {cell.status for cell in row.cells} == {NOT_BUILT}


def test_a_task_that_was_not_checked_today_is_left_out() -> None:
    old = [ModelDay(DAY - timedelta(days=1), "engagement", "1", "fresh", "")]
    assert [row.task for row in models_of([*old, *days("churn_risk", "fresh")], DAY)] == ["Churn risk"]


def test_the_page_says_it_escaped() -> None:
    from datetime import UTC, datetime

    found = [ModelDay(DAY, "churn_risk", "3", "watch", "carts <b> moved")]
    page = render(SiteData(as_of=DAY, built_at=datetime(2025, 6, 29, tzinfo=UTC), models=tuple(found)))
    assert "version 3 is watch: it scores, and a person should look" in page
    assert "Carts &lt;b&gt; moved." in page
