"""Assets `ops.landing_files` and `ops.staged_days`: what landed, and up to where its facts are complete.

Beside the files, `ops.service_levels`, `ops.consent_rules`, `ops.consent_topics`, `ops.trait_sources`, `ops.identity_limits`,
`ops.suppression_rules`, `ops.flow_exceptions`, `ops.excluded_accounts`, `ops.internal_domains`, `ops.experiment_shares` and
`ops.attribution_rules` say what each day's playbook says of them; the gates write what they found to `ops.gate_findings`.

A run for day D stages D and every earlier day that landed, or landed again, since it was staged, or whose rows were deleted. A run
that dies leaves its days unmarked and the next one does them again. What is as of a day is refused over a gap (`orchestration.gaps`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import dagster as dg
import duckdb
import pyarrow as pa

from activation.playbook.playbook import Playbook
from activation.state.erasure import tombstones_of
from orchestration.erasure.warehouse import withhold_mentions
from orchestration.gaps import CREATE_STAGED_DAYS, LANDING_FILES, STAGED_DAYS, changed_days, unstaged_days
from orchestration.landing_zone.files import register_files
from orchestration.partitions import BACKFILL_IN_ONE_RUN, window
from orchestration.playbooks import playbook_of, register_playbook
from orchestration.resources import Settings, Warehouse, open_state

CREATE = """
create schema if not exists ops;
create table if not exists ops.service_levels (
    as_of date, source varchar, expected_every_hours integer, late_after_hours integer, max_bad_share double
);
create table if not exists ops.consent_rules (as_of date, country varchar, requires varchar, implied_months integer);
create table if not exists ops.consent_topics (as_of date, written varchar, topic varchar);
create table if not exists ops.trait_sources (as_of date, trait varchar, source varchar, rank integer);
create table if not exists ops.identity_limits (as_of date, most_profiles integer);
create table if not exists ops.suppression_rules (
    as_of date, reason varchar, days integer, within_days integer, after_days integer, at_least integer, at_most integer
);
create table if not exists ops.excluded_accounts (
    as_of date, domain varchar, company varchar, account_id varchar, excluded_on date, expires_on date
);
create table if not exists ops.internal_domains (as_of date, domain varchar);
create table if not exists ops.flow_exceptions (as_of date, flow varchar, reason varchar);
create table if not exists ops.experiment_shares (
    as_of date, experiment varchar, flow varchar, arm varchar, planned_share double, is_baseline boolean,
    gets varchar
);
create table if not exists ops.attribution_rules (as_of date, email_window_hours integer);
create table if not exists ops.gate_findings (
    as_of date, table_name varchar, position integer, expectation varchar, column_name varchar, severity varchar,
    is_met boolean, unexpected_count bigint, example_keys varchar[]
);
"""

UNMARK = "delete from ops.staged_days where landed_on between $first and $end or landed_on >= $changed"


def build_landing_files(
    settings: Settings, warehouse: Warehouse, daily: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Define the asset at which the graph begins."""

    @dg.asset(
        key=LANDING_FILES,
        description="One row per file of the landing zone, with what a probe found: shape, rows, readable or refused.",
        group_name="sources",
        kinds={"python", "duckdb"},
        owners=["team:sources"],
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def landing_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        with warehouse.connect() as connection:
            summary = register_window(connection, settings, start=start, end=end)
        return dg.MaterializeResult(metadata=summary)

    return landing_files


def register_window(
    connection: duckdb.DuckDBPyConnection, settings: Settings, *, start: date, end: date
) -> dict[str, int | str]:
    """Register the files of the window and of every earlier day that changed; all of them are to be staged now.

    Days after the window are to be staged again if an earlier one changed: what they book is the difference to it.
    """
    connection.execute(CREATE)
    connection.execute(CREATE_STAGED_DAYS)
    changed = changed_days(connection, settings.landing, until=end)
    first = min([start, *changed])
    summary = register_files(connection, settings.landing, start=first, end=end)
    withhold_mentions(connection, tombstones_of(open_state(settings)), salt=settings.salt)
    connection.execute(UNMARK, {"first": first, "end": end, "changed": min(changed, default=date.max)})
    record_playbook(connection, settings, start=first, end=end)
    return {"staged_from": first.isoformat(), **summary._asdict()}


def record_playbook(connection: duckdb.DuckDBPyConnection, settings: Settings, *, start: date, end: date) -> None:
    """Write what the playbook of each day says of sources, consent and customers, so that a day that is built again is judged as it was.

    Raises:
        PlaybookError: If the playbook of the repository has faults.
        UserError: If no playbook was in force on a day.
    """
    connection.execute(CREATE)
    store = open_state(settings)
    register_playbook(store, settings)
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    playbooks = {day: playbook_of(store, day) for day in days}
    for table, rows_of in RECORDED.items():
        _replace(connection, table, [{"as_of": day} | row for day in days for row in rows_of(playbooks[day])], days)


def level_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """What each source promises."""
    names = ("source", "expected_every_hours", "late_after_hours", "max_bad_share")
    return [{name: getattr(level, name) for name in names} for level in playbook.service_levels]


def rule_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """What consent takes by country; without a country, everywhere else."""
    consent = playbook.policies.consent
    return [
        {"country": None, "requires": consent.requires, "implied_months": None},
        *(
            {"country": country, "requires": rule.requires, "implied_months": rule.implied_months_after_purchase}
            for rule in consent.jurisdictions
            for country in rule.countries
        ),
    ]


def topic_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """How the sources write the topics; without one, what means all email."""
    consent = playbook.policies.consent
    return [{"written": written, "topic": None} for written in consent.means_all_email] + [
        {"written": written, "topic": topic.topic}
        for topic in consent.topics
        for written in sorted({topic.topic, *topic.known_as})
    ]


def trait_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """The sources that are true for each trait of a customer, from rank 1 on."""
    return [
        {"trait": trait, "source": source, "rank": rank}
        for trait, sources in playbook.identity.survivorship.items()
        for rank, source in enumerate(sources, start=1)
    ]


def limit_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """Beyond how many profiles a customer is uncertain."""
    return [{"most_profiles": playbook.identity.guards.most_profiles}]


def suppression_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """The numbers of each reason not to mail."""
    return [rule.model_dump(exclude={"source"}) for rule in playbook.policies.suppressions]


def excluded_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """Companies that get no marketing email."""
    return [account.model_dump(exclude={"owner", "reason"}) for account in playbook.policies.excluded_accounts]


def internal_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """Domains of our own people."""
    return [{"domain": domain} for domain in playbook.policies.internal_domains]


def exception_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """Reasons not to mail that do not hold for a flow."""
    return [{"flow": flow.flow, "reason": reason} for flow in playbook.flows for reason in flow.despite]


def share_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """The shares under which arms are drawn."""
    return [
        {
            "experiment": one.experiment,
            "flow": one.flow,
            "arm": arm.arm,
            "planned_share": arm.share,
            "is_baseline": arm.arm == one.baseline_arm,
            "gets": one.treatment_of(arm),
        }
        for one in playbook.experiments
        for arm in one.arms
    ]


def attribution_rows(playbook: Playbook) -> list[dict[str, Any]]:
    """For how long an email is credited with orders."""
    return [{"email_window_hours": playbook.policies.attribution.email_window_hours}]


RECORDED: Final[Mapping[str, Callable[[Playbook], list[dict[str, Any]]]]] = {
    "service_levels": level_rows,
    "consent_rules": rule_rows,
    "consent_topics": topic_rows,
    "trait_sources": trait_rows,
    "identity_limits": limit_rows,
    "suppression_rules": suppression_rows,
    "excluded_accounts": excluded_rows,
    "internal_domains": internal_rows,
    "flow_exceptions": exception_rows,
    "experiment_shares": share_rows,
    "attribution_rules": attribution_rows,
}


def _replace(
    connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]], days: Sequence[date]
) -> None:
    connection.execute(
        f"delete from ops.{table} where as_of between $start and $end", {"start": days[0], "end": days[-1]}
    )
    if rows:
        connection.register("declared", pa.Table.from_pylist(rows))
        connection.execute(f"insert into ops.{table} by name select * from declared")
        connection.unregister("declared")


def facts_window(connection: duckdb.DuckDBPyConnection, *, start: date, end: date) -> tuple[date, date]:
    """The days whose facts this run builds: the window, and earlier days that were registered but not yet staged."""
    return min([start, *unstaged_days(connection, until=end)]), end


def build_staged_days(
    warehouse: Warehouse, daily: dg.PartitionsDefinition[str], facts: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Define the asset that marks days as complete once every fact of them is built."""

    @dg.asset(
        key=STAGED_DAYS,
        description="One row per landed day whose facts are all built.",
        group_name="sources",
        kinds={"duckdb"},
        owners=["team:sources"],
        deps=list(facts),
        partitions_def=daily,
        backfill_policy=BACKFILL_IN_ONE_RUN,
        pool="warehouse",
    )
    def staged_days(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        start, end = window(context)
        with warehouse.connect() as connection:
            first, _ = facts_window(connection, start=start, end=end)
            days = {"first": first, "end": end}
            connection.execute("delete from ops.staged_days where landed_on between $first and $end", days)
            connection.execute(
                "insert into ops.staged_days select cast(unnest(generate_series($first, $end, interval 1 day)) as date)",
                days,
            )
        return dg.MaterializeResult(metadata={"days": (end - first).days + 1})

    return staged_days
