"""When an experiment is looked at."""

from datetime import date, timedelta

import numpy as np
import pytest

from ml.measurement.plan import Plan
from ml.measurement.schedule import Schedule, schedule_looks

FIRST = date(2025, 1, 15)


def after(days: int, plan: Plan, *, step: int = 1, newest: int | None = None) -> Schedule:
    """The looks when windows closed every `step` days, ten more people each."""
    closed = [FIRST + timedelta(days=day) for day in range(0, days, step)]
    amounts = [10.0 * (place + 1) for place in range(len(closed))]
    last = FIRST + timedelta(days=days - 1 if newest is None else newest)
    return schedule_looks(closed, amounts, plan, as_of=FIRST + timedelta(days=days - 1), newest=last, alpha=0.05)


@pytest.mark.parametrize("plan", [Plan(planned_days=30), Plan()])
def test_nothing_is_judged_in_the_first_week(plan: Plan) -> None:
    assert not len(after(6, plan, newest=40).looks)
    assert after(7, plan, newest=40).looks.tolist() == [6]


def test_a_planned_end_comes_once_and_is_final() -> None:
    plan = Plan(planned_days=30)
    before, at_end = after(29, plan), after(30, plan)
    assert (before.is_over, before.ends_on) == (False, FIRST + timedelta(days=29))
    assert at_end.is_over
    assert at_end.elapsed == 1
    assert 1.96 < at_end.critical[-1] < 2.2
    assert before.critical[-1] > at_end.critical[-1]


@pytest.mark.parametrize("plan", [Plan(planned_days=30), Plan()])
def test_a_look_keeps_its_bound_when_later_days_come(plan: Plan) -> None:
    early, late = after(12, plan), after(25, plan)
    assert np.array_equal(early.looks, late.looks[: len(early.looks)])
    assert early.critical == pytest.approx(late.critical[: len(early.critical)])


def test_an_end_on_a_day_without_news_is_the_last_look_that_there_was() -> None:
    closed = [FIRST + timedelta(days=day) for day in (0, 8, 20)]
    schedule = schedule_looks(
        closed, [1.0, 2.0, 3.0], Plan(planned_days=30), as_of=FIRST + timedelta(days=50), newest=closed[-1], alpha=0.05
    )
    assert schedule.looks.tolist() == [1, 2]
    assert schedule.is_over
    assert schedule.critical[-1] < 2.0


def test_people_who_came_at_once_are_judged_once_when_all_windows_are_closed() -> None:
    waiting, done = after(3, Plan(), newest=4), after(5, Plan(), newest=4)
    assert (waiting.kind, waiting.looks.tolist(), waiting.is_over) == ("fixed", [], False)
    assert (done.kind, done.looks.tolist(), done.is_over) == ("fixed", [4], True)
    assert done.critical == pytest.approx([1.959964], abs=1e-5)


def test_an_open_end_never_ends_and_is_tuned_to_its_review() -> None:
    schedule = after(100, Plan(review_days=28))
    assert (schedule.kind, schedule.is_over, schedule.ends_on) == ("confidence_sequence", False, None)
    assert schedule.critical.min() > 2.8
    sooner, later = (after(28, Plan(review_days=days)).critical[-1] for days in (28, 91))
    assert sooner < later


def test_arms_that_have_nobody_yet_give_no_look() -> None:
    closed = [FIRST + timedelta(days=day) for day in range(10)]
    schedule = schedule_looks(closed, [0.0] * 10, Plan(planned_days=5), as_of=closed[-1], newest=closed[-1], alpha=0.05)
    assert schedule.is_over
    assert not len(schedule.looks)
