-- A small shop made by hand: 61 profiles, 130 days, late landings, refunds, merges and splits. No randomness: md5 of the keys.
create temp macro pick(seed, n) as cast(cast('0x' || substr(md5(seed), 1, 8) as bigint) % n as integer);

create temp table people as
select i, 'plain:' || i as profile_key, 'm' || i as mailbox_hash, date '2025-01-01' + pick('first' || i, 60) as born_on
from (select cast(range as integer) as i from range(60)) as numbers
union all
select 61 as i, 'plain:61' as profile_key, 'm61' as mailbox_hash, date '2024-12-20' as born_on;

insert into intermediate.int_profiles__unioned by name
select profile_key, if(i % 2 = 0, 'plain', 'shopify') as source, born_on + 20 * version as landed_on, 
    'p' || i || if(i = 56, '@mail.shop.org', '@example.org') as email, mailbox_hash,
    'Name ' || version as first_name, 'Street ' || i // 2 as address, '1000' as postcode, case when i % 7 = 0 then 'Acme' end as company,
    case when i % 3 = 0 then 'Europe/London' end as timezone, cast(born_on as timestamp) as created_at,
    cast(born_on + 20 * version as timestamp) as updated_at
from people, (values (0), (1), (2)) as versions (version);

insert into intermediate.int_identifiers__linked by name
select profile_key, 'plain' as source, 'email' as identifier_type, mailbox_hash as identifier_hash, born_on as landed_on,
    i = 59 as is_blocked, i = 58 as is_role_mailbox from people
union all
select profile_key, 'plain', 'device' as identifier_type, 'd' || i || '-' || n as identifier_hash, date '2025-04-20' + cast(n as integer) as landed_on,
    false as is_blocked, false as is_role_mailbox from people, range(pick('devices' || i, 9)) as devices (n);

-- Every fifth profile joins its neighbour while the window runs; every eleventh has left it again by its end.
insert into marts.identity_map by name
select profile_key, customer_id, root_profile_key, valid_from, valid_to from (
    select profile_key, 'c_' || i as customer_id, profile_key as root_profile_key, born_on as valid_from,
        case when i % 5 = 1 then date '2025-04-28' + i % 3 else date '9999-12-31' end as valid_to from people
    union all
    select profile_key, 'c_' || (i - 1), 'plain:' || (i - 1), date '2025-04-28' + i % 3,
        case when i % 11 = 0 then date '2025-04-28' + i % 3 + 1 else date '9999-12-31' end
    from people where i % 5 = 1
    union all
    select profile_key, 'c_' || i, profile_key, date '2025-04-28' + i % 3 + 1, date '9999-12-31'
    from people where i % 5 = 1 and i % 11 = 0
);

create temp table purchases as
select i, profile_key, n, 'o' || i || '-' || n as order_key, born_on + pick('order' || i || n, 120) as ordered_on,
    pick('late' || i || n, 4) as late, 5.25 + pick('amount' || i || n, 90) as amount, pick('refund' || i || n, 5) = 0 as is_refunded
from people, range(pick('orders' || i, 8)) as orders (n)
where i < 60
union all
select 61, 'plain:61', 0, 'o61', date '2024-12-21', 0, 80, false;

insert into intermediate.int_orders__versioned by name
select order_key, 'plain' as source, ordered_on + late as landed_on, profile_key, ordered_on + interval 9 hour as ordered_at, ordered_on,
    ordered_on + interval 10 hour as updated_at, 'paid' as status, 'EUR' as currency, amount as gross_amount, 0 as refund_amount,
    amount as net_amount, i % 6 = 0 as is_renewal, false as is_test, false as is_refund_pending,
    ['failed', 'outstanding', 'secured'][1 + least(pick('paid' || i || n, 9), 2)] as payment_status, 'unfulfilled' as fulfillment_status
from purchases
union all
select order_key, 'plain', ordered_on + late + 3 as landed_on, profile_key, ordered_on + interval 9 hour as ordered_at, ordered_on,
    ordered_on + 2 + interval 10 hour as updated_at, 'paid' as status, 'EUR', amount as gross_amount, 0 as refund_amount,
    amount as net_amount, i % 6 = 0, false, false, 'secured', 'fulfilled' from purchases where pick('sent' || i || n, 4) > 0
