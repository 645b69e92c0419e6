"""How many customers a day changes is counted exactly, and what that does to them is told from the day before."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import duckdb
import pytest

from activation.playbook.identity import AcceptedChange, Identity
from activation.playbook.policies import Cap
from activation.state.store import ASSIGNMENT_SCHEMA, LEDGER_SCHEMA
from orchestration.defs.identity.consequences import FEW, Change, judge, tell
from orchestration.defs.identity.decisions import Decisions, Version
from tests.unit.orchestration.identity_warehouse import BEGINNING, IDENTITY, decisions_of

DAY = date(2025, 3, 5)
EVE = DAY - timedelta(days=1)
FIRST = date(2025, 3, 1)
OPEN = date(9999, 12, 31)
NOON = time(12)
CAPS = (Cap(id="cap_7_days", limit=3, hours=168, source="house"),)

TABLES = """
create schema marts;
create schema activation;
create table marts.identity_map (profile_key varchar, customer_id varchar, valid_from date, valid_to date);
create table marts.identity_log (
    changed_on date, kind varchar, customer_id varchar, other_customer_id varchar, cause_type varchar, cause_value_hash varchar
);
create table marts.dim_customers (as_of date, customer_id varchar, consent_status varchar, consent_evidence_id varchar);
create table marts.mailbox_consent (as_of date, consent_evidence_id varchar, decided_at timestamp);
create table marts.segment_membership (as_of date, segment varchar, customer_id varchar);
create table activation.send_decisions (as_of date, flow varchar, outcome varchar, customer_id varchar)
"""


class Warehouse:
    """Customers c0, c1, … of the profiles p0, p1, …, known since FIRST."""

    def __init__(self, customers: int) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(TABLES)
        for name, schema in (("send_ledger", LEDGER_SCHEMA), ("assignments", ASSIGNMENT_SCHEMA)):
            self.connection.register("empty", schema.empty_table())
            self.connection.execute(f"create table activation.{name} as from empty")
        self.connection.execute(
            "insert into marts.identity_map select 'p' || i, 'c' || i, $first, $open from range($customers) as n(i)",
            {"first": FIRST, "open": OPEN, "customers": customers},
        )

    def also(self, profile: str, customer: str, since: date = FIRST) -> None:
        self.add("marts.identity_map", profile, customer, since, OPEN)

    def move(self, profile: str, customer: str, day: date = DAY) -> None:
        """From a day on, a profile belongs to another customer."""
        close = "update marts.identity_map set valid_to = $day where profile_key = $profile and valid_to = $open"
        self.connection.execute(close, {"day": day, "profile": profile, "open": OPEN})
        self.also(profile, customer, day)

    def merge(self, *numbers: int, into: int = 0) -> None:
        for number in numbers:
            self.move(f"p{number}", f"c{into}")

    def add(self, table: str, *values: object) -> None:
        self.connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)

    def states(self, customer: str, status: str, decided_on: int) -> None:
        self.add("marts.dim_customers", EVE, customer, status, f"e_{customer}")
        self.add("marts.mailbox_consent", EVE, f"e_{customer}", datetime.combine(date(2025, 2, decided_on), NOON))

    def assigned(self, profile: str, arm: str, on: date = FIRST) -> None:
        self.add("activation.assignments", "holdout", profile, profile.replace("p", "c"), arm, 1, on)

    def mailed(self, profile: str, *days: date) -> None:
        """One email at noon of each day."""
        for day in days:
            names = "idempotency_key, root_profile_key, send_date, send_at"
            values = (f"{profile}:{day}", profile, day, datetime.combine(day, NOON))
            self.connection.execute(f"insert into activation.send_ledger ({names}) values (?, ?, ?, ?)", values)

    def judged(self, decisions: Decisions, start: date = DAY, end: date = DAY) -> Change:
        return judge(self.connection, decisions, start=start, end=end)

    def told(self) -> list[str]:
        return tell(self.connection, self.judged(limit(0.02)), caps=CAPS).splitlines()


def limit(most_changed: float, **more: object) -> Decisions:
    guards = IDENTITY.guards.model_copy(update={"most_changed": most_changed})
    return decisions_of((BEGINNING, IDENTITY.model_copy(update={"guards": guards, **more})))


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse(200)
    with made.connection:
        yield made


def test_merged_and_split_customers_count_once_and_nobody_else(warehouse: Warehouse) -> None:
    warehouse.also("q1", "c1")
    warehouse.merge(1, 2, 3, into=0)  # c1 lost one of its two profiles, c2 and c3 are gone, c0 keeps its id
    warehouse.also("q4", "c4")
    warehouse.also("r4", "c4")
    warehouse.move("q4", "c_split")
    warehouse.move("r4", "c_split_too")
    warehouse.also("new", "c_new", DAY)
    warehouse.connection.execute("delete from marts.identity_map where profile_key = 'p9'")  # erased
    warehouse.move("p10", "c11", EVE)  # another day's
    assert warehouse.judged(limit(0.02)) == Change(DAY, changed=4, known=198, limit=0.02)


@pytest.mark.parametrize(("changed", "most_changed", "stops"), [
    (FEW, 0.049, True), (FEW, 0.05, False), (FEW - 1, 0, False), (199, 1, False)
])  # fmt: skip
def test_run_stops_beyond_the_limit_but_not_for_a_few(
    warehouse: Warehouse, changed: int, most_changed: float, *, stops: bool
) -> None:
    warehouse.merge(*range(1, changed + 1))
    assert warehouse.judged(limit(most_changed)).is_too_much is stops


def test_first_day_has_no_yesterday(warehouse: Warehouse) -> None:
    assert warehouse.judged(limit(0), FIRST, FIRST) == Change(FIRST, changed=0, known=0, limit=0)


def test_each_day_of_a_backfill_is_held_against_the_day_before_it(warehouse: Warehouse) -> None:
    warehouse.merge(*range(1, 13))
    later = DAY + timedelta(days=3)
    assert warehouse.judged(limit(0.05), FIRST, later) == Change(DAY, changed=12, known=200, limit=0.05)
    assert warehouse.judged(limit(0.06), FIRST, later) == Change(later, changed=0, known=188, limit=0.06)


def test_limit_is_that_of_the_day_unless_the_newest_playbook_accepts_the_day(warehouse: Warehouse) -> None:
    def rules(most_changed: float, *accepted: AcceptedChange) -> Identity:
        guards = IDENTITY.guards.model_copy(update={"most_changed": most_changed})
        return IDENTITY.model_copy(update={"guards": guards, "accepted_changes": accepted})

    warehouse.merge(*range(1, 21))
    today = DAY + timedelta(days=1)
    accepted = AcceptedChange(day=DAY, most_changed=0.1, owner="crm", reason="registers joined")
    looser = Decisions((Version(BEGINNING, rules(0.02)), Version(today, rules(0.5))))
    assert warehouse.judged(looser).is_too_much
    let_through = Decisions((Version(BEGINNING, rules(0.02)), Version(today, rules(0.02, accepted))))
    assert not warehouse.judged(let_through).is_too_much
    assert let_through.most_changed(today) == 0.02
    warehouse.merge(21)
    assert warehouse.judged(let_through).is_too_much


def test_report_names_the_causes_by_hash(warehouse: Warehouse) -> None:
    warehouse.merge(1, 2, 3)
    for number, cause in ((1, "aa"), (2, "bb"), (3, "bb")):
        warehouse.add("marts.identity_log", DAY, "merged", "c0", f"c{number}", "phone", cause)
    told = warehouse.told()
    assert told.index("| merged by phone bb | 2 |") < told.index("| merged by phone aa | 1 |")


def test_report_tells_whose_consent_a_merge_turns(warehouse: Warehouse) -> None:
    for customer, status, decided_on in (
        ("c0", "subscribed", 1), ("c1", "unsubscribed", 2),  # the refusal is newer
        ("c10", "subscribed", 9), ("c11", "complained", 2), ("c12", "imported", 1),  # the consent is newer
        ("c20", "subscribed", 5), ("c21", "bounced", 5),  # at the same time, the refusal counts
        ("c30", "subscribed", 5), ("c31", "unsubscribed", 9),  # not merged
    ):  # fmt: skip
        warehouse.states(customer, status, decided_on)
    warehouse.merge(1)
    warehouse.merge(11, 12, into=10)
    warehouse.merge(21, into=20)
    told = warehouse.told()
    assert [line for line in told if "→" in line and line[0] == "|"][1:] == [
        "| no statement → opted in | 1 |",
        "| opted in → withdrawn | 2 |",
        "| withdrawn → opted in | 1 |",
    ]


def test_report_counts_merges_beyond_a_cap_that_nobody_was_beyond_before(warehouse: Warehouse) -> None:
    days = [DAY - timedelta(days=back) for back in range(9)]
    warehouse.merge(1, into=0)  # 2 + 2 emails in seven days, one at the far end is out
    warehouse.mailed("p0", days[0], days[3])
    warehouse.mailed("p1", days[1], days[6])
    warehouse.merge(3, into=2)  # 2 + 1, and one before the window
    warehouse.mailed("p2", days[0], days[3])
    warehouse.mailed("p3", days[1], days[8])
    warehouse.merge(5, into=4)  # one was beyond it already
    warehouse.mailed("p4", *days[:4])
    warehouse.mailed("p5", days[1])
    assert "| cap_7_days | 1 |" in warehouse.told()


def test_report_counts_who_moves_between_arms_and_merges_that_join_them(warehouse: Warehouse) -> None:
    warehouse.assigned("p0", "treatment", FIRST)
    warehouse.assigned("p1", "holdout", EVE)
    warehouse.assigned("p2", "treatment", EVE)
    warehouse.assigned("p3", "holdout", DAY)  # not yet known the day before
    warehouse.merge(1, 2, 3)
    told = warehouse.told()
    assert "| holdout: moved from holdout to treatment | 1 |" in told
    assert "| holdout: merges that join arms | 1 |" in told


def test_report_sizes_the_audiences_of_the_day_before_with_both_maps(warehouse: Warehouse) -> None:
    for number in range(4):
        warehouse.add("marts.segment_membership", EVE, "lapsed_buyers", f"c{number}")
    warehouse.add("activation.send_decisions", EVE, "win_back", "sent", "c1")
    warehouse.add("activation.send_decisions", EVE, "win_back", "capped", "c2")
    warehouse.also("q3", "c3")
    warehouse.merge(1, 2)
    warehouse.move("q3", "c_split")
    told = warehouse.told()
    assert "| segment lapsed_buyers | 4 | 3 |" in told
    assert "| sent win_back | 1 | 1 |" in told


def test_report_of_a_warehouse_that_decided_nothing_says_so(warehouse: Warehouse) -> None:
    warehouse.merge(1)
    warehouse.connection.execute("drop table marts.dim_customers")
    assert any("nothing was decided here before" in line for line in warehouse.told())
