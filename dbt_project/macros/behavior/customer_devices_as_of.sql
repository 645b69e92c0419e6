{#- What each customer used on the site in the 180 days up to each day of a relation that has a column as_of: one row per kind of
    device. `among` as of resolved_profiles. -#}
{% macro customer_devices_as_of(days, among=none) -%}
    (
        select
            *,
            round(event_count / sum(event_count) over (partition by as_of, customer_id), 6) as event_share
        from (
            select
                resolved.as_of,
                resolved.customer_id,
                device_days.device_type,
                cast(sum(device_days.event_count) as integer) as event_count,
                max(device_days.occurred_on) as last_used_on
            from {{ resolved_profiles(days, among) }} as resolved
            inner join {{ ref('int_device_days__aggregated') }} as device_days
                on resolved.profile_key = device_days.profile_key
                and device_days.landed_on <= resolved.as_of
                and device_days.occurred_on <= resolved.as_of
                and device_days.occurred_on > resolved.as_of - 180
            group by resolved.as_of, resolved.customer_id, device_days.device_type
        ) as used
    )
{%- endmacro %}
