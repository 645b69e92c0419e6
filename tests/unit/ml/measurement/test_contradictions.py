"""Planted contradictions are named, and noise gives none."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from ml.measurement.contradictions import SCHEMA, find_contradictions, to_table

MONDAY = date(2025, 6, 2)
AS_OF = date(2025, 6, 20)
PROVIDERS = {"mailbox_at_gmail": 0.4, "mailbox_at_yahoo": 0.2, "mailbox_elsewhere": 0.4}
SHARES = {"delivered": 0.985, "opens": 0.25, "clicks": 0.04, "orders": 0.1, "complaints": 0.0003}
NAMES = [
    "flow",
    "dimension",
    "cohort",
    "week_starts_on",
    "is_settled",
    "sent",
    "delivered",
    "human_opens",
    "human_clicks",
    "conversions",
    "complaints",
]

Change = Callable[[str, str, dict[str, float]], dict[str, float]]


def chain(
    seed: int, change: Change = lambda _flow, _cohort, shares: shares, *, spread: float = 0.0, weeks: int = 6
) -> pa.Table:
    """Weeks of three flows by provider; the newest is not settled, `change` alters the shares of the one before."""
    rng = np.random.default_rng(seed)
    rows = []
    for flow in ("welcome", "win_back", "nurture"):
        for back in range(weeks):
            week = MONDAY + timedelta(days=7 * (1 - back))
            odds = {
                name: np.log(share / (1 - share)) + spread * rng.standard_normal() for name, share in SHARES.items()
            }
            total = np.zeros(6, dtype=int)
            for cohort, part in PROVIDERS.items():
                shares = {name: float(1 / (1 + np.exp(-value))) for name, value in odds.items()}
                shares = change(flow, cohort, shares) if week == MONDAY else shares
                sent = rng.poisson(12_000 * part)
                delivered = rng.binomial(sent, shares["delivered"])
                clicks = rng.binomial(delivered, shares["clicks"])
                counts = np.array([
                    sent, delivered, rng.binomial(delivered, shares["opens"]), clicks, rng.binomial(clicks, shares["orders"]),
                    rng.binomial(delivered, shares["complaints"]),
                ])  # fmt: skip
                total += counts
                rows.append((flow, "provider", cohort, week, back > 0, *counts.tolist()))
            rows.append((flow, "everyone", "all", week, back > 0, *total.tolist()))
    return pa.table(dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)))


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_noise_gives_none(spread: float) -> None:
    alarms = sum(bool(find_contradictions(chain(seed, spread=spread), as_of=AS_OF)) for seed in range(40))

    assert alarms <= 2


def test_opens_up_with_complaints_up_is_named() -> None:
    def change(flow: str, _cohort: str, shares: dict[str, float]) -> dict[str, float]:
        return shares | {"opens": 0.35, "complaints": 0.004} if flow == "welcome" else shares

    found = find_contradictions(chain(1, change), as_of=AS_OF)

    assert {(one.flow, one.finding, one.severity) for one in found} == {
        ("welcome", "opens_up_with_complaints_up", "high")
    }
    everyone = next(one for one in found if one.cohort == "all")
    assert everyone.week_starts_on == MONDAY
    assert everyone.first_before_share == pytest.approx(0.25, abs=0.01)
    assert everyone.first_share == pytest.approx(0.35, abs=0.02)
    assert everyone.second_share == pytest.approx(0.004, abs=0.002)
    assert everyone.sentence.startswith("welcome: opens rose from 2")


def test_opens_up_alone_is_no_contradiction() -> None:
    found = find_contradictions(chain(2, lambda _flow, _cohort, shares: shares | {"opens": 0.35}), as_of=AS_OF)

    assert found == []


def test_clicks_up_with_orders_down_is_named() -> None:
    def change(flow: str, _cohort: str, shares: dict[str, float]) -> dict[str, float]:
        return shares | {"clicks": 0.06, "orders": 0.01} if flow == "nurture" else shares

    found = find_contradictions(chain(3, change), as_of=AS_OF)

    assert {(one.flow, one.finding) for one in found} == {("nurture", "clicks_up_with_conversions_down")}


def test_a_provider_that_refuses_is_named_and_one_bad_week_at_all_of_them_is_not() -> None:
    def refuse(_flow: str, cohort: str, shares: dict[str, float]) -> dict[str, float]:
        return shares | {"delivered": 0.93} if cohort == "mailbox_at_yahoo" else shares

    found = find_contradictions(chain(4, refuse), as_of=AS_OF)
    everywhere = find_contradictions(chain(4, lambda _flow, _cohort, shares: shares | {"delivered": 0.93}), as_of=AS_OF)

    assert {one.cohort for one in found} == {"mailbox_at_yahoo"}
    assert {one.flow for one in found} == {"welcome", "win_back", "nurture"}
    assert everywhere == []


def test_nothing_is_said_of_fewer_than_five_settled_weeks() -> None:
    def change(_flow: str, _cohort: str, shares: dict[str, float]) -> dict[str, float]:
        return shares | {"opens": 0.35, "complaints": 0.004}

    assert find_contradictions(chain(5, change, weeks=5), as_of=AS_OF) == []
    assert find_contradictions(chain(5, change, weeks=6), as_of=AS_OF) != []


def test_no_row_at_all_is_an_empty_typed_table() -> None:
    empty = chain(6).slice(0, 0)

    assert find_contradictions(empty, as_of=AS_OF) == []
    assert to_table([]).schema == SCHEMA
    assert SCHEMA.field("week_starts_on").type == pa.date32()
    assert SCHEMA.field("p_value").type == pa.float64()
