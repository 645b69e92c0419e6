-- A warehouse of two customers in which every claim of every suite holds: 2025-03-01 decides, 2025-03-02 is sent.
create schema intermediate;
create schema marts;
create schema ml;
create schema activation;
create schema measurement;

create table intermediate.int_profiles__unioned as
select
    'plain:' || n as profile_key, 'plain' as source, date '2025-03-01' as landed_on,
    'person' || n || '@example.org' as email, sha256('mailbox' || n) as mailbox_hash,
    cast(null as varchar) as phone, 'u' || n as user_id, 'Ann' as first_name, 'Lee' as last_name,
    timestamp '2025-02-01 10:00' as created_at, timestamp '2025-03-01 10:00' as updated_at
from range(1, 3) as numbers(n);

create table intermediate.int_orders__versioned as
select
    'plain:o1' as order_key, date '2025-03-01' as landed_on, 'plain:1' as profile_key, timestamp '2025-02-27 12:00' as ordered_at,
    'partially_refunded' as status, 'GBP' as currency, cast(20 as decimal(18, 2)) as gross_amount,
    cast(5 as decimal(18, 2)) as refund_amount, cast(15 as decimal(18, 2)) as net_amount,
    cast(3 as decimal(18, 2)) as tax_amount, cast(2 as decimal(18, 2)) as shipping_amount, false as is_test;

create table intermediate.int_consent_evidence__unioned as
select
    'e' || n as evidence_id, 'plain' as source, date '2025-03-01' as landed_on, sha256('mailbox' || n) as mailbox_hash,
    'email' as channel, 'subscribed' as statement, true as is_affirmative, timestamp '2025-02-01 10:00' as occurred_at
from range(1, 3) as numbers(n);

create table intermediate.int_order_lines__versioned as
select
    'plain:o1' as order_key, n as line_number, 'plain' as source, date '2025-03-01' as landed_on, 'plain:tea' as product_key,
    'tea' as category, 2 as quantity, 5.0 as unit_price
from range(1, 3) as numbers(n);

create table intermediate.int_order_refunds__dated as
select 'plain:o1' as order_key, date '2025-03-01' as landed_on, date '2025-03-01' as refunded_on, 5.0 as refund_amount;

create table intermediate.int_products__versioned as
select
    'plain:tea' as product_key, 'plain' as source, date '2025-03-01' as landed_on, 'Tea' as title, 'tea' as category, 5.0 as price,
    'GBP' as currency, 3 as stock, true as is_active;

create table intermediate.int_web_events__unioned as
select
    'segment:' || n as event_key, 'segment' as source, 'Page Viewed' as event, date '2025-03-01' as landed_on,
    timestamp '2025-03-01 10:00' as occurred_at, date '2025-03-01' as occurred_on, timestamp '2025-03-01 10:01' as received_at,
    'plain:' || n as profile_key, 'plain:tea' as product_key
from range(1, 3) as numbers(n);

create table intermediate.int_email_events__unioned as
select
    'sendgrid:' || n as event_key, 'sendgrid' as source, 'bounced' as event, date '2025-03-01' as landed_on,
    timestamp '2025-03-01 10:00' as occurred_at, date '2025-03-01' as occurred_on, sha256('mailbox' || n) as mailbox_hash,
    'm' || n as message_id, false as is_machine, '550' as reason
from range(1, 3) as numbers(n);

create table intermediate.int_tickets__versioned as
select
    'zendesk:' || n as ticket_key, 'zendesk' as source, date '2025-03-01' as landed_on, 'plain:' || n as profile_key,
    'open' as status, timestamp '2025-03-01 09:00' as created_at, timestamp '2025-03-01 10:00' as updated_at
from range(1, 3) as numbers(n);

create table intermediate.int_assignments__recorded as
select
    'past' as experiment, 'plain:' || n as profile_key, date '2025-03-01' as landed_on, 'treatment' as arm, 0.9 as planned_share,
    timestamp '2025-02-01' as assigned_at, timestamp '2025-02-02' as exposed_at, cast(null as timestamp) as ghost_at
from range(1, 3) as numbers(n);

create table marts.identity_map as
select
    'plain:' || n as profile_key, 'c_' || substr(sha256('plain:' || n), 1, 16) as customer_id,
    'plain:' || n as root_profile_key, date '2025-02-01' as valid_from, date '9999-12-31' as valid_to
from range(1, 4) as numbers(n);

create table marts.dim_customers as
select
    date '2025-03-01' as as_of, 'c_' || substr(sha256('plain:' || n), 1, 16) as customer_id,
    'person' || n || '@example.org' as primary_email, sha256('mailbox' || n) as mailbox_hash,
    cast(null as varchar) as account_id, cast(null as varchar) as household_id, date '2025-02-01' as first_seen_on,
    case when n = 3 then 'unsubscribed' else 'subscribed' end as consent_status, 'e' || n as consent_evidence_id,
    case when n <> 3 then 'subscribed' end as consent_basis, cast(null as date) as consent_expires_on,
    'active' as lifecycle_stage, 'high' as value_tier, 'Europe/London' as timezone, false as is_identity_uncertain
from range(1, 4) as numbers(n);

create table marts.suppressions as
select
    as_of, 'mailbox' as scope, 'unsubscribed' as reason, cast(null as varchar) as customer_id, mailbox_hash,
    cast(null as varchar) as household_id, cast(null as varchar) as account_id,
    timestamp '2025-02-10 09:00' as starts_at, cast(null as timestamp) as expires_at, 'e3' as evidence
from marts.dim_customers where consent_status = 'unsubscribed';

create schema if not exists ops;
create table ops.flow_exceptions (as_of date, flow varchar, reason varchar);

