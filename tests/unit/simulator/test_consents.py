"""People open and close their mailbox at the planted rates, and only an import contradicts them."""

from collections import Counter

import numpy as np
import pytest

from simulator.arrays import NONE
from simulator.consents import find_changes
from simulator.histories import History
from simulator.instants import DAY
from simulator.response import BOUNCED, COMPLAINED, UNSUBSCRIBED, count_recent
from simulator.world import World
from tests.unit.simulator.samples import START, WINDOW, as_expected, live_once, within

WORLD = World()


@pytest.fixture(scope="module")
def year() -> History:
    return live_once(WORLD, days=365)


def test_some_are_asked_to_confirm_and_some_never_do(history: History) -> None:
    people, opt_ins = history.people, history.opt_ins
    consented = people.has_consented
    assert within(opt_ins.is_double[consented].mean(), WORLD.double_opt_in_share, int(consented.sum()))
    asked = opt_ins.is_double
    assert within((opt_ins.confirmed_at[asked] != NONE).mean(), WORLD.confirmed_share, int(asked.sum()))
    never = asked & (opt_ins.confirmed_at == NONE)
    assert not opt_ins.can_be_mailed[never | ~consented].any()
    assert not np.isin(history.mailing.sends.person, np.flatnonzero(never | ~consented)).any()


def test_unsubscribes_and_complaints_have_their_chances(year: History) -> None:
    people, (sends, reactions, _, _) = year.people, year.mailing
    from simulator.people import engagement_at

    level = engagement_at(people, WORLD, sends.person, (sends.sent_at - START) // DAY)
    more = 1 + WORLD.tired_leaving * count_recent(sends)
    read = (reactions.end != BOUNCED) & (sends.sent_at < people.mailbox_dies_at[sends.person])
    chance = (WORLD.unsubscribe_share + WORLD.fatigue_share * (1 - level)) * more * (1 - WORLD.blocked_share)
    assert as_expected((reactions.end == UNSUBSCRIBED)[read], chance[read])
    assert as_expected((reactions.end == COMPLAINED)[read], (WORLD.complaint_share * more)[read])


def test_nobody_is_mailed_between_leaving_and_coming_back(year: History) -> None:
    sends, listing = year.mailing.sends, year.mailing.listing
    left, back, last = (
        column[sends.person] for column in (listing.unsubscribed_at, listing.resubscribed_at, listing.ended_at)
    )
    away = (left != NONE) & (sends.sent_at > left) & ((back == NONE) | (sends.sent_at <= back))
    assert not away.any()
    assert not ((last != NONE) & (sends.sent_at > last) & ((back == NONE) | (last > back))).any()
    assert ((back != NONE) & (sends.sent_at > back)).sum() > 20


def test_everybody_on_the_list_gets_every_newsletter(year: History) -> None:
    sends = year.mailing.sends
    stays = year.people.is_existing & year.opt_ins.can_be_mailed & year.selves.is_mailbox_owner
    stays &= (year.mailing.listing.ended_at == NONE) & (year.mailing.listing.unsubscribed_at == NONE)
    newsletters = np.bincount(sends.person[sends.flow == "newsletter"], minlength=len(stays))
    assert set(newsletters[stays].tolist()) == {52}
    weekdays = set(((sends.sent_at[sends.flow == "newsletter"] // DAY + 3) % 7).tolist())
    assert weekdays == set(WORLD.newsletter_weekdays)


def test_some_come_back_by_the_form(year: History) -> None:
    listing, statements = year.mailing.listing, year.statements
    left = listing.unsubscribed_at != NONE
    returned = listing.resubscribed_at != NONE
    assert within(returned[left].mean(), WORLD.resubscribed_share, int(left.sum()))
    assert not returned[~left].any()
    assert (listing.resubscribed_at[returned] > listing.unsubscribed_at[returned]).all()
    forms = {
        (person, at)
        for person, at, statement, source in zip(
            statements.person.tolist(),
            statements.stated_at.tolist(),
            statements.statement,
            statements.source,
            strict=True,
        )
        if (statement, source) == ("subscribed", "website_form")
    }
    assert forms >= {(person, int(listing.resubscribed_at[person])) for person in np.flatnonzero(returned).tolist()}


def test_the_import_contradicts_all_who_have_left(history: History) -> None:
    statements, listing = history.statements, history.mailing.listing
    imported = statements.source == "import"
    (at,) = set(statements.stated_at[imported].tolist())
    assert at // DAY == START // DAY + int(180 * WORLD.import_from)
    left = np.flatnonzero((listing.unsubscribed_at != NONE) & (listing.unsubscribed_at < at))
    assert len(left) > 20
    assert np.isin(left, statements.person[imported]).all()
    others = history.selves.is_mailbox_owner & (history.people.joined_at < at)
    others[left] = False
    assert within(imported.sum() / others.sum() - len(left) / others.sum(), WORLD.import_share, int(others.sum()))


def test_true_changes_alternate_and_leave_the_import_out(year: History) -> None:
    changes = find_changes(year.people, year.opt_ins, year.mailing.listing)
    order = np.lexsort((changes.stated_at, changes.person))
    person, is_open = changes.person[order], changes.is_open[order]
    is_first = np.append(True, person[1:] != person[:-1])
    assert is_open[is_first].all()
    assert (is_open[1:] != is_open[:-1])[~is_first[1:]].all()
    reasons = Counter(changes.reason.tolist())
    assert set(reasons) == {"opted_in", "confirmed", "unsubscribed", "resubscribed", "complained", "bounced"}
    assert reasons["opted_in"] + reasons["confirmed"] == year.opt_ins.can_be_mailed.sum()
    assert reasons["bounced"] == (year.mailing.reactions.end == BOUNCED).sum()
    ended = np.isin(year.mailing.reactions.end, (UNSUBSCRIBED, COMPLAINED, BOUNCED)).sum()
    assert reasons["unsubscribed"] + reasons["complained"] + reasons["bounced"] == ended


def test_the_legacy_policy_ends_with_the_window(history: History) -> None:
    assert history.mailing.sends.sent_at.max() < START + WINDOW.days * DAY
    assert history.orders.ordered_at.max() > START + (WINDOW.until - 1) * DAY
    assert history.sessions.started_at.max() > START + (WINDOW.until - 1) * DAY
