with rule as (
    select * from {{ suppression_rule('refund_open') }} as rule
),

-- Money that is to be paid back has no end; money that was paid back is under way for some days.
refunded as (
    select
        orders.as_of,
        orders.customer_id,
        orders.order_key,
        rule.days,
        case when orders.is_refund_pending then orders.updated_at else orders.state_since end as refunded_at,
        case when not orders.is_refund_pending then orders.state_since + to_days(rule.days) end as arrived_at
    from {{ customer_transactions(
        as_of_days(), 'refund_amount', 'is_refund_pending or refund_amount > 0'
    ) }} as orders
    inner join rule on orders.as_of = rule.as_of
    where (orders.is_refund_pending or orders.refund_amount > 0)
        and coalesce(orders.payment_status, 'secured') = 'secured'
),

last_to_arrive as (
    select
        *,
        row_number() over (
            partition by as_of, customer_id order by arrived_at is null desc, arrived_at desc, order_key
        ) as order_number
    from refunded
    where arrived_at is null or {{ business_day('refunded_at') }} between as_of - days + 1 and as_of
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'refund_open' as reason,
        refunded_at as starts_at,
        arrived_at as expires_at,
        order_key as evidence
    from last_to_arrive
    where order_number = 1
)

select * from suppressed
