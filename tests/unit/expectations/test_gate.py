"""Every claim of every suite holds on a good warehouse and fails on the one row that is planted against it."""

import hashlib
from datetime import date
from pathlib import Path

import duckdb
import pytest

from expectations.gate import Finding, run_gate
from expectations.register import SUITES

DAY = date(2025, 3, 1)
WAREHOUSE = Path(__file__).with_name("warehouse.sql")

PROFILES = "intermediate.int_profiles__unioned"
ORDERS = "intermediate.int_orders__versioned"
CONSENT = "intermediate.int_consent_evidence__unioned"
LINES = "intermediate.int_order_lines__versioned"
REFUNDS = "intermediate.int_order_refunds__dated"
PRODUCTS = "intermediate.int_products__versioned"
VISITS = "intermediate.int_web_events__unioned"
MAILS = "intermediate.int_email_events__unioned"
TICKETS = "intermediate.int_tickets__versioned"
ARMS = "intermediate.int_assignments__recorded"
IDENTITY = "marts.identity_map"
CUSTOMERS = "marts.dim_customers"
SUPPRESSIONS = "marts.suppressions"
FEATURES = "marts.customer_features"
SCORES = "ml.customer_scores"
MEMBERSHIP = "marts.segment_membership"
DECISIONS = "activation.send_decisions"
LIST = "activation.send_list"
REPORT = "measurement.holdout_report"
FRESHNESS = "marts.event_freshness"
FEEDS = "marts.feed_health"

ONE = "where customer_id = (select min(customer_id) from marts.dim_customers where consent_status = 'subscribed')"

SAME_SCORES = "select '2025-03-01', 'c' || n, 'm', '1', 0.5, 'model' from range(100) as numbers(n)"

