with events as (
    select * from {{ ref('int_web_events__unioned') }}
    where {{ in_window('landed_on') }} and profile_key is not null
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        cast(count(*) as integer) as event_count,
        cast(count(*) filter (where event = 'Product Viewed') as integer) as product_views,
        cast(count(*) filter (where event = 'Product Added') as integer) as carts,
        cast(count(*) filter (where event = 'Checkout Started') as integer) as checkouts
    from events
    group by profile_key, landed_on, occurred_on
)

select * from aggregated
