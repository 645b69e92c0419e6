"""What a segment would do if it were refreshed with its rule as it reads: who enters and leaves, at which mailboxes, how much they get."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from activation.decision.membership import MembershipTables, judge_members
from activation.playbook.governance import Item
from activation.playbook.playbook import Playbook
from activation.playbook.segments import Segment
from activation.state.tables import run

PRESSURE_DAYS = 7
MOST_EMAILS = 3  # and more

AFTER = """
create or replace temp table preview_members as
with members as (
    select
        people.customer_id,
        judged.kind,
        judged.held_by,
        judged.entered_on is not null as is_in_force,
        coalesce(judged.kind = 'entered' and judged.held_by is null, false) as enters,
        coalesce(judged.kind = 'left' and judged.held_by is null, false) as leaves
    from membership_judged as judged
    inner join membership_people as people on judged.person = people.person
)
select
    members.*,
    case when is_in_force then not leaves else enters end as is_member,
    customers.mailbox_hash,
    coalesce(mailboxes.provider, 'no_mailbox') as provider
from members
inner join (select * from {customers} where as_of = $as_of) as customers on members.customer_id = customers.customer_id
left join (select * from {mailboxes} where as_of = $as_of) as mailboxes on customers.mailbox_hash = mailboxes.mailbox_hash
"""

COUNTS = """
select
    count(*) filter (where is_in_force),
    count(*) filter (where is_member),
    count(*) filter (where enters),
    count(*) filter (where leaves),
    count(*) filter (where is_in_force and kind is null or kind = 'entered')
from preview_members
"""
HELD = """
select kind || '_by_' || held_by, count(*) from preview_members where held_by is not null group by all order by all
"""
PROVIDERS = """
select provider, count(*) from preview_members where is_member group by provider order by count(*) desc, provider
"""
PRESSURE = """
with sent as (
    select mailbox_hash, count(*) as emails
    from {ledger}
    where send_date between $as_of - $pressure_days + 1 and $as_of
    group by mailbox_hash
)
select least(coalesce(sent.emails, 0), $most_emails) as emails, count(*)
from preview_members as members
left join sent on members.mailbox_hash = sent.mailbox_hash
where members.is_member
group by 1 order by 1
"""
MOVERS = """
select case when enters then 'enters' else 'leaves' end, substr(sha256($salt || ':' || customer_id), 1, 16)
from preview_members where enters or leaves order by 1, 2
"""
LIMIT = "select flip_limit from membership_limits"


@dataclass(frozen=True)
class Preview:
    """A segment as it would be after one more refresh on a day.

    Attributes:
        segment: What marketing says of it.
        as_of: The partition.
        standing: `approved`, or why its rule may not be used.
        in_force: Members by what was recorded through the day.
        by_rule: Members if nothing were held.
        members: Members after the refresh.
        enters: Of them, those who are not in force.
        leaves: Those in force who are out after it.
        held: People who would have moved, by what holds them.
        flip_limit: How many may enter, and how many leave, by the rule; null for a segment that never had a member.
        providers: Members by who runs their mailbox.
        pressure: Members by emails and ghosts of the last 7 days; 3 stands for 3 and more.
        used_by: The variants and branches that ask for it.
        movers: Salted hashes of those who enter and leave.
    """

    segment: Segment
    as_of: date
    standing: str
    in_force: int
    by_rule: int
    members: int
    enters: int
    leaves: int
    held: Mapping[str, int]
    flip_limit: int | None
    providers: Mapping[str, int]
    pressure: Mapping[int, int]
    used_by: tuple[str, ...]
    movers: Mapping[str, tuple[str, ...]]

    @property
    def is_large_enough(self) -> bool:
        """Whether content would be chosen by it."""
        return self.members >= self.segment.minimum_size

    @property
    def is_within_budget(self) -> bool:
        """Whether the flip budget holds nobody."""
        return not any(name.endswith("_by_budget") for name in self.held)


def preview_segment(
    connection: duckdb.DuckDBPyConnection,
    playbook: Playbook,
    segment: Segment,
    *,
    as_of: date,
    today: date,
    salt: str,
    tables: MembershipTables,
    ledger: str,
    mailboxes: str = "marts.mailbox_cohorts",
) -> Preview:
    """Refresh a segment in temporary tables.

    Args:
        connection: The warehouse; its temporary table `membership_moves` holds what was moved through the day.
        playbook: As it reads now.
        segment: Which one, with its settings as they read now.
        as_of: The partition.
        today: When it would be used.
        salt: Keys the hashes of people.
        tables: Where the rule, customers and the identity map are.
        ledger: The relation of the send ledger.
        mailboxes: as_of, mailbox_hash, provider.
    """
    judge_members(connection, (segment,), as_of=as_of, before=None, tables=tables, is_after=True)
    values = {"as_of": as_of, "pressure_days": PRESSURE_DAYS, "most_emails": MOST_EMAILS, "salt": salt}
    run(connection, AFTER.format(customers=tables.customers, mailboxes=mailboxes), values)
    (counts,) = connection.execute(COUNTS).fetchall()
    fault = playbook.standing(Item("segment", segment.segment), today).fault
    movers = _rows(connection, MOVERS, {"salt": salt})
    (limit,) = _rows(connection, LIMIT)
    pressed = {name: values[name] for name in ("as_of", "pressure_days", "most_emails")}
    in_force, members, enters, leaves, by_rule = counts
    return Preview(
        segment=segment,
        as_of=as_of,
        standing=(fault or "approved").replace("_", " "),
        in_force=in_force,
        by_rule=by_rule,
        members=members,
        enters=enters,
        leaves=leaves,
        held=dict(_rows(connection, HELD)),
        flip_limit=limit[0],
        providers=dict(_rows(connection, PROVIDERS)),
        pressure=dict(_rows(connection, PRESSURE.format(ledger=ledger), pressed)),
        used_by=uses_of(playbook, segment.segment),
        movers={side: tuple(key for found, key in movers if found == side) for side in ("enters", "leaves")},
    )


def uses_of(playbook: Playbook, segment: str) -> tuple[str, ...]:
    """Which variants of which blocks, and which branches, ask for a segment."""
    variants = (
        f"{flow.flow} step {step.step}: {block.block} {variant.variant}"
        for flow in playbook.flows
        for step in flow.steps
        for block in step.blocks
        for variant in block.variants
        if variant.when.segment == segment
    )
    branches = (
        f"{flow.flow} step {step.step}: step {branch.step} follows"
        for flow in playbook.flows
        for step in flow.steps
        for branch in step.next or ()
        if branch.when is not None and branch.when.segment == segment
    )
    return (*variants, *branches)


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None) -> list[Any]:
    return connection.execute(query, values or {}).fetchall()
