"""What really happened, in Parquet, for whoever asked: the platform never reads it."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.arrays import NONE, Ints, Texts
from simulator.consents import find_changes
from simulator.emails import Mailing
from simulator.histories import History, Window
from simulator.instants import DAY, STORES, day_start
from simulator.landing import Fault
from simulator.people import People
from simulator.response import BOUNCED, CLICKED, COMPLAINED, UNSUBSCRIBED, group_effects
from simulator.scenarios import Form
from simulator.selves import PLACEHOLDER_EMAILS, Selves
from simulator.win_back import CONTROL, EXPERIMENT, TREATMENT
from simulator.world import ANY_FLOW, RESPONSE_GROUPS, World

INSTANT = pa.timestamp("ms")
CLOSING = {UNSUBSCRIBED: "unsubscribed", COMPLAINED: "complained", BOUNCED: "bounced"}
OTHER_FLOWS = "any_other"
"""Stands in `effects` for every flow that has no rows of its own."""
SCHEMAS = {
    "people": pa.schema(
        [
            ("person", pa.int64()), ("joined_at", INSTANT), ("is_existing", pa.bool_()), ("purchase_rate", pa.float64()),
            ("dropout_rate", pa.float64()), ("alive_until", INSTANT), ("price_level", pa.float64()),
            ("taste", pa.list_(pa.float64())), ("open_rate", pa.float64()), ("click_rate", pa.float64()),
            ("favourite_hour", pa.int64()), ("has_consented", pa.bool_()), ("is_guest", pa.bool_()),
            ("has_subscription", pa.bool_()), ("store", pa.string()), ("prefers_phone", pa.bool_()), ("mailbox", pa.string()),
            ("mailbox_kind", pa.string()), ("company", pa.int64()), ("uses_kiosk", pa.bool_()), ("response_group", pa.string()),
        ]
    ),
    "profiles": pa.schema([("profile_key", pa.string()), ("person", pa.int64()), ("is_shared", pa.bool_())]),
    "purchases": pa.schema(
        [
            ("person", pa.int64()), ("bought_at", INSTANT), ("order_id", pa.int64()), ("total_amount", pa.float64()),
            ("net_amount", pa.float64()), ("is_renewal", pa.bool_()), ("is_test", pa.bool_()), ("cause", pa.string()),
            ("happened", pa.bool_()),
        ]
    ),
    "consent": pa.schema(
        [
            ("mailbox", pa.string()), ("is_open", pa.bool_()), ("reason", pa.string()), ("stated_at", INSTANT),
            ("landed_on", pa.date32()),
        ]
    ),
    "effects": pa.schema([("person", pa.int64()), ("flow", pa.string()), ("effect", pa.float64())]),
    "sends": pa.schema(
        [
            ("send_id", pa.string()), ("person", pa.int64()), ("mailbox", pa.string()), ("sent_at", INSTANT), ("flow", pa.string()),
            ("arm", pa.string()), ("effect", pa.float64()), ("causes_purchase", pa.bool_()),
        ]
    ),
    "experiments": pa.schema(
        [
            ("experiment", pa.string()), ("person", pa.int64()), ("email", pa.string()), ("arm", pa.string()),
            ("assigned_on", pa.date32()), ("response_group", pa.string()), ("effect", pa.float64()),
            ("buys_if_treated", pa.bool_()), ("buys_if_control", pa.bool_()), ("revenue_if_treated", pa.float64()),
            ("revenue_if_control", pa.float64()),
        ]
    ),
    "machine_events": pa.schema([("sg_event_id", pa.string()), ("kind", pa.string())]),
    "faults": pa.schema(
        [("kind", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("record", pa.string()), ("expected", pa.string())]
    ),
}  # fmt: skip


class TruthWriter:
    """Writes the truth of block after block, one Parquet file per table.

    `profiles.profile_key` has the platform's forms, except that a mailbox stands in clear (`mailbox:<address>`, lower case): the
    truth does not know the salt. A key of several persons has one row for each, and is shared; so is a placeholder, whoever typed
    it. Two profiles are a true pair if they are one person's, be there something in the files to link them or not. Mailboxes in
    other tables are in lower case too. `purchases` has every potential one, the future included; `happened` is false for those
    of the other arm. `faults.row` counts records from 1, the header of a CSV not among them; 0 is the whole file.
    """

    def __init__(self, folder: Path, *, kept_faults: pa.Table | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writers = {name: pq.ParquetWriter(folder / f"{name}.parquet", schema) for name, schema in SCHEMAS.items()}
        if kept_faults is not None:
            self._writers["faults"].write_table(kept_faults)

    def __enter__(self) -> Self:
        """Hand out the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()

    def write(self, told: "Told") -> None:
        """Append what was told of some blocks."""
        for name, table in told.tables:
            self._writers[name].write_table(table)


