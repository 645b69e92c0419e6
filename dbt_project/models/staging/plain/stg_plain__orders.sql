{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__orders') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        order_id,
        profile_id,
        email,
        ordered_at,
        updated_at,
        status,
        currency,
        total_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        is_renewal,
        is_test
    from landed
    where row_status = 'staged'
)

select * from staged