union all
select 'tried' || i as order_key, 'plain', date '2025-04-25' + i % 8 as landed_on, profile_key, date '2025-04-25' + i % 8 + interval 9 hour,
    date '2025-04-25' + i % 8 as ordered_on, date '2025-04-25' + i % 8 + interval 9 hour, 'paid', 'EUR', 0, 0, 0, false, true as is_test, false, 'secured',
    'unfulfilled' from people where profile_key not in (select profile_key from purchases)
union all
select order_key, 'plain', ordered_on + late + 6 as landed_on, profile_key, ordered_on + interval 9 hour as ordered_at, ordered_on,
    ordered_on + 5 + interval 10 hour as updated_at, 'refunded' as status, 'EUR', amount as gross_amount, amount as refund_amount,
    0 as net_amount, i % 6 = 0, false, n = 0 as is_refund_pending, 'secured', 'fulfilled' from purchases where is_refunded;

insert into intermediate.int_order_entries__booked by name
select order_key, 'plain' as source, ordered_on + late as landed_on, profile_key, ordered_on as occurred_on, 'EUR' as currency,
    1 as order_count, amount as gross_amount, 0 as refund_amount, amount as net_amount from purchases
union all
select order_key, 'plain' as source, ordered_on + late + 6 as landed_on, profile_key, ordered_on + 5 as occurred_on, 'EUR' as currency,
    0 as order_count, 0 as gross_amount, amount as refund_amount, -amount as net_amount from purchases where is_refunded;

-- Lines land with their order or a day later, and an order that is kept may grow; a product moves to another category in April.
insert into intermediate.int_order_lines__versioned by name
select order_key, line as line_number, 'plain' as source, ordered_on + late + pick('line' || i || n || line, 2) as landed_on,
    'g' || pick('bought' || i || line, 6) as product_key, case when line > 0 then 'c' || pick('bought' || i || line, 6) // 2 end as category,
    1 + pick('units' || i || n || line, 3) as quantity
from purchases, range(2) as lines (line)
union all
select order_key, 1, 'plain', ordered_on + late + 3, 'g' || pick('bought' || i || 1, 6), 'c' || pick('bought' || i || 1, 6) // 2, 4
from purchases where pick('sent' || i || n, 4) > 1;

