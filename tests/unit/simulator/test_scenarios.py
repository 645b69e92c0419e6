"""Each named shop is what it says that it proves."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from simulator.arrays import NONE
from simulator.histories import History
from simulator.instants import DAY
from simulator.people import NEVER, engagement_at
from simulator.response import CLICKED, OPENED
from simulator.scenarios import DEFAULT, SCENARIOS
from simulator.world import World
from tests.unit.simulator.samples import SIZE, START, as_expected, live_once

NAMES = {
    "everyday", "calm", "dirty", "hubs", "late", "outage", "fatigue", "drift", "no_effect", "one_negative_segment", "huge",
}  # fmt: skip


@pytest.fixture(scope="module")
def calm() -> History:
    return live_once(SCENARIOS["calm"].world)


def changed(name: str) -> set[str]:
    ours, default = asdict(SCENARIOS[name].world), asdict(World())
    return {parameter for parameter in default if ours[parameter] != default[parameter]}


def test_the_named_shops_are_there_and_documented() -> None:
    assert set(SCENARIOS) == NAMES
    assert SCENARIOS[DEFAULT].world == World()
    assert len({scenario.proves for scenario in SCENARIOS.values()}) == len(NAMES)
    assert {name for name in NAMES if SCENARIOS[name].form == "columns"} == {"huge"}


def test_scenarios_about_effects_change_nothing_else() -> None:
    assert changed("no_effect") == changed("one_negative_segment") == {"effects"}
    assert changed("drift") == {"drift_from", "drift_purchases", "drift_visits", "drift_phone_visits"}
    assert changed("fatigue") == {"newsletter_weekdays", "tired_response", "tired_leaving"}
    assert changed("everyday") == set()


def test_everybody_in_calm_has_one_self(calm: History) -> None:
    people, selves, orders = calm.people, calm.selves, calm.potential
    assert set(selves.mailbox_kind) == {"own"}
    assert len(set(selves.mailbox)) == SIZE
    assert not (selves.second_mailbox != "").any()
    assert not selves.uses_kiosk.any()
    assert (selves.account_id != NONE).all()
    assert (orders.account_id == selves.account_id[orders.person]).all()
    assert (orders.email == selves.mailbox[orders.person]).all()
    phones = selves.phone[selves.phone != ""]
    assert len(set(phones)) == len(phones)
    assert not (selves.phone_changed_at != NONE).any()
    assert len(set(calm.contacts.person.tolist())) == len(calm.contacts.person)
    assert (people.company == NONE).all()
    assert (people.chain == NONE).all()
    assert len({*selves.device[:, 0], *selves.device[:, 1]}) == 2 * SIZE


def test_every_visit_in_calm_is_logged_in_once_there_is_an_account(calm: History) -> None:
    sessions = calm.sessions
    after = sessions.started_at > calm.people.joined_at[sessions.person]
    assert sessions.is_logged_in[after].all()
    assert sessions.is_joining[~after].all()


def test_nothing_in_calm_but_presence_and_the_personal_rate_decides_on_opens(calm: History) -> None:
    people, (sends, reactions, responses, _) = calm.people, calm.mailing
    assert not responses.is_machine.any()
    level = engagement_at(people, SCENARIOS["calm"].world, sends.person, (sends.sent_at - START) // DAY)
    opened = np.zeros(len(sends.person), dtype=np.bool_)
    opened[responses.send[responses.kind == OPENED]] = True
    stays = reactions.end == NONE
    chance = people.open_rate[sends.person] * level
    for rows in (stays & (level == 1), stays & (level < 1)):
        assert as_expected(opened[rows], chance[rows])
    assert (responses.kind == CLICKED).sum() > 100


def test_emails_in_calm_move_nobody(calm: History) -> None:
    assert set(calm.purchases.cause) == {"own"}
    assert calm.purchases.happens.all()
    assert not calm.orders.is_test.any()
    assert set(calm.statements.source) <= {"double_opt_in"}


def test_drift_shifts_visits_and_devices_at_seventy_percent() -> None:
    world = SCENARIOS["drift"].world
    # Immortal people, so that nothing but the drift changes in time.
    world = replace(world, dropout_scale=1e9, existing_share=1.0, kiosk_share=0.0, subscription_share=0.0)
    history = live_once(world, days=200)
    sessions = history.sessions
    idle = (sessions.order == NONE) & (sessions.click == NONE)
    day = (sessions.started_at - START) // DAY
    before, after = idle & (day < 140), idle & (day >= 140) & (day < 200)
    rates = before.sum() / 140, after.sum() / 60
    assert rates[1] / rates[0] == pytest.approx(world.drift_visits, rel=4 * (1 / before.sum() + 1 / after.sum()) ** 0.5)
    phones = sessions.is_phone[before].mean(), sessions.is_phone[after].mean()
    assert phones[1] == pytest.approx(phones[0] + (1 - phones[0]) * world.drift_phone_visits, abs=0.03)


def test_shops_without_pains_have_dead_mailboxes_all_the_same(calm: History) -> None:
    assert (calm.people.mailbox_dies_at != NEVER).any()


def test_a_block_is_the_same_alone_and_drawn_after_others() -> None:
    one, again = (live_once(World(), size=500, days=40, block=3) for _ in range(2))
    live_once(World(), size=500, days=40, block=0)
    assert (one.orders.total_cents == again.orders.total_cents).all()
    assert (one.people.number == 30_000 + np.arange(500)).all()
    assert (one.mailing.responses.happened_at == again.mailing.responses.happened_at).all()
