"""The Great Expectations gates: what enters, what the decision reads, and what leaves the house."""

from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.partitions import window_of_run
from orchestration.resources import Settings

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
