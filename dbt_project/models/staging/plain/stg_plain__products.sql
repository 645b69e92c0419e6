{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__products') }} where {{ is_staged() }}
),

products as (
    select
        landed_on, product_id as product_key, title, category, price, currency, stock, true as is_active, updated_at
    from landed
)

select * from products
