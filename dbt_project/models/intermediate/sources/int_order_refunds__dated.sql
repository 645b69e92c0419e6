with refunds as (
    select *, {{ business_day('refunded_at') }} as refunded_on from {{ unioned('order_refunds') }}
),

-- At the rate of its order, so that an order that is given back is worth nothing.
orders as (
    select order_key, landed_on, rate from {{ ref('int_orders__unioned') }} where {{ in_window('landed_on') }}
),

dated as (
    select
        refunds.order_key,
        refunds.landed_on,
        refunds.refunded_on,
        cast(sum(round(refunds.refund_amount * coalesce(orders.rate, 1), 2)) as decimal(18, 2)) as refund_amount
    from refunds
    left join orders on refunds.order_key = orders.order_key and refunds.landed_on = orders.landed_on
    group by refunds.order_key, refunds.landed_on, refunds.refunded_on
)

select * from dated
