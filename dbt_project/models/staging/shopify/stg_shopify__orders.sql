{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_shopify__orders') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        order_id,
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        shipping_address,
        shipping_postcode,
        shipping_city,
        shipping_country,
        created_at,
        processed_at,
        updated_at,
        cancelled_at,
        financial_status,
        currency,
        total_price,
        total_discounts,
        is_test,
        is_renewal,
        source_name,
        cart_token,
        checkout_token,
        line_items,
        refunds
    from landed
    where row_status = 'staged'
)

select * from staged
