with rule as (
    select * from {{ suppression_rule('sunset') }} as rule
),

consent as (
    select * from {{ ref('int_customer_consent__folded') }} where {{ in_window('as_of') }} and consent_status = 'subscribed'
),

customers as (
    select as_of, customer_id, first_seen_on from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

days as (
    select profile_key, landed_on, occurred_on, delivered, human_opens + human_clicks > 0 as is_sign_of_life
    from {{ ref('int_email_days__aggregated') }}
    union all
    select profile_key, landed_on, occurred_on, 0 as delivered, true as is_sign_of_life
    from {{ ref('int_web_days__aggregated') }}
    union all
    select profile_key, landed_on, occurred_on, 0 as delivered, order_count > 0 as is_sign_of_life
    from {{ ref('int_order_days__aggregated') }}
),

known as (
    select
        resolved.as_of,
        resolved.customer_id,
        max(days.occurred_on) filter (where days.is_sign_of_life) as seen_on,
        sum(days.delivered) filter (where days.occurred_on > resolved.as_of - rule.days) as delivered
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join rule on resolved.as_of = rule.as_of
    inner join days
        on resolved.profile_key = days.profile_key
        and days.landed_on <= resolved.as_of
        and days.occurred_on <= resolved.as_of
    group by resolved.as_of, resolved.customer_id
),

silent as (
    select
        customers.as_of,
        customers.customer_id,
        rule.days,
        greatest(
            customers.first_seen_on, known.seen_on, {{ business_day('consent.decided_at') }}
        ) as seen_on
    from customers
    inner join rule on customers.as_of = rule.as_of
    inner join known on customers.as_of = known.as_of and customers.customer_id = known.customer_id
    left join consent on customers.as_of = consent.as_of and customers.customer_id = consent.customer_id
    where known.delivered >= rule.at_least
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'sunset' as reason,
        cast(seen_on + days as timestamp) as starts_at,
        cast(null as timestamp) as expires_at,
        cast(null as varchar) as evidence
    from silent
    where seen_on <= as_of - days
)

select * from suppressed
