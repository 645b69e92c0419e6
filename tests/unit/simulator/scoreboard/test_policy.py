"""The choice is valued by planted effects, beside lot and everybody."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from simulator.scoreboard.policy import ALL_FLOWS, FlowValue, score_policy
from simulator.truth import OTHER_FLOWS
from simulator.world import World
from tests.unit.simulator.scoreboard.conftest import DAY, Shop, mailbox_hash

FROM, TO = date(2025, 1, 1), date(9999, 12, 31)
EFFECTS = {1: 0.3, 2: 0.1, 3: -0.1}


def person(number: int, alive_until: str = "2026-01-01") -> tuple[Any, ...]:
    joined, left = datetime.fromisoformat("2024-06-01"), datetime.fromisoformat(alive_until)
    return number, joined, True, 0.02, left, 0.3, f"p{number}@shop.example", "own", "desktop"


def decision(number: int, outcome: str, *, flow: str = "win_back", as_of: date = DAY) -> tuple[Any, ...]:
    address = mailbox_hash(f"p{number}@shop.example")
    return f"{flow}-{number}-{as_of}", as_of, as_of + timedelta(days=1), flow, f"c{number}", address, outcome


def value(
    shop: Shop, *decisions: tuple[Any, ...], left_early: bool = False, sends: tuple[tuple[Any, ...], ...] = ()
) -> dict[str, FlowValue]:
    shop.land(
        activation__send_decisions=decisions,
        marts__identity_map=[(f"shopify:{number}", f"c{number}", "", FROM, TO) for number in EFFECTS],
    )
    planted = shop.plant(
        people=[person(number, "2025-02-01" if left_early else "2026-01-01") for number in EFFECTS],
        # The third person is known by the account only.
        profiles=[*((f"mailbox:p{number}@shop.example", number, False) for number in (1, 2)), ("shopify:3", 3, False)],
        effects=[(number, "win_back", effect) for number, effect in EFFECTS.items()] + [(2, OTHER_FLOWS, 0.02)],
        sends=sends,
    )
    return {row.flow: row for row in score_policy(shop.connection, planted, DAY).flows}


def test_choice_is_beside_lot_and_everybody(shop: Shop) -> None:
    found = value(shop, decision(1, "sent"), decision(2, "deferred"), decision(3, "held_out"))["win_back"]

    assert (found.eligible, found.chosen) == (3, 1)
    assert found.chosen_purchases == pytest.approx(0.3)
    assert found.random_purchases == pytest.approx(0.1)
    assert found.all_purchases == pytest.approx(0.3)
    assert found.chosen_unsubscribes == pytest.approx(World().unsubscribe_share)
    assert found.is_planted


def test_those_who_must_not_be_mailed_are_nobodys_choice(shop: Shop) -> None:
    found = value(shop, decision(1, "suppressed"), decision(2, "sent"), decision(3, "blocked_by_governance"))

    assert found["win_back"].all_purchases == pytest.approx(0.1)


def test_effect_shrinks_after_the_dropout_and_unsubscribes_rise(shop: Shop) -> None:
    found = value(shop, decision(1, "sent"), left_early=True)["win_back"]

    world = World()
    assert found.chosen_purchases == pytest.approx(0.3 * world.win_back_gone_factor)
    assert found.chosen_unsubscribes > world.unsubscribe_share


def test_flow_without_a_planted_effect_counts_nothing_and_says_so(shop: Shop) -> None:
    found = value(shop, decision(1, "sent"), decision(1, "sent", flow="welcome"))

    assert (found["welcome"].chosen_purchases, found["welcome"].is_planted) == (0, False)
    assert found[ALL_FLOWS].chosen_purchases == pytest.approx(0.3)
    assert found[ALL_FLOWS].chosen == 2


def test_flow_that_the_truth_does_not_name_has_the_effect_of_any(shop: Shop) -> None:
    found = value(shop, decision(2, "sent", flow="browsed"))["browsed"]

    assert (found.chosen_purchases, found.is_planted) == (pytest.approx(0.02), True)


def test_each_other_email_of_the_week_tires(shop: Shop) -> None:
    sent = [datetime.fromisoformat(f"2025-03-{day:02} 09:00:00") for day in (3, 4, 10)]
    sends = tuple((str(at), 1, "", at, "newsletter", "treatment", 0.0) for at in sent)

    found = value(shop, decision(1, "sent"), sends=sends)["win_back"]

    # Sent on the 11th: the email of the 3rd is eight days old.
    assert found.chosen_purchases == pytest.approx(0.3 * 0.9**2)
    assert found.chosen_unsubscribes == pytest.approx(World().unsubscribe_share * 2)


def test_days_before_count_if_they_were_released(shop: Shop) -> None:
    released, forgotten = DAY - timedelta(days=2), DAY - timedelta(days=1)
    row = ("k", "ghost", "published", released, released, "x", "c2", "win_back")
    shop.land(activation__send_ledger=[row])

    found = value(shop, decision(1, "sent"), decision(2, "sent", as_of=released), decision(3, "sent", as_of=forgotten))

    assert found["win_back"].chosen == 2


def test_day_without_candidates_has_no_value(shop: Shop) -> None:
    assert value(shop, decision(1, "suppressed")) == {}
