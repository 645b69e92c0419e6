with orders as (
    select * from {{ ref('int_orders__unioned') }} where {{ in_window('landed_on') }}
),

refunds as (
    select order_key, landed_on, sum(refund_amount) as refund_amount
    from {{ ref('int_order_refunds__dated') }}
    where {{ in_window('landed_on') }}
    group by order_key, landed_on
),

refunded as (
    select
        orders.*,
        case
            when orders.is_test then 0
            when orders.status in ('cancelled', 'refunded') then orders.gross_amount
            else coalesce(refunds.refund_amount, 0)
        end as refund_amount
    from orders
    left join refunds on orders.order_key = refunds.order_key and orders.landed_on = refunds.landed_on
),

versioned as (
    select
        order_key,
        source,
        landed_on,
        profile_key,
        ordered_at,
        {{ business_day('ordered_at') }} as ordered_on,
        updated_at,
        status,
        payment_status,
        fulfillment_status,
        coalesce(is_refund_pending, false) as is_refund_pending,
        reporting_currency as currency,
        gross_amount,
        {%- for name in ['discount_amount', 'tax_amount', 'shipping_amount'] %}
        cast(case when is_test then 0 else coalesce(round({{ name }} * rate, 2), 0) end as decimal(18, 2)) as {{ name }},
        {%- endfor %}
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(gross_amount - refund_amount as decimal(18, 2)) as net_amount,
        currency as charged_currency,
        total_amount as charged_amount,
        is_renewal,
        is_test
    from refunded
)

select * from versioned
