with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        days_since_last_order > 1.2 * average_days_between_orders
            and days_since_last_order <= 3 * average_days_between_orders as may_enter,
        days_since_last_order <= 3.5 * average_days_between_orders as may_stay
    from features
    where order_days_total >= 3 and days_since_last_order > average_days_between_orders
)

select * from segment
