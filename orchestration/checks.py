"""The Great Expectations gates: what enters, what the decision reads, and what leaves the house."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.partitions import window_of_run
from orchestration.resources import Settings, Warehouse

if TYPE_CHECKING:
    from expectations.gate import Finding

ON_LANDING = (
    "intermediate.int_profiles__unioned",
    "intermediate.int_consent_evidence__unioned",
    "intermediate.int_orders__versioned",
    "intermediate.int_order_lines__versioned",
    "intermediate.int_order_refunds__dated",
    "intermediate.int_products__versioned",
    "intermediate.int_web_events__unioned",
    "intermediate.int_email_events__unioned",
    "intermediate.int_tickets__versioned",
    "intermediate.int_assignments__recorded",
)
BEFORE_DECISION = (
    "marts.event_freshness",
    "marts.identity_map",
    "marts.dim_customers",
    "marts.suppressions",
    "marts.customer_features",
    "marts.segment_membership",
    "ml.customer_scores",
)
BEFORE_SEND_LIST = ("activation.send_decisions",)
BEFORE_RELEASE = ("activation.send_list", "measurement.holdout_report")


def build_gates(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """One step a gate: importing Great Expectations costs more than all suites together."""
    return [
        _gate(settings, "gate_on_landing", ON_LANDING),
        _gate(settings, "gate_before_decision", BEFORE_DECISION),
        _gate(settings, "gate_before_send_list", BEFORE_SEND_LIST),
        _gate(settings, "gate_before_release", BEFORE_RELEASE),
    ]


def record_findings(settings: Settings, findings: Sequence["Finding"], *, as_of: date) -> None:
    """Write what a gate found to `ops.gate_findings`, in place of what was found of the same tables and day before.

    Args:
        settings: Where the warehouse is.
        findings: Of one gate; they name no value of a row but hashed keys.
        as_of: The last day of the window.
    """
    rows = [
        (
            as_of,
            each.table,
            at,
            each.expectation,
            each.column,
            each.severity,
            each.success,
            each.unexpected_count,
            list(each.examples),
        )
        for at, each in enumerate(findings)
    ]
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute(
            "delete from ops.gate_findings where as_of = $as_of and list_contains($tables, table_name)",
            {"as_of": as_of, "tables": sorted({each.table for each in findings})},
        )
        connection.executemany("insert into ops.gate_findings values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _gate(settings: Settings, name: str, tables: Sequence[str]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            f"expectations_{severity}",
            asset=table.split("."),
            blocking=severity == "critical",
            description=f"The {severity} expectations of the suite of {table}.",
        )
        for table in tables
        for severity in ("critical", "warning")
    ]

    @dg.multi_asset_check(name=name, specs=specs, pool="warehouse", can_subset=True)
    def gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from expectations.gate import run_gate

        start, end = window_of_run(context.run)
        wanted = [spec for spec in specs if spec.key in context.selected_asset_check_keys]
        asked = {".".join(spec.asset_key.path) for spec in wanted}
        findings = run_gate(settings.warehouse, [table for table in tables if table in asked], start=start, end=end)
        record_findings(settings, findings, as_of=end)
        for spec in wanted:
            severity = spec.name.removeprefix("expectations_")
            table = ".".join(spec.asset_key.path)
            mine = [finding for finding in findings if finding.table == table and finding.severity == severity]
            failed = [finding for finding in mine if not finding.success]
            yield dg.AssetCheckResult(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=not failed,
                description="; ".join(f"{finding.expectation}: {finding.unexpected_count:,}" for finding in failed),
                severity=dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN,
                metadata={
                    "expectations": len(mine),
                    "failed": [
                        f"{finding.expectation} {finding.column or ''}: {finding.unexpected_count}"
                        for finding in failed
                    ],
                    "example_keys": [key for finding in failed for key in finding.examples][:20],
                },
            )

    return gate
