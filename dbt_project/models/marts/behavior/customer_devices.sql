with used as (
    select * from {{ customer_devices_as_of(as_of_days()) }} as used
),

devices as (
    select
        *,
        row_number() over (
            partition by as_of, customer_id order by event_count desc, last_used_on desc, device_type
        ) = 1 as is_main
    from used
)

select * from devices
