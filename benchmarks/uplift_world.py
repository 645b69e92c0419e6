"""A randomised campaign in a simulated shop, in memory: who was mailed, what was known of them, and what they bought."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from ml.uplift.examples import Examples
from ml.uplift.prepare import prepare
from simulator.arrays import NONE, Floats, Ints, take
from simulator.catalogue import build_catalogue
from simulator.emails import Mailed, is_listed
from simulator.histories import History, Window, live
from simulator.instants import DAY, HOUR, day_start
from simulator.people import BLOCK_SIZE
from simulator.response import CLICKED, EFFECT_DAYS, Sends, respond
from simulator.scenarios import SCENARIOS

FLOW = "campaign"
DAYS = 300
SENT_ON = 270  # days since the start of the window
HISTORY = {"28": 28, "90": 90, "365": 365}


class Campaign(NamedTuple):
    """A campaign and its truth.

    Attributes:
        examples: What the shop knows.
        effect: What being mailed changes about the outcome of each, -1, 0 or 1; nobody but the simulator knows it.
    """

    examples: Examples
    effect: Floats


def campaign(scenario: str, *, blocks: int, seed: int, share: float = 0.5) -> Campaign:
    """Mail one campaign to a random share of the customers on the list, and see who buys within 14 days.

    The campaign is a flow that the scenario does not name, so the effects planted for any flow are its own. Features and
    segments are what the shop could know on the evening before: orders, visits of browsers that knew the account, clicks.

    Args:
        scenario: Name of the shop.
        blocks: Blocks of 10,000 people.
        seed: Of everything.
        share: Chance of being mailed.
    """
    world, catalogue = SCENARIOS[scenario].world, build_catalogue()
    window = Window(day_start(date(2025, 1, 1)), DAYS, future=EFFECT_DAYS + 16)
    parts = []
    for block in range(blocks):
        life, arms = np.random.SeedSequence(seed, spawn_key=(block,)).spawn(2)
        history = live(life, world, catalogue, window, block=block, size=BLOCK_SIZE)
        at = window.start + SENT_ON * DAY + 10 * HOUR
        person = _customers_on_the_list(history, at)
        treated = np.random.default_rng(arms).random(len(person)) < share
        frame = _describe(history, person, at // DAY * DAY)
        frame["is_treated"] = treated.astype(np.int64)
        mailed = _buys(scenario, history, window, person=person, at=at, is_mailed=True)
        left = _buys(scenario, history, window, person=person, at=at, is_mailed=False)
        frame["bought"], frame["effect"] = np.where(treated, mailed, left), mailed - left
        frame["customer"] = history.people.number[person]
        parts.append(frame)
    drawn = pd.concat(parts, ignore_index=True)
    return Campaign(_examples(drawn, share), drawn["effect"].to_numpy(dtype=np.float64))


def _customers_on_the_list(history: History, at: int) -> Ints:
    """Who has consented, stayed on the list and ordered before."""
    size = len(history.people)
    everyone = np.arange(size)
    mailed = Mailed(history.mailing.sends, history.mailing.reactions, history.mailing.listing)
    listed_at = history.opt_ins.listed_at
    is_reached = (listed_at != NONE) & (listed_at < at) & is_listed(mailed, everyone, np.full(size, at))
    has_ordered = np.bincount(history.orders.person[history.orders.ordered_at < at], minlength=size) > 0
    return np.flatnonzero(is_reached & has_ordered)


def _buys(scenario: str, history: History, window: Window, *, person: Ints, at: int, is_mailed: bool) -> Floats:
    """Who buys within 14 days of the campaign, if all of them are mailed or if nobody is."""
    mailed = person if is_mailed else person[:0]
    sends = Sends(
        person=mailed,
        sent_at=np.full(len(mailed), at),
        flow=np.full(len(mailed), FLOW, dtype=object),
        arm=np.full(len(mailed), "treatment", dtype=object),
        theme=np.full(len(mailed), NONE),
        step=np.full(len(mailed), "1", dtype=object),
        id=np.full(len(mailed), "", dtype=object),
    )
    own = take(history.purchases, history.purchases.happens)
    answer = respond(
        SCENARIOS[scenario].world, history.people, sends, key=history.response_key, start=window.start,
        earlier=history.mailing.sends, purchases=own,
    )  # fmt: skip
    stays = ~answer.prevented
    buyer = np.concatenate([own.person[stays], answer.caused.person])
    bought_at = np.concatenate([own.bought_at[stays], answer.caused.bought_at])
    counts = (bought_at >= at) & (bought_at < at + (EFFECT_DAYS + 1) * DAY)
    bought: Floats = (np.bincount(buyer[counts], minlength=len(history.people)) > 0)[person].astype(np.float64)
    return bought


def _describe(history: History, person: Ints, midnight: int) -> pd.DataFrame:
    """Features and segments as of the evening before, by person."""
    orders, sessions, responses = history.orders, history.sessions, history.mailing.responses
    size = len(history.people)
    clicked = (responses.kind == CLICKED) & ~responses.is_machine
    facts: Mapping[str, tuple[Ints, Ints]] = {
        "orders": (orders.person[~orders.is_test], orders.ordered_at[~orders.is_test]),
        "visits": (sessions.person[sessions.is_logged_in], sessions.started_at[sessions.is_logged_in]),
        "clicks": (history.mailing.sends.person[responses.send[clicked]], responses.happened_at[clicked]),
    }
    columns: dict[str, Floats] = {}
    for name, (who, when) in facts.items():
        for span, days in HISTORY.items():
            counts = (when < midnight) & (when >= midnight - days * DAY)
            columns[f"{name}_{span}"] = np.bincount(who[counts], minlength=size).astype(np.float64)
        newest = np.full(size, np.nan)
        before = when < midnight
        np.fmax.at(newest, who[before], when[before].astype(np.float64))
        columns[f"days_since_last_{name}"] = np.floor((midnight - newest) / DAY)
    known = sessions.is_logged_in & (sessions.started_at < midnight)
    visits = np.bincount(sessions.person[known], minlength=size)
    by_phone = np.bincount(sessions.person[known & sessions.is_phone], minlength=size)
    frame = pd.DataFrame(columns)
    mobile = by_phone / np.maximum(visits, 1)
    frame["device_use"] = np.select(
        [visits == 0, mobile >= 0.8, mobile <= 0.2], ["unknown", "mobile", "desktop"], "mixed"
    )
    since = frame["days_since_last_orders"]
    frame["recency"] = np.select([since <= 30, since <= 90], ["up_to_30_days", "up_to_90_days"], "longer_ago")
    frame["orders"] = np.select([frame["orders_365"] <= 1, frame["orders_365"] <= 3], ["one", "two_or_three"], "more")
    frame["clicks"] = np.where(frame["clicks_90"] > 0, "clicked", "not_clicked")
    return frame.iloc[person]


def _examples(frame: pd.DataFrame, share: float) -> Examples:
    segments = frame[["device_use", "recency", "orders", "clicks"]]
    return Examples(
        features=prepare(frame.drop(columns=["is_treated", "bought", "effect", "customer"])),
        treated=frame["is_treated"].to_numpy(dtype=np.int64),
        outcome=frame["bought"].to_numpy(dtype=np.float64),
        share=share,
        customers=frame["customer"].to_numpy(dtype=np.int64),
        segments=segments,
    )
