{{ config(materialized='ephemeral', enabled=is_enabled('segment')) }}

with events as (
    select * from {{ ref('base_segment__events') }} where {{ is_staged() }} and event is not null
),

web_events as (
    select
        landed_on,
        'segment:' || message_id as event_key,
        event,
        occurred_at,
        received_at,
        coalesce('segment:user:' || user_id, 'segment:anon:' || anonymous_id) as profile_key,
        email,
        product_id as product_key,
        cart_id,
        device_type
    from events
)

select * from web_events
