"""Reactions to emails follow the planted chances, and depend on nothing but the send."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.arrays import NONE, take
from simulator.catalogue import CATEGORIES
from simulator.histories import History
from simulator.instants import DAY, HOUR, SECOND
from simulator.people import NEVER, People
from simulator.purchases import OWN
from simulator.response import (
    BLOCKED,
    BOUNCED,
    CLICKED,
    COMPLAINED,
    DELIVERED,
    EFFECT_DAYS,
    LINK_SHARES,
    OPENED,
    UNSUBSCRIBE_LINK,
    UNSUBSCRIBED,
    Responses,
    Sends,
    click_chances,
    count_recent,
    group_effects,
    open_chances,
    react,
    report,
    respond,
)
from simulator.scenarios import SCENARIOS
from simulator.world import RESPONSE_GROUPS, World
from tests.unit.simulator.samples import SIZE, START, as_expected, live_once, within

WORLD = World()
KEY = 77
NOBODY = Sends(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, object, object, np.int64, object, object)))


def send_to(person: np.ndarray, day: int, *, flow: str = "win_back", hour: int = 10, theme: int = NONE) -> Sends:
    size = len(person)
    flows, arms = np.full(size, flow, dtype=object), np.full(size, "treatment", dtype=object)
    sent_at = np.full(size, START + day * DAY + hour * HOUR)
    return Sends(person, sent_at, flows, arms, np.full(size, theme), arms, arms)


def well(people: People, day: int) -> np.ndarray:
    """Those who have joined, are not near their dropout and have a mailbox that works."""
    is_well = (people.alive_from < day) & (people.alive_until > day + WORLD.fading_days + 1)
    return np.flatnonzero(is_well & (people.mailbox_dies_at == NEVER))


def reports(people: People, sends: Sends, *, world: World = WORLD, recent: int = 0) -> Responses:
    others = np.full(len(sends.person), recent)
    return report(
        world, people, sends, others, react(world, people, sends, others, key=KEY, start=START), key=KEY, start=START
    )


def flags(responses: Responses, kind: int, size: int, *, machine: bool = False) -> np.ndarray:
    found = np.zeros(size, dtype=np.bool_)
    found[responses.send[(responses.kind == kind) & (responses.is_machine == machine)]] = True
    return found


def test_human_opens_and_clicks_of_a_history_have_their_chances(history: History) -> None:
    people, (sends, reactions, responses, _) = history.people, history.mailing
    size, recent = len(sends.person), count_recent(sends)
    stays = reactions.end == NONE
    opened = flags(responses, OPENED, size)
    assert as_expected(opened[stays], open_chances(WORLD, people, sends, recent, start=START)[stays])
    read = stays & opened
    clicked = flags(responses, CLICKED, size)
    assert as_expected(clicked[read], click_chances(WORLD, people, sends, recent, start=START)[read])
    assert not clicked[~opened].any()
    assert opened.sum() > 5_000


def test_mean_open_and_click_rates_are_the_worlds() -> None:
    # No taste, no hour: what is left of the chances is the personal rate.
    world = replace(WORLD, taste_slope=0.0, hour_swing=0.0)
    people = live_once(world, days=30).people
    person = well(people, 20)
    rates = people.open_rate[person], people.open_rate[person] * people.click_rate[person]
    sends = send_to(person, 20)
    responses = reports(people, sends, world=world)
    for kind, rate, mean in zip(
        (OPENED, CLICKED), rates, (WORLD.open_mean, WORLD.open_mean * WORLD.click_share), strict=True
    ):
        found = flags(responses, kind, len(person)).mean()
        error = (rate.var() + found * (1 - found)) ** 0.5 / len(person) ** 0.5
        assert abs(found - mean) < 4 * error


def test_relevance_raises_opens(history: History) -> None:
    people = history.people
    person = well(people, 100)
    share = np.diff(people.taste[person], axis=1, prepend=0.0)[:, 2]
    opened = flags(reports(people, send_to(person, 100, theme=2)), OPENED, len(person))
    fond, cold = share > 0.4, share < 0.02
    expected = 1 + WORLD.taste_slope * (share - 1 / len(CATEGORIES))
    ratio = opened[fond].mean() / opened[cold].mean()
    planned = expected[fond].mean() / expected[cold].mean()
    error = (1 / opened[fond].sum() + 1 / opened[cold].sum()) ** 0.5
    assert planned > 1.8
    # Chances are cut at 1, which takes a little from the fond.
    assert abs(np.log(ratio / planned)) < 4 * error + 0.05


def test_the_hour_decides_whether_and_when_people_open(history: History) -> None:
    people = history.people
    person = well(people, 100)
    responses = reports(people, send_to(person, 100, hour=12))
    human = (responses.kind == OPENED) & ~responses.is_machine
    hour = responses.happened_at[human] % DAY // HOUR
    favourite = people.favourite_hour[person[responses.send[human]]]
    # Only a few of those who open soon take more than three hours.
    stray = (responses.happened_at[human] > START + 100 * DAY + 15 * HOUR) & (hour != favourite)
    limit = WORLD.prompt_share * np.exp(-3) * human.sum()
    assert stray.sum() < limit + 4 * limit**0.5
    assert (hour == favourite).mean() > 1 - WORLD.prompt_share - 0.05
    opened = flags(responses, OPENED, len(person))
    timely = 1 + WORLD.hour_swing * np.cos(2 * np.pi * (12 - people.favourite_hour[person]) / 24)
    near, far = timely > 1.1, timely < 0.9
    assert opened[near].mean() > opened[far].mean()


@pytest.mark.parametrize("recent", [1, 2, 4])
def test_other_emails_of_the_week_tire(history: History, recent: int) -> None:
    people, person = history.people, well(history.people, 100)
    sends = send_to(person, 100)
    fresh, tired = (
        react(WORLD, people, sends, np.full(len(person), others), key=KEY, start=START) for others in (0, recent)
    )
    assert np.allclose(tired.effect, fresh.effect * WORLD.tired_response**recent)
    chances = [open_chances(WORLD, people, sends, np.full(len(person), others), start=START) for others in (0, recent)]
    free = chances[0] < 1
    assert np.allclose(chances[1][free], chances[0][free] * WORLD.tired_response**recent)
    opened = [flags(reports(people, sends, recent=others), OPENED, len(person)) for others in (0, recent)]
    # The same draws under a lower chance: nobody opens only because of being tired.
    assert not (opened[1] & ~opened[0])[(tired.end == NONE)].any()
    expected = opened[0].sum() * WORLD.tired_response**recent
    assert abs(opened[1].sum() - expected) < 4 * expected**0.5


def test_other_emails_of_the_week_drive_away() -> None:
    world = replace(WORLD, unsubscribe_share=0.02, complaint_share=0.01)
    people = live_once(world, days=30, size=10_000).people
    person = well(people, 20)
    for recent in (0, 1, 3, 6):
        more = 1 + world.tired_leaving * recent
        end = react(world, people, send_to(person, 20), np.full(len(person), recent), key=KEY, start=START).end
        read = end != BLOCKED
        assert within((end[read] == UNSUBSCRIBED).mean(), 0.02 * more, int(read.sum()))
        stays = read & (end != UNSUBSCRIBED)
        assert within((end[stays] == COMPLAINED).mean(), 0.01 * more, int(stays.sum()))


def test_five_newsletters_a_week_cost_opens_and_subscribers() -> None:
    world = SCENARIOS["fatigue"].world
    history = live_once(world, days=60)
    sends, reactions, responses, _ = history.mailing
    recent = count_recent(sends)
    assert set(recent.tolist()) >= {0, 1, 2, 3, 4}
    opened, stays = flags(responses, OPENED, len(sends.person)), reactions.end == NONE
    expected = open_chances(world, history.people, sends, recent, start=START)
    rates = []
    for others in range(5):
        rows = stays & (recent == others)
        assert as_expected(opened[rows], expected[rows])
        rates.append(opened[rows].mean())
    # Who has had more emails may be another sort of people, so the slope is only about the planted one.
    slope = np.polyfit(np.arange(1, 5), np.log(rates[1:]), 1)[0]
    assert slope == pytest.approx(np.log(world.tired_response), abs=0.08)


@pytest.mark.parametrize("name", ["everyday", "one_negative_segment", "no_effect"])
def test_effects_have_the_planted_size_in_every_group(name: str, history: History) -> None:
    world, people, person = SCENARIOS[name].world, history.people, well(history.people, 100)
    sends = send_to(person, 100)
    reactions = react(world, people, sends, np.zeros(len(person), dtype=int), key=KEY, start=START)
    for group, planted in enumerate(group_effects(world, "win_back")):
        rows = (people.response_group[person] == group) & (reactions.end != BLOCKED)
        assert as_expected(reactions.moves[rows], np.full(rows.sum(), abs(planted)))
        assert np.allclose(reactions.effect[rows], planted)


def test_effects_fall_after_the_dropout(history: History) -> None:
    people = history.people
    gone = np.flatnonzero((people.alive_until < 90) & (people.mailbox_dies_at == NEVER))
    reactions = react(WORLD, people, send_to(gone, 100), np.zeros(len(gone), dtype=int), key=KEY, start=START)
    planted = group_effects(WORLD, "win_back")[people.response_group[gone]]
    assert np.allclose(reactions.effect, planted * WORLD.win_back_gone_factor)


def test_added_purchases_come_within_two_weeks(history: History) -> None:
    people, person = history.people, well(history.people, 100)
    sends = send_to(person, 100)
    answer = respond(WORLD, people, sends, key=KEY, start=START, earlier=NOBODY, purchases=history.purchases)
    since = answer.caused.bought_at - sends.sent_at[0]
    assert len(since) > 100
    assert since.min() > 0
    assert since.max() <= EFFECT_DAYS * DAY
    assert (answer.caused.cause == "win_back").all()


def test_a_negative_email_prevents_the_next_own_purchase(history: History) -> None:
    world = replace(WORLD, effects=tuple((flow, group, -0.9) for flow, group, _ in WORLD.effects))
    people, person, purchases = history.people, well(history.people, 100), history.purchases
    sends = send_to(person, 100)
    answer = respond(world, people, sends, key=KEY, start=START, earlier=NOBODY, purchases=purchases)
    assert not len(answer.caused.person)
    own = (purchases.cause == OWN) & ~purchases.is_renewal
    since = purchases.bought_at - sends.sent_at[0]
    inside = own & (since > 0) & (since <= EFFECT_DAYS * DAY) & np.isin(purchases.person, person)
    assert not answer.prevented[~inside].any()
    by_time = np.flatnonzero(inside)[np.argsort(purchases.bought_at[inside], kind="stable")]
    _, first = np.unique(purchases.person[by_time], return_index=True)
    moved = np.isin(purchases.person[by_time[first]], person[answer.reactions.moves])
    assert answer.prevented.sum() == moved.sum() > 100
    assert answer.prevented[by_time[first[moved]]].all()


def test_a_send_is_answered_the_same_among_any_others(history: History) -> None:
    people, person = history.people, well(history.people, 100)
    sends = take(send_to(person, 100), np.arange(0, len(person), 7))
    among = Sends(*(np.concatenate(columns) for columns in zip(send_to(person, 50), sends, strict=True)))
    alone, with_others = (
        respond(WORLD, people, each, key=KEY, start=START, earlier=NOBODY, purchases=history.purchases)
        for each in (sends, among)
    )
    first = len(person)
    assert all((one == other[first:]).all() for one, other in zip(alone.reactions, with_others.reactions, strict=True))
    later = with_others.responses.send >= first
    assert sorted(zip(*(column.tolist() for column in alone.responses), strict=True)) == sorted(
        zip(
            *((column[later] - first * (place == 0)).tolist() for place, column in enumerate(with_others.responses)),
            strict=True,
        )
    )


def test_flows_and_days_have_draws_of_their_own(history: History) -> None:
    people, person = history.people, well(history.people, 100)
    opened = [
        flags(reports(people, sends), OPENED, len(person))
        for sends in (send_to(person, 100), send_to(person, 100, flow="welcome"), send_to(person, 99))
    ]
    rates = people.open_rate[person]
    for other in opened[1:]:
        both = (opened[0] & other).sum()
        assert abs(both - (rates**2).sum()) < 5 * (rates**2).sum() ** 0.5 + 0.1 * (rates**2).sum()


def test_recent_emails_are_those_of_seven_days() -> None:
    person = np.array([3])
    sends = send_to(person, 20)
    for days, counts in ((0, 1), (6, 1), (7, 0), (30, 0)):
        earlier = send_to(person, 20 - days, hour=9)
        assert count_recent(sends, earlier).tolist() == [counts]
    assert count_recent(sends, send_to(np.array([4]), 19)).tolist() == [0]
    assert count_recent(sends, send_to(person, 20, hour=11)).tolist() == [0]


def test_scanners_click_in_bursts_about_43_seconds_after_the_send(history: History) -> None:
    people, (sends, _, responses, _) = history.people, history.mailing
    scans = (responses.kind == CLICKED) & responses.is_machine
    assert people.has_scanner[sends.person[responses.send[scans]]].all()
    burst, first = np.unique(responses.send[scans], return_inverse=True)
    started = np.full(len(burst), NEVER)
    np.minimum.at(started, first, responses.happened_at[scans])
    delay = (started - sends.sent_at[burst]) / SECOND
    # The median of n log-normal delays has a relative standard error of 1.2533 deviations / sqrt(n).
    assert np.median(delay) == pytest.approx(WORLD.scanner_seconds, rel=4 * 1.2533 * 0.4 / len(burst) ** 0.5)
    ended = np.zeros(len(burst), dtype=np.int64)
    np.maximum.at(ended, first, responses.happened_at[scans])
    assert (ended - started).max() <= UNSUBSCRIBE_LINK * SECOND


def test_some_scanners_click_every_link_and_nobody_is_unsubscribed_by_them(history: History) -> None:
    people, (sends, reactions, responses, _) = history.people, history.mailing
    scans = (responses.kind == CLICKED) & responses.is_machine
    by_send = np.bincount(responses.send[scans], minlength=len(sends.person))
    scanned = np.flatnonzero(by_send)
    expected = np.where(people.scans_all[sends.person[scanned]], len(LINK_SHARES) + 1, 2)
    assert (by_send[scanned] == expected).all()
    asked = responses.send[scans & (responses.link == UNSUBSCRIBE_LINK)]
    assert len(asked) > 20
    assert (reactions.end[asked] == UNSUBSCRIBED).mean() < 0.05
    delivered = np.flatnonzero(np.isin(reactions.end, (BOUNCED, BLOCKED), invert=True))
    assert people.has_scanner[sends.person[delivered]].sum() == len(scanned)


def test_people_click_the_links_in_their_shares(history: History) -> None:
    responses = history.mailing.responses
    human = (responses.kind == CLICKED) & ~responses.is_machine
    for link, share in enumerate(LINK_SHARES):
        assert within((responses.link[human] == link).mean(), share, int(human.sum()))
    assert (responses.link[responses.kind != CLICKED] == NONE).all()


def test_machines_open_all_that_is_delivered_to_them(history: History) -> None:
    people, (sends, _, responses, _) = history.people, history.mailing
    size = len(sends.person)
    preloaded, delivered = flags(responses, OPENED, size, machine=True), flags(responses, DELIVERED, size)
    assert (preloaded == (delivered & people.has_machine_opens[sends.person])).all()
    assert (responses.is_machine_open <= responses.is_machine).all()
    assert (responses.is_machine_open == (responses.is_machine & (responses.kind == OPENED))).all()


def test_dead_mailboxes_bounce_and_others_are_blocked_at_their_rate(history: History) -> None:
    people, (sends, reactions, _, _) = history.people, history.mailing
    dead = sends.sent_at >= people.mailbox_dies_at[sends.person]
    assert ((reactions.end == BOUNCED) == dead).all()
    assert within((reactions.end[~dead] == BLOCKED).mean(), WORLD.blocked_share, int((~dead).sum()))
    assert within((people.mailbox_dies_at != NEVER).mean(), WORLD.dead_mailbox_share, SIZE)
    assert np.bincount(sends.person[dead]).max() == 1


def test_unknown_flows_have_the_effect_of_any_flow() -> None:
    named = {(flow, group): effect for flow, group, effect in WORLD.effects}
    assert group_effects(WORLD, "replenish").tolist() == [named["*", group] for group in RESPONSE_GROUPS]
    assert group_effects(replace(WORLD, effects=()), "replenish").tolist() == [0.0] * 4
