{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__web_events') }} where {{ is_staged() }}
),

web_events as (
    select
        landed_on,
        'plain:' || event_id as event_key,
        event,
        occurred_at,
        received_at,
        coalesce('plain:' || profile_id, 'plain:anon:' || anonymous_id) as profile_key,
        email,
        product_id as product_key,
        cart_id,
        device_type
    from landed
)

select * from web_events
