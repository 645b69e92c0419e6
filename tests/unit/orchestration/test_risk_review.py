"""What the monthly review reads from the warehouse is what a second computation finds."""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest

from activation.playbook.policies import SendingDomain
from activation.state.tables import create_tables
from orchestration.defs.measurement import risk_review
from orchestration.defs.measurement.risk_review import (
    BREAKERS,
    CONCENTRATION,
    CREATE,
    DRIFT,
    HOLDOUTS,
    SEGMENTS,
    Review,
    look_at_domains,
    month_ends_of,
)
from tests.unit.activation.shop import playbook

DAY = date(2025, 5, 31)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema marts; create schema measurement; create schema activation")
        opened.execute(CREATE)
        yield opened


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return Review(connection, playbook(), DAY, DAY).rows(query)


def test_only_the_last_day_of_a_month_is_reviewed() -> None:
    assert month_ends_of(date(2024, 1, 31), date(2024, 4, 29)) == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]
    assert month_ends_of(date(2025, 2, 1), date(2025, 2, 27)) == []


@pytest.mark.parametrize("buyers", [1, 99, 250, 1_001])
def test_concentration_is_that_of_the_lorenz_curve(connection: duckdb.DuckDBPyConnection, buyers: int) -> None:
    amounts = np.sort(np.random.default_rng(buyers).pareto(1.3, buyers) + 1)[::-1]
    connection.execute("create table marts.customer_features (as_of date, customer_id varchar, net_amount_365 double)")
    rows = [(DAY, f"c{at}", float(amount)) for at, amount in enumerate(amounts)]
    connection.executemany(
        "insert into marts.customer_features values (?, ?, ?)", [*rows, (DAY, "x", 0.0), (DAY, "y", -5.0)]
    )
    connection.execute("insert into marts.customer_features values ($day, 'z', 1e9)", {"day": DAY - timedelta(days=1)})

    [(counted, top_1, top_10, gini)] = ask(connection, CONCENTRATION)

    # Gini as the mean absolute difference over twice the mean: not the formula of the query.
    differences = np.abs(amounts[:, None] - amounts[None, :]).mean() / (2 * amounts.mean())
    assert counted == buyers
    assert top_1 == pytest.approx(amounts[: int(np.ceil(0.01 * buyers))].sum() / amounts.sum())
    assert top_10 == pytest.approx(amounts[: int(np.ceil(0.1 * buyers))].sum() / amounts.sum())
    assert gini == pytest.approx(differences, abs=1e-9)


def test_champions_that_drifted_are_named_and_tasks_without_one_are_not(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create schema ml;"
        "create table ml.model_health"
        " (as_of date, model_name varchar, model_version varchar, state varchar, score_psi double, reason varchar)"
    )
    rows = [
        (DAY, "churn_risk", "3", "degraded", 0.4, "fewer order"), (DAY, "repeat_purchase", "2", "fresh", 0.0, "as it was"),
        (DAY, "engagement", "1", "stale", None, "old"), (DAY, "first_purchase", None, "stale", None, "no champion"),
        (DAY - timedelta(days=1), "repeat_purchase", "2", "degraded", 0.5, "yesterday"),
    ]  # fmt: skip
    connection.executemany("insert into ml.model_health values (?, ?, ?, ?, ?, ?)", rows)
    assert ask(connection, DRIFT) == [
        ("churn_risk", "high", 0.4, None, "fewer order"), ("engagement", "medium", None, None, "old"),
    ]  # fmt: skip


def test_open_breakers_and_held_ramps_are_findings(connection: duckdb.DuckDBPyConnection) -> None:
    create_tables(connection)
    cells = [
        (DAY, "mailbox_at_gmail", "hold", 0.002), (DAY, "mailbox_at_yahoo", "rolled_back", 0.004),
        (DAY, "mailbox_at_apple", "warn", 0.001), (DAY - timedelta(days=1), "mailbox_elsewhere", "hold", 0.002),
    ]  # fmt: skip
    connection.executemany(
        "insert into activation.breaker_states (as_of, provider, engagement, state, event_share, sentence)"
        " values (?, ?, 'reacted_last_30_days', ?, ?, 'said')",
        cells,
    )
    connection.executemany(
        "insert into activation.ramp_states (as_of, flow, block, variant, state) values (?, ?, ?, ?, ?)",
        [
            (DAY, "nurture", None, None, "held"),
            (DAY, "win_back", "offer", "free_shipping", "held"),
            (DAY, "welcome", None, None, "ramping"),
        ],
    )
    assert ask(connection, BREAKERS) == [
        ("mailbox_at_gmail reacted_last_30_days", "medium", 0.002, None, "said"),
        ("mailbox_at_yahoo reacted_last_30_days", "high", 0.004, None, "said"),
        ("nurture", "medium", None, None, "the ramp of nurture is held: nobody new begins it"),
        (
            "offer free_shipping of win_back",
            "medium",
            None,
            None,
            "the ramp of offer free_shipping of win_back is held: nobody gets the variant",
        ),
    ]