# table, claim, column, SQL that plants the fault
FAULTS = [
    (PROFILES, "email_is_an_address", None, f"update {PROFILES} set email = 'nobody'"),
    (PROFILES, "mailbox_hash_has_its_address", None, f"update {PROFILES} set email = null"),
    (PROFILES, "hashed_columns_hold_hashes", "mailbox_hash", f"update {PROFILES} set mailbox_hash = email"),
    (PROFILES, "profile_key_holds_no_address", None, f"update {PROFILES} set profile_key = 'segment:user:' || email"),
    (PROFILES, "profile_is_not_created_after_it_landed", None, f"update {PROFILES} set created_at = '2025-03-03', updated_at = null"),
    (PROFILES, "profile_is_not_updated_before_it_is_created", None, f"update {PROFILES} set updated_at = '2025-01-01'"),
    (ORDERS, "net_is_never_above_gross", None, f"update {ORDERS} set net_amount = 21"),
    (ORDERS, "test_order_is_worth_nothing", None, f"update {ORDERS} set is_test = true"),
    (ORDERS, "cancelled_order_is_worth_nothing", None, f"update {ORDERS} set status = 'cancelled'"),
    (ORDERS, "refund_is_not_negative", None, f"update {ORDERS} set refund_amount = -5"),
    (ORDERS, "net_is_gross_less_refunds", None, f"update {ORDERS} set net_amount = 14.99"),
    (
        ORDERS,
        "all_amounts_are_in_one_currency_or_have_a_rate_into_holdfast_currency",
        None,
        f"insert into {ORDERS} select o.* replace (o.landed_on - 1 as landed_on, 'EUR' as currency) from {ORDERS} as o, range(2)",
    ),
    (ORDERS, "taxes_and_shipping_are_within_the_charge", None, f"update {ORDERS} set tax_amount = 18.01"),
    (ORDERS, "order_is_not_placed_after_it_landed", None, f"update {ORDERS} set ordered_at = '2025-03-03'"),
    (ORDERS, "currency_is_an_iso_code", None, f"update {ORDERS} set currency = '£'"),
    (CONSENT, "only_a_subscription_is_affirmative", None, f"update {CONSENT} set statement = 'unsubscribed'"),
    (CONSENT, "evidence_is_not_from_the_future", None, f"update {CONSENT} set occurred_at = '2025-03-03'"),
    (CONSENT, "affirmative_evidence_has_its_time", None, f"update {CONSENT} set occurred_at = null"),
    (LINES, "order_key_and_line_number_and_landed_on_are_unique", None, f"update {LINES} set line_number = 1"),
    (LINES, "values_are_in_range", "unit_price", f"update {LINES} set unit_price = -1"),
    (LINES, "line_has_a_quantity", None, f"update {LINES} set quantity = 0"),
    (REFUNDS, "order_key_and_landed_on_and_refunded_on_are_unique", None, f"insert into {REFUNDS} from {REFUNDS}"),
    (REFUNDS, "refund_does_not_come_after_it_landed", None, f"update {REFUNDS} set refunded_on = '2025-03-03'"),
    (REFUNDS, "refund_names_its_amount", None, f"update {REFUNDS} set refund_amount = null"),
    (PRODUCTS, "product_key_and_source_and_landed_on_are_unique", None, f"insert into {PRODUCTS} from {PRODUCTS}"),
    (PRODUCTS, "values_are_in_range", "price", f"update {PRODUCTS} set price = -1"),
    (PRODUCTS, "product_has_a_title", None, f"update {PRODUCTS} set title = ' '"),
    (PRODUCTS, "stock_is_not_negative", None, f"update {PRODUCTS} set stock = -1"),
    (VISITS, "values_are_unique", "event_key", f"update {VISITS} set event_key = 'segment:1'"),
    (VISITS, "visit_is_not_from_the_future", None, f"update {VISITS} set occurred_at = '2025-03-03', received_at = null"),
    (VISITS, "visit_is_received_after_it_happened", None, f"update {VISITS} set received_at = '2025-03-01 08:59'"),
    (VISITS, "visit_names_somebody", None, f"update {VISITS} set profile_key = null"),
    (MAILS, "values_are_unique", "event_key", f"update {MAILS} set event_key = 'sendgrid:1'"),
    (MAILS, "email_event_is_not_from_the_future", None, f"update {MAILS} set occurred_at = '2025-03-03'"),
    (MAILS, "event_that_closes_names_its_mailbox", None, f"update {MAILS} set mailbox_hash = null"),
    (MAILS, "bounce_says_why", None, f"update {MAILS} set reason = null"),
    (TICKETS, "ticket_key_and_landed_on_are_unique", None, f"update {TICKETS} set ticket_key = 'zendesk:1'"),
    (TICKETS, "values_are_known", "status", f"update {TICKETS} set status = 'lost'"),
    (TICKETS, "open_ticket_names_its_requester", None, f"update {TICKETS} set profile_key = null"),
    (TICKETS, "ticket_is_not_updated_before_it_is_created", None, f"update {TICKETS} set updated_at = '2025-02-01'"),
    (ARMS, "experiment_and_profile_key_are_unique", None, f"update {ARMS} set profile_key = 'plain:1'"),
    (ARMS, "values_are_in_range", "planned_share", f"update {ARMS} set planned_share = 1.1"),
    (ARMS, "assignment_names_its_arm", None, f"update {ARMS} set arm = null"),
    (ARMS, "exposure_comes_after_the_assignment", None, f"update {ARMS} set exposed_at = '2025-01-01'"),
    (ARMS, "nobody_is_exposed_and_a_ghost", None, f"update {ARMS} set ghost_at = exposed_at"),
    (IDENTITY, "valid_from_is_before_valid_to", None, f"update {IDENTITY} set valid_from = '2025-02-20', valid_to = '2025-02-20'"),
    (IDENTITY, "customer_is_the_hash_of_its_root", None, f"update {IDENTITY} set customer_id = 'c_0000000000000000'"),
    (IDENTITY, "profile_is_one_customer_at_a_time", None, f"update {IDENTITY} set profile_key = 'plain:1'"),
    (IDENTITY, "root_belongs_to_its_customer", None, f"update {IDENTITY} set profile_key = 'plain:9' where profile_key = 'plain:1'"),
    (CUSTOMERS, "primary_email_is_an_address", None, f"update {CUSTOMERS} set primary_email = 'a@b@c.de' {ONE}"),
    (CUSTOMERS, "mailbox_hash_has_its_address", None, f"update {CUSTOMERS} set mailbox_hash = null {ONE}"),
    (CUSTOMERS, "customer_is_not_seen_in_the_future", None, f"update {CUSTOMERS} set first_seen_on = '2025-03-02' {ONE}"),
    (CUSTOMERS, "implied_consent_ends", None, f"update {CUSTOMERS} set consent_basis = 'implied', consent_expires_on = as_of {ONE}"),
    (CUSTOMERS, "no_consent_without_evidence", None, f"update {CUSTOMERS} set consent_evidence_id = null {ONE}"),
    (CUSTOMERS, "customer_is_in_the_identity_map_of_the_day", None, f"update {IDENTITY} set valid_to = '2025-03-01'"),
    (FRESHNESS, "as_of_and_source_and_event_are_unique", None, f"insert into {FRESHNESS} from {FRESHNESS}"),
    (FRESHNESS, "values_are_in_range", "volume", f"update {FRESHNESS} set volume = -1"),
    (FRESHNESS, "nothing_lands_after_the_day", None, f"update {FRESHNESS} set last_landed_on = '2025-03-02'"),
    (FRESHNESS, "source_declares_its_service_level", None, f"update {FEEDS} set max_bad_share = null"),
    (FRESHNESS, "refused_rows_are_within_the_declared_share", None, f"update {FEEDS} set has_too_many_bad_rows = true"),
    (FRESHNESS, "required_event_is_there", None, f"update {FRESHNESS} set source = 'required'"),
    (SUPPRESSIONS, "starts_at_is_before_expires_at", None, f"update {SUPPRESSIONS} set expires_at = starts_at"),
    (SUPPRESSIONS, "values_are_known", "scope", f"update {SUPPRESSIONS} set scope = 'street'"),
    (SUPPRESSIONS, "suppression_names_whom", None, f"update {SUPPRESSIONS} set customer_id = null, mailbox_hash = null"),
    (SUPPRESSIONS, "suppression_is_in_force", None, f"update {SUPPRESSIONS} set expires_at = '2025-02-20'"),
    (SUPPRESSIONS, "closed_mailbox_is_suppressed", None, f"delete from {SUPPRESSIONS}"),
    (FEATURES, "values_are_in_range", "refund_share", f"update {FEATURES} set refund_share = 1.01"),
    (FEATURES, "values_are_in_range", "open_tickets_count", f"update {FEATURES} set open_tickets_count = -1"),
    (FEATURES, "values_are_in_range", "days_since_last_order", f"update {FEATURES} set days_since_last_order = -1"),
    *(
        (FEATURES, "values_are_in_range", f"order_days_{span}", f"update {FEATURES} set order_days_{span} = {span + 1}")
        for span in (7, 28, 90, 365)
    ),
    (FEATURES, "values_are_in_range", "average_days_between_orders", f"update {FEATURES} set average_days_between_orders = -1"),
    (FEATURES, "last_order_is_not_before_the_first", None, f"update {FEATURES} set days_since_last_order = 41"),
    (FEATURES, "who_has_ordered_has_a_last_order", None, f"update {FEATURES} set has_ordered = false"),
    (FEATURES, "longer_windows_count_no_less", None, f"update {FEATURES} set product_views_7 = 6"),
    (FEATURES, "longer_windows_count_no_less", None, f"update {FEATURES} set order_days_total = 1"),
    (FEATURES, "features_belong_to_a_customer_of_the_day", None, f"update {FEATURES} set customer_id = 'c_0'"),
    (SCORES, "as_of_and_customer_id_and_model_name_are_unique", None, f"insert into {SCORES} from {SCORES} limit 1"),
    (SCORES, "values_are_in_range", "score", f"update {SCORES} set score = -0.1"),
    (SCORES, "probability_is_at_most_one", None, f"update {SCORES} set score = 1.1"),
    (SCORES, "score_is_a_number", None, f"update {SCORES} set score = 'nan'"),
    (SCORES, "score_of_a_model_names_its_version", None, f"update {SCORES} set model_version = null"),
    (SCORES, "scored_customer_has_features", None, f"delete from {FEATURES}"),
    (SCORES, "model_tells_customers_apart", None, f"insert into {SCORES} {SAME_SCORES}"),
    (MEMBERSHIP, "member_has_entered_by_the_day", None, f"update {MEMBERSHIP} set entered_on = '2025-03-02'"),
    (MEMBERSHIP, "new_member_entered_today", None, f"update {MEMBERSHIP} set entered_on = '2025-02-02'"),
    (MEMBERSHIP, "new_member_is_not_held", None, f"update {MEMBERSHIP} set held_by_stability = true"),
    (MEMBERSHIP, "member_is_a_customer_of_the_day", None, f"update {MEMBERSHIP} set customer_id = 'c_0'"),
    (DECISIONS, "values_are_known", "outcome", f"update {DECISIONS} set outcome = 'maybe'"),
    (DECISIONS, "values_are_unique", "decision_id", f"insert into {DECISIONS} from {DECISIONS}"),
    (DECISIONS, "as_of_and_flow_and_step_and_occurrence_and_customer_id_are_unique", None, f"insert into {DECISIONS} from {DECISIONS}"),
    (DECISIONS, "list_is_for_the_next_day", None, f"update {DECISIONS} set send_date = as_of"),
    (DECISIONS, "refusal_has_a_reason", None, f"update {DECISIONS} set first_reason = null"),
    (DECISIONS, "first_reason_is_among_all", None, f"update {DECISIONS} set all_reasons = []"),
    (DECISIONS, "sent_is_not_held_out", None, f"update {DECISIONS} set arm = 'holdout'"),
    (DECISIONS, "sent_is_not_held_out_of_its_flow", None, f"update {DECISIONS} set flow_treatment = 'nothing'"),
    (DECISIONS, "sent_has_a_mailbox", None, f"update {DECISIONS} set mailbox_hash = null"),
    (DECISIONS, "decision_names_its_playbook", None, f"update {DECISIONS} set playbook_version = null"),
    (DECISIONS, "sent_is_approved", None, f"update {DECISIONS} set approval_id = null"),
    (DECISIONS, "mailbox_is_sent_once_a_day", None, f"update {DECISIONS} set mailbox_hash = sha256('mailbox1')"),
    (DECISIONS, "who_is_sent_or_held_out_is_a_customer_of_the_day", None, f"update {DECISIONS} set customer_id = 'c_0'"),
    (LIST, "email_is_an_address", None, f"update {LIST} set email = 'a b@example.org'"),
    (LIST, "mailbox_hash_and_send_date_are_unique", None, f"update {LIST} set mailbox_hash = sha256('mailbox1')"),
    (LIST, "idempotency_key_and_send_date_are_unique", None, f"update {LIST} set idempotency_key = 'k'"),
    (LIST, "send_after_utc_is_before_send_before_utc", None, f"update {LIST} set send_before_utc = send_after_utc"),
    (LIST, "row_can_be_mailed", None, f"update {LIST} set email = null"),
    (LIST, "nobody_held_out_is_on_the_list", None, f"update {LIST} set arm = 'holdout'"),
    (LIST, "row_can_be_unsubscribed_with_one_click", None, f"update {LIST} set list_unsubscribe = '<mailto:u@shop.example>'"),
    (LIST, "row_can_be_unsubscribed_with_one_click", None, f"update {LIST} set list_unsubscribe_post = null"),
    (LIST, "window_is_on_the_send_date", None, f"update {LIST} set send_before_utc = '2025-03-05'"),
    (LIST, "row_is_a_customer_who_consents", None, f"update {CUSTOMERS} set consent_basis = null"),
    (LIST, "row_is_not_suppressed", None, f"update {SUPPRESSIONS} set customer_id = null, mailbox_hash = sha256('mailbox1')"),
    (LIST, "row_is_not_suppressed", None, f"update {SUPPRESSIONS} set customer_id = (select min(customer_id) from {LIST})"),
    (LIST, "list_is_exactly_what_was_decided", None, f"delete from {LIST} where decision_id = 'd2'"),
    (REPORT, "as_of_and_experiment_and_arm_and_segment_and_metric_are_unique", None, f"update {REPORT} set metric = 'revenue'"),
    (REPORT, "values_are_in_range", "n_treated", f"update {REPORT} set n_treated = -1"),
    (REPORT, "values_are_in_range", "n_held_out", f"update {REPORT} set n_held_out = -1"),
    (REPORT, "values_are_in_range", "p_value", f"update {REPORT} set p_value = 1.01"),
    (REPORT, "values_are_in_range", "p_adjusted", f"update {REPORT} set p_adjusted = 1.01"),
    (REPORT, "values_are_in_range", "srm_p_value", f"update {REPORT} set srm_p_value = -0.01"),
    (REPORT, "values_are_in_range", "contamination", f"update {REPORT} set contamination = -1"),
    (REPORT, "values_are_in_range", "n_contaminated", f"update {REPORT} set n_contaminated = -1"),
    (REPORT, "values_are_in_range", "n_epochs", f"update {REPORT} set n_epochs = 0"),
    (REPORT, "bad_data_are_said_in_the_sentence", None, f"update {REPORT} set data_quality = 'the orders of shop are missing'"),
    (REPORT, "values_are_in_range", "minimum_detectable_lift", f"update {REPORT} set minimum_detectable_lift = -1"),
    (REPORT, "ci_low_is_before_ci_high", None, f"update {REPORT} set ci_low = 0.1"),
    (REPORT, "p_value_is_before_p_adjusted", None, f"update {REPORT} set p_adjusted = 0.001"),
    (REPORT, "lift_is_inside_its_interval", None, f"update {REPORT} set lift = 0.095"),
    (REPORT, "numbers_are_finite", None, f"update {REPORT} set ci_high = 'inf'"),
    (REPORT, "arm_is_compared_with_another", None, f"update {REPORT} set arm = 'holdout'"),
    (REPORT, "row_says_what_it_means", None, f"update {REPORT} set verdict = null"),
    (REPORT, "fixed_interval_waits_for_the_planned_end", None, f"update {REPORT} set ends_on = '2025-03-02'"),
    (REPORT, "decision_is_not_of_the_future", None, f"update {REPORT} set decided_on = '2025-03-02'"),
    (REPORT, "one_metric_decides", None, f"update {REPORT} set is_primary = true"),
    (REPORT, "verdict_has_an_interval", None, f"update {REPORT} set ci_low = null"),
    (REPORT, "broken_split_is_called_invalid", None, f"update {REPORT} set srm_p_value = 0.0001"),
    (REPORT, "arms_are_split_as_planned", None, f"update {REPORT} set srm_p_value = 0.0001"),
]  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    execute(path, WAREHOUSE.read_text())
    return path


