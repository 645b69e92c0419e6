{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with landed as (
    select * from {{ ref('base_shopify__orders') }} where {{ is_staged() }} and not is_line
),

orders as (
    select
        landed_on,
        'shopify:' || order_id as order_key,
        'shopify:' || customer_id as profile_key,
        email,
        phone,
        customer_id as user_id,
        coalesce(processed_at, created_at) as ordered_at,
        updated_at,
        coalesce(cancelled_at, updated_at) as closed_at,
        case
            when cancelled_at is not null or financial_status in ('voided', 'expired') then 'cancelled'
            when financial_status in ('authorized', 'partially_paid') then 'pending'
            else financial_status
        end as status,
        case
            when cancelled_at is not null and financial_status in ('pending', 'authorized', 'voided', 'expired') then 'void'
            when financial_status in ('voided', 'expired') then 'failed'
            when financial_status in ('pending', 'partially_paid') then 'outstanding'
            else 'secured'
        end as payment_status,
        case fulfillment_status
            when 'fulfilled' then 'fulfilled'
            when 'restocked' then 'restocked'
            when 'partial' then 'partial'
            else 'unfulfilled'
        end as fulfillment_status,
        coalesce(len(list_filter(
            cast(json_extract(refunds, '$[*].transactions[*]') as json[]),
            movement -> coalesce(json_extract_string(movement, '$.kind'), 'refund') = 'refund'
                and json_extract_string(movement, '$.status') = 'pending'
        )) > 0, false) as is_refund_pending,
        currency,
        total_price as total_amount,
        total_discounts as discount_amount,
        total_tax as tax_amount,
        total_shipping as shipping_amount,
        is_renewal,
        is_test
    from landed
)

select * from orders
