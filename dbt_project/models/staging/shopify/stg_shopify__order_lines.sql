{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with orders as (
    select * from {{ ref('base_shopify__orders') }} where {{ is_staged() }} and not is_line
),

items as (
    select
        order_id,
        landed_on,
        unnest(json_extract(line_items, '$[*]')) as item,
        generate_subscripts(json_extract(line_items, '$[*]'), 1) as line_number
    from orders
),

order_lines as (
    select
        landed_on,
        'shopify:' || order_id as order_key,
        cast(line_number as integer) as line_number,
        json_extract_string(item, '$.product_id') as product_key,
        try_cast(json_extract_string(item, '$.quantity') as integer) as quantity,
        try_cast(json_extract_string(item, '$.price') as decimal(18, 4)) as unit_price
    from items
)

select * from order_lines
