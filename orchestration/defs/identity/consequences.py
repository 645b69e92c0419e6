"""Asset check `few_customers_change`: a run that gives too many of yesterday's customers another id stops, and says what it does."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg
import duckdb
import pyarrow as pa

from activation.playbook.policies import Cap
from activation.state.tables import expose_state
from orchestration.defs.identity.decisions import Decisions
from orchestration.defs.identity.identity_map import decisions_of
from orchestration.defs.sources.landing_files import facts_window
from orchestration.partitions import window_of_run
from orchestration.playbooks import playbook_of
from orchestration.resources import Settings, Warehouse, open_state

FEW = 10  # fewer changed customers stop no run: of a shop of a hundred customers, three are more than the limit

# Merged away or split: a profile of yesterday's customer now belongs to another one. An erased profile belongs to nobody.
CHANGED = """
select following.valid_from as day, count(distinct before.customer_id) as changed
from marts.identity_map as before
inner join marts.identity_map as following
    on before.profile_key = following.profile_key and before.valid_to = following.valid_from
where following.valid_from between $start and $end and before.customer_id <> following.customer_id
group by following.valid_from
order by following.valid_from
"""

KNOWN = "select count(distinct customer_id) from marts.identity_map where valid_from < $day and $day <= valid_to"

MAPS = """
create or replace temp table yesterday as
select profile_key, customer_id from marts.identity_map where valid_from < $day and $day <= valid_to;
create or replace temp table today as
select profile_key, customer_id from marts.identity_map where valid_from <= $day and $day < valid_to
"""

MOVES = """
create or replace temp table moves as
select distinct yesterday.customer_id as before_id, today.customer_id as after_id
from yesterday inner join today using (profile_key);
create or replace temp table merged as
select after_id from moves group by after_id having count(*) > 1
"""

CAUSES = """
select
    kind || ' by ' || coalesce(cause_type || ' ' || cause_value_hash, 'no identifier'),
    count(distinct other_customer_id)
