"""The plain CSV files: tickets, consents and the recorded experiment."""

import numpy as np

from simulator.arrays import Ints
from simulator.consents import Statements
from simulator.instants import DAY, HOUR, write_plain
from simulator.people import People
from simulator.purchases import Orders
from simulator.selves import Selves
from simulator.tickets import Tickets
from simulator.win_back import ASSIGNED_HOUR, CONTROL, EXPERIMENT, SENT_HOUR, TREATMENT, WinBack
from simulator.world import World

TICKETS = "ticket_id,profile_id,email,status,priority,created_at,updated_at,satisfaction"
CONSENTS = "evidence_id,email,channel,statement,stated_at,topic,legal_basis,source"
ASSIGNMENTS = "experiment,profile_id,email,arm,assigned_at,planned_share,exposed_at,ghost_at"

Rows = tuple[list[str], list[str], Ints]
"""CSV lines, their ids, and when each was written."""


def write_tickets(people: People, orders: Orders, tickets: Tickets) -> Rows:
    """One line per version of a ticket."""
    ids = [f"T-{people.block:05d}-{number:06d}" for number in tickets.ticket.tolist()]
    columns = (
        ids, orders.email[tickets.order].tolist(), tickets.status.tolist(), tickets.priority.tolist(),
        write_plain(tickets.created_at), write_plain(tickets.updated_at), tickets.satisfaction.tolist(),
    )  # fmt: skip
    return ["{},,{},{},{},{},{},{}".format(*row) for row in zip(*columns, strict=True)], ids, tickets.updated_at


def write_consents(people: People, selves: Selves, statements: Statements) -> Rows:
    """One line per statement."""
    ids = [f"C-{people.block:05d}-{number:06d}" for number in range(len(statements.person))]
    columns = (
        ids, selves.mailbox[statements.person].tolist(), statements.statement.tolist(), write_plain(statements.stated_at),
        statements.source.tolist(),
    )  # fmt: skip
    return (
        ["{},{},email,{},{},newsletter,consent,{}".format(*row) for row in zip(*columns, strict=True)],
        ids,
        statements.landed_at,
    )


def write_assignments(world: World, selves: Selves, experiment: WinBack, start: int) -> Rows:
    """One line per assigned person: the treated were exposed when mailed, the others have a ghost at that time.

    `planned_share` is that of the line's own arm.
    """
    day = start + experiment.assigned_on * DAY
    mailed_at = write_plain(day + SENT_HOUR * HOUR)
    treated = experiment.is_treated.tolist()
    email = selves.mailbox[experiment.person].tolist()
    assigned_at = write_plain(day + ASSIGNED_HOUR * HOUR)
    share = (world.win_back_share, 1 - world.win_back_share)
    rows = zip(email, treated, assigned_at, mailed_at, strict=True)
    lines = [
        f"{EXPERIMENT},,{address},{TREATMENT},{assigned},{share[0]:g},{mailed},"
        if is_treated
        else f"{EXPERIMENT},,{address},{CONTROL},{assigned},{share[1]:g},,{mailed}"
        for address, is_treated, assigned, mailed in rows
    ]
    return lines, email, np.asarray(day + SENT_HOUR * HOUR)