create table marts.customer_features as
select
    as_of, customer_id, true as has_ordered, 12 as days_since_last_order, 40 as days_since_first_order, 3 as order_days_total,
    28 as average_days_between_orders, 0.1::double as refund_share, 0 as open_tickets_count,
    0 as order_days_7, 1 as order_days_28, 2 as order_days_90, 2 as order_days_365,
    4 as product_views_7, 5 as product_views_28, 9 as product_views_90, 9 as product_views_365,
    0 as carts_7, 1 as carts_28, 1 as carts_90, 2 as carts_365,
    0 as checkouts_7, 0 as checkouts_28, 1 as checkouts_90, 1 as checkouts_365,
    1 as emails_delivered_7, 4 as emails_delivered_28, 9 as emails_delivered_90, 20 as emails_delivered_365,
    0 as human_opens_7, 1 as human_opens_28, 2 as human_opens_90, 6 as human_opens_365,
    0 as human_clicks_7, 0 as human_clicks_28, 1 as human_clicks_90, 1 as human_clicks_365,
    0 as tickets_opened_7, 0 as tickets_opened_28, 0 as tickets_opened_90, 1 as tickets_opened_365,
    0 as tickets_rated_badly_7, 0 as tickets_rated_badly_28, 0 as tickets_rated_badly_90, 0 as tickets_rated_badly_365
from marts.dim_customers;

create table ml.customer_scores as
select
    as_of, customer_id, 'churn' as model_name, '3' as model_version,
    row_number() over (order by customer_id) / 10.0::double as score, 'model' as tier
from marts.dim_customers;

create table marts.segment_membership as
select as_of, customer_id, 'lapsing_repeat_buyers' as segment, as_of as entered_on, true as is_new, false as held_by_stability
from marts.dim_customers;

create table activation.send_decisions as
select
    'd' || n as decision_id, 'winback' as flow, 'first' as step, 'o' || n as occurrence, date '2025-03-01' as as_of,
    date '2025-03-02' as send_date, 'c_' || substr(sha256('plain:' || n), 1, 16) as customer_id,
    sha256('mailbox' || n) as mailbox_hash, ['sent', 'sent', 'suppressed'][n] as outcome,
    case when n = 3 then 'unsubscribed' end as first_reason, case when n = 3 then ['unsubscribed'] else [] end as all_reasons,
    'global_holdout' as experiment, 'treatment' as arm, 'ab' as flow_experiment, 'own' as flow_arm, 'personalised' as flow_treatment,
    'lapsing_repeat_buyers' as segment, '{}' as block_choices,
    '{}' as model_versions, '{}' as data_age, 'a1' as approval_id, 'p1' as playbook_version
from range(1, 4) as numbers(n);

create table activation.send_list as
select
    decisions.* exclude (mailbox_hash), decisions.mailbox_hash, customers.primary_email as email,
    timestamp '2025-03-02 09:00' as send_after_utc, timestamp '2025-03-02 21:00' as send_before_utc,
    'k' || decisions.decision_id as idempotency_key, '<https://shop.example/u/1>, <mailto:u@shop.example>' as list_unsubscribe,
    'List-Unsubscribe=One-Click' as list_unsubscribe_post
from activation.send_decisions as decisions
inner join marts.dim_customers as customers using (customer_id)
where decisions.outcome = 'sent';

create table measurement.holdout_report as
select
    date '2025-03-01' as as_of, 'global_holdout' as experiment, 'all' as segment, metric, 'treatment' as arm, 'holdout' as baseline_arm,
    1000 as n_treated, 100 as n_held_out, 0.15::double as mean_treated, 0.1::double as mean_held_out, 0.05::double as lift, 0.5::double as lift_relative,
    0.01::double as ci_low, 0.09::double as ci_high, 0.01::double as p_value, 0.02::double as p_adjusted, 'welch' as method, 'works' as verdict,
    0.4::double as srm_p_value, 0.01::double as contamination, 0.03::double as minimum_detectable_lift,
    'Works.' as verdict_text, metric = 'conversion' as is_primary, date '2025-02-20' as decided_on, date '2025-03-01' as ends_on,
    1.96::double as critical_value, 7 as n_pending, 0.01::double as ci_low_fixed, 0.09::double as ci_high_fixed,
    null::double as lift_cuped, null::double as ci_low_cuped, null::double as ci_high_cuped,
    null::double as lift_capped, null::double as ci_low_capped, null::double as ci_high_capped,
    null::double as lift_per_buyer, null::double as ci_low_per_buyer, null::double as ci_high_per_buyer,
    null::double as lift_pooled, null::double as ci_low_pooled, null::double as ci_high_pooled, null::varchar as finding,
    12 as n_contaminated, 'our own people: 12' as contamination_text, 0.05::double as lift_clean, 0.01::double as ci_low_clean,
    0.09::double as ci_high_clean, 1 as n_epochs, null::varchar as epochs_text, null::varchar as data_quality
from (values ('conversion'), ('revenue')) as metrics(metric);

create table marts.event_freshness as
select 'sendgrid' as source, 'delivered' as event, date '2025-03-01' as as_of, timestamp '2025-03-01 12:00:00' as last_occurred_at,
    date '2025-03-01' as last_landed_on, 12.0 as lag_hours_p50, 20.0 as lag_hours_p95, 23.0 as max_lag_hours, 100 as volume,
    98.0 as expected_volume, 1.02 as completeness, 'fresh' as status;

create table marts.feed_health as
select 'sendgrid' as source, 'events' as object, date '2025-03-01' as as_of, 0.02 as max_bad_share, false as has_too_many_bad_rows;
