with rule as (
    select * from {{ suppression_rule('payment_failed') }} as rule
),

unpaid as (
    select
        orders.as_of,
        orders.customer_id,
        orders.order_key,
        rule.days,
        case orders.payment_status
            when 'failed' then orders.state_since
            else orders.ordered_at + to_days(rule.after_days)
        end as failed_at
    from {{ customer_transactions(
        as_of_days(), 'payment_status', "payment_status in ('failed', 'outstanding')"
    ) }} as orders
    inner join rule on orders.as_of = rule.as_of
    where orders.payment_status in ('failed', 'outstanding')
),

newest as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by failed_at desc, order_key) as order_number
    from unpaid
    where {{ business_day('failed_at') }} between as_of - days + 1 and as_of
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'payment_failed' as reason,
        failed_at as starts_at,
        failed_at + to_days(days) as expires_at,
        order_key as evidence
    from newest
    where order_number = 1
)

select * from suppressed
