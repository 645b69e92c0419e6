with shopify_orders as (
    select * from {{ ref('stg_shopify__orders') }} where {{ in_window('landed_on') }}
),

plain_lines as (
    select * from {{ ref('stg_plain__order_lines') }} where {{ in_window('landed_on') }}
),

products as (
    select * from {{ ref('int_products__versioned') }} where landed_on <= {{ window_end() }}
),

shopify_lines as (
    select
        order_id,
        landed_on,
        unnest(json_extract(line_items, '$[*]')) as line,
        generate_subscripts(json_extract(line_items, '$[*]'), 1) as line_number
    from shopify_orders
),

lines as (
    select
        'shopify:' || order_id as order_key,
        cast(line_number as integer) as line_number,
        'shopify' as source,
        landed_on,
        json_extract_string(line, '$.product_id') as product_key,
        cast(null as varchar) as category,
        try_cast(json_extract_string(line, '$.quantity') as integer) as quantity,
        try_cast(json_extract_string(line, '$.price') as decimal(18, 4)) as unit_price
    from shopify_lines
    union all
    select
        'plain:' || order_id as order_key, line_number, 'plain' as source, landed_on, product_id as product_key,
        category, quantity, unit_price
    from plain_lines
),

versioned as (
    select
        lines.order_key,
        lines.line_number,
        lines.source,
        lines.landed_on,
        lines.product_key,
        coalesce(lines.category, products.category) as category,
        lines.quantity,
        lines.unit_price
    from lines
    asof left join products on lines.source = products.source and lines.product_key = products.product_key
        and lines.landed_on >= products.landed_on
)

select * from versioned
