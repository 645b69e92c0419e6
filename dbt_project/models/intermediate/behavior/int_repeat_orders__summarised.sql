with summarised as (
    select * from {{ repeat_orders_as_of(as_of_days()) }} as repeat_orders
),

timed as (
    select
        *,
        round(
            case when repeat_order_days > 0 then days_from_first_to_last_order / repeat_order_days end, 6
        ) as average_days_between_orders
    from summarised
)

select * from timed