def execute(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def gate(path: Path, *tables: str, start: date = DAY, end: date = DAY) -> list[Finding]:
    return run_gate(path, tables, start=start, end=end)


def failed(findings: list[Finding]) -> set[tuple[str, str | None]]:
    return {(finding.expectation, finding.column) for finding in findings if not finding.success}


def test_good_warehouse_meets_every_claim(database: Path) -> None:
    findings = gate(database, *SUITES)

    assert failed(findings) == set()
    assert {finding.table for finding in findings} == set(SUITES)


@pytest.mark.parametrize(
    ("table", "claim", "column", "fault"), FAULTS, ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in FAULTS]
)
def test_planted_fault_is_found(database: Path, table: str, claim: str, column: str | None, fault: str) -> None:
    execute(database, fault)

    findings = {(finding.expectation, finding.column): finding for finding in gate(database, table)}

    assert not findings[claim, column].success
    assert findings[claim, column].unexpected_count > 0
    assert 0 < len(findings[claim, column].examples) <= 20


def test_every_claim_of_every_suite_has_a_planted_fault() -> None:
    planted = {(table, claim, column) for table, claim, column, _ in FAULTS}

    claimed = {(suite.table, each.claim, each.column) for suite in SUITES.values() for each in suite.expectations}

    assert claimed - planted == set()


