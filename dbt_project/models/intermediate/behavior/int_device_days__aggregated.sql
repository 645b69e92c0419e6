with events as (
    select * from {{ ref('int_web_events__unioned') }}
    where {{ in_window('landed_on') }} and profile_key is not null and device_type is not null
),

aggregated as (
    select profile_key, landed_on, occurred_on, device_type, cast(count(*) as integer) as event_count
    from events
    group by profile_key, landed_on, occurred_on, device_type
)

select * from aggregated
