"""Whole runs, releases, kills, replays and erasures of a simulated shop in any order, audited by files and the simulator's truth."""

import json
import logging
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from simulator.shop import simulate
from tests.audit import Audit, Statement, arm_bucket, read_list, read_statements, sent_twice, standing_of
from tests.pipeline.conftest import Platform

LOG = logging.getLogger(__name__)
START, DAYS = date(2025, 1, 1), 60
FIRST = START + timedelta(days=DAYS - 1)
WHAT = [
    *["land and run"] * 4, "land and backfill", *["land, run and die"] * 2, *["run again"] * 2, *["release"] * 5, *["release and die"] * 5,
    "erase", *["unsubscribe"] * 2, "spamreport", "bounce",
]  # fmt: skip
CUSTOMERS, SALT = 900, "holdfast"
# Keys as the platform writes them, each with its person; a key of several persons is of nobody.
PERSONS = """
select
    case
        when starts_with(profile_key, 'mailbox:') then 'mailbox:' || sha256($salt || ':' || lower(trim(substr(profile_key, 9))))
        else profile_key
    end,
    person
from read_parquet($path) where not is_shared
"""
CONSENT = (
    "select mailbox, if(is_open, 'subscribed', reason), stated_at from read_parquet($path) where landed_on <= $today"
)


