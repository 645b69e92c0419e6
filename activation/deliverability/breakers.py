"""Circuit breakers: which providers and cohorts take no more email, by exact tests of what became of the last ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

import pyarrow as pa

from activation.deliverability.evidence import SendDay, Share, share_of
from activation.playbook.cohorts import METRICS, Cell, Metric
from activation.playbook.policies import Breakers, Budget, Policies
from activation.state.store import StateStore

State = Literal["closed", "warn", "hold", "rolled_back"]


class Trip(NamedTuple):
    """A breaker that opened on a day, by `state` how far; `resumed`: a person's word held it closed from then on."""

    provider: str
    engagement: str
    metric: Metric
    state: Literal["hold", "rolled_back", "resumed"]
    tripped_on: date
    emails: int
    events: int

    @property
    def cell(self) -> Cell:
        """Whose mailboxes."""
        return Cell(self.provider, self.engagement)


@dataclass(frozen=True)
class BreakerState:
    """A row of `activation.breaker_states`.

    Attributes:
        as_of: The partition.
        provider: Who runs the mailboxes.
        engagement: How their readers reacted before.
        metric: What is counted.
        window_starts_on: First day of the sends that count.
        email_count: Emails of which an outcome is known: delivered, or for bounces also bounced.
        event_count: Of them, with a complaint, hard bounce or unsubscribe.
        event_share: The share; null without emails.
        lowest_share: The share is above this but for a chance of alpha.
        highest_share: The same from above.
        state: `closed`, `warn`, `hold` or `rolled_back`.
        is_held: Whether nobody in the cell is mailed.
        tripped_on: Of what is rolled back, since when.
        sentence: The finding in words.
    """

    as_of: date
    provider: str
    engagement: str
    metric: Metric
    window_starts_on: date
    email_count: int
    event_count: int
    event_share: float | None
    lowest_share: float | None
    highest_share: float | None
    state: State
    is_held: bool
    tripped_on: date | None
    sentence: str


def judge_cells(
    days: Sequence[SendDay],
    policies: Policies,
    *,
    trips: Iterable[Trip],
    resumed: Mapping[Cell, date],
    as_of: date,
) -> list[BreakerState]:
    """The state of every breaker whose cell was mailed within the window, or is rolled back.

    A cell holds while its share is above the limit beyond chance. What is rolled back stays so until a person resumes the cell;
    from then on the emails and trips of the days before no longer count.

    Args:
        days: Emails of at least the window, as known on the day.
        policies: In force on the day; without breakers nothing is judged.
        trips: Those that were recorded by the day.
        resumed: First day of a person's word by cell, where one holds.
        as_of: The partition.
    """
    if policies.breakers is None:
        return []
    rolled_back: dict[tuple[Cell, Metric], date] = {}
    for trip in sorted(trips, key=lambda trip: trip.tripped_on):
        if trip.state == "rolled_back" and resumed.get(trip.cell, date.min) <= trip.tripped_on <= as_of:
            rolled_back.setdefault((trip.cell, trip.metric), trip.tripped_on)
    of_cell: dict[Cell, list[SendDay]] = {cell: [] for cell, _ in rolled_back}
    for day in days:
        of_cell.setdefault(day.cell, []).append(day)
    window = as_of - timedelta(days=policies.breakers.window_days - 1)
    states = []
    for cell in sorted(of_cell):
        # The list of the day on which a person spoke is sent the day after.
        first = max(window, resumed.get(cell, date.min) + timedelta(days=1))
        recent = [day for day in of_cell[cell] if first <= day.sent_on <= as_of]
        for metric in METRICS:
            tripped_on = rolled_back.get((cell, metric))
            if recent or tripped_on:
                share = share_of(metric, recent, alpha=policies.breakers.alpha)
                states.append(_judge(cell, metric, share, policies, first=first, tripped_on=tripped_on, as_of=as_of))
    return states


