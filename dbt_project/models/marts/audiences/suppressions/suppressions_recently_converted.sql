with rule as (
    select * from {{ suppression_rule('recently_converted') }} as rule
),

orders as (
    select orders.*, rule.days
    from {{ customer_orders(as_of_days()) }} as orders
    inner join rule on orders.as_of = rule.as_of
    where orders.ordered_on > orders.as_of - rule.days
),

newest as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by ordered_at desc, order_key) as order_number
    from orders
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'recently_converted' as reason,
        ordered_at as starts_at,
        ordered_at + to_days(days) as expires_at,
        order_key as evidence
    from newest
    where order_number = 1
)

select * from suppressed
