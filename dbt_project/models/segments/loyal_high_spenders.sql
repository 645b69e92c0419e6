with customers as (
    select * from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        customers.as_of,
        customers.customer_id,
        customers.value_tier = 'high' and features.order_days_365 >= 4 as may_enter,
        customers.value_tier in ('high', 'mid') and features.order_days_365 >= 3 as may_stay
    from customers
    inner join features
        on customers.as_of = features.as_of and customers.customer_id = features.customer_id
    where features.order_days_total >= 3
)

select * from segment
