"""What the commands print when they are done: where the results are, and the numbers that people look for first."""

from datetime import date, timedelta

from activation.state.tables import expose_state
from orchestration.defs.identity.dictionary import CREATE, execute
from orchestration.defs.identity.identity_map import decisions_of
from orchestration.playbooks import playbook_of
from orchestration.resources import Settings, UserError, Warehouse, open_state

OUTCOMES = """
select flow, step, outcome, count(*) as n
from activation.send_decisions where as_of = $day
group by flow, step, outcome order by flow, step, outcome
"""

LEDGER = """
select kind, count(*) from activation.send_ledger where as_of = $day and status <> 'claimed' group by kind order by kind desc
"""

# Of lists that were released late, on one day. What was withdrawn or refused reached nobody.
WITHIN_A_DAY = """
with sends as (
    select * from activation.send_ledger where kind = 'send' and status <> 'settled'
)
select count(distinct released.mailbox_hash)
from sends as released
inner join sends as other on released.mailbox_hash = other.mailbox_hash and released.as_of <> other.as_of
where released.as_of = $day
    and other.released_at > released.released_at - interval 24 hours and other.released_at < released.released_at + interval 24 hours
"""


def summarise(settings: Settings, day: date) -> str:
    """Lines for the end of a run: outcomes of each step, the send list, the report, the model that scored."""
    send_date = day + timedelta(days=1)
    with Warehouse(settings.warehouse).connect() as connection:
        rows = connection.execute(OUTCOMES, {"day": day}).fetchall()
        refused = connection.execute(
            "select count(*) from quarantine.rows where landed_on <= $day", {"day": day}
        ).fetchone()
    sent = sum(count for *_, outcome, count in rows if outcome == "sent")
    lines = [f"send list for {send_date}: {sent} emails of {sum(row[3] for row in rows)} candidates"]
    lines += [f"  {flow} / {step}: {count} {outcome}" for flow, step, outcome, count in rows]
    lines += [
        f"send list       {settings.publish / 'send_list' / send_date.isoformat()}",
        f"holdout report  {settings.publish / 'site' / 'index.html'}",
        f"quarantine      {refused[0] if refused else 0} rows in quarantine.rows of {settings.warehouse}",
        "UIs             `make dev`: Dagster on port 3000, MLflow on port 5000, the report on port 8000",
    ]
    return "\n".join(lines)


def summarise_release(settings: Settings, day: date) -> str:
    """Lines for the end of a release: what the ledger now holds for the partition and where the files are."""
    with Warehouse(settings.warehouse).connect() as connection:
        counts = dict(connection.execute(LEDGER, {"day": day}).fetchall())
        [(again,)] = connection.execute(WITHIN_A_DAY, {"day": day}).fetchall()
    folder = settings.publish / "send_list" / (day + timedelta(days=1)).isoformat() / "released"
    lines = [
        f"released {counts.get('send', 0)} sends and {counts.get('ghost', 0)} ghosts of partition {day}",
        f"released files  {folder}",
    ]
    if again:
        lines.append(
            f"several lists   {again} of these mailboxes are on a list of another day that was released within 24 hours:"
            " imported on one day, they are mailed twice (docs/release.md, After missed days)"
        )
    return "\n".join(lines)


def compare_identities(settings: Settings, day: date) -> str:
    """What the probabilistic pass would change on a day that has run; Markdown without personal data."""
    from orchestration.defs.identity.comparison import compare

    store = open_state(settings)
    store.mirror()
    with Warehouse(settings.warehouse).connect() as connection:
        expose_state(connection, settings.state)
        execute(connection, CREATE)
        if not connection.execute("select 1 from identity.solved where last_day >= $day", {"day": day}).fetchall():
            message = f"identity of {day} is not solved yet: holdfast run --date {day} first"
            raise UserError(message)
        return "\n".join(compare(connection, decisions_of(settings), playbook_of(store, day), day).lines())
