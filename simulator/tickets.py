"""Questions to support about orders, and how long they stay open."""

from typing import NamedTuple

import numpy as np

from simulator.arrays import Ints, Texts, texts
from simulator.instants import DAY, HOUR
from simulator.purchases import Orders
from simulator.world import World

PRIORITIES = ("low", "normal", "high", "urgent")
NEVER_SOLVED_SHARE = 0.06


class Tickets(NamedTuple):
    """Versions of tickets, two for one that was solved, shape (m,) each."""

    ticket: Ints
    order: Ints
    status: Texts
    priority: Texts
    created_at: Ints
    updated_at: Ints
    satisfaction: Texts


def draw_tickets(rng: np.random.Generator, world: World, orders: Orders) -> Tickets:
    """One ticket for a few of the orders, solved after some days or not at all."""
    order = np.flatnonzero((rng.random(len(orders)) < world.ticket_share) & ~orders.is_renewal & ~orders.is_test)
    size = len(order)
    created_at = orders.ordered_at[order] + rng.integers(12 * HOUR, 7 * DAY, size)
    solved_at = created_at + rng.integers(5 * HOUR, 8 * DAY, size)
    is_solved = rng.random(size) >= NEVER_SOLVED_SHARE
    opened_as = texts(rng.choice(["new", "open", "pending"], size, p=[0.3, 0.5, 0.2]).tolist())
    priority = texts(rng.choice(PRIORITIES, size, p=[0.2, 0.6, 0.15, 0.05]).tolist())
    mood = texts(rng.choice(["good", "bad", ""], size, p=[0.4, 0.15, 0.45]).tolist())
    solved = np.flatnonzero(is_solved)
    return Tickets(
        ticket=np.concatenate([np.arange(size), solved]),
        order=np.concatenate([order, order[solved]]),
        status=np.concatenate([opened_as, texts(["solved"] * len(solved))]),
        priority=np.concatenate([priority, priority[solved]]),
        created_at=np.concatenate([created_at, created_at[solved]]),
        updated_at=np.concatenate([created_at, solved_at[solved]]),
        satisfaction=np.concatenate([texts([""] * size), mood[solved]]),
    )
