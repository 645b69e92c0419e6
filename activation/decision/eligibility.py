"""Who may be mailed at all (consent, suppressions, fresh unsubscribes) and what may be sent (approvals, overrides)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from activation.playbook.playbook import Playbook
from activation.state.tables import DecisionTables, run

AGES = """
select source, $as_of - max(feed_landed_on) from {freshness} where as_of = $as_of group by source order by source
"""

FEED_AGES = """
select source, $as_of - max(feed_landed_on)
from {freshness}
where as_of = $as_of and list_contains($sources, source) and list_contains($events, event)
group by source
"""

# Stages in the order of the waterfall: 1 eligibility, 2 governance, 3 ramps and breakers, 4 arbitration, 5 caps, 6 holdout.
REASONS = """
create or replace temp table decide_reasons as
with consent as (
    select
        number,
        case
            when consent_status = 'bounced' then 'hard_bounced'
            when consent_status in ('unsubscribed', 'complained') then consent_status
            else 'no_consent'
        end as reason
    from decide_candidates
    where is_known and consent_basis is null
),
closed_topics as (
    select candidates.number
    from decide_candidates as candidates
    inner join decide_steps as steps on candidates.step_id = steps.step_id
    semi join {topics} as topics
        on topics.as_of = $as_of and candidates.mailbox_hash = topics.mailbox_hash and steps.topic = topics.topic
        and topics.consent_status in ('unsubscribed', 'complained', 'bounced')
),
excluded as (
    select number from decide_candidates where list_contains($excluded_mailboxes, mailbox_hash)
    union all
    select candidates.number
    from decide_candidates as candidates
    semi join (
        select customer_id from decide_map where list_contains($excluded_profiles, profile_key)
    ) as people on candidates.customer_id = people.customer_id
),
suppressions as (
    select * from {suppressions} where as_of = $as_of
),
-- A row has the key of its scope alone: person, mailbox, household or account.
suppressed as (
    {suppressed_by_each_key}
),
refused as (
    select number, 1 as stage, 0 as position, 'stale_unsubscribe_feed' as reason
    from decide_candidates where $is_feed_stale
    union all
    select number, 1, 1, 'unknown_customer' from decide_candidates where not is_known
    union all
    select number, 1, 2, 'no_mailbox' from decide_candidates where is_known and mailbox_hash is null
    union all
    select number, 1, 3, 'identity_uncertain' from decide_candidates where is_identity_uncertain
    union all
    select number, 1, 4, reason from consent
    union all
    select number, 1, 4, 'unsubscribed_topic' from closed_topics
    union all
    select number, 1, 5, reason from suppressed
    where coalesce(starts_at < send_before_utc, true) and coalesce(expires_at > send_after_utc, true)
    union all
    select number, 1, 6, 'excluded_by_override' from excluded
    union all
    select candidates.number, 2, 0, steps.refusal
    from decide_candidates as candidates
    inner join decide_steps as steps on candidates.step_id = steps.step_id
    where steps.refusal is not null
)
select number, stage, min(position) as position, reason
from refused
group by number, stage, reason
"""


# Whom a suppression reaches, by the key that it has. One join a key: a join on any of four would compare each with each.
SCOPE_KEYS = ("customer_id", "mailbox_hash", "household_id", "account_id")
SUPPRESSED = """
    select candidates.number, suppressions.reason, suppressions.starts_at, suppressions.expires_at,
        candidates.send_after_utc, candidates.send_before_utc
    from decide_candidates as candidates
    inner join suppressions on candidates.{key} = suppressions.{key}
    inner join decide_steps as steps
        on candidates.step_id = steps.step_id and not list_contains(steps.despite, suppressions.reason)
"""


@dataclass(frozen=True)
class Freshness:
    """How old each source is on the day, in days since its newest landing.

    Attributes:
        ages: By source; a source that never landed is absent.
        is_feed_stale: Whether unsubscribes may be missing: a listed source is stale, or none ever landed.
    """

    ages: dict[str, int]
    is_feed_stale: bool


def measure_freshness(
    connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, as_of: date, tables: DecisionTables
) -> Freshness:
    """Measure how old the sources are at decision time."""
    feed = playbook.policies.unsubscribe_feed
    ages = connection.execute(AGES.format_map(vars(tables)), {"as_of": as_of}).fetchall()
    feed_ages = connection.execute(
        FEED_AGES.format_map(vars(tables)), {"as_of": as_of, "sources": list(feed.sources), "events": list(feed.events)}
    ).fetchall()
    is_stale = not feed_ages or any(playbook.is_stale(source, age) for source, age in feed_ages)
    return Freshness(ages={source: age for source, age in ages if age is not None}, is_feed_stale=is_stale)


def refuse_ineligible(
    connection: duckdb.DuckDBPyConnection, *, tables: DecisionTables, values: Mapping[str, Any]
) -> None:
    """Fill `decide_reasons` with why candidates may not be mailed and why flows may not be sent.

    Args:
        connection: The warehouse, after `find_candidates`.
        tables: Where the marts are.
        values: as_of, is_feed_stale, excluded_mailboxes, excluded_profiles.
    """
    by_each_key = "    union all".join(SUPPRESSED.format(key=key) for key in SCOPE_KEYS).strip()
    run(connection, REASONS.format_map({**vars(tables), "suppressed_by_each_key": by_each_key}), values)
