"""Asset `activation.release.release`: claims a day's send list in the ledger and publishes, or hands to a relay, exactly what was claimed.

Before it claims, it stages the consent evidence that has landed by now, today's partial landing included, so that whoever
unsubscribed, bounced or complained after the decision is not mailed. What it stages beyond the decided day is staged
again, whole, by the next run.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import dagster as dg

from activation.release.deliver import Delivery, as_metadata
from activation.release.release import release
from activation.state.tables import expose_state
from orchestration.dbt import DbtFailed, DbtProjectRunner
from orchestration.defs.sources.landing_files import facts_window, record_playbook, register_window
from orchestration.deliveries import destination_of, hand_over, utc_now
from orchestration.landing_zone.files import pending_days
from orchestration.letters import letters_of
from orchestration.playbooks import playbook_of
from orchestration.resources import Settings, Warehouse, open_state

# Of those who are to be mailed or held out. A consent that was implied when it was decided lasts while nobody says no.
STATUSES = """
with wanted as (
    select mailbox_hash from activation.send_decisions where as_of = $day and outcome in ('sent', 'held_out')
)
select
    mailbox_hash,
    case
        when mailbox_hash in (
            select mailbox_hash from activation.send_decisions where as_of = $day and consent_basis = 'implied'
        ) and bool_and(consent_status in ('unknown', 'pending', 'imported', 'subscribed')) then 'implied'
        else coalesce(max(consent_status) filter (where consent_status = 'subscribed'), min(consent_status))
    end as status
from activation.release_recheck semi join wanted using (mailbox_hash) where as_of = $today group by mailbox_hash
"""

CLOSED_FLOWS = """
select distinct closed.mailbox_hash, flows.flow
from (select mailbox_hash, unnest(closed_topics) as topic from activation.release_recheck where as_of = $today) as closed
inner join (select unnest($flows) as flow, unnest($topics) as topic) as flows on closed.topic = flows.topic
"""

# Who left by any mailbox is closed at all of them; who complained, and so are the others of the household, as the day's rule counts one.
LEFT = """
with own as (
    select customer_id, min(consent_status) as reason
    from activation.release_recheck where as_of = $today
    group by customer_id having bool_and(consent_status in ('unsubscribed', 'complained', 'bounced'))
),
complained as (
    select distinct customer_id from activation.release_recheck where as_of = $today and consent_status = 'complained'
),
members as (
    select customer_id, household_id from marts.dim_customers where as_of = $day and household_id is not null
),
houses as (
    select household_id
    from members left join complained using (customer_id)
    group by household_id
    having count(complained.customer_id) > 0 and count(*) <= (
        select max(at_most) from ops.suppression_rules where as_of = $day and reason = 'household_complaint'
    )
)
select customer_id, reason from own
union all
select customer_id, 'household_complaint' as reason
from members inner join houses using (household_id)
where customer_id not in (select customer_id from own)
"""

# Whom a person has excluded since; of a profile, the customer that it was of on the day, and the one that it is of now.
EXCLUDED = """
select distinct decisions.customer_id, 'excluded_by_override' as reason
from activation.send_decisions as decisions
where decisions.as_of = $day and list_contains($mailboxes, decisions.mailbox_hash)
union
select customer_id, 'excluded_by_override' as reason
from marts.identity_map
where list_contains($profiles, profile_key)
    and (valid_from <= $day and $day < valid_to or valid_to = date '9999-12-31')
