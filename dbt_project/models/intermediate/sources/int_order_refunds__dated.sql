with refunds as (
    select *, {{ business_day('refunded_at') }} as refunded_on from {{ unioned('order_refunds') }}
),

dated as (
    select order_key, landed_on, refunded_on, cast(sum(refund_amount) as decimal(18, 2)) as refund_amount
    from refunds
    group by order_key, landed_on, refunded_on
)

select * from dated
