{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with landed as (
    select * from {{ ref('base_shopify__products') }} where {{ is_staged() }}
),

products as (
    select
        landed_on, product_id as product_key, title, product_type as category, price, stock,
        status = 'active' as is_active, updated_at
    from landed
)

select * from products
