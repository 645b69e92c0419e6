{{ config(materialized='ephemeral', enabled=is_enabled('klaviyo')) }}

with events as (
    select
        *,
        case lower(metric)
            when 'active on site' then 'Page Viewed'
            when 'viewed product' then 'Product Viewed'
            when 'added to cart' then 'Product Added'
            when 'checkout started' then 'Checkout Started'
            when 'started checkout' then 'Checkout Started'
            when 'placed order' then 'Order Completed'
        end as event
    from {{ ref('base_klaviyo__events') }}
    where {{ is_staged() }}
),

web_events as (
    select
        landed_on, 'klaviyo:' || event_id as event_key, event, occurred_at, 'klaviyo:' || person_id as profile_key,
        product_id as product_key
    from events
    where event is not null
)

select * from web_events
