with events as (
    select
        source, case when is_renewal then 'renewal' else 'order' end as event, landed_on, profile_key,
        coalesce(updated_at, ordered_at) as occurred_at, cast(null as timestamp) as received_at
    from {{ ref('int_orders__versioned') }}
    union all
    select source, event, landed_on, profile_key, occurred_at, received_at from {{ ref('int_web_events__unioned') }}
    union all
    select source, event, landed_on, profile_key, occurred_at, null as received_at
    from {{ ref('int_email_events__unioned') }}
    union all
    select source, 'consent' as event, landed_on, mailbox_hash as profile_key, occurred_at, null as received_at
    from {{ ref('int_consent_evidence__unioned') }}
    union all
    select
        source, 'ticket' as event, landed_on, profile_key, coalesce(updated_at, created_at) as occurred_at,
        null as received_at
    from {{ ref('int_tickets__versioned') }}
),

levels as (
    select * from {{ source('ops', 'service_levels') }} where {{ in_window('as_of') }}
),

lagged as (
    select
        *,
        greatest(
            0, epoch(coalesce(received_at, {{ business_day_end('landed_on') }})) - epoch(occurred_at)
        ) / 3600 as lag_hours,
        (epoch({{ business_day_end('landed_on') }}) - epoch(occurred_at)) / 3600 as landing_lag_hours
    from events
    where {{ in_window('landed_on') }}
),

counted as (
    select
        lagged.source,
        lagged.event,
        lagged.landed_on,
        cast(count(*) as bigint) as volume,
        cast(count(*) filter (where lagged.landing_lag_hours > levels.late_after_hours) as bigint) as late_count,
        cast(count(*) filter (where lagged.profile_key not like '%:anon:%') as bigint) as identified_count,
        max(lagged.occurred_at) as last_occurred_at,
        {{ quantile('lagged.lag_hours', 0.5) }} as lag_hours_p50,
        {{ quantile('lagged.lag_hours', 0.95) }} as lag_hours_p95,
        round(max(lagged.lag_hours), 6) as max_lag_hours
    from lagged
    left join levels on lagged.landed_on = levels.as_of and lagged.source = levels.source
    group by lagged.source, lagged.event, lagged.landed_on
)

select * from counted