insert into intermediate.int_products__versioned by name
select 'g' || g as product_key, 'plain' as source, landed_on, if(landed_on < date '2025-04-01' or g > 3, 'c' || g // 2, 'moved') as category
from range(8) as goods (g), (values (date '2025-01-01'), (date '2025-04-01')) as landings (landed_on);

insert into intermediate.int_web_events__unioned by name
select 'w' || i || '-' || n as event_key, 'segment' as source,
    ['Product Viewed', 'Product Added', 'Checkout Started', 'Page Viewed'][1 + pick('event' || i || n, 4)] as event,
    born_on + day + pick('landed' || i || n, 3) as landed_on, born_on + day + interval 12 hour as occurred_at, born_on + day as occurred_on,
    born_on + day + interval 13 hour as received_at, profile_key, 'g' || pick('seen' || i || n, 9) as product_key,
    ['mobile', 'desktop', null][1 + pick('device' || i || n, 3)] as device_type
from (select *, pick('web' || i || n, 110) as day from people, range(pick('views' || i, 25)) as views (n))
union all
select 'browsed' || n, 'segment', 'Product Viewed', date '2025-04-29', date '2025-04-29' + to_hours(9 + cast(n as integer)), date '2025-04-29',
    date '2025-04-29' + interval 12 hour, 'plain:61', 'g1', 'mobile' from range(2) as views (n);

insert into intermediate.int_email_events__unioned by name
select 'e' || i || '-' || n as event_key, 'sendgrid' as source,
    ['delivered', 'opened', 'clicked', 'bounced'][1 + pick('mail' || i || n, 4)] as event, born_on + day + 1 as landed_on,
    born_on + day + interval 8 hour as occurred_at, born_on + day as occurred_on, mailbox_hash, profile_key, n % 3 = 0 as is_machine
from (select *, pick('mailed' || i || n, 110) as day from people, range(12) as mails (n));

insert into intermediate.int_consent_evidence__unioned by name
select 's' || i || '-' || n as evidence_id, 'plain' as source, born_on + day + pick('heard' || i || n, 5) as landed_on, mailbox_hash,
    'email' as channel, statement, statement in ('subscribed', 'confirmed') and n % 3 > 0 as is_affirmative,
    born_on + day + interval 7 hour as occurred_at
from (
    select *, pick('said' || i || n, 115) as day,
        ['subscribed', 'confirmed', 'subscribed', 'pending', 'unsubscribed', 'complained', 'bounced'][1 + pick('what' || i || n, 7)] as statement
    from people, range(4) as statements (n)
);

insert into intermediate.int_tickets__versioned by name
select 't' || i as ticket_key, 'zendesk' as source, date '2025-04-20' + 4 * version + i % 5 as landed_on, profile_key,
    ['new', 'open', 'solved'][1 + version] as status, date '2025-04-20' + interval 9 hour as created_at,
    date '2025-04-20' + 4 * version + i % 5 + interval 9 hour as updated_at,
    case when version = 2 then if(i % 12 = 0, 'bad', 'good') end as satisfaction
from people, (values (0), (1), (2)) as versions (version) where i % 6 = 0;

insert into intermediate.int_assignments__recorded by name
select 'recorded' as experiment, profile_key, date '2025-04-27' + i % 5 as landed_on, ['email', 'none'][1 + i % 2] as arm,
    if((i % 2 = 0) = (i % 9 < 5), 0.4, 0.6) as planned_share, date '2025-04-15' + i % 9 + interval 6 hour as assigned_at from people;

insert into ml.propensity_tasks by name
select trained_on, task, population, event, is_absence, horizon_days, horizon_days as short_horizon_days
from
    (values (date '2025-04-27'), (date '2025-05-04')) as weeks (trained_on),
    (values ('churn_risk', 'buyers', 'order', true, 30), ('engagement', 'mailed', 'human_click', false, 14))
        as tasks (task, population, event, is_absence, horizon_days);

insert into ml.customer_scores by name
select days.as_of, 'c_' || i as customer_id, 'churn_risk' as model_name, '1' as model_version, pick('score' || i, 100) / 100 as score,
    'model' as tier
from people, (select cast(unnest(range(date '2025-04-28', date '2025-05-03', interval 1 day)) as date) as as_of) as days where i % 4 > 0;

insert into ops.landing_files by name
select cast(day as date) as landed_on, vendor, object, 'readable' as status
from generate_series(timestamp '2025-01-01', timestamp '2025-08-31', interval 1 day) as days (day),
    (values ('shopify', 'orders'), ('shopify', 'customers'), ('sendgrid', 'events'), ('segment', 'events')) as feeds (vendor, object);

-- What every source promised, and the emails of ten scanned mailboxes whose parts land up to two days apart.
insert into ops.service_levels by name
select cast(day as date) as as_of, source, 24 as expected_every_hours, 24 as late_after_hours, 0.02 as max_bad_share
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day),
    (values ('shopify'), ('sendgrid'), ('segment'), ('plain')) as sources (source);

-- What every day's playbook believes of customers, and that two profiles are too many.
insert into ops.trait_sources by name
select cast(day as date) as as_of, trait, source, rank
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day),
    (values ('first_name', 'shopify', 1), ('timezone', 'plain', 1), ('timezone', 'shopify', 2)) as truths (trait, source, rank);

insert into ops.identity_limits by name
select cast(day as date) as as_of, 1 as most_profiles
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day);

insert into intermediate.int_email_events__unioned by name
select 'scan' || i || '-' || n || '-' || part as event_key, 'sendgrid' as source, event,
    date '2025-04-10' + cast(n as integer) + pick('arrives' || i || n || part, 6) // 3 as landed_on,
    date '2025-04-10' + cast(n as integer) + interval 8 hour + to_seconds(seconds) as occurred_at, date '2025-04-10' + cast(n as integer) as occurred_on,
    mailbox_hash, profile_key, 'scanned' || i || '-' || n as message_id, 'link ' || part as url, false as is_machine
