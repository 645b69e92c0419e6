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
        coalesce(features.days_since_last_order <= 365, false) as may_enter,
        coalesce(features.days_since_last_order <= 400, false) as may_stay
    from customers
    inner join features
        on customers.as_of = features.as_of and customers.customer_id = features.customer_id
    where customers.lifecycle_stage = 'lapsed'
)

select * from segment