from marts.identity_log
where changed_on = $day and kind in ('merged', 'split')
group by all order by 2 desc, 1 limit 5
"""

# As consent is folded: a refusal stands until a newer consent. What parts of a split customer said is not told apart.
CONSENT = """
with stated as (
    select
        customers.customer_id,
        case
            when customers.consent_status = 'subscribed' then 'opted in'
            when customers.consent_status in ('unsubscribed', 'complained', 'bounced') then 'withdrawn'
            else 'no statement'
        end as consent,
        evidence.decided_at
    from marts.dim_customers as customers
    left join (
        select consent_evidence_id, max(decided_at) as decided_at
        from marts.mailbox_consent where as_of = $day - 1 group by consent_evidence_id
    ) as evidence using (consent_evidence_id)
    where customers.as_of = $day - 1
),
joined as (
    select
        moves.after_id,
        case
            when max(coalesce(stated.decided_at, 'infinity')) filter (where stated.consent = 'withdrawn')
                >= coalesce(max(stated.decided_at) filter (where stated.consent = 'opted in'), '-infinity') then 'withdrawn'
            when bool_or(stated.consent = 'opted in') then 'opted in'
            else 'no statement'
        end as consent
    from moves
    inner join merged using (after_id)
    inner join stated on moves.before_id = stated.customer_id
    group by moves.after_id
)
select stated.consent || ' → ' || joined.consent, count(distinct stated.customer_id)
from joined
inner join moves using (after_id)
inner join stated on moves.before_id = stated.customer_id
where stated.consent <> joined.consent
group by all order by all
"""

# Before the first minute of the send date (UTC), sends and ghosts alike. Who was beyond a cap already is not counted.
CAPS = """
with mails as (
    select moves.after_id, moves.before_id, caps.reason, caps.limit_count, count(*) as mails
    from activation.send_ledger as ledger
    inner join yesterday on ledger.root_profile_key = yesterday.profile_key
    inner join today on ledger.root_profile_key = today.profile_key
    inner join moves on yesterday.customer_id = moves.before_id and today.customer_id = moves.after_id
    inner join merged on moves.after_id = merged.after_id
    inner join caps on ledger.send_at > cast($day + 1 as timestamp) - to_hours(caps.hours)
    where ledger.send_date <= $day
    group by all
),
beyond as (
    select after_id, reason from mails
    group by after_id, reason, limit_count
    having sum(mails) > limit_count and max(mails) <= limit_count
)
select reason, count(*) from beyond group by reason order by reason
"""

# The earliest assignment of any member profile holds, as in activation.decision.arms; who has none keeps out of it.
ARMS = """
create or replace temp table arms as
select people.is_after, people.customer_id, assignments.experiment, assignments.arm
from (
    select false as is_after, * from yesterday
    union all
    select true, * from today
) as people
inner join activation.assignments as assignments using (profile_key)
where assignments.assigned_on < $day
qualify row_number() over (
    partition by is_after, people.customer_id, experiment order by assigned_on, profile_key
) = 1
"""

MOVED_ARMS = """
select before.experiment || ': moved from ' || before.arm || ' to ' || after.arm, count(distinct before.customer_id)
from moves
inner join arms as before on moves.before_id = before.customer_id and not before.is_after
inner join arms as after on moves.after_id = after.customer_id and after.is_after and before.experiment = after.experiment
where before.arm <> after.arm
group by all order by all
"""

MIXED_ARMS = """
with mixed as (
    select moves.after_id, arms.experiment
    from moves inner join arms on moves.before_id = arms.customer_id and not arms.is_after
    group by moves.after_id, arms.experiment
    having min(arms.arm) <> max(arms.arm)
)
select experiment || ': merges that join arms', count(*) from mixed group by experiment order by experiment
"""

# Yesterday's members, counted once as the customers that they were and once as the customers that they are now.
AUDIENCES = """
with members as (
    select 'segment ' || segment as audience, customer_id from marts.segment_membership where as_of = $day - 1
    union
    select 'sent ' || flow, customer_id from activation.send_decisions where as_of = $day - 1 and outcome = 'sent'
)
select
    members.audience, count(distinct members.customer_id), count(distinct coalesce(moves.after_id, members.customer_id))
from members left join moves on members.customer_id = moves.before_id
group by members.audience order by members.audience
"""

DECIDED = {
    ("marts", "dim_customers"),
    ("marts", "mailbox_consent"),
    ("marts", "segment_membership"),
    ("activation", "send_decisions"),
}
TABLES = "select schema_name, table_name from duckdb_tables() where not temporary"
CAP_SCHEMA = pa.schema([("reason", pa.string()), ("limit_count", pa.int32()), ("hours", pa.int32())])


class Change(NamedTuple):
    """How many of a day's `known` customers of the day before have another id, and the largest share that may."""

    day: date
    changed: int
    known: int
    limit: float

    @property
    def share(self) -> float:
        """Share of the customers of the day before; 0 where there were none."""
        return self.changed / self.known if self.known else 0.0

    @property
    def is_too_much(self) -> bool:
        """Whether someone has to look."""
        return self.changed >= FEW and self.share > self.limit

    def __str__(self) -> str:
        """Day, numbers, share and limit in one line."""
        return f"{self.day}: {self.changed:,} of {self.known:,} customers ({self.share:.1%}) changed, limit {self.limit:.1%}"