from people, range(22) as mails (n),
    (values (1, 'delivered', 0), (2, 'clicked', 40), (3, 'clicked', 41), (4, 'opened', 40), (5, 'clicked', 4000)) as parts (part, event, seconds)
where i < 10;

insert into marts.feed_health by name
select landed_on as as_of, vendor as source, object, landed_on as feed_landed_on, false as is_missing, false as is_catching_up
from ops.landing_files;

-- An email to a third of the shop while the window runs: who shows no sign of life is silent all the same.
insert into intermediate.int_email_events__unioned by name
select 'quiet' || i as event_key, 'sendgrid' as source, 'delivered' as event, date '2025-04-26' + i % 5 as landed_on,
    date '2025-04-25' + interval 8 hour as occurred_at, date '2025-04-25' as occurred_on, mailbox_hash, profile_key, false as is_machine
from people where i >= 40;

-- The numbers of each day's playbook; they change from one day to the next.
insert into ops.suppression_rules by name
select cast(day as date) as as_of, reason, days + dayofmonth(day) % 2 as days, within_days, after_days, at_least, at_most
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as each_day (day),
    (values
        ('recently_converted', 7, null, null, null, null), ('engager_cooldown', 10, 30, null, 2, null),
        ('badly_rated_support_case', 3, null, null, null, null), ('payment_failed', 9, null, 1, null, null),
        ('refund_open', 8, null, null, null, null), ('order_delayed', 40, null, 3, null, null),
        ('household_complaint', null, null, null, null, 4), ('sunset', 9, null, null, 1, null)
    ) as rules (reason, days, within_days, after_days, at_least, at_most);

insert into ops.excluded_accounts by name
select cast(day as date) as as_of, 'ACME' as company, date '2025-04-30' as excluded_on, date '2025-05-02' as expires_on
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day);

insert into ops.internal_domains by name
select cast(day as date) as as_of, 'shop.org' as domain
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day);

-- The shares of the holdout change while people enter, and so do those that were recorded elsewhere.
insert into ops.experiment_shares by name
select cast(day as date) as as_of, 'global_holdout' as experiment, arm,
    if((arm = 'holdout') = (day < date '2025-04-29'), 0.1, 0.9) as planned_share, arm = 'holdout' as is_baseline,
    if(arm = 'holdout', 'nothing', 'personalised') as gets
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day),
    (values ('holdout'), ('treatment')) as arms (arm);

insert into ops.attribution_rules by name
select cast(day as date) as as_of, 96 + 24 * (dayofmonth(day) % 2) as email_window_hours
from generate_series(timestamp '2024-12-01', timestamp '2025-08-31', interval 1 day) as days (day);

-- What became of the emails of the ledger (test_behavior.py), known by their decision; clicks land up to two days late.
insert into intermediate.int_email_events__unioned by name
select 'ours' || i || part as event_key, 'sendgrid' as source, event, sent_on + late * pick('answers' || i, 3) as landed_on,
    sent_on + to_hours(hour) as occurred_at, sent_on as occurred_on, mailbox_hash, profile_key, 'ours' || i as message_id,
    substr(sha256(concat_ws('|', cast(sent_on - 1 as varchar), 'c_' || i, 'welcome', '1', 'o')), 1, 32) as decision_id,
    'welcome' as flow, '1' as step, 'link' as url, false as is_machine
from (select *, date '2025-04-26' + i % 7 as sent_on from people where i < 40 and i % 10 > 0) as sends,
    (values ('a', 'delivered', 6, 0), ('b', 'opened', 7, 1), ('c', 'clicked', 7, 1)) as parts (part, event, hour, late);

insert into intermediate.int_web_events__unioned by name
select 'landed' || i as event_key, 'segment' as source, 'Page Viewed' as event, sent_on + 1 as landed_on,
    sent_on + to_minutes(7 * 60 + 10) as occurred_at, sent_on as occurred_on, sent_on + interval 8 hour as received_at, profile_key
from (select *, date '2025-04-26' + i % 7 as sent_on from people where i < 40 and i % 10 = 2) as sends;