def test_members_of_two_weeks_are_compared(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table marts.segment_membership (as_of date, segment varchar, customer_id varchar)")
    week_before = DAY - timedelta(days=7)
    members = [(DAY, "one", "a"), (DAY, "one", "b"), (DAY, "one", "c"), (DAY, "two", "a")]
    connection.executemany("insert into marts.segment_membership values (?, ?, ?)", members)

    unknown = ask(connection, SEGMENTS)
    before = [(week_before, "one", "a"), (week_before, "one", "d"), (DAY - timedelta(days=6), "two", "d")]
    connection.executemany("insert into marts.segment_membership values (?, ?, ?)", before)

    assert unknown == [("one", None, 3, 0), ("two", None, 1, 0)]
    assert ask(connection, SEGMENTS) == [("one", 2, 3, 1), ("two", 0, 1, 0)]


def test_emails_to_people_who_are_held_out_are_counted(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table measurement.holdout_report (as_of date, experiment varchar, arm varchar, baseline_arm varchar,"
        " srm_p_value double, contamination double, is_primary boolean);"
        "create table measurement.experiment_assignments (as_of date, experiment varchar, customer_id varchar, arm varchar,"
        " assigned_on date, is_contaminated boolean);"
        "create table activation.send_ledger (experiment varchar, customer_id varchar, kind varchar, status varchar, send_date date)"
    )
    report = "insert into measurement.holdout_report values (?, 'x', 'treatment', 'holdout', 0.5, 0.01, ?)"
    connection.executemany(report, [(DAY, True), (DAY, False), (DAY - timedelta(days=1), True)])
    assigned = DAY - timedelta(days=10)
    people = [
        ("held", "holdout", False), ("treated", "treatment", False), ("mixed", "holdout", True), ("early", "holdout", False),
        ("ghosted", "holdout", False), ("withdrawn", "holdout", False), ("tomorrow", "holdout", False),
    ]  # fmt: skip
    connection.executemany(
        "insert into measurement.experiment_assignments values (?, 'x', ?, ?, ?, ?)",
        [(DAY, customer, arm, assigned, is_mixed) for customer, arm, is_mixed in people],
    )
    sends = [
        ("held", "send", "published", DAY), ("treated", "send", "published", DAY), ("mixed", "send", "published", DAY),
        ("early", "send", "published", assigned), ("ghosted", "ghost", "published", DAY),
        ("withdrawn", "send", "settled", DAY), ("tomorrow", "send", "published", DAY + timedelta(days=1)),
    ]  # fmt: skip
    connection.executemany("insert into activation.send_ledger values ('x', ?, ?, ?, ?)", sends)

    assert ask(connection, HOLDOUTS) == [("x", "treatment", 0.5, 0.01, 1)]


def with_domain(connection: duckdb.DuckDBPyConnection, *, today: date) -> Review:
    book = playbook()
    domain = SendingDomain(from_domain="shop.example", owner="lead")
    policies = book.policies.model_copy(update={"sending_domains": (domain,)})
    return Review(connection, book.model_copy(update={"policies": policies}), DAY, today)


def test_without_a_sending_domain_nobody_is_asked(connection: duckdb.DuckDBPyConnection) -> None:
    (found,) = look_at_domains(Review(connection, playbook(), DAY, DAY))

    assert found.severity == "not_checked"
    assert "sending_domains" in found.sentence


def test_the_dns_of_today_is_not_told_as_that_of_another_month(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def lookup(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ()

    monkeypatch.setattr("activation.deliverability.authentication.dns_lookup", lambda: lookup)

    fresh = look_at_domains(with_domain(connection, today=DAY + timedelta(days=7)))
    assert {one.severity for one in fresh} == {"high"}
    assert "_dmarc.shop.example" in asked

    asked.clear()
    (late,) = look_at_domains(with_domain(connection, today=DAY + timedelta(days=8)))
    assert (late.severity, asked) == ("not_checked", [])

    said = "insert into measurement.risk_review values ($day, 'authentication', 'shop.example', 'low', 'lead', null, null, 'said then')"
    connection.execute(said, {"day": DAY})
    (kept,) = look_at_domains(with_domain(connection, today=DAY + timedelta(days=400)))
    assert (kept.severity, kept.sentence, asked) == ("low", "said then", [])
    assert risk_review.DNS_DAYS == 7
