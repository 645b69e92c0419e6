{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__web_events') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        event_id,
        event,
        occurred_at,
        received_at,
        profile_id,
        anonymous_id,
        email,
        url,
        product_id,
        cart_id,
        device_type
    from landed
    where row_status = 'staged'
)

select * from staged
