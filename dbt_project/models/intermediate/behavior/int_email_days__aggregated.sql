with events as (
    select * from {{ ref('int_email_events__unioned') }}
    where {{ in_window('landed_on') }} and profile_key is not null
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        cast(count(*) filter (where event = 'delivered') as integer) as delivered,
        cast(count(*) filter (where event = 'opened' and not coalesce(is_machine, false)) as integer) as human_opens,
        cast(count(*) filter (where event = 'clicked' and not coalesce(is_machine, false)) as integer) as human_clicks,
        cast(count(*) filter (where event in ('opened', 'clicked') and is_machine) as integer) as machine_events,
        cast(count(*) filter (where event = 'unsubscribed') as integer) as unsubscribes,
        cast(count(*) filter (where event = 'complained') as integer) as complaints,
        cast(count(*) filter (where event = 'bounced') as integer) as bounces
    from events
    group by profile_key, landed_on, occurred_on
)

select * from aggregated
