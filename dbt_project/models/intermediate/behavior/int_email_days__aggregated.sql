with email_events as (
    select * from {{ ref('int_email_events__unioned') }}
    where {{ in_window('landed_on') }} and profile_key is not null and event not in ('opened', 'clicked')
),

engagement as (
    select * from {{ ref('int_email_engagement__classified') }}
    where {{ in_window('landed_on') }} and profile_key is not null
),

events as (
    select profile_key, landed_on, occurred_on, event, cast(null as boolean) as is_human from email_events
    union all
    select profile_key, landed_on, occurred_on, event, is_human from engagement
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        cast(count(*) filter (where event = 'delivered') as integer) as delivered,
        cast(count(*) filter (where event = 'opened' and is_human) as integer) as human_opens,
        cast(count(*) filter (where event = 'clicked' and is_human) as integer) as human_clicks,
        cast(count(*) filter (where not is_human) as integer) as machine_events,
        cast(count(*) filter (where event = 'unsubscribed') as integer) as unsubscribes,
        cast(count(*) filter (where event = 'complained') as integer) as complaints,
        cast(count(*) filter (where event = 'bounced') as integer) as bounces
    from events
    group by profile_key, landed_on, occurred_on
)

select * from aggregated
