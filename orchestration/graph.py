"""The graph: every asset, check, job and schedule, and the executor that keeps a run in one process."""

import dagster as dg

from orchestration.checks import build_gates
from orchestration.dbt import DbtProjectRunner
from orchestration.defs.audiences.breaker_states import build_breaker_states
from orchestration.defs.audiences.reconciliation import build_reconciliation
from orchestration.defs.audiences.release import build_release
from orchestration.defs.audiences.segment_membership import build_segment_membership
from orchestration.defs.audiences.send_decisions import build_send_decisions
from orchestration.defs.audiences.send_ledger import build_send_ledger
from orchestration.defs.audiences.send_list import build_send_list
from orchestration.defs.behavior.customer_interests import build_customer_interests
from orchestration.defs.behavior.customer_value import build_customer_value
from orchestration.defs.behavior.interest_clusters import build_interest_clusters
from orchestration.defs.identity.consequences import build_few_customers_change
from orchestration.defs.identity.identity_map import build_identity_map
from orchestration.defs.measurement.holdout_report import build_holdout_report
from orchestration.defs.measurement.kpi_findings import build_kpi_findings
from orchestration.defs.measurement.report_site import build_report_site
from orchestration.defs.measurement.revenue_claims import build_revenue_claims
from orchestration.defs.measurement.risk_review import build_risk_review
from orchestration.defs.propensity.customer_scores import build_customer_scores
from orchestration.defs.propensity.propensity_models import build_propensity_models
from orchestration.defs.propensity.propensity_tasks import build_propensity_tasks
from orchestration.defs.propensity.training_value import build_training_value
from orchestration.defs.propensity.uplift_report import build_uplift_report
from orchestration.defs.schedules import build_jobs, build_schedules
from orchestration.defs.sources.landing_files import build_landing_files, build_staged_days
from orchestration.defs.warehouse.models import build_models, fact_keys, weekly_keys
from orchestration.partitions import daily_partitions, weekly_partitions
from orchestration.resources import Settings, Warehouse


def build_definitions(settings: Settings) -> dg.Definitions:
    """Assemble the graph for one set of settings."""
    daily = daily_partitions(settings.landing, settings.timezone)
    weekly = weekly_partitions(settings.landing, settings.timezone)
    warehouse = Warehouse(settings.warehouse)
    dbt = DbtProjectRunner(settings)
    facts = fact_keys(dbt)
    jobs = build_jobs(facts, weekly_keys(dbt))
    return dg.Definitions(
        assets=[
            build_landing_files(settings, warehouse, daily),
            build_staged_days(warehouse, daily, facts),
            *build_models(settings, warehouse, dbt, daily, weekly),
            build_identity_map(settings, warehouse, daily),
            build_customer_value(settings, warehouse, daily),
            build_interest_clusters(settings, warehouse, weekly),
            build_customer_interests(settings, warehouse, daily),
            build_propensity_tasks(warehouse, weekly),
            build_training_value(warehouse, weekly),
            build_propensity_models(settings, warehouse, weekly),
            build_customer_scores(settings, warehouse, daily),
            build_send_ledger(settings, warehouse, daily),
            build_segment_membership(settings, warehouse, dbt, daily),
            build_breaker_states(settings, warehouse, daily),
            build_send_decisions(settings, warehouse, daily),
            build_send_list(settings, warehouse, daily),
            build_release(settings, warehouse, dbt, daily),
            build_reconciliation(settings, warehouse, daily),
            build_holdout_report(settings, warehouse, daily),
            build_revenue_claims(settings, warehouse, daily),
            build_uplift_report(settings, warehouse, daily),
            build_kpi_findings(settings, warehouse, daily),
            build_risk_review(settings, warehouse, daily),
            build_report_site(settings, warehouse, daily),
        ],
        asset_checks=[build_few_customers_change(settings, warehouse), *build_gates(settings)],
        jobs=list(jobs.values()),
        schedules=build_schedules(jobs, settings.timezone),
        executor=dg.in_process_executor,
    )