"""

EVIDENCE = "+int_consent_evidence__unioned"
RECHECK = "release_recheck"
TOLD_EVERY = 25


class ReleaseConfig(dg.Config):
    """What a release may be told."""

    allow_past: bool = False
    to: str = ""


def build_release(
    settings: Settings, warehouse: Warehouse, dbt: DbtProjectRunner, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset; it is in no schedule: a person starts it."""

    @dg.asset(
        key=["activation", "release"],
        description="The claims of a day's send list in the ledger; the files under publish/send_list/<send date>/released/.",
        group_name="audiences",
        kinds={"sqlite", "parquet"},
        owners=["team:audiences"],
        deps=[["activation", "send_list"]],
        partitions_def=daily,
        pool="warehouse",
    )
    def released(context: dg.AssetExecutionContext, config: ReleaseConfig) -> dg.MaterializeResult[None]:
        day = date.fromisoformat(context.partition_key)
        today, rechecked_at = settings.today(), utc_now()
        with warehouse.connect() as connection:
            stale = pending_days(connection, settings.landing, until=today)
            record_playbook(connection, settings, start=today, end=today)
            if stale:
                register_window(connection, settings, start=stale[0], end=today)
                first, _ = facts_window(connection, start=stale[0], end=today)
        if stale:
            _build(dbt, EVIDENCE, first, today)
        _build(dbt, RECHECK, today, today)
        store = open_state(settings)
        decided, newest = playbook_of(store, day), playbook_of(store, today)
        flows = decided.flows
        excluded = newest.excluded_on(today)
        destination = destination_of(settings, day, config.to)
        with warehouse.connect() as connection:
            summary = release(
                connection,
                store,
                as_of=day,
                send_date=day + timedelta(days=1),
                due_on=today,
                allow_past=config.allow_past,
                recheck=connection.execute(STATUSES, {"today": today, "day": day}).to_arrow_table(),
                closed_flows=connection.execute(
                    CLOSED_FLOWS,
                    {"today": today, "flows": [flow.flow for flow in flows], "topics": [flow.topic for flow in flows]},
                ).to_arrow_table(),
                blocked=connection.execute(
                    f"{LEFT} union all {EXCLUDED}",
                    {
                        "today": today,
                        "day": day,
                        "mailboxes": [each.mailbox_hash for each in excluded if each.mailbox_hash is not None],
                        "profiles": [each.profile for each in excluded if each.profile is not None],
                    },
                ).to_arrow_table(),
                stopped_flows=newest.stopped_flows(today),
                contents=store.contents(),
                destination=destination,
                destinations=decided.policies.destinations,
                directory=settings.publish,
                run_id=context.run_id,
                released_at=utc_now(),
            )
            expose_state(connection, settings.state)
            letters = letters_of(connection, store, day, currency=settings.currency) if destination == "smtp" else None
        delivered: dict[str, Any] = {}
        if letters is not None:
            done = hand_over(
                settings, store, letters, newest.policies.destinations.smtp, day=day, rechecked_at=rechecked_at,
                run_id=context.run_id, allow_past=config.allow_past, tell=_teller(context, summary.sends),
            )  # fmt: skip
            delivered = {"delivered": dict(as_metadata(done))}
        return dg.MaterializeResult(
            metadata={
                **delivered,
                "destination": destination,
                "sends": summary.sends,
                "ghosts": summary.ghosts,
                "dropped": {kind: dict(reasons) for kind, reasons in summary.dropped.items()},
                "is_repeat": summary.is_repeat,
            }
        )

    return released


def _teller(context: dg.AssetExecutionContext, total: int) -> Callable[[Delivery], None]:
    """Notes every so many emails how far it is, for the progress bar and the page of the run."""

    def tell(done: Delivery) -> None:
        if done.accepted % TOLD_EVERY == 0 and done.accepted:
            context.log_event(
                dg.AssetObservation(
                    asset_key=["activation", "release"],
                    partition=context.partition_key,
                    metadata={"accepted": done.accepted, "claimed": total},
                )
            )

    return tell


def _build(dbt: DbtProjectRunner, selection: str, start: date, end: date) -> None:
    """Build models outside of the graph.

    Raises:
        DbtFailed: Naming the first node that failed.
    """
    for result in dbt.build([selection], start=start, end=end):
        if result.status.value in {"error", "fail"}:
            message = f"{result.node.name}: {(result.message or 'failed').strip().splitlines()[0]}"
            raise DbtFailed(message)
