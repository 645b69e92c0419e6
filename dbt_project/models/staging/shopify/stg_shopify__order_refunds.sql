{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with orders as (
    select * from {{ ref('base_shopify__orders') }}
    where {{ is_staged() }} and not is_test and json_array_length(refunds) > 0
),

refunds as (
    select 'shopify:' || order_id as order_key, landed_on, updated_at, unnest(json_extract(refunds, '$[*]')) as refund
    from orders
),

amounts as (
    select
        order_key,
        landed_on,
        coalesce({{ parse_instant("json_extract_string(refund, '$.created_at')", zone='UTC') }}, updated_at) as refunded_at,
        list_sum([
            try_cast(json_extract_string(movement, '$.amount') as decimal(18, 2))
            for movement in cast(json_extract(refund, '$.transactions[*]') as json[])
            if coalesce(json_extract_string(movement, '$.kind'), 'refund') = 'refund'
                and coalesce(json_extract_string(movement, '$.status'), 'success') = 'success'
        ]) as paid_back,
        list_sum([
            try_cast(item as decimal(18, 2))
            for item in cast(json_extract_string(refund, '$.refund_line_items[*].subtotal') as varchar[])
        ]) as items_returned
    from refunds
),

order_refunds as (
    select landed_on, order_key, refunded_at, coalesce(paid_back, items_returned, 0) as refund_amount from amounts
)

select * from order_refunds
