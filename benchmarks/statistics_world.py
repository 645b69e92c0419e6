"""An e-mail programme in the simulator's shop, in memory: who was mailed by lot, what everybody did, and what the emails changed.

The histories are the simulator's own, and so is the response to the emails; what the report is handed comes from the SQL of
`experiment_cells`, `experiment_values` and `experiment_weeks`.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pyarrow as pa

from simulator.arrays import NONE, Bools, Floats, Ints
from simulator.catalogue import build_catalogue
from simulator.histories import History, Window, live
from simulator.instants import DAY, HOUR, day_start
from simulator.people import BLOCK_SIZE
from simulator.purchases import Orders, place_orders
from simulator.response import Sends, respond
from simulator.scenarios import SCENARIOS
from simulator.world import World

PROJECT = Path(__file__).parents[1] / "dbt_project"
EXPERIMENT, TREATMENT, HOLDOUT = "programme", "treatment", "holdout"
FLOW = "programme"  # no scenario names it: the effects planted for any flow are its own
FIRST_DAY = date(2025, 1, 1)
DAYS = 130
OPENS, INTAKE = 90, 21  # the first day since the start on which people enter, and for how many days they do
EMAILS = (0, 2, 4, 7, 9, 11)  # days after entry: three a week, as the caps allow
OUTCOME_DAYS = 14
RECENCIES = ("seen_last_7_days", "seen_8_to_30_days_ago", "seen_31_to_90_days_ago", "seen_over_90_days_ago")
FOLLOW_UP_DAYS = 28


class Outcomes(NamedTuple):
    """What each person does from entry on if mailed or if not, shape (n,) each."""

    revenue: Floats
    bought: Bools
    """In each of the four weeks, shape (n, 4)."""
    visited: Bools


class Programme(NamedTuple):
    """Everybody who entered.

    Attributes:
        people: What was known before entry, by person.
        treated: Outcomes if mailed.
        control: Outcomes if not.
    """

    people: pd.DataFrame
    treated: Outcomes
    control: Outcomes


def draw_histories(*, blocks: int, seed: int) -> list[History]:
    """Histories of blocks of 10,000 people in the everyday shop."""
    window = _window()
    return [
        live(
            np.random.SeedSequence(seed, spawn_key=(block,)), SCENARIOS["everyday"].world, build_catalogue(), window,
            block=block, size=BLOCK_SIZE,
        )
        for block in range(blocks)
    ]  # fmt: skip


def run_programme(histories: list[History], scenario: str, *, people: int, seed: int) -> Programme:
    """Mail so many people from their day of entry on, in one world, and nobody in another.

    Who has joined by then and reads a mailbox of their own may be among them, on the list or not: the model answers for all alike.

    Args:
        histories: What people did of themselves and by the legacy emails.
        scenario: Whose planted effects the emails have.
        people: How many enter; the first of the histories.
        seed: Of the days of entry.

    Raises:
        ValueError: Fewer have joined.
    """
    generator = np.random.default_rng([seed, 1])
    parts: list[Programme] = []
    for history in histories:
        entered_at = _window().start + (OPENS + generator.integers(0, INTAKE, len(history.people))) * DAY + 10 * HOUR
        has_joined = (history.people.joined_at < entered_at) & history.selves.is_mailbox_owner
        person = np.flatnonzero(has_joined)[: people - sum(len(part.people) for part in parts)]
        orders = _orders(history, SCENARIOS[scenario].world, person, entered_at[person])
        treated, control = (
            _outcomes(history, orders, person, entered_at, happens)
            for happens in (orders.if_treated, orders.if_control)
        )
        parts.append(Programme(_describe(history, orders, person, entered_at), treated, control))
    if sum(len(part.people) for part in parts) < people:
        message = f"fewer than {people} have joined: draw more blocks"
        raise ValueError(message)
    return Programme(
        pd.concat([part.people for part in parts], ignore_index=True),
        Outcomes(*(np.concatenate(column) for column in zip(*(part.treated for part in parts), strict=True))),
        Outcomes(*(np.concatenate(column) for column in zip(*(part.control for part in parts), strict=True))),
    )


def draw_units(programme: Programme, *, held_out: float, seed: int) -> pd.DataFrame:
    """Draw the arms, and describe and measure everybody as `int_experiment_units__measured` does."""
    units = programme.people.copy()
    is_treated = np.random.default_rng([seed, 2]).random(len(units)) >= held_out
    revenue = np.where(is_treated, programme.treated.revenue, programme.control.revenue)
    visited = np.where(is_treated, programme.treated.visited, programme.control.visited)
    bought = np.where(is_treated[:, None], programme.treated.bought, programme.control.bought)
    units["arm"] = np.where(is_treated, TREATMENT, HOLDOUT)
    units["is_ghost"] = ~is_treated
    units["planned_share"] = np.where(is_treated, 1 - held_out, held_out)
    units["revenue"], units["visit"] = revenue, visited.astype(float)
    units["revenue_capped"] = np.minimum(units["revenue"], units["revenue_cap"])
    units["conversion"] = (units["revenue"] > 0).astype(float)
    for week in range(4):
        units[f"has_bought_week_{week + 1}"] = bought[:, week]
    return units


def count_cells(units: pd.DataFrame) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Cells, values and weeks by the models' own SQL."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("units", units)
        cells, values, weeks = (
            connection.execute(report_sql(name)).to_arrow_table()
            for name in ("experiment_cells", "experiment_values", "experiment_weeks")
        )
    return cells, values, weeks


def report_sql(name: str) -> str:
    """A model over the table `units`, without dbt; no playbook names the baseline, so the name of the arm does."""
    files = ("macros/behavior/exact_sum.sql", f"models/marts/measurement/{name}.sql")
    text = "".join((PROJECT / file).read_text(encoding="utf-8") for file in files)
    return jinja2.Template(text, undefined=jinja2.StrictUndefined).render(
        ref=lambda _: "units",
        source=lambda *_: "(select as_of, experiment, arm, true as is_baseline from units where false)",
        in_window=lambda _: "true",
    )


def _window() -> Window:
    return Window(day_start(FIRST_DAY), DAYS, future=16)


def _orders(history: History, world: World, person: Ints, entered_at: Ints) -> Orders:
    """All orders, with whether they happen if everybody on the list is mailed, and if nobody is."""
    size = len(person) * len(EMAILS)
    sent_at = (entered_at[:, None] + np.array(EMAILS) * DAY).ravel()
    sends = Sends(
        person=np.repeat(person, len(EMAILS)), sent_at=sent_at, flow=np.full(size, FLOW, dtype=object),
        arm=np.full(size, TREATMENT, dtype=object), theme=np.full(size, NONE), step=np.full(size, "1", dtype=object),
        id=np.full(size, "", dtype=object),
    )  # fmt: skip
    purchases = history.purchases
    answer = respond(
        world, history.people, sends, key=history.response_key, start=_window().start, earlier=history.mailing.sends,
        purchases=purchases,
    )  # fmt: skip
    own = purchases._replace(if_treated=purchases.happens & ~answer.prevented, if_control=purchases.happens)
    caused = answer.caused._replace(if_control=np.zeros(len(answer.caused.person), dtype=np.bool_))
    both = type(own)(*(np.concatenate(columns) for columns in zip(own, caused, strict=True)))
    return place_orders(history.order_key, world, build_catalogue(), history.people, history.selves, both)


def _outcomes(history: History, orders: Orders, person: Ints, entered_at: Ints, happens: Bools) -> Outcomes:
    counts = happens & ~orders.is_test & (orders.total_cents > orders.refund_cents)
    days = orders.ordered_at // DAY - entered_at[orders.person] // DAY
    counts &= (orders.ordered_at >= entered_at[orders.person]) & (days < FOLLOW_UP_DAYS)
    size = len(history.people)
    amount = np.where(counts & (days < OUTCOME_DAYS), orders.total_cents - orders.refund_cents, 0) / 100
    bought = np.zeros((size, 4), dtype=np.bool_)
    bought[orders.person[counts], days[counts] // 7] = True
    sessions = history.sessions
    visit_days = sessions.started_at // DAY - entered_at[sessions.person] // DAY
    seen = sessions.is_logged_in & (sessions.started_at >= entered_at[sessions.person]) & (visit_days < OUTCOME_DAYS)
    visited = np.bincount(sessions.person[seen], minlength=size) > 0
    revenue = np.bincount(orders.person, weights=amount, minlength=size)
    return Outcomes(np.round(revenue[person], 2), bought[person], visited[person])


def _describe(history: History, orders: Orders, person: Ints, entered_at: Ints) -> pd.DataFrame:
    """Segments and covariate as of the day before entry; the device is the planted preference, `seems_mobile` what the visits say."""
    size = len(history.people)
    midnight = entered_at // DAY * DAY
    before = orders.if_control & ~orders.is_test & (orders.ordered_at < midnight[orders.person])
    amount = np.where(before, (orders.total_cents - orders.refund_cents) / 100, 0.0)
    recent = orders.ordered_at >= midnight[orders.person] - 90 * DAY
    spent = np.bincount(orders.person, weights=amount, minlength=size)
    sessions = history.sessions
    known = sessions.is_logged_in & (sessions.started_at < midnight[sessions.person])
    visits = np.bincount(sessions.person[known], minlength=size)
    by_phone = np.bincount(sessions.person[known & sessions.is_phone], minlength=size)
    newest = np.full(size, np.nan)
    np.fmax.at(newest, sessions.person[known], sessions.started_at[known].astype(float))
    away = np.ceil((midnight - newest) / DAY)
    middle, high = np.quantile(spent[spent > 0], [0.5, 0.8])
    entered_on = [FIRST_DAY + timedelta(days=int(day)) for day in (midnight[person] - _window().start) // DAY]
    described: Mapping[str, object] = {
        "customer_id": history.people.number,
        "prior_spend": np.round(np.bincount(orders.person, weights=amount * recent, minlength=size), 2),
        "revenue_cap": np.quantile(amount[amount > 0], 0.99),
        "buyer_segment": np.where(spent > 0, "prior_buyers", "non_buyers"),
        "recency_segment": pd.cut(away, [-1, 7, 30, 90, np.inf], labels=RECENCIES),
        "device_segment": np.where(history.people.prefers_phone, "mainly_on_mobile", "mainly_on_desktop"),
        "seems_mobile": (visits > 0) & (2 * by_phone > visits),
        "value_segment": pd.cut(spent, [0, middle, high, np.inf], labels=("value_low", "value_mid", "value_high")),
    }  # fmt: skip
    frame = pd.DataFrame(described).iloc[person].reset_index(drop=True)
    last = FIRST_DAY + timedelta(days=OPENS + INTAKE - 1 + FOLLOW_UP_DAYS - 1)
    frame = frame.assign(
        as_of=last, experiment=EXPERIMENT, epoch_from=None, entered_on=entered_on,
        matured_on=[day + timedelta(days=OUTCOME_DAYS - 1) for day in entered_on],
        lifecycle_segment=None, provider_segment=None, flow_segment=None, has_left=False, has_two_arms=False,
        shares_mailbox=False, is_leaked=False, is_internal=False, is_contaminated=False, has_late_order=False,
        discount_amount=0.0, last_click_amount=0.0, assisted_amount=0.0,
    )  # fmt: skip
    text = [name for name in frame.columns if name.endswith("_segment")]
    frame[text] = frame[text].astype("string")
    frame["epoch_from"] = pd.to_datetime(frame["epoch_from"])
    return frame