def test_rows_outside_the_window_are_not_looked_at(database: Path) -> None:
    execute(
        database,
        f"insert into {SCORES} select date '2025-03-02', customer_id, model_name, model_version, 7, tier from {SCORES}",
    )

    assert failed(gate(database, SCORES)) == set()
    assert ("probability_is_at_most_one", None) in failed(gate(database, SCORES, end=date(2025, 3, 2)))


def test_customers_who_left_the_map_before_the_window_are_not_looked_at(database: Path) -> None:
    execute(database, f"insert into {IDENTITY} values ('plain:7', 'c_wrong', 'plain:7', '2025-01-01', '2025-02-01')")

    assert failed(gate(database, IDENTITY)) == set()


def test_severity_is_the_one_of_the_suite(database: Path) -> None:
    execute(database, f"update {REPORT} set srm_p_value = 0.0001, verdict = 'invalid', lift = 1")

    severities = {finding.expectation: finding.severity for finding in gate(database, REPORT) if not finding.success}

    assert severities == {"arms_are_split_as_planned": "warning", "lift_is_inside_its_interval": "critical"}


@pytest.mark.parametrize(
    ("fault", "claim", "key"),
    [
        (
            f"update {CUSTOMERS} set first_seen_on = '2025-03-02' {ONE}",
            "customer_is_not_seen_in_the_future",
            "as_of, customer_id",
        ),
        (
            f"update {CUSTOMERS} set mailbox_hash = primary_email {ONE}",
            "hashed_columns_hold_hashes",
            "as_of, customer_id",
        ),
    ],
)
def test_example_is_the_hash_of_the_key_and_can_be_looked_up(database: Path, fault: str, claim: str, key: str) -> None:
    execute(database, fault)

    found = [finding for finding in gate(database, CUSTOMERS) if finding.expectation == claim and not finding.success]

    with duckdb.connect(str(database)) as connection:
        lookup = f"select count(*) from {CUSTOMERS} {ONE} and substr(sha256(concat_ws('|', {key})), 1, 16) = ?"
        assert connection.execute(lookup, [found[0].examples[0]]).fetchone() == (1,)
    assert found[0].unexpected_count == len(found[0].examples) == 1


