with lines as (
    select * from {{ unioned('order_lines') }}
),

products as (
    select * from {{ ref('int_products__versioned') }} where landed_on <= {{ window_end() }}
),

versioned as (
    select lines.* replace (coalesce(lines.category, products.category) as category)
    from lines
    asof left join products on lines.source = products.source and lines.product_key = products.product_key
        and lines.landed_on >= products.landed_on
)

select * from versioned
