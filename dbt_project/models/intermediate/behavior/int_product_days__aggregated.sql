with web_events as (
    select * from {{ ref('int_web_events__unioned') }}
    where {{ in_window('landed_on') }}
        and profile_key is not null
        and product_key is not null
        and event in ('Product Viewed', 'Product Added')
),

ordered as (
    select * from {{ ref('int_ordered_products__booked') }}
    where {{ in_window('landed_on') }} and product_key is not null
),

signals as (
    select
        profile_key,
        landed_on,
        occurred_on,
        product_key,
        cast(event = 'Product Viewed' as integer) as product_views,
        cast(event = 'Product Added' as integer) as carts,
        0 as ordered_quantity
    from web_events
    union all
    select
        profile_key, landed_on, occurred_on, product_key, 0 as product_views, 0 as carts, quantity as ordered_quantity
    from ordered
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        product_key,
        cast(sum(product_views) as integer) as product_views,
        cast(sum(carts) as integer) as carts,
        cast(sum(ordered_quantity) as integer) as ordered_quantity
    from signals
    group by profile_key, landed_on, occurred_on, product_key
    having sum(product_views) > 0 or sum(carts) > 0 or sum(ordered_quantity) <> 0
)

select * from aggregated