def test_findings_show_no_personal_value(database: Path) -> None:
    execute(
        database,
        f"update {LIST} set email = 'person1@example', mailbox_hash = email; update {PROFILES} set profile_key = email",
    )

    findings = gate(database, LIST, PROFILES)

    assert failed(findings)
    assert "person1" not in repr(findings)
    assert "@" not in repr(findings)


def test_missing_table_is_one_critical_finding(database: Path) -> None:
    execute(database, f"drop table {SUPPRESSIONS}")

    assert gate(database, SUPPRESSIONS) == [
        Finding(SUPPRESSIONS, f"{SUPPRESSIONS}_exists", None, "critical", success=False, unexpected_count=1)
    ]


def test_missing_column_is_refused_and_what_needs_it_cannot_pass(database: Path) -> None:
    execute(database, f"alter table {MEMBERSHIP} drop column is_new")

    findings = {finding.expectation: finding for finding in gate(database, MEMBERSHIP)}

    assert findings["columns_of_the_contract_are_there"].unexpected_count == 1
    assert not findings["new_member_entered_today (could not be evaluated)"].success
    assert findings["new_member_entered_today (could not be evaluated)"].severity == "critical"
    assert findings["member_is_a_customer_of_the_day"].success


@pytest.mark.parametrize("when", ["expires_at = '2025-03-02 09:00'", "starts_at = '2025-03-02 21:00'"])
def test_suppression_that_ends_before_or_starts_after_the_send_refuses_nothing(database: Path, when: str) -> None:
    execute(database, f"update {SUPPRESSIONS} set customer_id = null, mailbox_hash = sha256('mailbox1'), {when}")

    assert failed(gate(database, LIST)) == set()


