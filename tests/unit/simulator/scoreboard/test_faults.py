"""Planted faults are looked up by file and row; what nobody planted is named."""

import pytest

from simulator.scoreboard.faults import FaultKind, FaultScore, Invented, score_faults
from tests.unit.simulator.scoreboard.conftest import DAY, Shop

FILE = "segment/events/landed_on=2025-03-10/events-00000.jsonl"
AGAIN = "segment/events/landed_on=2025-03-09/events-00001.jsonl"
TORN = "shopify/orders/landed_on=2025-03-10/orders-00000.jsonl"
QUIET = "segment/events/landed_on=2025-03-08/events-00001.jsonl"
TOMORROW = "segment/events/landed_on=2025-03-11/events-00000.jsonl"


@pytest.fixture
def score(shop: Shop) -> FaultScore:
    shop.plant(
        faults=[
            ("broken_line", FILE, 1, "a", "quarantined"),
            ("broken_line", FILE, 2, "b", "quarantined"),
            ("late", FILE, 3, "c", "staged"),
            ("redelivered", FILE, 4, "d", "duplicate"),
            ("broken_line", TOMORROW, 1, "e", "quarantined"),
            ("delivered_again", AGAIN, 0, "", "duplicate"),
            ("delivered_again", QUIET, 0, "", "duplicate"),
            ("torn_file", TORN, 0, "", "refused"),
            ("late", FILE, 99, "z", "staged"),
        ]
    )
    shop.land(
        staging__base_segment__events=[
            (DAY, FILE, 1, "quarantined", "unparsable_row"),
            (DAY, FILE, 2, "staged", None),
            (DAY, FILE, 3, "staged", None),
            (DAY, FILE, 4, "duplicate", "known_key"),
            (DAY, FILE, 5, "quarantined", "unparsable_row"),
            (DAY, FILE, 6, "duplicate", "known_version"),
            (DAY, FILE, 7, "duplicate", "known_key"),
            *((DAY, AGAIN, row, "duplicate", "known_key") for row in (1, 2, 3)),
        ],
        ops__landing_files=[(QUIET, 0, "readable"), (AGAIN, 3, "readable"), (TORN, 0, "refused")],
        ops__landing_rejects=[(DAY, TORN, None, "unreadable_file")],
    )
    return score_faults(shop.connection, DAY)


def kind(score: FaultScore, name: str) -> FaultKind:
    return next(kind for kind in score.kinds if kind.kind == name)


def test_kind_is_caught_as_far_as_the_expected_came_true(score: FaultScore) -> None:
    broken = kind(score, "broken_line")

    assert (broken.planted, broken.caught) == (2, 1)
    assert [(fate.found, fate.rule, fate.faults) for fate in broken.fates] == [
        ("quarantined", "unparsable_row", 1),
        ("staged", "", 1),
    ]


def test_precision_counts_what_the_catching_rule_took_besides(score: FaultScore) -> None:
    assert kind(score, "broken_line").precision == 0.5
    assert kind(score, "redelivered").precision == 0.5
    assert kind(score, "late").precision is None


def test_faults_of_whole_files_are_known_by_the_file_or_its_rows(score: FaultScore) -> None:
    assert kind(score, "torn_file").recall == 1
    assert (kind(score, "delivered_again").planted, kind(score, "delivered_again").caught) == (1, 1)


def test_record_that_is_nowhere_is_lost(score: FaultScore) -> None:
    assert [(fate.found, fate.faults) for fate in kind(score, "late").fates] == [("lost", 1), ("staged", 1)]


def test_refusals_that_nobody_planted_are_invented(score: FaultScore) -> None:
    assert score.invented == (
        Invented("segment/events", "duplicate", "known_key", 1),
        Invented("segment/events", "quarantined", "unparsable_row", 1),
    )
