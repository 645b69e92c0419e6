"""A small shop to which anything may happen in any order, and what must hold after each step."""

import csv
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from activation.playbook.governance import Excluded, Override
from activation.playbook.playbook import Playbook
from activation.state.erasure import Tombstone, forget_people, salted
from activation.state.store import StateStore
from orchestration.erasure.places import Traces, erase_written
from tests.audit import (
    CLOSING,
    Audit,
    Email,
    Statement,
    arm_bucket,
    read_list,
    read_statements,
    sent_twice,
    standing_of,
)
from tests.unit.activation import dying
from tests.unit.activation.shop import DAY, Shop, people, playbook

OUTCOMES = {"sent", "held_out", "suppressed", "capped", "deferred", "blocked_by_governance"}
STARTS_ONCE = {"welcome", "first_purchase"}
KEPT_DAYS = 14  # of triggers, as the marts keep them
OPEN = date(9999, 12, 31)
SALT = dying.SALT


@cache
def book() -> Playbook:
    return playbook()


@cache
def names() -> list[str]:
    """People by whom every third is held out."""
    held, treated = people("holdout", 60), people("treatment", 120)
    return [held[number // 3] if number % 3 == 2 else treated[number - number // 3] for number in range(150)]


@dataclass
class Person:
    """Somebody with one profile; `joined` numbers people by age."""

    name: str
    mailbox: str
    joined: int
    tickets: set[date] = field(default_factory=set)
    ordered_at: datetime | None = None
    is_erased: bool = False

    @property
    def profile(self) -> str:
        return f"p:{self.name}"

    @property
    def address(self) -> str:
        return f"{self.mailbox}@shop.example"


@dataclass(frozen=True)
class Trigger:
    flow: str
    profile: str
    occurrence: str
    at: datetime


class World:
    """The shop, what truly happened in it, and everything that left it.

    `day` is the newest partition that has landed; the day after is today, whose landing is still partial.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.day = home, DAY - timedelta(days=1)
        self.people: list[Person] = []
        self.owner: dict[str, str] = {}
        self.merged_at: dict[frozenset[str], int] = {}
        self.triggers: list[Trigger] = []
        self.overrides: list[Override] = []
        self.audit = Audit()
        self.taken_at: dict[str, int] = {}
        self.claimed_at: dict[str, int] = {}
        self.decided: dict[date, tuple[int, list[Any]]] = {}
        self.steps = 0
        self.tally: Counter[str] = Counter()
        self.lengths = {"decide": 260, "release": 160}
        shop = Shop(StateStore(home / "state"), duckdb.connect(str(home / "warehouse.duckdb")))
        shop.state.register_playbook(book(), effective_from=self.day, registered_at=self.now)
        shop.connection.close()
        self.land([("sign_up", number, 0) for number in range(4)])

    # What happens.

    @property
    def today(self) -> date:
        return self.day + timedelta(days=1)

    @property
    def now(self) -> datetime:
        """An instant of today; no two steps share one."""
        return datetime.combine(self.today, datetime.min.time()) + timedelta(seconds=self.steps)

    def step(self, name: str) -> None:
        self.steps += 1
        self.tally["steps"] += 1
        self.tally[name] += 1

    def land(self, events: Iterable[tuple[str, int, int]], *, is_stale: bool = False) -> None:
        """Today ends: what happened lands with it, and the marts of the day are built."""
        self.step("land")
        self.day += timedelta(days=1)
        happened = datetime.combine(self.day, datetime.min.time()) + timedelta(hours=8)
        for number, (event, one, other) in enumerate(events):
            self._happen(event, one, other, happened + timedelta(seconds=number))
        with self.shop() as shop:
            self._build(shop, is_stale=is_stale)

    def _happen(self, event: str, one: int, other: int, at: datetime) -> None:
        alive = [person for person in self.people if not person.is_erased]
        if event in {"sign_up", "sign_up_at"}:
            name = names()[len(self.people)]
            shared = alive[one % len(alive)].mailbox if event == "sign_up_at" and alive else name
            person = Person(name, shared, len(self.people))
            self.people.append(person)
            self.owner[person.profile] = name
            self._say(person, "subscribed", at, self.day)
            self.triggers.append(Trigger("welcome", person.profile, f"welcome_{name}", at))
            with self.shop() as shop:
                shop.identity(person.profile, name, person.profile, since=self.day)
        elif alive:
            person, another = alive[one % len(alive)], alive[other % len(alive)]
            if event == "merge":
                self._merge(person, another)
            elif event == "ticket":
                person.tickets |= {self.day + timedelta(days=days) for days in range(3)}
            elif event == "order":
                person.ordered_at = at
            elif event in {"unsubscribed", "subscribed"}:
                self._say(person, event, at, self.day)
            else:
                trigger = Trigger(event, person.profile, f"{event}_{person.name}_{self.day}", at)
                if trigger.occurrence not in {each.occurrence for each in self.triggers}:
                    self.triggers.append(trigger)

    def say(self, one: int, statement: str) -> None:
        """Somebody says something today, after the newest partition."""
        self.step(statement)
        alive = [person for person in self.people if not person.is_erased]
        if alive:
            self._say(alive[one % len(alive)], statement, self.now, self.today)

    def _say(self, person: Person, statement: str, at: datetime, landed_on: date) -> None:
        folder = self.home / "landing" / "plain" / "consents" / f"landed_on={landed_on}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "consents.csv"
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(["evidence_id", "email", "channel", "statement", "stated_at"])
            writer.writerow([f"e{self.steps}", person.address, "email", statement, at.isoformat()])

    def _merge(self, one: Person, other: Person) -> None:
        """Two customers are one from the new day on: the older id survives."""
        roots = sorted({self.owner[one.profile], self.owner[other.profile]}, key=[p.name for p in self.people].index)
        if len(roots) < 2:
            return
        kept, lost = roots
        self.tally["merges"] += 1
        with self.shop() as shop:
            for profile in [profile for profile, owner in self.owner.items() if owner == lost]:
                self.owner[profile] = kept
                shop.connection.execute(
                    "update marts.identity_map set valid_to = $day where profile_key = $key and valid_to = $open",
                    {"day": self.day, "key": profile, "open": OPEN},
                )
                shop.identity(profile, kept, f"p:{kept}", since=self.day)
            shop.connection.execute("delete from marts.identity_map where valid_from >= valid_to")
        for a in self.members(kept):
            for b in self.members(kept):
                self.merged_at.setdefault(frozenset({a.profile, b.profile}), self.steps)

    def members(self, customer: str) -> list[Person]:
        return [person for person in self.people if self.owner.get(person.profile) == customer]

    def consent_of(self, customer: str, *, until: date) -> tuple[str | None, dict[str, str]]:
        """What closed a customer by any mailbox, and the standing of each address, by what had landed."""
        standing = standing_of(self._landed(until))
        said = [standing.get(person.address) for person in self.members(customer)]
        return next((each for each in ("complained", "bounced", "unsubscribed") if each in said), None), standing

    def _landed(self, until: date) -> Iterator[Statement]:
        return read_statements(self.home / "landing", until=until)

    def _build(self, shop: Shop, *, is_stale: bool) -> None:
        day, alive = self.day, set(self.owner.values())
        shop.fresh(day=day, age=9 if is_stale else 0)
        for name in sorted(alive):
            root = next(person for person in self.people if person.name == name)
            closed, standing = self.consent_of(name, until=day)
            consent = closed or standing.get(root.address, "unknown")
            shop.insert(
                "marts.dim_customers", as_of=day, customer_id=name, primary_email=root.address, mailbox_hash=f"m_{root.mailbox}",
                consent_status=consent, consent_basis="subscribed" if consent == "subscribed" else None, timezone="UTC",
                is_identity_uncertain=False,
            )  # fmt: skip
            orders = [person.ordered_at for person in self.members(name) if person.ordered_at]
            shop.stands(name, "subscriber", ordered_at=max(orders, default=None), day=day)
            if any(day in person.tickets for person in self.members(name)):
                shop.suppress("open_support_ticket", customer_id=name, day=day)
        for trigger in self.triggers:
            if trigger.profile in self.owner and 0 <= (day - trigger.at.date()).days <= KEPT_DAYS:
                shop.trigger(
                    self.owner[trigger.profile], trigger.flow, occurrence=trigger.occurrence, day=day, at=trigger.at
                )

    def override(self, one: int, flow: str | None) -> None:
        """A person stops a flow, or excludes somebody, from today's partition on; or takes all such words back."""
        self.step("override")
        alive = [person for person in self.people if not person.is_erased]
        day = {"decided_on": self.today, "expires_on": self.today + timedelta(days=3), "owner": "o", "reason": "r"}
        what: dict[str, Any] = (
            {"stop_flow": flow}
            if flow
            else {"exclude": Excluded(profile=alive[one % len(alive)].profile)}
            if alive
            else {}
        )
        if what:
            self.overrides.append(Override(override_id=f"o_{self.steps}", **what, **day))
        store = StateStore(self.home / "state")
        version = book().model_copy(update={"overrides": tuple(self.overrides)})
        store.register_playbook(version, effective_from=self.today, registered_at=self.now)

    def erase(self, one: int) -> None:
        """Somebody is erased from files, state and warehouse, as `holdfast erase` does; who shares a mailbox is not chosen."""
        self.step("erase")
        alive = [p for p in self.people if not p.is_erased]
        if not alive:
            return
        customer = self.owner[alive[one % len(alive)].profile]
        gone = self.members(customer)
        boxes = {person.mailbox for person in gone}
        if any(person.mailbox in boxes and person not in gone for person in alive):
            return
        self.tally["erased"] += len(gone)
        tombstones = {Tombstone("customer_id", salted(SALT, customer))}
        for person in gone:
            tombstones |= {
                Tombstone("email", f"m_{person.mailbox}"),
                Tombstone("profile_key", salted(SALT, person.profile)),
            }
        written = {*tombstones, *(Tombstone("email", salted(SALT, person.address)) for person in gone)}
        needles = frozenset(person.address for person in gone)
        erase_written([self.home / "publish"], Traces(written, SALT, needles), today=self.today, dry_run=False)
        forget_people(StateStore(self.home / "state"), tombstones, salt=SALT)
        with self.shop() as shop:
            tables = shop.connection.execute(
                "select table_schema || '.' || table_name, list(column_name) from information_schema.columns"
                " inner join information_schema.tables using (table_schema, table_name)"
                " where table_schema in ('marts', 'ml', 'activation', 'measurement') and table_type = 'BASE TABLE'"
                " group by all"
            ).fetchall()
            for table, columns in tables:
                for column, values in (
                    ("customer_id", [customer, *(person.name for person in gone)]),
                    ("mailbox_hash", [f"m_{box}" for box in boxes]),
                    ("profile_key", [person.profile for person in gone]),
                ):
                    if column in columns:
                        shop.connection.execute(
                            f"delete from {table} where list_contains($values, {column})", {"values": values}
                        )
        for person in gone:
            person.is_erased = True
            self.owner.pop(person.profile)
        self.decided.clear()

    # What the platform does.

    def shop(self) -> "Opened":
        return Opened(self.home)

    def past(self, back: int) -> date:
        return max(self.day - timedelta(days=back), DAY)

    def decide(self, back: int = 0, *, dies: float | None = None) -> None:
        """Decide a day, the newest or an earlier one; `dies`: after that share of the work."""
        self.step("decide" if dies is None else "decide killed")
        day = self.past(back)
        if dies is None:
            inputs = self.inputs(day)
            summary = dying.decide(self.home, day)
            self._check_decided(day, summary.candidates, inputs)
        else:
            self._die("decide", dies, dying.decide, self.home, day)

    def morning(self, events: Iterable[tuple[str, int, int]]) -> None:
        """A day as most are: it lands, is decided and released."""
        self.land(events)
        self.decide()
        self.release()

    def backfill(self, days: int) -> None:
        for back in reversed(range(days)):
            self.decide(back)

    def release(self, back: int = 0, *, dies: float | None = None) -> None:
        """Release a day that was decided, today or late; `dies`: after that share of the work."""
        day = self.past(back)
        if not self._is_decided(day):
            return
        self.step("release" if dies is None else "release killed")
        recheck = self.recheck()
        wanted = self._query(
            "select count(*) from activation.send_decisions where as_of = $day and outcome in ('sent', 'held_out')", day
        )
        if dies is None:
            summary = dying.let_go(self.home, day, recheck)
            if not summary.is_repeat:
                dropped = sum(count for reasons in summary.dropped.values() for count in reasons.values())
                assert summary.sends + summary.ghosts + dropped == wanted, "a release lost a decision"
            self._check_released(day)
        else:
            self._die("release", dies, dying.let_go, self.home, day, recheck)

    def recheck(self) -> dying.Recheck:
        """What dbt and the asset know of everybody at this moment."""
        statuses: dict[str, list[str]] = {}
        blocked: dict[str, str] = {}
        for customer in sorted(set(self.owner.values())):
            closed, standing = self.consent_of(customer, until=self.today)
            for person in self.members(customer):
                statuses.setdefault(f"m_{person.mailbox}", []).append(closed or standing.get(person.address, "unknown"))
            if closed:
                blocked[customer] = closed
        for override in self.overrides:
            if override.exclude and override.holds_on(self.today) and override.exclude.profile in self.owner:
                blocked[self.owner[str(override.exclude.profile)]] = "excluded_by_override"
        return dying.Recheck(
            statuses={box: "subscribed" if "subscribed" in said else min(said) for box, said in statuses.items()},
            blocked=blocked,
            stopped=frozenset(o.stop_flow for o in self.overrides if o.stop_flow and o.holds_on(self.today)),
            today=self.today, run_id=f"run_{self.steps}", released_at=self.now,
        )  # fmt: skip

    def _die(self, name: str, share: float, work: Any, *arguments: Any) -> None:
        steps = 1 + int(share * self.lengths[name])
        died, length = dying.run_and_die(work, *arguments, steps=steps)
        self.tally["kills"] += died
        if not died:
            self.lengths[name] = length

    # What must hold.

    def check(self) -> None:
        """Nobody is mailed twice or who must not be; what is published was claimed."""
        new = self.audit.take(self.home / "publish")
        standing = standing_of(self._landed(self.today))
        stopped = {o.stop_flow for o in self.overrides if o.stop_flow and o.holds_on(self.today)}
        for email in new:
            self.taken_at[email.idempotency_key] = self.steps
            self._check_email(email, standing, stopped)
        assert not (faults := sent_twice(self.audit.handed.values(), self.person_of)), faults
        self._check_ledger()
        self.tally["emails"] = len(self.audit.handed)

    def person_of(self, profile: str) -> str:
        """Whoever a profile is of; one that was erased is of itself."""
        return self.owner.get(profile, profile)

    def _check_email(self, email: Email, standing: dict[str, str], stopped: set[str]) -> None:
        person = next(each for each in self.people if each.profile == email.root_profile_key)
        said = {standing.get(each.address) for each in self.members(self.person_of(person.profile))}
        assert standing.get(email.email) == "subscribed", f"mailed who is {standing.get(email.email)}"
        assert not said & CLOSING, f"mailed a person who is {said & CLOSING}"
        assert not person.is_erased, "mailed who was erased"
        assert email.flow not in stopped, "mailed of a flow that was stopped"
        assert not any(email.as_of in each.tickets for each in self._were(email)), "mailed who was suppressed"
        excluded = {o.exclude.profile for o in self.overrides if o.exclude and o.holds_on(self.today)}
        assert not excluded & {each.profile for each in self.members(self.person_of(person.profile))}, (
            "mailed who was excluded"
        )
        assert email.mailbox_hash not in self._held_out(email.as_of), "mailed who was held out"

    def _were(self, email: Email) -> list[Person]:
        """The people whom the customer was on the day that decided."""
        query = "select profile_key from marts.identity_map where customer_id = $who and valid_from <= $day and $day < valid_to"
        with self.shop() as shop:
            keys = {
                key
                for (key,) in shop.connection.execute(query, {"who": email.customer_id, "day": email.as_of}).fetchall()
            }
        return [person for person in self.people if person.profile in keys]

    def _held_out(self, day: date) -> set[str]:
        """Mailboxes of customers whose earliest assignment, else whose hash, says holdout."""
        with self.shop() as shop:
            rows = shop.connection.execute(
                "select customers.mailbox_hash, customers.customer_id, list(map.profile_key order by map.profile_key)"
                " from marts.dim_customers as customers inner join marts.identity_map as map"
                " on customers.customer_id = map.customer_id and valid_from <= $day and $day < valid_to"
                " where customers.as_of = $day group by all", {"day": day},
            ).fetchall()  # fmt: skip
        recorded = self._ledger(
            "select profile_key, assigned_on, arm from assignments where assigned_on <= ?", str(day)
        )
        arms = {profile: (assigned_on, profile, arm) for profile, assigned_on, arm in recorded}
        held = set()
        for mailbox, customer, profiles in rows:
            known = sorted(arms[profile] for profile in profiles if profile in arms)
            arm = known[0][2] if known else "holdout" if arm_bucket("global_holdout_1", customer) < 500 else "treatment"
            if arm == "holdout":
                held.add(mailbox)
        return held

    def _check_ledger(self) -> None:
        """What was handed over was claimed as a send, and no flow that is entered once was begun twice by one person."""
        claimed = self._ledger("select idempotency_key, root_profile_key, flow, step, kind from ledger")
        for key, *_ in claimed:
            self.claimed_at.setdefault(key, self.steps)
        sends = {key for key, *_, kind in claimed if kind == "send"}
        rekeyed = sum(root.startswith("erased:") for _, root, *_ in claimed)
        missing = [key for key in self.audit.handed if key not in sends]
        assert len(missing) <= rekeyed, "published what was not claimed"
        begun: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key, root, flow, step, _ in claimed:
            if flow in STARTS_ONCE and step == "1":
                begun.setdefault((self.person_of(root), flow), []).append((key, root))
        for (_, flow), entries in begun.items():
            entries.sort(key=lambda entry: self.claimed_at[entry[0]])
            for at, (key, root) in enumerate(entries[1:], start=1):
                for _, before in entries[:at]:
                    since = self.merged_at.get(frozenset({before, root}), self.steps + 1)
                    assert self.claimed_at[key] <= since, f"{flow} was begun twice by one person"

    def _check_decided(self, day: date, candidates: int, inputs: int) -> None:
        with self.shop() as shop:
            rows = shop.rows(day=day) + shop.rows("activation.send_list", day=day)
            decided = shop.rows(day=day)
        keys = Counter((row["customer_id"], row["flow"], row["step"], row["occurrence"]) for row in decided)
        assert set(keys.values()) <= {1}, "a candidate ended in two outcomes"
        assert {row["outcome"] for row in decided} <= OUTCOMES
        assert len(decided) == candidates
        for expected in self._due(day):
            assert keys[expected] == 1, f"lost the decision about {expected}"
        before = self.decided.get(day)
        assert before is None or before[0] != inputs or before[1] == rows, (
            f"{day} was decided differently from the same inputs"
        )
        self.decided[day] = (inputs, rows)
        self.tally["decisions"] += len(decided)

    def _due(self, day: date) -> Iterator[tuple[str, str, str, str]]:
        """First steps of the flow that everybody enters for each occurrence, by what happened and what was released."""
        with self.shop() as shop:
            owners = dict(shop.connection.execute(
                "select profile_key, customer_id from marts.identity_map where valid_from <= $day and $day < valid_to", {"day": day}
            ).fetchall())  # fmt: skip
            ordered = dict(shop.connection.execute(
                "select customer_id, last_ordered_at from marts.flow_exits where as_of = $day", {"day": day}
            ).fetchall())  # fmt: skip
        released = {row[0] for row in self._ledger(
            "select occurrence from ledger where flow = 'renewal' and send_date <= ?", str(day)
        )}  # fmt: skip
        for trigger in self.triggers:
            age = (day - trigger.at.date()).days
            customer = owners.get(trigger.profile)
            ordered_at = ordered.get(customer)
            has_ordered_since = ordered_at is not None and ordered_at > trigger.at
            is_due = trigger.flow == "renewal" and 0 <= age <= 5 and customer is not None
            if is_due and trigger.occurrence not in released and not has_ordered_since:
                yield str(customer), "renewal", "1", trigger.occurrence

    def _check_released(self, day: date) -> None:
        """A release that ended published all that is claimed and not taken back, and nothing else."""
        claimed = self._ledger(
            "select idempotency_key, status, kind, root_profile_key from ledger where as_of = ?", str(day)
        )
        assert {status for _, status, *_ in claimed} <= {"published", "settled"}, "a claim was not published"
        folder = self.home / "publish" / "send_list" / str(day + timedelta(days=1)) / "released"
        emails = read_list(folder)
        assert emails is not None, "a release left no complete list"
        wanted = {
            key
            for key, status, kind, root in claimed
            if (status, kind) == ("published", "send") and not root.startswith("erased:")
        }
        assert {email.idempotency_key for email in emails} == wanted, "a list is not what was claimed"
        assert not list(folder.rglob("*.tmp")), "something half-written is left among what is imported"

    def finish(self) -> None:
        """Every batch that was claimed is released to its end."""
        for (day,) in self._ledger("select distinct as_of from ledger where status = 'claimed' order by as_of"):
            self.step("resume")
            dying.let_go(self.home, date.fromisoformat(day), self.recheck())
            self.check()
            self._check_released(date.fromisoformat(day))

    def inputs(self, day: date) -> int:
        """A number for all that the decision of a day may know beside its marts."""
        ledger = self._ledger("select * from ledger where send_date <= ? order by 1", str(day))
        arms = self._ledger("select * from assignments where assigned_on < ? order by 1, 2", str(day))
        version = StateStore(self.home / "state").playbook_in_force(day)
        strip = [
            tuple(value for place, value in enumerate(row) if place != 2) for row in ledger
        ]  # the status says nothing
        return hash((tuple(strip), tuple(arms), version.version if version else ""))

    def _is_decided(self, day: date) -> bool:
        try:
            return bool(self._query("select count(*) from activation.send_decisions where as_of = $day", day))
        except duckdb.CatalogException:
            return False

    def _query(self, query: str, day: date) -> int:
        with self.shop() as shop:
            return int(shop.connection.execute(query, {"day": day}).fetchall()[0][0])

    def _ledger(self, query: str, *values: str) -> list[Any]:
        connection = sqlite3.connect(self.home / "state" / "state.sqlite")
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


class Opened:
    """The shop for as long as its warehouse is open."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __enter__(self) -> Shop:
        self._shop = Shop.__new__(Shop)
        self._shop.state, self._shop.connection = dying.open_store(self._home)
        return self._shop

    def __exit__(self, *_: object) -> None:
        self._shop.connection.close()
