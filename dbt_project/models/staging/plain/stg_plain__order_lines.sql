{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__order_lines') }} where {{ is_staged() }}
),

order_lines as (
    select
        landed_on, 'plain:' || order_id as order_key, line_number, product_id as product_key, category, quantity,
        unit_price
    from landed
)

select * from order_lines
