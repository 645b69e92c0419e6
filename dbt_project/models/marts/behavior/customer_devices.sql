{%- set counted_days = 180 %}
with used as (
    select
        resolved.as_of,
        resolved.customer_id,
        device_days.device_type,
        cast(sum(device_days.event_count) as integer) as event_count,
        max(device_days.occurred_on) as last_used_on
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join {{ ref('int_device_days__aggregated') }} as device_days
        on resolved.profile_key = device_days.profile_key
        and device_days.landed_on <= resolved.as_of
        and device_days.occurred_on <= resolved.as_of
        and device_days.occurred_on > resolved.as_of - {{ counted_days }}
    group by resolved.as_of, resolved.customer_id, device_days.device_type
),

devices as (
    select
        *,
        round(event_count / sum(event_count) over (partition by as_of, customer_id), 6) as event_share,
        row_number() over (
            partition by as_of, customer_id order by event_count desc, last_used_on desc, device_type
        ) = 1 as is_main
    from used
)

select * from devices
