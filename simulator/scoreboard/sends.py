"""Emails that must not have been sent; each count must be 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from simulator.scoreboard.holdout import Holdout, assign_again
from simulator.scoreboard.sections import Line, Section

HELD_OUT = {
    "customers held out by the recorded arm": "customer_id = mail.customer_id and recorded_arm = $baseline",
    "customers held out by the hash, computed once more": "customer_id = mail.customer_id and hashed_arm = $baseline",
    "mailboxes that a held-out customer shares": "coalesce(recorded_arm, hashed_arm) = $baseline",
}
HELD_OUT_QUERY = """
select count(*) from platform_mail as mail
where exists (
    select 1 from holdout_arms
    where holdout_arms.as_of = mail.as_of and holdout_arms.mailbox_hash = mail.mailbox_hash and {condition}
)
"""

# The newest true statement that any file had brought by the day that decided; the stricter one of two at one instant.
STATES = """
create or replace temp table mail_states as
select mail.idempotency_key, states.is_open, states.reason
from platform_mail as mail
left join truth_states as states
    on mail.mailbox_hash = states.mailbox_hash and states.landed_on <= mail.as_of
qualify row_number() over (partition by mail.idempotency_key order by states.stated_at desc nulls last, states.is_open) = 1
"""
CLOSED = {
    "mailboxes that unsubscribed": "not is_open and reason = 'unsubscribed'",
    "mailboxes that complained": "not is_open and reason = 'complained'",
    "mailboxes known to be dead": "not is_open and reason = 'bounced'",
    "mailboxes that never consented": "is_open is null or (not is_open and reason not in ('unsubscribed', 'complained', 'bounced'))",
}

MERGED = """
with members as (
    select mail.idempotency_key, truth_keys.person
    from platform_mail as mail
    inner join marts.identity_map as resolved
        on mail.customer_id = resolved.customer_id
        and resolved.valid_from <= mail.as_of and mail.as_of < resolved.valid_to
    inner join truth_keys on resolved.profile_key = truth_keys.profile_key
    where not truth_keys.is_shared
)
select count(*) from (select idempotency_key from members group by idempotency_key having count(distinct person) > 1) as merged
"""

TWICE = """
with addressed as (
    select mail.send_date, mail.mailbox_hash, coalesce(mailboxes.inbox, mail.mailbox_hash) as inbox
    from platform_mail as mail
    left join truth_mailboxes as mailboxes using (mailbox_hash)
)
select coalesce(sum(emails - 1), 0) from (
    select count(*) as emails from addressed group by send_date, {mailbox}
) as days
"""


@dataclass(frozen=True)
class Forbidden:
    """Emails to one kind of people who must get none."""

    to: str
    emails: int


@dataclass(frozen=True)
class SendScore:
    """The emails of `platform_mail` and those among them that must not be.

    Attributes:
        released: Emails that left by the day.
        listed: Emails on the day's list that were not released.
        forbidden: Counts that must be 0.
    """

    released: int
    listed: int
    forbidden: tuple[Forbidden, ...]


def score_sends(connection: duckdb.DuckDBPyConnection, day: date, *, holdout: Holdout) -> SendScore:
    """Hold the emails in `platform_mail` against the truth.

    Args:
        connection: The warehouse with the truth opened and the mail gathered.
        day: The partition; the mail of later partitions was not gathered.
        holdout: The global holdout in force on the day.
    """
    assign_again(connection, holdout)
    connection.execute(STATES)
    baseline = {"baseline": holdout.baseline_arm}
    found = [
        Forbidden(to, _count(connection, HELD_OUT_QUERY.format(condition=condition), baseline))
        for to, condition in HELD_OUT.items()
    ]
    found += [
        Forbidden(to, _count(connection, f"select count(*) from mail_states where {condition}"))
        for to, condition in CLOSED.items()
    ]
    found.append(Forbidden("customers in whom persons were merged", _count(connection, MERGED)))
    found.append(
        Forbidden("mailboxes that get another the same day", _count(connection, TWICE.format(mailbox="mailbox_hash")))
    )
    found.append(
        Forbidden(
            "inboxes that get another the same day (dots, tags)",
            _count(connection, TWICE.format(mailbox="inbox")),
        )
    )
    return SendScore(
        released=_count(connection, "select count(*) from platform_mail where is_released"),
        listed=_count(
            connection, "select count(*) from platform_mail where not is_released and as_of = $day", {"day": day}
        ),
        forbidden=tuple(found),
    )


def _count(connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None) -> int:
    row = connection.execute(query, values or {}).fetchone()
    return int(row[0]) if row else 0


def show_sends(score: SendScore) -> Section:
    """The section about emails that must not be."""
    totals = (
        Line("Emails released by the day", score.released),
        Line("Emails on the day's list, not released", score.listed),
    )
    return Section(
        name="sends",
        title="Emails that must not be",
        lead="Every released email and the day's list, held against what was true and had landed on the day that decided.",
        lines=(*totals, *(Line(f"To {row.to}", row.emails, 0, is_zero_required=True) for row in score.forbidden)),
    )