class Told:
    """The truth of some blocks as tables, which pass from one process to another."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, pa.Table]] = []

    def append(self, name: str, columns: Iterable[Any]) -> None:
        """Append columns, in the order of the schema of the table `name`."""
        schema = SCHEMAS[name]
        arrays = [
            column if isinstance(column, pa.Array) else pa.array(column, type=field.type)
            for column, field in zip(columns, schema, strict=True)
        ]
        self.tables.append((name, pa.Table.from_arrays(arrays, schema=schema)))

    def append_history(
        self,
        world: World,
        window: Window,
        history: History,
        event_ids: list[str],
        *,
        form: Form = "systems",
        support_users: Iterable[tuple[str, int]] = (),
        reported_on: Ints | None = None,
    ) -> None:
        """All that happened to a block, but for the faults of its files.

        Args:
            world: Rates.
            window: The simulated days.
            history: What happened.
            event_ids: The ESP's id of each report.
            form: How the block lands, which decides on the keys of its profiles.
            support_users: Keys of the help desk (`zendesk:<id>`) with the person's number.
            reported_on: The day since the start on which each report of the ESP lands, shape (responses,); its own if `None`.
        """
        self._append_people(history.people, history.selves, window.start)
        self._append_profiles(history, form, support_users)
        self._append_purchases(history)
        self._append_consent(history, window.start, reported_on)
        self._append_effects(world, history.people)
        self._append_sends(history)
        self._append_experiment(history, window.start)
        self._append_machine_events(history.mailing, event_ids)

    def append_aftermath(self, window: Window, history: History, event_ids: list[str], *, reported_on: Ints) -> None:
        """What released emails did to a block: purchases, sends, closed mailboxes and machines; arguments as of `append_history`."""
        self._append_purchases(history)
        self._append_sends(history)
        self._append_machine_events(history.mailing, event_ids)
        reactions, person = history.mailing.reactions, history.mailing.sends.person
        rows = np.flatnonzero(np.isin(reactions.end, list(CLOSING)))
        stated_at = reactions.ended_at[rows]
        landed_on = _reported(history.mailing, person[rows], stated_at, (stated_at - window.start) // DAY, reported_on)
        reasons = [CLOSING[end] for end in reactions.end[rows].tolist()]
        day = (window.start // DAY + landed_on).astype(np.int32)
        mailbox = _lower(history.selves.mailbox[person[rows]])
        self.append("consent", (mailbox, [False] * len(rows), reasons, stated_at, day))

    def _append_people(self, people: People, selves: Selves, start: int) -> None:
        alive_until = (start + np.minimum(people.alive_until, 36_500.0) * DAY).astype(np.int64)
        size, categories = people.taste.shape
        taste = pa.ListArray.from_arrays(np.arange(size + 1, dtype=np.int32) * categories, people.taste.reshape(-1))
        self.append(
            "people",
            (
                people.number, people.joined_at, people.is_existing, people.purchase_rate, people.dropout_rate, alive_until,
                people.price_level, taste, people.open_rate, people.click_rate, people.favourite_hour, people.has_consented,
                people.is_guest, people.has_subscription, _words(people.store, STORES), people.prefers_phone, _lower(selves.mailbox),
                selves.mailbox_kind, pa.array(people.company, mask=people.company == NONE), selves.uses_kiosk,
                _words(people.response_group, RESPONSE_GROUPS),
            ),
        )  # fmt: skip

    def _append_profiles(self, history: History, form: Form, support_users: Iterable[tuple[str, int]]) -> None:
        """Every key under which a person may be met; those of visits only where a visit was made, of typed addresses where typed."""
        people, selves, orders = history.people, history.selves, history.orders
        anyone = np.arange(len(people))
        keys, persons = [], []

        def meet(prefix: str, values: pa.Array, person: Ints) -> None:
            keys.append(pc.binary_join_element_wise(prefix, values.cast(pa.string()), ""))
            persons.append(people.number[person])

        for account in (selves.account_id, selves.second_account_id):
            holder = np.flatnonzero(account != NONE)
            for prefix in ("shopify:", "segment:user:") if form == "systems" else ("plain:",):
                meet(prefix, pa.array(account[holder]), holder)
        for address, person in (
            (selves.mailbox, anyone),
            (selves.second_mailbox, anyone),
            (orders.email, orders.person),
        ):
            has_one = np.flatnonzero(address != "")
            meet("mailbox:", _lower(address[has_one]), person[has_one])
        visits = history.sessions
        anonymous = "segment:anon:" if form == "systems" else "plain:anon:"
        meet(anonymous, pa.array(visits.device, pa.string()), visits.person)
        if form == "systems":
            meet("hubspot:", pa.array(history.contacts.id), history.contacts.person)
        users = list(support_users)
        keys.append(pa.array([key for key, _ in users], pa.string()))
        persons.append(np.array([person for _, person in users], dtype=np.int64))
        self.append("profiles", _mark_shared(pa.concat_arrays(keys), np.concatenate(persons)))

    def _append_purchases(self, history: History) -> None:
        orders = history.potential
        cents = orders.total_cents, orders.total_cents - orders.refund_cents
        self.append(
            "purchases",
            (
                history.people.number[orders.person], orders.ordered_at, orders.id, cents[0] / 100, cents[1] / 100,
                orders.is_renewal, orders.is_test, orders.cause, orders.happens,
            ),
        )  # fmt: skip

    def _append_consent(self, history: History, start: int, reported_on: Ints | None) -> None:
        changes = find_changes(history.people, history.opt_ins, history.mailing.listing)
        landed_on = np.maximum(changes.stated_at - start, 0) // DAY
        if reported_on is not None:
            landed_on = _reported(history.mailing, changes.person, changes.stated_at, landed_on, reported_on)
        mailbox = _lower(history.selves.mailbox[changes.person])
        day = (start // DAY + landed_on).astype(np.int32)
        self.append("consent", (mailbox, changes.is_open, changes.reason, changes.stated_at, day))

    def _append_effects(self, world: World, people: People) -> None:
        flows = list(dict.fromkeys(flow for flow, _, _ in world.effects))
        for flow in flows:
            effect = group_effects(world, flow)[people.response_group]
            name = OTHER_FLOWS if flow == ANY_FLOW else flow
            self.append("effects", (people.number, np.full(len(people), name, dtype=object), effect))

    def _append_sends(self, history: History) -> None:
        people, sends, reactions = history.people, history.mailing.sends, history.mailing.reactions
        self.append(
            "sends",
            (
                sends.id, people.number[sends.person], _lower(history.selves.mailbox[sends.person]),
                sends.sent_at, sends.flow, sends.arm, reactions.effect, reactions.moves & (reactions.effect > 0),
            ),
        )  # fmt: skip

    def _append_experiment(self, history: History, start: int) -> None:
        people, experiment, outcomes = history.people, history.experiment, history.outcomes
        person, size = experiment.person, len(experiment.person)
        self.append(
            "experiments",
            (
                np.full(size, EXPERIMENT, dtype=object), people.number[person], _lower(history.selves.mailbox[person]),
                np.where(experiment.is_treated, TREATMENT, CONTROL).tolist(),
                (start // DAY + experiment.assigned_on).astype(np.int32), _words(people.response_group[person], RESPONSE_GROUPS),
                outcomes.effect, outcomes.buys_if_treated, outcomes.buys_if_control, outcomes.revenue_if_treated,
                outcomes.revenue_if_control,
            ),
        )  # fmt: skip

    def _append_machine_events(self, mailing: Mailing, event_ids: list[str]) -> None:
        """Opens and clicks that no person made; the ESP flags the opens, nobody flags the scanners."""
        responses = mailing.responses
        rows = np.flatnonzero(responses.is_machine)
        kinds = np.where(responses.kind[rows] == CLICKED, "scanner_click", "machine_open")
        self.append("machine_events", ([event_ids[row] for row in rows.tolist()], kinds.tolist()))

    def append_faults(self, faults: list[Fault]) -> None:
        """The planted faults of one object."""
        self.append("faults", ([fault[column] for fault in faults] for column in range(len(Fault._fields))))


def write_world(
    folder: Path, world: World, window: Window, *, customers: int, seed: int, scenario: str, form: Form
) -> None:
    """Write `world.json`: enough to simulate the same shop again, and when it was shaken."""
    start = datetime.fromtimestamp(window.start / 1000, UTC).date()
    events = []
    if world.outage_from < 1 and world.outage_days:
        first = int(window.days * world.outage_from)
        events.append({"kind": "outage", "source": world.outage_source, "from_day": first, "days": world.outage_days})
    for kind, share in (("schema_change", world.new_column_from), ("schema_change", world.renamed_column_from),
                        ("import", world.import_from), ("drift", world.drift_from)):  # fmt: skip
        if share < 1:
            events.append({"kind": kind, "from_day": int(window.days * share)})
    written = {
        "customers": customers, "days": window.days, "future": window.future, "seed": seed, "scenario": scenario, "form": form,
        "start": start.isoformat(), "world": asdict(world), "events": events,
    }  # fmt: skip
    (folder / "world.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


class ToldWorld(NamedTuple):
    """What `world.json` says."""

    world: World
    window: Window
    customers: int
    seed: int
    form: Form
    start: date


def read_world(folder: Path) -> ToldWorld:
    """Read what `write_world` wrote.

    Raises:
        FileNotFoundError: If the folder holds no truth.
    """
    told = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    start = date.fromisoformat(told["start"])
    rates = {name: _frozen(value) for name, value in told["world"].items()}
    window = Window(day_start(start), told["days"], told["future"])
    return ToldWorld(World(**rates), window, told["customers"], told["seed"], told["form"], start)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _mark_shared(keys: pa.Array, persons: Ints) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Each pair of key and person once, by person and key, with whether the key has several persons or is a placeholder."""
    pairs = pa.table({"key": keys, "person": persons}).group_by(["key", "person"], use_threads=False).aggregate([])
    coded = pairs["key"].combine_chunks().dictionary_encode()
    times = np.bincount(coded.indices.to_numpy())[coded.indices.to_numpy()]
    placeholders = pa.array([f"mailbox:{address}" for address in PLACEHOLDER_EMAILS])
    is_shared = (times > 1) | pc.is_in(pairs["key"], placeholders).to_numpy()
    marked = pairs.append_column("is_shared", pa.array(is_shared)).sort_by(
        [("person", "ascending"), ("key", "ascending")]
    )
    key, person, shared = (marked[name].combine_chunks() for name in ("key", "person", "is_shared"))
    return key, person, shared


def _reported(mailing: Mailing, person: Ints, stated_at: Ints, landed_on: Ints, reported_on: Ints) -> Ints:
    """The landing day of each change that an ESP's report tells, in place of the day on which it happened."""
    told = mailing.responses
    moment = (mailing.sends.person[told.send] << 43) + told.happened_at
    order = np.argsort(moment, kind="stable")
    wanted = (person << 43) + stated_at
    place = np.searchsorted(moment[order], wanted).clip(0, max(len(order) - 1, 0))
    if not len(order):
        return landed_on
    found = moment[order][place] == wanted
    return np.where(found, reported_on[order[place]], landed_on)


def _lower(values: Texts) -> pa.Array:
    return pc.utf8_lower(pa.array(values, pa.string()))


def _words(index: Ints, values: tuple[str, ...]) -> pa.Array:
    return pa.array(values).take(pa.array(index))
