with summarised as (
    select * from {{ customer_orders_summary(as_of_days()) }} as orders
)

select * from summarised
