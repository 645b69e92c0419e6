with orders as (
    select * from {{ customer_orders(as_of_days()) }} as orders
),

numbered as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by ordered_at, order_key) as order_number
    from orders
),

triggered as (
    select as_of, customer_id, order_key as occurrence, ordered_at as triggered_at
    from numbered
    where order_number > 1 and ordered_on between as_of - 30 and as_of
)

select * from triggered