class Shop:
    """A simulated shop, its platform, and all that was taken from its released lists."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.truth = folder, folder / "truth"
        self.platform = Platform(folder / "home", folder / "landing")
        (folder / "home").mkdir()
        simulate(
            customers=CUSTOMERS,
            days=DAYS,
            seed=23,
            out=self.platform.landing,
            truth=self.truth,
            start=START,
            scenario="hubs",
        )
        self.day = FIRST
        self.audit, self.tally = Audit(), Counter[str]()
        self.said: list[Statement] = []
        self.run(self.day)

    @property
    def today(self) -> date:
        return self.day + timedelta(days=1)

    def did(self, name: str) -> None:
        self.tally["steps"] += 1
        self.tally[name] += 1

    def run(self, day: date) -> None:
        self.platform.ok("run", "--date", str(day))
        self.check_decided(day)

    def land(self) -> None:
        """Another day of the shop, on which people react to what was released."""
        self.platform.ok("step", "--date", str(self.today), "--truth", str(self.truth))
        self.day = self.today

    def kill(self, seconds: float, *arguments: str) -> None:
        """Start a command, end it as a power cut would, and free what it held."""
        process = self.platform.start(*arguments)
        time.sleep(seconds)
        self.tally["kills"] += process.poll() is None
        process.kill()
        process.communicate()
        self.platform.call("unlock", "--yes")

    def release(self, day: date) -> None:
        self.platform.ok("release", "--date", str(day), "--allow-past")
        self.check_released(day)

    def say(self, number: int, event: str) -> None:
        """One of those who are proposed for today leaves today, after the decision."""
        proposed = self.platform.query(
            "select email from activation.send_list where as_of = $day order by email", day=self.day
        )
        if not proposed:
            return
        address = str(proposed[number % len(proposed)][0])
        at = datetime.combine(self.today, datetime.min.time()) + timedelta(hours=1, seconds=self.tally["steps"])
        folder = self.platform.landing / "sendgrid" / "events" / f"landed_on={self.today}"
        folder.mkdir(parents=True, exist_ok=True)
        number = self.tally["steps"]
        said = {"email": address, "timestamp": int(at.timestamp()), "event": event, "sg_event_id": f"machine{number}"}
        if event == "bounce":
            said |= {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"}
        (folder / f"machine{number}.json").write_text(json.dumps([{**said, "sg_message_id": f"machine{number}"}]))

    def erase(self, number: int) -> None:
        people = self.platform.query(
            "select min(primary_email) from marts.customers where primary_email is not null group by mailbox_hash having count(*) = 1"
            " order by 1"
        )
        if people:
            self.platform.ok("erase", str(people[number % len(people)][0]), "--yes")

    def check(self) -> None:
        """Everything new in the released lists, held against the landed evidence, the truth and the documented hash."""
        new = self.audit.take(self.platform.home / "publish")
        standing = standing_of(
            [*read_statements(self.platform.landing, until=self.today), *self._consent()], final=frozenset()
        )
        for email in new:
            said = standing.get(email.email.strip().lower())
            assert said in {"subscribed", "confirmed"}, f"mailed who is {said}: {email.idempotency_key}"
        held = self._held_out()
        assert not [email.idempotency_key for email in new if email.root_profile_key in held], "mailed who was held out"
        unrecorded = [
            email.idempotency_key
            for email in new
            if email.root_profile_key not in self._assigned()
            and arm_bucket("global_holdout_1", email.customer_id) < 500
        ]
        assert not unrecorded, "mailed who is held out by the hash"
        persons = self._persons()
        assert not (faults := sent_twice(self.audit.handed.values(), lambda key: persons.get(key, key))), faults
        self.tally["emails"] = len(self.audit.handed)

    def check_decided(self, day: date) -> None:
        [(rows, keys, unknown)] = self.platform.query(
            "select count(*), count(distinct (customer_id, flow, step, occurrence)),"
            " count(*) filter (where outcome not in ('sent', 'held_out', 'suppressed', 'capped', 'deferred', 'blocked_by_governance'))"
            " from activation.send_decisions where as_of = $day", day=day,
        )  # fmt: skip
        assert (rows, unknown) == (keys, 0), "a candidate ended in two outcomes, or in none"
        self.tally["decisions"] += int(str(rows))

    def check_released(self, day: date) -> None:
        """What is claimed is published, and each decision of the batch was claimed or is counted as dropped."""
        claimed = self._state(
            "select idempotency_key, status, kind, root_profile_key from ledger where as_of = ?", str(day)
        )
        assert {status for _, status, *_ in claimed} <= {"published", "settled"}, "a claim was not published"
        emails = read_list(self.platform.home / "publish" / "send_list" / str(day + timedelta(days=1)) / "released")
        assert emails is not None, "a release left no complete list"
        wanted = {
            key
            for key, status, kind, root in claimed
            if (kind, status) == ("send", "published") and not root.startswith("erased:")
        }
        assert {email.idempotency_key for email in emails} == wanted, "a list is not what was claimed"

    def _consent(self) -> Iterator[Statement]:
        path = str(self.truth / "consent.parquet")
        for row in duckdb.execute(CONSENT, {"path": path, "today": self.today}).fetchall():
            yield Statement(row[0], row[1], row[2])

    def _persons(self) -> dict[str, str]:
        path = str(self.truth / "profiles.parquet")
        return {key: str(person) for key, person in duckdb.execute(PERSONS, {"path": path, "salt": SALT}).fetchall()}

    def _assigned(self) -> dict[str, str]:
        return dict(self._state("select profile_key, arm from assignments where experiment = 'global_holdout'"))

    def _held_out(self) -> set[str]:
        return {profile for profile, arm in self._assigned().items() if arm == "holdout"}

    def _state(self, query: str, *values: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self.platform.home / "state" / "state.sqlite")
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


class Machine(RuleBasedStateMachine):
    """One shop; hypothesis says what happens next."""

    tally: ClassVar[Counter[str]] = Counter()

    shop: Shop | None = None

    @initialize(is_closed=st.integers(0, 30))
    def open(self, is_closed: int) -> None:
        """The first example that hypothesis tries has the least of everything: one step, again and again. It is passed over."""
        if is_closed:
            self.folder = Path(tempfile.mkdtemp(prefix="whole"))
            self.shop = Shop(self.folder)
            self.shop.check()

    @rule(
        what=st.sampled_from(WHAT),
        back=st.sampled_from([0, 0, 1, 2]),
        share=st.floats(0, 1),
        number=st.integers(0, 1000),
    )
    def happens(self, what: str, back: int, share: float, number: int) -> None:
        """One rule for everything: of several, hypothesis leaves some out for a whole example."""
        shop = self.shop
        if shop is None:
            return
        shop.did(what)
        day = max(shop.day - timedelta(days=back), FIRST)
        match what:
            case "land and run":
                shop.land()
                shop.run(shop.day)
            case "land and backfill":
                first = shop.today
                shop.land()
                shop.land()
                shop.platform.ok("backfill", "--from", str(first), "--to", str(shop.day))
                shop.check_decided(shop.day)
            case "land, run and die":
                shop.land()
                shop.kill(8 + 50 * share, "run", "--date", str(shop.day))
                shop.run(shop.day)
            case "run again":
                shop.run(day)
            case "release":
                shop.release(day)
            case "release and die":
                shop.kill(6 + 20 * share, "release", "--date", str(day), "--allow-past")
            case "erase":
                shop.erase(number)
            case _:
                shop.say(number, what)

    @invariant()
    def nobody_is_mailed_who_must_not_be(self) -> None:
        if self.shop:
            self.shop.check()
            LOG.info("%s", dict(self.shop.tally))

    def teardown(self) -> None:
        if self.shop is None:
            return
        for (day,) in self.shop._state("select distinct as_of from ledger where status = 'claimed' order by as_of"):
            self.shop.release(date.fromisoformat(day))
            self.shop.check()
        Machine.tally.update(self.shop.tally)
        shutil.rmtree(self.folder)


@pytest.mark.timeout(0)
def test_anything_may_happen_to_whole_runs_in_any_order(request: pytest.FixtureRequest) -> None:
    """`--whole-steps 30 -s -n 0`: about a minute a step."""
    steps: int = request.config.getoption("--whole-steps")
    if not steps:
        pytest.skip("takes about a minute a step: ask for it by --whole-steps 30")
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=2, stateful_step_count=steps, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    request.config.get_terminal_writer().line(f"\n{dict(Machine.tally)}")
    assert Machine.tally["emails"] > 0
