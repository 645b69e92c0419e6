{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__products') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        product_id,
        title,
        category,
        price,
        currency,
        stock,
        updated_at
    from landed
    where row_status = 'staged'
)

select * from staged
