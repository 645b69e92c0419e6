"""What people do because of the emails that the platform released: reports, purchases more and less, visits of who buys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.arrays import NONE, Bools, Ints, Texts, stack, take, texts
from simulator.browsing import draw_sessions, draw_web_events
from simulator.catalogue import Catalogue
from simulator.histories import History, Window
from simulator.instants import DAY
from simulator.people import BLOCK_SIZE
from simulator.purchases import Orders, place_orders
from simulator.response import Sends, respond
from simulator.selves import Selves
from simulator.world import World

COLUMNS = ("email", "send_after_utc", "flow", "step", "arm", "decision_id")
LIST = "released/send_list.parquet"
FIRST_NUMBER, NUMBERS_PER_DAY = 1_000_000, BLOCK_SIZE
"""Orders that emails caused are numbered from here in each block; an email causes one at most."""


class Released(NamedTuple):
    """Emails as the released send lists have them, by address and time, shape (m,) each."""

    address: Texts
    sent_at: Ints
    flow: Texts
    step: Texts
    arm: Texts
    id: Texts

    def of_day(self, day: int) -> Self:
        """Those of one day since 1970."""
        return take(self, self.sent_at // DAY == day)

    @property
    def days(self) -> list[int]:
        """The days since 1970 with emails, in order."""
        days: list[int] = np.unique(self.sent_at // DAY).tolist()
        return days


NOTHING = Released(*(np.zeros(0, np.int64) if name == "sent_at" else texts([]) for name in Released._fields))


def read_released(folder: Path) -> Released:
    """Read all that was released, from `<folder>/<send_date>/released/send_list.parquet`."""
    tables = [pq.read_table(path, columns=list(COLUMNS)) for path in sorted(folder.glob(f"*/{LIST}"))]
    if not tables:
        return NOTHING
    rows = pa.concat_tables(tables).sort_by([("email", "ascending"), ("send_after_utc", "ascending")])
    sent_at = rows["send_after_utc"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    others = (texts(rows[name].to_pylist()) for name in COLUMNS if name != "send_after_utc")
    address, flow, step, arm, decision = others
    return Released(address, sent_at, flow, step, arm, decision)


class Aftermath(NamedTuple):
    """What the emails of one day did to a block."""

    day: int
    """Since 1970."""
    history: History
    """The same people; its mailing has the day's emails, its orders and visits are what they led to."""


def react_to(
    world: World, catalogue: Catalogue, window: Window, history: History, released: Released
) -> tuple[History, list[Aftermath]]:
    """Let a block react to the emails of many days, one day after the other.

    What follows from the emails of a day depends on those of that day and of earlier ones alone: days that are added later
    leave it as it was, and with it all ids. Addresses that are nobody's of the block are passed over.

    Args:
        world: Rates.
        catalogue: The assortment.
        window: The simulated days.
        history: The block without these emails.
        released: The emails.

    Returns:
        The history with the own purchases marked that emails prevented, and the aftermath of each day.
    """
    earlier, prevented = history.mailing.sends, np.zeros(len(history.purchases.person), dtype=np.bool_)
    # Guests' slips and the limited roast belong to the history alone: what is left of both is not known here.
    world = replace(world, guest_checkout_share=0.0, placeholder_phone_share=0.0, limited_stock=0.0)
    aftermaths = []
    for day in released.days:
        sends, selves = _address(history.selves, released.of_day(day))
        if not len(sends.person):
            continue
        answer = respond(
            world, history.people, sends, key=history.response_key, start=window.start, earlier=earlier,
            purchases=history.purchases,
        )  # fmt: skip
        prevented |= answer.prevented
        orders = place_orders(history.order_key, world, catalogue, history.people, selves, answer.caused)
        mailing = history.mailing._replace(sends=sends, reactions=answer.reactions, responses=answer.responses)
        changed = history._replace(selves=selves, mailing=mailing, purchases=answer.caused)
        aftermaths.append(Aftermath(day, _visit(world, catalogue, window, changed, _number(orders, day, window))))
        earlier = stack(earlier, sends)
    return _prevent(history, prevented), aftermaths


def _address(selves: Selves, released: Released) -> tuple[Sends, Selves]:
    """The emails to people of the block, and the selves with the address that was mailed as their mailbox."""
    person_of = dict(_addresses(selves))
    found = np.array([person_of.get(address, NONE) for address in released.address.tolist()], dtype=np.int64)
    known = take(released, found != NONE)
    person = found[found != NONE]
    mailbox = selves.mailbox.copy()
    mailbox[person] = known.address
    size = len(person)
    sends = Sends(person, known.sent_at, known.flow, known.arm, np.full(size, NONE), known.step, known.id)
    return sends, replace(selves, mailbox=mailbox)


def _addresses(selves: Selves) -> Iterator[tuple[str, int]]:
    """Every address with whose it is; of a shared one the owner comes last."""
    for addresses in (selves.variant_mailbox, selves.second_mailbox):
        yield from ((address, person) for person, address in enumerate(addresses.tolist()) if address)
    for person in np.argsort(selves.is_mailbox_owner, kind="stable").tolist():
        yield selves.mailbox[person], person


def _number(orders: Orders, day: int, window: Window) -> Orders:
    shift = FIRST_NUMBER + (day - window.start // DAY) * NUMBERS_PER_DAY
    return replace(orders, id=orders.id + shift, number=orders.number + shift)


def _visit(world: World, catalogue: Catalogue, window: Window, history: History, orders: Orders) -> History:
    """The visits of those who clicked, and those in which the orders are placed."""
    rng = np.random.default_rng([history.response_key, *history.mailing.sends.sent_at.tolist()])
    busy = replace(world, visit_base=0.0, visit_slope=0.0)
    sessions = draw_sessions(
        rng, busy, history.people, history.selves, orders, history.mailing, days=window.days, until=window.until,
        start=window.start,
    )  # fmt: skip
    sessions = take(sessions, (sessions.order != NONE) | (sessions.click != NONE))
    events = draw_web_events(rng, world, catalogue, history.people, orders, sessions)
    return history._replace(
        potential=orders,
        orders=orders,
        prevented=np.zeros(len(orders), dtype=np.bool_),
        sessions=sessions,
        web_events=events,
    )


def _prevent(history: History, prevented: Bools) -> History:
    """The same history; what does not happen any more keeps its place and number."""
    purchases, potential = history.purchases, history.potential
    by_order = prevented[np.lexsort((purchases.person, purchases.bought_at))]
    return history._replace(
        prevented=by_order[potential.happens],
        potential=replace(potential, happens=potential.happens & ~by_order),
    )