def _judge(
    cell: Cell, metric: Metric, share: Share, policies: Policies, *, first: date, tripped_on: date | None, as_of: date
) -> BreakerState:
    budget, breakers = policies.budget_of(metric), policies.breakers or Breakers()
    found = _state_of(share, budget, breakers)
    tripped_on = tripped_on or (as_of if found == "rolled_back" else None)
    state: State = "rolled_back" if tripped_on else found
    return BreakerState(
        as_of=as_of,
        provider=cell.provider,
        engagement=cell.engagement,
        metric=metric,
        window_starts_on=first,
        email_count=share.emails,
        event_count=share.events,
        event_share=share.share,
        lowest_share=share.low,
        highest_share=share.high,
        state=state,
        is_held=found in {"hold", "rolled_back"},
        tripped_on=tripped_on,
        sentence=_say(cell, metric, share, state, tripped_on),
    )


def _state_of(share: Share, budget: Budget, breakers: Breakers) -> State:
    """How far a share is beyond its limits by more than chance."""
    if share.low is None or share.emails < breakers.minimum_emails or share.events < breakers.minimum_events:
        return "closed"
    limits: tuple[tuple[State, float | None], ...] = (
        ("rolled_back", budget.roll_back),
        ("hold", budget.hold),
        ("warn", budget.warn),
    )
    return next((state for state, limit in limits if limit is not None and share.low > limit), "closed")


def _say(cell: Cell, metric: Metric, share: Share, state: State, tripped_on: date | None) -> str:
    whom = f"{cell.provider} {cell.engagement}"
    words = f"{share.events} {metric} of {share.emails:,} emails to {whom}"
    if share.share is not None:
        words += f" ({share.share:.2%}, at least {share.low:.2%})"
    since = f" since {tripped_on}" if tripped_on else ""
    return f"{words}: {state.replace('_', ' ')}{since}"


def record_trips(
    store: StateStore, states: Iterable[BreakerState], *, resumed: Mapping[Cell, date], as_of: date
) -> int:
    """Record what opened on a day, and what a person resumed; what was recorded of the day before stands.

    Returns:
        How many were new.
    """
    newest = {(trip.cell, trip.metric): trip for trip in trips_by(store, as_of) if trip.state != "hold"}
    rows = [
        (*cell, metric, "resumed", as_of.isoformat(), 0, 0)
        for (cell, metric), trip in newest.items()
        if trip.state == "rolled_back" and cell in resumed and trip.tripped_on < resumed[cell]
    ]
    rows += [
        (state.provider, state.engagement, state.metric, how, state.as_of.isoformat(), state.email_count, state.event_count)
        for state in states
        for how, is_so in (("hold", state.is_held), ("rolled_back", state.tripped_on == state.as_of))
        if is_so
    ]  # fmt: skip
    with store.transaction() as connection:
        before = connection.total_changes
        connection.executemany(
            "insert or ignore into breaker_trips (provider, engagement, metric, state, tripped_on, email_count, event_count)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        return connection.total_changes - before


def trips_by(store: StateStore, day: date) -> list[Trip]:
    """What had opened by the end of a day."""
    connection = store.connect()
    try:
        rows = connection.execute(
            "select provider, engagement, metric, state, tripped_on, email_count, event_count from breaker_trips"
            " where tripped_on <= ? order by tripped_on, number",
            (day.isoformat(),),
        ).fetchall()
    finally:
        connection.close()
    return [
        Trip(provider, engagement, metric, state, date.fromisoformat(tripped_on), emails, events)
        for provider, engagement, metric, state, tripped_on, emails, events in rows
    ]


SCHEMA = pa.schema(
    [
        ("as_of", pa.date32()),
        ("provider", pa.string()),
        ("engagement", pa.string()),
        ("metric", pa.string()),
        ("window_starts_on", pa.date32()),
        ("email_count", pa.int64()),
        ("event_count", pa.int64()),
        ("event_share", pa.float64()),
        ("lowest_share", pa.float64()),
        ("highest_share", pa.float64()),
        ("state", pa.string()),
        ("is_held", pa.bool_()),
        ("tripped_on", pa.date32()),
        ("sentence", pa.string()),
    ]
)


def to_table(states: Iterable[BreakerState]) -> pa.Table:
    """Rows of `activation.breaker_states`; typed also when there is none."""
    return pa.Table.from_pylist([asdict(state) for state in states], schema=SCHEMA)
