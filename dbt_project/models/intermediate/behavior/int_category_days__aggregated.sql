with web_events as (
    select * from {{ ref('int_web_events__unioned') }}
    where {{ in_window('landed_on') }}
        and profile_key is not null
        and event in ('Product Viewed', 'Product Added')
),

-- Product ids are one namespace over all sources: who tells of an event need not be who tells of the product.
products as (
    select product_key, landed_on, max_by(category, source) as category
    from {{ ref('int_products__versioned') }}
    where landed_on <= {{ window_end() }} and category is not null
    group by product_key, landed_on
),

viewed as (
    select
        web_events.profile_key,
        web_events.landed_on,
        web_events.occurred_on,
        products.category,
        cast(web_events.event = 'Product Viewed' as integer) as product_views,
        cast(web_events.event = 'Product Added' as integer) as carts,
        0 as ordered_quantity
    from web_events
    asof inner join products
        on web_events.product_key = products.product_key and web_events.landed_on >= products.landed_on
),

ordered as (
    select
        profile_key, landed_on, occurred_on, category, 0 as product_views, 0 as carts, quantity as ordered_quantity
    from {{ ref('int_ordered_products__booked') }}
    where {{ in_window('landed_on') }} and category is not null
),

signals as (
    select * from viewed
    union all
    select * from ordered
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        category,
        cast(sum(product_views) as integer) as product_views,
        cast(sum(carts) as integer) as carts,
        cast(sum(ordered_quantity) as integer) as ordered_quantity
    from signals
    group by profile_key, landed_on, occurred_on, category
    having sum(product_views) > 0 or sum(carts) > 0 or sum(ordered_quantity) <> 0
)

select * from aggregated
