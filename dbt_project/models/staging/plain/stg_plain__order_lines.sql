{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__order_lines') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        row_key,
        order_id,
        line_number,
        product_id,
        description,
        category,
        quantity,
        unit_price
    from landed
    where row_status = 'staged'
)

select * from staged
