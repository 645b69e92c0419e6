"""Opens and clicks that no person made: does the platform tell them from people's?"""

from dataclasses import dataclass
from datetime import date

import duckdb

from simulator.scoreboard.sections import Bar, Chart, Line, Section

FLAG = "intermediate.int_email_events__unioned"
"""Keeps the provider's own flag; any other table that classifies events is a layer of the platform's."""

LAYERS = """
select table_schema || '.' || table_name as layer, max(column_name) filter (where column_name in ('is_machine', 'is_human')) as flag
from information_schema.columns
where table_schema in ('intermediate', 'marts')
group by table_schema, table_name
having bool_or(column_name = 'event_key') and bool_or(column_name = 'event')
    and bool_or(column_name in ('is_machine', 'is_human'))
order by layer = $own_flag, layer
limit 1
"""

JUDGED = """
create or replace temp table judged_events as
with planted as (
    select 'sendgrid:' || staged.row_key as event_key, truth.kind
    from truth_machine_events as truth
    inner join staging.base_sendgrid__events as staged
        on truth.sg_event_id = staged.sg_event_id and staged.row_status = 'staged'
    union
    select 'plain:' || sg_event_id, kind from truth_machine_events
),
events as (
    select event_key, any_value(event) as event, bool_or({is_machine}) as is_called_machine
    from {layer}
    where landed_on <= $day and event in ('opened', 'clicked')
    group by event_key
)
select events.*, planted.kind
from events
left join planted using (event_key)
"""

COUNTS = """
select event, coalesce(kind, 'human'), count(*), count(*) filter (where is_called_machine)
from judged_events group by all order by all
"""


@dataclass(frozen=True)
class EventKind:
    """Events of one kind; `kind` is human or what the machine was."""

    event: str
    kind: str
    events: int
    called_machine: int


@dataclass(frozen=True)
class MachineScore:
    """How opens and clicks were classified; without a layer of the platform's own, how the provider's flag does."""

    layer: str
    is_own_layer: bool
    kinds: tuple[EventKind, ...]

    @property
    def planted(self) -> int:
        """Events that machines made."""
        return sum(kind.events for kind in self.kinds if kind.kind != "human")

    @property
    def right(self) -> int:
        """Machine events that were called so."""
        return sum(kind.called_machine for kind in self.kinds if kind.kind != "human")

    @property
    def called(self) -> int:
        """Events that were called machine events."""
        return sum(kind.called_machine for kind in self.kinds)

    @property
    def precision(self) -> float:
        """Share of true ones among those called so; 1 without any."""
        return self.right / self.called if self.called else 1.0

    @property
    def recall(self) -> float:
        """Share of the planted ones that were called so; 1 without any."""
        return self.right / self.planted if self.planted else 1.0


def score_machines(connection: duckdb.DuckDBPyConnection, day: date) -> MachineScore | None:
    """Compare the platform's classification with the planted events; None where it classifies nothing."""
    found = connection.execute(LAYERS, {"own_flag": FLAG}).fetchone()
    if found is None:
        return None
    layer, flag = found
    is_machine = "coalesce(is_machine, false)" if flag == "is_machine" else "not coalesce(is_human, true)"
    connection.execute(JUDGED.format(layer=layer, is_machine=is_machine), {"day": day})
    kinds = tuple(EventKind(*row) for row in connection.execute(COUNTS).fetchall())
    return MachineScore(layer, layer != FLAG, kinds)


def show_machines(score: MachineScore | None) -> Section:
    """The section about machine events."""
    title = "Machines among the readers"
    if score is None:
        return Section("machines", title, "The warehouse classifies no opens and clicks: no layer yet.", ())
    lead = (
        f"As {score.layer} classifies opens and clicks."
        if score.is_own_layer
        else "There is no layer of the platform's own yet: this is the provider's flag, which knows nothing of scanners."
    )
    kinds = [
        Line(
            f"{kind.event} by {kind.kind.replace('_', ' ')}", kind.called_machine,
            0 if kind.kind == "human" else kind.events, note=f"called machine, of {kind.events:,}",
        )
        for kind in score.kinds
    ]  # fmt: skip
    return Section(
        name="machines",
        title=title,
        lead=lead,
        lines=(
            Line("Precision", score.precision, 1.0, "share"),
            Line("Recall", score.recall, 1.0, "share"),
            *kinds,
        ),
        charts=(
            Chart(
                "Called a machine's, by what it was",
                "share",
                bars=tuple(
                    Bar(
                        f"{kind.event} by {kind.kind.replace('_', ' ')}", kind.called_machine / kind.events,
                        0.0 if kind.kind == "human" else 1.0, f"{kind.called_machine:,} of {kind.events:,}",
                    )
                    for kind in score.kinds
                ),
            ),
        ),
    )  # fmt: skip