@pytest.mark.parametrize("key", ["customer_id", "mailbox_hash", "household_id", "account_id"])
def test_nobody_on_the_list_is_suppressed_in_any_scope(database: Path, key: str) -> None:
    execute(
        database,
        f"update {CUSTOMERS} set household_id = 'h_1', account_id = 'a_1' where mailbox_hash = sha256('mailbox1');"
        f"insert into {SUPPRESSIONS} (as_of, scope, reason, {key})"
        f" select as_of, 'any', 'any', {key} from {CUSTOMERS} where mailbox_hash = sha256('mailbox1')",
    )

    assert failed(gate(database, LIST)) == {("row_is_not_suppressed", None)}


@pytest.mark.parametrize(("reason", "fails"), [("recently_converted", False), ("complained", True)])
def test_flow_may_pass_the_reasons_that_the_playbook_names(database: Path, reason: str, fails: bool) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            f"update {SUPPRESSIONS} set reason = $reason, customer_id = (select min(customer_id) from {LIST})",
            {"reason": reason},
        )
        connection.execute(
            f"insert into ops.flow_exceptions select as_of, flow, 'recently_converted' from {LIST} group by all"
        )

    assert failed(gate(database, LIST)) == ({("row_is_not_suppressed", None)} if fails else set())


@pytest.mark.parametrize("scope", ["person", "mailbox", "household", "account"])
def test_suppression_has_the_key_of_its_scope(database: Path, scope: str) -> None:
    keys = {"person": "customer_id", "mailbox": "mailbox_hash", "household": "household_id", "account": "account_id"}
    others = ", ".join(f"{key} = {'null' if name == scope else repr('0' * 64)}" for name, key in keys.items())
    execute(database, f"update {SUPPRESSIONS} set scope = '{scope}', {others}")

    assert ("suppression_names_whom", None) in failed(gate(database, SUPPRESSIONS))


def test_empty_day_passes(database: Path) -> None:
    execute(
        database,
        f"delete from {LIST}; update {DECISIONS} set outcome = 'capped', first_reason = 'week', all_reasons = ['week']",
    )

    assert failed(gate(database, DECISIONS, LIST)) == set()


@pytest.mark.parametrize("fault", ["select 1", f"alter table {SCORES} drop column score", f"drop table {FEATURES}"])
def test_gate_lets_go_of_the_file(database: Path, fault: str) -> None:
    execute(database, fault)

    gate(database, SCORES)

    execute(database, "create table marts.written_after as select 1 as one")


def test_table_without_a_suite_is_an_error(database: Path) -> None:
    with pytest.raises(KeyError, match="unknown"):
        gate(database, "marts.unknown")


def test_hash_is_of_the_key_alone() -> None:
    from expectations.gate import _hashed

    assert _hashed((date(2025, 3, 1), "c_1")) == hashlib.sha256(b"2025-03-01|c_1").hexdigest()[:16]
