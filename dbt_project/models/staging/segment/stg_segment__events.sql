{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_segment__events') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        message_id,
        type,
        event,
        anonymous_id,
        user_id,
        occurred_at,
        received_at,
        email,
        phone,
        first_name,
        last_name,
        company,
        address,
        postcode,
        city,
        country,
        timezone,
        user_created_at,
        product_id,
        cart_id,
        order_id,
        device_type,
        has_opted_in
    from landed
    where row_status = 'staged'
)

select * from staged
