"""All suites by table."""

from expectations.audiences import segment_membership, send_decisions, send_list
from expectations.behavior import suppressions
from expectations.identity import dim_customers, identity_map
from expectations.measurement import holdout_report
from expectations.propensity import customer_features, customer_scores
from expectations.sources import (
    event_freshness,
    int_assignments__recorded,
    int_consent_evidence__unioned,
    int_email_events__unioned,
    int_order_lines__versioned,
    int_order_refunds__dated,
    int_orders__versioned,
    int_products__versioned,
    int_profiles__unioned,
    int_tickets__versioned,
    int_web_events__unioned,
)

SUITES = {
    module.SUITE.table: module.SUITE
    for module in (
        int_profiles__unioned,
        int_orders__versioned,
        int_consent_evidence__unioned,
        int_order_lines__versioned,
        int_order_refunds__dated,
        int_products__versioned,
        int_web_events__unioned,
        int_email_events__unioned,
        int_tickets__versioned,
        int_assignments__recorded,
        identity_map,
        dim_customers,
        event_freshness,
        suppressions,
        customer_features,
        customer_scores,
        segment_membership,
        send_decisions,
        send_list,
        holdout_report,
    )
}
