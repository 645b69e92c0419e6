with segment_events as (
    select * from {{ ref('stg_segment__events') }} where {{ in_window('landed_on') }} and event is not null
),

plain_events as (
    select * from {{ ref('stg_plain__web_events') }} where {{ in_window('landed_on') }}
),

unioned as (
    select
        'segment:' || message_id as event_key,
        'segment' as source,
        event,
        landed_on,
        occurred_at,
        coalesce(received_at, occurred_at) as received_at,
        {{ segment_profile_key() }} as profile_key,
        product_id as product_key,
        cart_id,
        device_type
    from segment_events
    union all
    select
        'plain:' || event_id as event_key,
        'plain' as source,
        event,
        landed_on,
        occurred_at,
        coalesce(received_at, occurred_at) as received_at,
        {{ plain_profile_key() }} as profile_key,
        product_id as product_key,
        cart_id,
        device_type
    from plain_events
),

dated as (
    select
        event_key, source, event, landed_on, occurred_at, {{ business_day('occurred_at') }} as occurred_on, received_at,
        profile_key, product_key, cart_id, device_type
    from unioned
)

select * from dated
