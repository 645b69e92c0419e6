with order_days as (
    select * from {{ customer_order_days(as_of_days()) }} as order_days
),

summarised as (
    select
        as_of,
        customer_id,
        min(occurred_on) filter (where net_amount > 0) as first_order_on,
        max(occurred_on) filter (where net_amount > 0) as last_order_on,
        cast(count(*) filter (where net_amount > 0) as integer) as order_days_total,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount_total
    from order_days
    group by as_of, customer_id
)

select * from summarised
