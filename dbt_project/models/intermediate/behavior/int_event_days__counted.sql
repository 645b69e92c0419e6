with events as (
    select
        source, 'order' as event, landed_on, coalesce(updated_at, ordered_at) as occurred_at,
        cast(null as timestamp) as received_at
    from {{ ref('int_orders__versioned') }}
    union all
    select source, event, landed_on, occurred_at, received_at from {{ ref('int_web_events__unioned') }}
    union all
    select source, event, landed_on, occurred_at, null as received_at from {{ ref('int_email_events__unioned') }}
    union all
    select source, 'consent' as event, landed_on, occurred_at, null as received_at
    from {{ ref('int_consent_evidence__unioned') }}
    union all
    select source, 'ticket' as event, landed_on, coalesce(updated_at, created_at) as occurred_at, null as received_at
    from {{ ref('int_tickets__versioned') }}
),

lagged as (
    select
        *,
        greatest(
            0, epoch(coalesce(received_at, {{ business_day_end('landed_on') }})) - epoch(occurred_at)
        ) / 3600 as lag_hours
    from events
    where {{ in_window('landed_on') }}
),

counted as (
    select
        source,
        event,
        landed_on,
        cast(count(*) as bigint) as volume,
        max(occurred_at) as last_occurred_at,
        {{ quantile('lag_hours', 0.5) }} as lag_hours_p50,
        {{ quantile('lag_hours', 0.95) }} as lag_hours_p95,
        round(max(lag_hours), 6) as max_lag_hours
    from lagged
    group by source, event, landed_on
)

select * from counted
