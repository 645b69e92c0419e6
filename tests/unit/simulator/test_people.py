"""People are drawn with the world's rates."""

import numpy as np
import pytest
from scipy import stats

from simulator.arrays import NONE
from simulator.histories import History
from simulator.instants import DAY, SECOND
from simulator.people import DESKTOP, LOYAL, OFFICE, PHONE, engagement_by_day
from simulator.response import CLICKED
from simulator.world import World
from tests.unit.simulator.samples import SIZE, START, WINDOW, within

WORLD = World()
SOUND = 1e-4
"""A sound sampler has a smaller p-value once in 10,000 tests."""


@pytest.mark.parametrize(
    ("column", "share"),
    [
        ("is_existing", WORLD.existing_share), ("has_consented", WORLD.consent_share), ("store", WORLD.eu_share),
        ("prefers_phone", WORLD.prefers_phone_share), ("has_machine_opens", WORLD.machine_open_share),
        ("has_scanner", WORLD.scanner_share), ("scans_all", WORLD.scanner_all_share),
    ],
)  # fmt: skip
def test_shares_of_people_follow_the_world(history: History, column: str, share: float) -> None:
    assert within(getattr(history.people, column).mean(), share, SIZE)


def test_guests_belong_to_no_group(history: History) -> None:
    people = history.people
    alone = (people.company == NONE) & (people.chain == NONE)
    assert within(people.is_guest[alone].mean(), WORLD.guest_share, int(alone.sum()))
    assert not people.is_guest[~alone].any()


def test_rates_are_gamma_and_shares_of_opens_and_clicks_beta(history: History) -> None:
    people = history.people
    expected = {
        "purchase_rate": stats.gamma(WORLD.purchase_shape, scale=WORLD.purchase_mean / WORLD.purchase_shape),
        "dropout_rate": stats.gamma(WORLD.dropout_shape, scale=1 / WORLD.dropout_scale),
        "open_rate": stats.beta(2, 2 / WORLD.open_mean - 2),
        "click_rate": stats.beta(3, 3 / WORLD.click_share - 3),
    }
    for column, distribution in expected.items():
        assert stats.kstest(getattr(people, column), distribution.cdf).pvalue > SOUND, column
    assert expected["open_rate"].mean() == pytest.approx(WORLD.open_mean)
    assert expected["click_rate"].mean() == pytest.approx(WORLD.click_share)


def test_lifetimes_follow_the_lomax_distribution(history: History) -> None:
    lifetime = history.people.alive_until - history.people.alive_from
    lomax = stats.lomax(WORLD.dropout_shape, scale=WORLD.dropout_scale)
    assert stats.kstest(lifetime, lomax.cdf).pvalue > SOUND


def test_people_join_evenly_until_the_end_of_the_future(history: History) -> None:
    people = history.people
    joined_on = (people.joined_at[~people.is_existing] - START) // DAY
    assert joined_on.min() >= 0
    assert joined_on.max() == WINDOW.until - 1
    assert within((joined_on < WINDOW.days).mean(), WINDOW.days / WINDOW.until, len(joined_on))
    assert people.joined_at[people.is_existing].max() < START


def test_response_groups_follow_device_office_and_spending(history: History) -> None:
    people = history.people
    is_office = (people.company != NONE) | people.is_in_office
    for group, members in (
        (PHONE, people.prefers_phone),
        (OFFICE, ~people.prefers_phone & is_office),
        (LOYAL, ~people.prefers_phone & ~is_office & (people.purchase_rate > WORLD.loyal_rate)),
    ):
        assert ((people.response_group == group) == members).all()
        assert members.sum() > 100
    assert (people.response_group == DESKTOP).mean() > 0.3


def test_presence_fades_before_the_dropout(history: History) -> None:
    people = history.people
    level = engagement_by_day(people, WORLD, WINDOW.until)
    left = people.alive_until[:, None] - (np.arange(WINDOW.until) + 0.5)
    joined = np.arange(WINDOW.until) >= np.floor(people.alive_from)[:, None]
    assert (level[~joined] == 0).all()
    assert (level[joined & (left > WORLD.fading_days)] == 1).all()
    assert (level[joined & (left < 0)] == WORLD.gone_level).all()
    fading = joined & (left > WORLD.faded_level * WORLD.fading_days) & (left < WORLD.fading_days)
    assert np.allclose(level[fading], left[fading] / WORLD.fading_days)


def test_idle_visits_follow_presence_and_appetite(history: History) -> None:
    people, sessions = history.people, history.sessions
    level = engagement_by_day(people, WORLD, WINDOW.until)
    joined_on = (people.joined_at - START) // DAY
    appetite = WORLD.visit_base + WORLD.visit_slope * people.purchase_rate
    day = (sessions.started_at - START) // DAY
    left = people.alive_until[:, None] - (np.arange(WINDOW.until) + 0.5)
    known = np.arange(WINDOW.until) > joined_on[:, None]
    # Neither purchases nor clicks nor visits to the kiosk.
    idle = (
        (sessions.order == NONE)
        & (sessions.click == NONE)
        & (sessions.device != history.selves.kiosk_device)
        & (day >= 0)
    )
    idle &= day > joined_on[sessions.person]
    visits = np.zeros(level.shape)
    np.add.at(visits, (sessions.person[idle], day[idle]), 1)
    for phase in (left > 50, (left > 0) & (left < 20), left < 0):
        expected = (level * appetite[:, None])[phase & known].sum()
        assert abs(visits[phase & known].sum() - expected) < 4 * expected**0.5


def test_people_who_click_visit_the_shop(history: History) -> None:
    sessions, (sends, _, responses, _) = history.sessions, history.mailing
    human = (responses.kind == CLICKED) & ~responses.is_machine
    came = sessions.click != NONE
    assert within(came.sum() / human.sum(), WORLD.click_visit_share, int(human.sum()))
    clicked = sessions.click[came]
    assert human[clicked].all()
    assert (sends.person[responses.send[clicked]] == sessions.person[came]).all()
    assert (sessions.started_at[came] - responses.happened_at[clicked] == 2 * SECOND).all()


def test_devices_follow_the_preference(history: History) -> None:
    people, sessions = history.people, history.sessions
    rows = sessions.device != history.selves.kiosk_device
    prefers = people.prefers_phone[sessions.person]
    for group, share in ((prefers, WORLD.phone_visits_if_preferred), (~prefers, WORLD.phone_visits_if_not)):
        assert within(sessions.is_phone[rows & group].mean(), share, int((rows & group).sum()))