def build_few_customers_change(settings: Settings, warehouse: Warehouse) -> dg.AssetChecksDefinition:
    """Define the check; it judges every day that the run solved."""

    @dg.asset_check(
        asset=["marts", "identity_map"],
        name="few_customers_change",
        blocking=True,
        pool="warehouse",
        description="At most `guards.most_changed` of yesterday's customers have another id; its metadata tell what the run does to them.",
    )
    def few_customers_change(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        store = open_state(settings)
        store.mirror()
        with warehouse.connect() as connection:
            expose_state(connection, settings.state)
            start, end = window_of_run(context.run)
            start, end = facts_window(connection, start=start, end=end)
            change = judge(connection, decisions_of(settings), start=start, end=end)
            report = tell(connection, change, caps=playbook_of(store, change.day).policies.caps)
        passed, description = not change.is_too_much, str(change)
        if not passed:
            file = settings.publish / "identity_changes" / f"{change.day}.md"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(report)
            description += f"; read {file}, then see docs/operations.md, A run stopped because identity changed"
        return dg.AssetCheckResult(
            passed=passed,
            description=description,
            metadata={
                "report": dg.MetadataValue.md(report),
                **change._asdict(),
                "day": change.day.isoformat(),
                "share": change.share,
            },
        )

    return few_customers_change


def judge(connection: duckdb.DuckDBPyConnection, decisions: Decisions, *, start: date, end: date) -> Change:
    """The first day of a window that changes too many customers of the day before it, or else its last day.

    Args:
        connection: The warehouse, whose map is solved up to `end`.
        decisions: The limits of each day.
        start: First day.
        end: Last day, inclusive.
    """
    found = dict(connection.execute(CHANGED, {"start": start, "end": end}).fetchall())
    days = [day for day, changed in found.items() if changed >= FEW]
    changes = [_change(connection, decisions, day, found[day]) for day in days]
    stopped = next((change for change in changes if change.is_too_much), None)
    return stopped or _change(connection, decisions, end, found.get(end, 0))


def tell(connection: duckdb.DuckDBPyConnection, change: Change, *, caps: Sequence[Cap]) -> str:
    """What a day's changes do to consent, caps, arms and audiences, as they stood the day before; Markdown without personal data.

    Args:
        connection: The warehouse, with the mirrors of the state exposed.
        change: The day.
        caps: Those in force on it.
    """
    for statement in MAPS.split(";\n"):
        _rows(connection, statement, change.day)
    parts = [
        f"# What the run of {change.day} does\n\n{change}\n",
        _section("By cause (the five largest)", ("cause", "customers"), _rows(connection, CAUSES, change.day)),
        *tell_moves(connection, change.day, caps=caps),
    ]
    return "\n".join(parts)


def tell_moves(connection: duckdb.DuckDBPyConnection, day: date, *, caps: Sequence[Cap]) -> list[str]:
    """The sections on consent, caps, arms and audiences.

    Args:
        connection: The warehouse, with the tables yesterday and today: customer_id of each profile_key.
        day: What was decided up to the day before is compared.
        caps: Those in force.
    """
    rows = [{"reason": cap.id, "limit_count": cap.limit, "hours": cap.hours} for cap in caps]
    connection.register("caps", pa.Table.from_pylist(rows, schema=CAP_SCHEMA))
    for statement in f"{MOVES};\n{ARMS}".split(";\n"):
        _rows(connection, statement, day)
    caps_and_arms = [
        _section("Beyond a cap by a merge", ("cap", "merged customers"), _rows(connection, CAPS, day)),
        _section(
            "Holdout arms",
            ("experiment", "customers"),
            _rows(connection, MOVED_ARMS, day) + _rows(connection, MIXED_ARMS, day),
        ),
    ]
    connection.unregister("caps")
    if not set(connection.execute(TABLES).fetchall()) >= DECIDED:
        nothing = "Consent and audiences: nothing was decided here before, so there is nothing to compare with.\n"
        return [*caps_and_arms, nothing]
    sizes = _rows(connection, AUDIENCES, day)
    return [
        _section("Consent after merges", ("from → to", "customers"), _rows(connection, CONSENT, day)),
        *caps_and_arms,
        _section("Audiences of the day before", ("audience", "as it was", "with this map"), sizes),
    ]


def _change(connection: duckdb.DuckDBPyConnection, decisions: Decisions, day: date, changed: int) -> Change:
    known = connection.execute(KNOWN, {"day": day}).fetchall()[0][0]
    return Change(day, changed, known, decisions.most_changed(day))


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, day: date) -> list[tuple[object, ...]]:
    return connection.execute(statement, {"day": day} if "$day" in statement else None).fetchall()


def _section(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A heading with a table, or `none`."""
    lines = [columns, ["---"] * len(columns), *rows]
    table = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return f"## {title}\n\n{table if rows else 'none'}\n"
